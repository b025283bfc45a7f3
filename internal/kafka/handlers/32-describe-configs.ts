// DescribeConfigs, versions 1-4: the configs of topics and brokers.
//
// Behaviour: null keys mean all; a broker without a name means the defaults of all brokers; the value of a secret is
// never shown. The only synonym that is told is the value in force.
//
// Errors per resource: 3 17 42 (a resource of another type, or no broker's id).
import type { Complete } from "../../schema/message.ts";
import type { ConfigView } from "../../service/cluster-service.ts";
import { describeConfigs } from "../api/32-describe-configs.ts";
import type {
  DescribeConfigsRequest,
  DescribeConfigsRequestResources,
  DescribeConfigsResponse,
  DescribeConfigsResponseConfigs,
  DescribeConfigsResponseResults,
} from "../api/32-describe-configs.ts";
import { Breather } from "../breather.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { CONFIG_SOURCE, CONFIG_TYPE, configTarget, shownValue } from "../config-codes.ts";
import { adminCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

type DescribeRequest = Complete<DescribeConfigsRequest>;

const NO_RESOURCE = "Only the configs of topics (2) and of brokers (4, by id) are described.";

export function describeConfigsHandler(context: HandlerContext): Handler {
  return responder(describeConfigs, (request, call) => respond(context, request, call));
}

async function respond(
  context: HandlerContext,
  request: DescribeRequest,
  call: CallOf<DescribeConfigsResponse>,
): Promise<DescribeConfigsResponse> {
  const breather = new Breather(context.clock);
  const results: DescribeConfigsResponseResults[] = [];
  for (const resource of request.resources) {
    const pause = breather.tick();
    if (pause !== null) await pause;
    const result = describe(context, request, resource);
    if (result.errorCode !== ErrorCode.NONE) call.refused(result.errorCode);
    results.push(result);
  }
  return { throttleTimeMs: 0, results };
}

function describe(
  { cluster }: HandlerContext,
  request: DescribeRequest,
  { resourceType, resourceName, configurationKeys }: DescribeConfigsRequestResources,
): DescribeConfigsResponseResults {
  const failure = (errorCode: ErrorCode, errorMessage: string) => {
    return { errorCode, errorMessage, resourceType, resourceName, configs: [] };
  };
  const target = configTarget(resourceType, resourceName);
  if (target === null) return failure(ErrorCode.INVALID_REQUEST, NO_RESOURCE);
  const found = cluster.describeConfigs(target, configurationKeys);
  if (!found.ok) return failure(adminCode(found.fault), found.fault.detail);
  const configs = found.value.map((config) => entryOf(config, request));
  const errorCode = ErrorCode.NONE;
  return { errorCode, errorMessage: null, resourceType, resourceName, configs };
}

function entryOf(config: ConfigView, request: DescribeRequest): DescribeConfigsResponseConfigs {
  const { name, readOnly, isSensitive } = config;
  const value = shownValue(config);
  const source = CONFIG_SOURCE[config.source];
  return {
    name,
    value,
    readOnly,
    configSource: source,
    isSensitive,
    synonyms: request.includeSynonyms ? [{ name, value, source }] : [],
    configType: CONFIG_TYPE[config.type],
    documentation: request.includeDocumentation ? config.doc : null,
  };
}
