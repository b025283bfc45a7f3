// DescribeTopicPartitions, version 0: topics in the order of their names, a page of partitions at a time.
//
// Behaviour: no topics ask for all. An answer holds at most 2,000 partitions, or fewer if the client says so, but at least
// one; what follows is named by the next cursor, with which the client asks again. A topic that was deleted between two
// pages is left out of all topics, and reported where it was named. Partitions have no eligible leaders besides those in
// sync: both lists of them are empty. Null, which the schema allows, is more than the Java client can read.
//
// Errors per topic: 3 17; per partition: 5 (no leader, or its broker is fenced). A cursor before the first partition closes
// the connection, because the answer has no place for an error of the whole request.
import type { Complete } from "../../schema/message.ts";
import type { BrokerId, TopicId } from "../../model/ids.ts";
import type { PartitionView } from "../../service/cluster-service.ts";
import { describeTopicPartitions } from "../api/75-describe-topic-partitions.ts";
import type {
  DescribeTopicPartitionsRequest,
  DescribeTopicPartitionsResponse,
  DescribeTopicPartitionsResponsePartitions,
  DescribeTopicPartitionsResponseTopics,
} from "../api/75-describe-topic-partitions.ts";
import { TOPIC_OPERATIONS } from "../authorized-operations.ts";
import { Breather } from "../breather.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { handler } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import { DESCRIBED_PARTITIONS_MAX } from "../limits.ts";

type DescribeRequest = Complete<DescribeTopicPartitionsRequest>;
type DescribedTopic = DescribeTopicPartitionsResponseTopics;

export function describeTopicPartitionsHandler(context: HandlerContext): Handler {
  return handler(describeTopicPartitions, (call, request) => {
    if ((request.cursor?.partitionIndex ?? 0) < 0) {
      call.closeConnection("undecodable");
      return;
    }
    respond(context, call, request)
      .then((body) => call.answer(body))
      .catch((error: unknown) => call.fatal(error));
  });
}

async function respond(
  context: HandlerContext,
  call: CallOf<DescribeTopicPartitionsResponse>,
  { topics: asked, cursor, responsePartitionLimit }: DescribeRequest,
): Promise<DescribeTopicPartitionsResponse> {
  const { cluster, options, clock } = context;
  const wantsAll = asked.length === 0;
  const listed = wantsAll ? cluster.topicNames() : asked.map(({ name }) => name);
  const breather = new Breather(clock);
  const pageMax = Math.max(1, Math.min(responsePartitionLimit, DESCRIBED_PARTITIONS_MAX));
  // Every topic has a partition, so a page never needs more names; the one behind them is where the next page begins.
  const names = await firstNames(listed, cursor?.topicName ?? "", pageMax + 1, breather);
  const beyond = names.length > pageMax ? names.pop() : undefined;
  const shown = new Set(cluster.brokers(options.listener, false).map(({ broker }) => broker));
  const topics: DescribedTopic[] = [];
  let room = pageMax;
  for (const name of names) {
    const from = name === cursor?.topicName ? cursor.partitionIndex : 0;
    if (room === 0) return page(topics, { topicName: name, partitionIndex: from });
    const pause = breather.tick();
    if (pause !== null) await pause;
    const topic = cluster.topicNamed(name);
    if (topic === null) {
      if (!wantsAll) topics.push(missing(context, call, name));
      continue;
    }
    const { topicId, isInternal } = topic;
    const views = topic.partitions.slice(from, from + room);
    const partitions = views.map((view) => partitionOf(view, shown));
    const topicAuthorizedOperations = TOPIC_OPERATIONS;
    const errorCode = ErrorCode.NONE;
    topics.push({ errorCode, name, topicId, isInternal, partitions, topicAuthorizedOperations });
    room -= partitions.length;
    const next = from + partitions.length;
    if (next < topic.partitions.length) {
      return page(topics, { topicName: name, partitionIndex: next });
    }
  }
  return page(topics, beyond === undefined ? null : { topicName: beyond, partitionIndex: 0 });
}

/** The first `countMax` different names from `from` on, in order: sorted in pieces, because there may be very many (L7). */
async function firstNames(
  names: Iterable<string>,
  from: string,
  countMax: number,
  breather: Breather,
): Promise<string[]> {
  let found: string[] = [];
  const settle = (): void => {
    found = [...new Set(found)].sort().slice(0, countMax);
  };
  for (const name of names) {
    const pause = breather.tick();
    if (pause !== null) await pause;
    if (name < from) continue;
    found.push(name);
    if (found.length >= 2 * countMax) settle();
  }
  settle();
  return found;
}

function page(
  topics: readonly DescribedTopic[],
  nextCursor: DescribeTopicPartitionsResponse["nextCursor"],
): DescribeTopicPartitionsResponse {
  return { throttleTimeMs: 0, topics, nextCursor };
}

function missing(
  { cluster }: HandlerContext,
  call: CallOf<DescribeTopicPartitionsResponse>,
  name: string,
): DescribedTopic {
  const isLegal = cluster.isLegalTopicName(name);
  const code = isLegal ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION;
  const errorCode = call.refused(code);
  return { errorCode, name, topicId: "" as TopicId, isInternal: false, partitions: [] };
}

function partitionOf(
  view: PartitionView,
  shown: ReadonlySet<BrokerId>,
): DescribeTopicPartitionsResponsePartitions {
  const { partition, leader, leaderEpoch, replicas, isr, offline } = view;
  const hasLeader = leader !== null && shown.has(leader);
  return {
    errorCode: hasLeader ? ErrorCode.NONE : ErrorCode.LEADER_NOT_AVAILABLE,
    partitionIndex: partition,
    leaderId: hasLeader ? leader : -1,
    leaderEpoch,
    replicaNodes: replicas,
    isrNodes: isr,
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    offlineReplicas: offline,
  };
}
