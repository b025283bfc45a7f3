// ListConfigResources, versions 0-1: the names of what has configs.
//
// Behaviour: topics (2), brokers (4), groups (32) whose configs were set. Version 0 asks for client metrics (16) alone; there
// are none, and no loggers (8) to set. No types ask for all.
//
// Errors: 35 for a type that does not exist.
import type { Complete } from "../../schema/message.ts";
import { listConfigResources } from "../api/74-list-config-resources.ts";
import type {
  ListConfigResourcesRequest,
  ListConfigResourcesResponse,
  ListConfigResourcesResponseConfigResources,
} from "../api/74-list-config-resources.ts";
import { Breather } from "../breather.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { CONFIG_RESOURCE } from "../config-codes.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

const ALL: readonly number[] = Object.values(CONFIG_RESOURCE);

export function listConfigResourcesHandler(context: HandlerContext): Handler {
  return responder(listConfigResources, (request, call) => respond(context, request, call));
}

async function respond(
  context: HandlerContext,
  request: Complete<ListConfigResourcesRequest>,
  call: CallOf<ListConfigResourcesResponse>,
): Promise<ListConfigResourcesResponse> {
  const isOld = call.version === 0;
  const asked = new Set(isOld ? [CONFIG_RESOURCE.clientMetrics] : request.resourceTypes);
  const types = asked.size === 0 ? ALL : [...asked];
  if (types.some((type) => !ALL.includes(type))) {
    const errorCode = call.refused(ErrorCode.UNSUPPORTED_VERSION);
    return { throttleTimeMs: 0, errorCode, configResources: [] };
  }
  const breather = new Breather(context.clock);
  const configResources: ListConfigResourcesResponseConfigResources[] = [];
  for (const resourceType of types) {
    for (const resourceName of namesOf(context, resourceType)) {
      const pause = breather.tick();
      if (pause !== null) await pause;
      configResources.push({ resourceName, resourceType });
    }
  }
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, configResources };
}

function namesOf({ cluster, options }: HandlerContext, resourceType: number): readonly string[] {
  switch (resourceType) {
    case CONFIG_RESOURCE.topic:
      return [...cluster.topicNames()];
    case CONFIG_RESOURCE.broker:
      return cluster.brokers(options.listener, false).map(({ broker }) => String(broker));
    case CONFIG_RESOURCE.group:
      return [...cluster.configuredGroups()];
    default:
      return [];
  }
}
