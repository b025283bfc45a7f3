// IncrementalAlterConfigs, versions 0-1: sets, deletes, appends to and subtracts from single configs of a resource.
//
// Behaviour: topics, this broker, all brokers (no name) and consumer groups. What is set for brokers takes effect at once and
// is kept by the cluster; a setting that is read at the start only is refused. Nothing is accepted that has no effect.
//
// Errors per resource: 3 7 17 40 42 (named twice, no such resource, another broker or operation, a null value) 44 56.
import type { ConfigChange } from "../../service/cluster-service.ts";
import { alterResources } from "../alter-resources.ts";
import { incrementalAlterConfigs } from "../api/44-incremental-alter-configs.ts";
import { ErrorCode } from "../codec/errors.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

const OPERATIONS: readonly ConfigChange["operation"][] = ["set", "delete", "append", "subtract"];

export function incrementalAlterConfigsHandler({ cluster }: HandlerContext): Handler {
  return responder(incrementalAlterConfigs, async (request, call) => {
    const wanted = request.resources.map(({ resourceType, resourceName, configs }) => ({
      resourceType,
      resourceName,
      changes: configs.map(({ name, configOperation, value }) => {
        const operation = OPERATIONS[configOperation];
        return operation === undefined ? null : { name, operation, value };
      }),
    }));
    const responses = await alterResources(cluster, wanted, "incremental", request.validateOnly);
    for (const { errorCode } of responses) {
      if (errorCode !== ErrorCode.NONE) call.refused(errorCode);
    }
    return { throttleTimeMs: 0, responses };
  });
}
