// DescribeQuorum, versions 0-2: the members of a Raft group, and how far each has come.
//
// Behaviour: partition 0 of __cluster_metadata is the controller's group, and every broker answers for it, because it asks
// that group's leader; its offsets count log entries, and brokers that only follow its image are observers. Every other
// partition is its own Raft group, described by its leader alone; learners are observers. A fetch time is when the leader
// last heard of the member's broker.
//
// Errors per partition: 3 6 7 (the controller has no leader) 42 (named again).
import type { Complete } from "../../schema/message.ts";
import { addressCode, adminCode } from "../errors-table.ts";
import type { QuorumMember, QuorumState } from "../../service/inspection-service.ts";
import { describeQuorum } from "../api/55-describe-quorum.ts";
import type {
  DescribeQuorumRequest,
  DescribeQuorumResponse,
  DescribeQuorumResponseCurrentVoters,
  DescribeQuorumResponsePartitions,
  DescribeQuorumResponseTopics,
} from "../api/55-describe-quorum.ts";
import { Breather } from "../breather.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import { CONTROLLER_QUORUM_MS_MAX } from "../limits.ts";

const CONTROLLER_TOPIC = "__cluster_metadata";
const AGAIN = "The request names this partition more than once.";

export function describeQuorumHandler(context: HandlerContext): Handler {
  return responder(describeQuorum, (request, call) => respond(context, request, call));
}

async function respond(
  context: HandlerContext,
  request: Complete<DescribeQuorumRequest>,
  call: CallOf<DescribeQuorumResponse>,
): Promise<DescribeQuorumResponse> {
  const breather = new Breather(context.clock);
  const topics: DescribeQuorumResponseTopics[] = [];
  const shown = new Set<number>();
  const seen = new Set<string>();
  for (const { topicName, partitions } of request.topics) {
    const into: DescribeQuorumResponsePartitions[] = [];
    topics.push({ topicName, partitions: into });
    for (const { partitionIndex } of partitions) {
      const pause = breather.tick();
      if (pause !== null) await pause;
      const key = `${partitionIndex} ${topicName}`;
      const isRepeated = seen.has(key);
      seen.add(key);
      const found = isRepeated
        ? failure(partitionIndex, ErrorCode.INVALID_REQUEST, AGAIN)
        : await lookUp(context, topicName, partitionIndex);
      if (found.errorCode !== ErrorCode.NONE) call.refused(found.errorCode);
      for (const { replicaId } of [...found.currentVoters, ...found.observers]) {
        shown.add(replicaId);
      }
      into.push(found);
    }
  }
  return { errorCode: ErrorCode.NONE, errorMessage: null, topics, nodes: nodes(context, shown) };
}

async function lookUp(
  { inspection }: HandlerContext,
  name: string,
  partition: number,
): Promise<DescribeQuorumResponsePartitions> {
  if (name === CONTROLLER_TOPIC && partition === 0) {
    const quorum = await inspection.controllerQuorum(CONTROLLER_QUORUM_MS_MAX);
    if (quorum.ok) return described(partition, quorum.value);
    return failure(partition, adminCode(quorum.fault), quorum.fault.detail);
  }
  const quorum = inspection.partitionQuorum({ name, topicId: null, partition });
  if (quorum.ok) return described(partition, quorum.value);
  const { fault } = quorum;
  const { errorCode, ...rest } = failure(partition, addressCode(fault), null);
  if (!("hint" in fault)) return { errorCode, ...rest };
  const { leader, leaderEpoch } = fault.hint;
  return { ...rest, errorCode, leaderId: leader ?? -1, leaderEpoch };
}

function described(
  partitionIndex: number,
  { leader, leaderEpoch, highWatermark, voters, observers }: QuorumState,
): DescribeQuorumResponsePartitions {
  return {
    partitionIndex,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    leaderId: leader,
    leaderEpoch,
    highWatermark,
    currentVoters: voters.map(memberOf),
    observers: observers.map(memberOf),
  };
}

function memberOf(member: QuorumMember): DescribeQuorumResponseCurrentVoters {
  const { broker, directory, logEnd, contactMs, caughtUpMs } = member;
  return {
    replicaId: broker,
    replicaDirectoryId: directory,
    logEndOffset: logEnd,
    lastFetchTimestamp: contactMs,
    lastCaughtUpTimestamp: caughtUpMs,
  };
}

function failure(
  partitionIndex: number,
  errorCode: ErrorCode,
  errorMessage: string | null,
): DescribeQuorumResponsePartitions {
  const nobody = { leaderId: -1, leaderEpoch: -1, highWatermark: -1 };
  return { partitionIndex, errorCode, errorMessage, ...nobody, currentVoters: [], observers: [] };
}

/** Where the members that are shown are reached, as far as they are known. */
function nodes(
  { cluster, options }: HandlerContext,
  shown: ReadonlySet<number>,
): DescribeQuorumResponse["nodes"] {
  // The Java client takes no other letters.
  const name = options.listener.toUpperCase();
  return cluster
    .brokers(options.listener, true)
    .filter(({ broker }) => shown.has(broker))
    .map(({ broker, host, port }) => {
      return { nodeId: broker, listeners: [{ name, host, port }] };
    });
}
