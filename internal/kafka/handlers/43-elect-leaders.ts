// ElectLeaders, versions 0-2: moves leadership to the preferred replica (type 0; the only type of version 0).
//
// Behaviour: the leader of each partition hands over when the preferred replica is in sync, and the answer waits for it.
// Null partitions mean all; then partitions that need no election are left out, as Kafka does. An unclean election (type
// 1) is never held: a partition with a leader needs none, and one without is refused, because only a majority elects.
//
// Errors: 42 (unknown type) at the top from version 1 on; per partition: 3 7 42 80 83 84.
import type { Complete } from "../../schema/message.ts";
import type { PartitionElection } from "../../service/election-service.ts";
import { electLeaders } from "../api/43-elect-leaders.ts";
import type {
  ElectLeadersRequest,
  ElectLeadersResponse,
  ElectLeadersResponsePartitionResult,
} from "../api/43-elect-leaders.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { electionCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

const PREFERRED = 0;
const UNCLEAN = 1;
const TYPE_FROM = 1;
const UNKNOWN_TYPE = "Election types are 0 (preferred) and 1 (unclean).";

export function electLeadersHandler(context: HandlerContext): Handler {
  return responder(electLeaders, (request, call) => respond(context, request, call));
}

async function respond(
  { elections }: HandlerContext,
  { electionType, topicPartitions, timeoutMs }: Complete<ElectLeadersRequest>,
  call: CallOf<ElectLeadersResponse>,
): Promise<ElectLeadersResponse> {
  const type = call.version < TYPE_FROM ? PREFERRED : electionType;
  if (type !== PREFERRED && type !== UNCLEAN) {
    const errorCode = call.refused(ErrorCode.INVALID_REQUEST);
    const refused = { errorCode, errorMessage: UNKNOWN_TYPE };
    const replicaElectionResults = (topicPartitions ?? []).map(({ topic, partitions }) => ({
      topic,
      partitionResult: partitions.map((partitionId) => ({ partitionId, ...refused })),
    }));
    return { throttleTimeMs: 0, errorCode, replicaElectionResults };
  }
  const wanted = type === PREFERRED ? "preferred" : "any";
  const held = await elections.elect(wanted, topicPartitions, Math.max(0, timeoutMs));
  const byTopic = new Map<string, ElectLeadersResponsePartitionResult[]>();
  for (const election of held) {
    const results = byTopic.get(election.topic) ?? [];
    results.push(resultOf(election, call));
    byTopic.set(election.topic, results);
  }
  const replicaElectionResults = [...byTopic].map(([topic, partitionResult]) => {
    return { topic, partitionResult };
  });
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, replicaElectionResults };
}

function resultOf(
  { partition, outcome }: PartitionElection,
  call: CallOf<ElectLeadersResponse>,
): ElectLeadersResponsePartitionResult {
  if (outcome.ok) return { partitionId: partition, errorCode: ErrorCode.NONE, errorMessage: null };
  const errorCode = call.refused(electionCode(outcome.fault));
  return { partitionId: partition, errorCode, errorMessage: outcome.fault.detail };
}
