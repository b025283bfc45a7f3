// AlterConfigs, versions 0-2: replaces all overrides of a resource by those that are named.
//
// Behaviour: topics, this broker, all brokers (no name) and consumer groups. What is set for brokers takes effect at once and
// is kept by the cluster; a setting that is read at the start only is refused. Nothing is accepted that has no effect.
//
// Errors per resource: 3 7 17 40 42 (named twice, no such resource, another broker, a null value) 44 56.
import { alterResources } from "../alter-resources.ts";
import { alterConfigs } from "../api/33-alter-configs.ts";
import { ErrorCode } from "../codec/errors.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

export function alterConfigsHandler({ cluster }: HandlerContext): Handler {
  return responder(alterConfigs, async (request, call) => {
    const wanted = request.resources.map(({ resourceType, resourceName, configs }) => ({
      resourceType,
      resourceName,
      changes: configs.map(({ name, value }) => ({ name, operation: "set" as const, value })),
    }));
    const responses = await alterResources(cluster, wanted, "replace", request.validateOnly);
    for (const { errorCode } of responses) {
      if (errorCode !== ErrorCode.NONE) call.refused(errorCode);
    }
    return { throttleTimeMs: 0, responses };
  });
}
