// DescribeConfigs, versions 1-4: the configs of topics, brokers and consumer groups.
//
// Behaviour: null keys mean all, and a name that does not exist is left out; a broker without a name means what was set for
// all brokers. A broker's settings have our names, and Kafka's where they differ. Synonyms are every value that was given or
// stands by default, the one in force first. The value of a secret is never shown.
//
// An answer has a size: resources behind it are refused, to be asked for in another request.
//
// Errors per resource: 3 17 42 (named again, a resource of another type, no broker's id, or the id of another broker: only a broker
// itself knows its settings, and clients ask that one) 44 (the answer is full).
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
import {
  CONFIG_SOURCE,
  CONFIG_TYPE,
  configTarget,
  NO_RESOURCE,
  shownValue,
} from "../config-codes.ts";
import { adminCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import { DESCRIBED_CONFIG_BYTES_MAX } from "../limits.ts";

const AGAIN = "The request names this resource more than once.";
const FULL = "The request asks for more than one answer holds. Ask for fewer resources at a time.";
/** What a config, or a synonym of it, weighs besides its texts. */
const CONFIG_OVERHEAD_BYTES = 64;

type DescribeRequest = Complete<DescribeConfigsRequest>;

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
  const seen = new Set<string>();
  let weightBytes = 0;
  for (const resource of request.resources) {
    const pause = breather.tick();
    if (pause !== null) await pause;
    const key = `${resource.resourceType} ${resource.resourceName}`;
    // A broker has more than a hundred configs with their texts: they are told once.
    const result = seen.has(key)
      ? failure(resource, ErrorCode.INVALID_REQUEST, AGAIN)
      : weightBytes >= DESCRIBED_CONFIG_BYTES_MAX
        ? failure(resource, ErrorCode.POLICY_VIOLATION, FULL)
        : describe(context, request, resource);
    seen.add(key);
    for (const config of result.configs) weightBytes += weightOf(config);
    if (result.errorCode !== ErrorCode.NONE) call.refused(result.errorCode);
    results.push(result);
  }
  return { throttleTimeMs: 0, results };
}

function describe(
  { cluster }: HandlerContext,
  request: DescribeRequest,
  resource: DescribeConfigsRequestResources,
): DescribeConfigsResponseResults {
  const { resourceType, resourceName, configurationKeys } = resource;
  const target = configTarget(resourceType, resourceName);
  if (target === null) return failure(resource, ErrorCode.INVALID_REQUEST, NO_RESOURCE);
  const found = cluster.describeConfigs(target, configurationKeys);
  if (!found.ok) return failure(resource, adminCode(found.fault), found.fault.detail);
  const configs = found.value.map((config) => entryOf(config, request));
  const errorCode = ErrorCode.NONE;
  return { errorCode, errorMessage: null, resourceType, resourceName, configs };
}

function failure(
  { resourceType, resourceName }: DescribeConfigsRequestResources,
  errorCode: ErrorCode,
  errorMessage: string,
): DescribeConfigsResponseResults {
  return { errorCode, errorMessage, resourceType, resourceName, configs: [] };
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
    synonyms: request.includeSynonyms ? synonymsOf(config) : [],
    configType: CONFIG_TYPE[config.type],
    documentation: request.includeDocumentation ? config.doc : null,
  };
}

/** About the bytes that it takes in the answer, and in memory until that is written. */
function weightOf(config: DescribeConfigsResponseConfigs): number {
  const { name, value, synonyms, documentation } = config;
  const texts = name.length + (value?.length ?? 0) + (documentation?.length ?? 0);
  let bytes = CONFIG_OVERHEAD_BYTES + texts;
  for (const synonym of synonyms ?? []) {
    bytes += CONFIG_OVERHEAD_BYTES + synonym.name.length + (synonym.value?.length ?? 0);
  }
  return bytes;
}

function synonymsOf(config: ConfigView): NonNullable<DescribeConfigsResponseConfigs["synonyms"]> {
  return config.synonyms.map(({ name, value, source }) => {
    return { name, value: config.isSensitive ? null : value, source: CONFIG_SOURCE[source] };
  });
}
