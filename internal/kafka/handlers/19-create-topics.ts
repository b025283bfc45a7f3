// CreateTopics, versions 2-7.
//
// Behaviour: the controller creates the topics, wherever it is (C3); the answer comes when they can be used, or with
// REQUEST_TIMED_OUT at timeoutMs, and then they may exist all the same. -1 partitions or replicas mean the defaults, in
// every version: kafkajs relies on it in 3.
// Version 5 and later are told what was created, 7 the id.
//
// Errors per topic: 7 17 36 37 38 39 40 42 (named twice, or counts beside assignments) 44 56.
import type { BrokerId, TopicId } from "../../model/ids.ts";
import type { Complete } from "../../schema/message.ts";
import type { AdminFault, CreatedTopic, NewTopic } from "../../service/cluster-service.ts";
import { createTopics } from "../api/19-create-topics.ts";
import type {
  CreateTopicsRequest,
  CreateTopicsRequestTopics,
  CreateTopicsResponse,
  CreateTopicsResponseTopics,
} from "../api/19-create-topics.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { CONFIG_SOURCE, shownValue } from "../config-codes.ts";
import { adminCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import { repeatedKeys } from "../repeated.ts";

type Answer = CreateTopicsResponseTopics;

const DEFAULT = -1;
const NO_ID = "" as TopicId;
const UNANSWERED: AdminFault = { kind: "outcome-unknown", detail: "The outcome is not known." };

export function createTopicsHandler(context: HandlerContext): Handler {
  return responder(createTopics, (request, call) => respond(context, request, call));
}

async function respond(
  { cluster }: HandlerContext,
  request: Complete<CreateTopicsRequest>,
  call: CallOf<CreateTopicsResponse>,
): Promise<CreateTopicsResponse> {
  const repeated = repeatedKeys(request.topics.map(({ name }) => name));
  const answers = new Map<string, Answer>();
  const wanted: NewTopic[] = [];
  for (const topic of request.topics) {
    const { name } = topic;
    const refusal = repeated.has(name) ? REPEATED : refusalOf(topic);
    if (refusal === null) wanted.push(newTopic(topic));
    // The place of the topic in the answer is that of its first mention.
    answers.set(name, failure(name, refusal?.code ?? adminCode(UNANSWERED), refusal?.text));
  }
  if (wanted.length > 0) {
    const withinMs = Math.max(0, request.timeoutMs);
    const outcomes = await cluster.createTopics(wanted, request.validateOnly, withinMs);
    for (const { name, outcome } of outcomes) {
      const { ok } = outcome;
      const answer = ok
        ? success(name, outcome.value)
        : failure(name, adminCode(outcome.fault), outcome.fault.detail);
      answers.set(name, answer);
    }
  }
  const topics = [...answers.values()];
  for (const { errorCode } of topics) if (errorCode !== ErrorCode.NONE) call.refused(errorCode);
  return { throttleTimeMs: 0, topics };
}

interface Refusal {
  readonly code: ErrorCode;
  readonly text: string;
}

const REPEATED: Refusal = {
  code: ErrorCode.INVALID_REQUEST,
  text: "The request names this topic more than once.",
};
const BOTH: Refusal = {
  code: ErrorCode.INVALID_REQUEST,
  text: "With assignments, the partition count and the replication factor are -1.",
};
/** What is wrong with the request itself; everything else is for the controller to judge. */
function refusalOf(topic: CreateTopicsRequestTopics): Refusal | null {
  const { numPartitions, replicationFactor, assignments } = topic;
  if (assignments.length === 0) return null;
  return numPartitions === DEFAULT && replicationFactor === DEFAULT ? null : BOTH;
}

function newTopic(topic: CreateTopicsRequestTopics): NewTopic {
  const { name, numPartitions, replicationFactor, assignments, configs } = topic;
  return {
    name,
    partitions: numPartitions,
    factor: replicationFactor,
    assignments: assignments.map(({ partitionIndex, brokerIds }) => {
      return { partition: partitionIndex, brokers: brokerIds as readonly BrokerId[] };
    }),
    configs,
  };
}

function success(name: string, created: CreatedTopic): Answer {
  return {
    name,
    topicId: created.topicId,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    numPartitions: created.partitions,
    replicationFactor: created.factor,
    configs: created.configs.map((config) => ({
      name: config.name,
      value: shownValue(config),
      readOnly: config.readOnly,
      configSource: CONFIG_SOURCE[config.source],
      isSensitive: config.isSensitive,
    })),
  };
}

function failure(name: string, errorCode: ErrorCode, errorMessage: string | null = null): Answer {
  return { name, topicId: NO_ID, errorCode, errorMessage, configs: [] };
}
