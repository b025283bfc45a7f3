// OffsetFetch, versions 1-10: of one group up to version 7, of several from 8 on.
//
// Behaviour: what is not committed is offset -1 without an error. Null topics (2+) ask for everything. There are no
// transactions yet, so no offset is ever pending and requireStable changes nothing. Members of consumer groups say their
// epoch (9+), and are told when it is not theirs any more.
//
// Errors: 14 15 16 24, up to version 1 per partition, up to 7 at the top, from 8 on per group, with 42 (named
// again) and 25 113 (9+); per partition 100 (10).
import type { Result } from "../../base/result.ts";
import type { Complete } from "../../schema/message.ts";
import type {
  FetchClaim,
  FetchedOffset,
  GroupFault,
  OffsetsAsked,
} from "../../service/group-service.ts";
import { offsetFetch } from "../api/09-offset-fetch.ts";
import type {
  OffsetFetchRequest,
  OffsetFetchRequestGroups,
  OffsetFetchRequestTopics,
  OffsetFetchResponse,
  OffsetFetchResponseGroups,
  OffsetFetchResponseGroupsTopics,
  OffsetFetchResponsePartitions,
} from "../api/09-offset-fetch.ts";
import { Breather } from "../breather.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { groupCode } from "../errors-table.ts";
import { responder } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import { topicAddress } from "../topic-address.ts";

const ERROR_AT_TOP_FROM = 2;
const SEVERAL_GROUPS_FROM = 8;
const TOPIC_IDS_FROM = 10;
const NO_TOPIC_ID = "A".repeat(22) as OffsetFetchResponseGroupsTopics["topicId"];

type Partitions = readonly OffsetFetchResponsePartitions[];
type Outcome =
  | { readonly fault: null; readonly offsets: readonly FetchedOffset[] }
  | { readonly fault: GroupFault };

export function offsetFetchHandler(context: HandlerContext): Handler {
  return responder(offsetFetch, (request, call) =>
    call.version < SEVERAL_GROUPS_FROM
      ? respondOne(context, request, call)
      : respondAll(context, request, call),
  );
}

function fetch(
  { groups }: HandlerContext,
  group: string,
  topics: readonly OffsetsAsked[] | null,
  claim?: FetchClaim,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const done = (outcome: Result<readonly FetchedOffset[], GroupFault>): void =>
      resolve(outcome.ok ? { fault: null, offsets: outcome.value } : { fault: outcome.fault });
    groups.fetch(group, topics === null ? null : distinct(topics), done, claim);
  });
}

/** A text of 4,096 characters may stand beside each offset: it is told once, however often the request names it. */
function distinct(topics: readonly OffsetsAsked[]): readonly OffsetsAsked[] {
  const seen = new Map<string, Set<number>>();
  return topics.map((topic) => {
    const key = topic.name ?? topic.topicId ?? "";
    const known = seen.get(key) ?? new Set();
    seen.set(key, known);
    const partitions = topic.partitions.filter((one) => !known.has(one) && known.add(one));
    return { ...topic, partitions };
  });
}

async function respondOne(
  context: HandlerContext,
  { groupId, topics }: Complete<OffsetFetchRequest>,
  call: CallOf<OffsetFetchResponse>,
): Promise<OffsetFetchResponse> {
  const asked = topics?.map(({ name, partitionIndexes }) => {
    return { name, topicId: null, partitions: partitionIndexes };
  });
  const outcome = await fetch(context, groupId, asked ?? null);
  if (outcome.fault !== null) {
    const errorCode = call.refused(groupCode(outcome.fault));
    if (call.version >= ERROR_AT_TOP_FROM) return { throttleTimeMs: 0, topics: [], errorCode };
    return { topics: (topics ?? []).map((topic) => refusedTopic(topic, errorCode)) };
  }
  const found = byTopic(outcome.offsets, call).map(({ name, partitions }) => ({
    name,
    partitions,
  }));
  return { throttleTimeMs: 0, topics: found, errorCode: ErrorCode.NONE };
}

function refusedTopic(
  { name, partitionIndexes }: Complete<OffsetFetchRequestTopics>,
  errorCode: number,
): { readonly name: string; readonly partitions: Partitions } {
  const nothing = { committedOffset: -1, committedLeaderEpoch: -1, metadata: "" };
  const partitions = partitionIndexes.map((partitionIndex) => {
    return { partitionIndex, ...nothing, errorCode };
  });
  return { name, partitions };
}

async function respondAll(
  context: HandlerContext,
  request: Complete<OffsetFetchRequest>,
  call: CallOf<OffsetFetchResponse>,
): Promise<OffsetFetchResponse> {
  const breather = new Breather(context.clock);
  const groups: OffsetFetchResponseGroups[] = [];
  const seen = new Set<string>();
  for (const group of request.groups) {
    const pause = breather.tick();
    if (pause !== null) await pause;
    const { groupId } = group;
    const isRepeated = seen.has(groupId);
    seen.add(groupId);
    if (!isRepeated) groups.push(await respondGroup(context, group, call));
    else groups.push({ groupId, topics: [], errorCode: call.refused(ErrorCode.INVALID_REQUEST) });
  }
  return { throttleTimeMs: 0, groups };
}

async function respondGroup(
  context: HandlerContext,
  { groupId, topics, memberId, memberEpoch }: Complete<OffsetFetchRequestGroups>,
  call: CallOf<OffsetFetchResponse>,
): Promise<OffsetFetchResponseGroups> {
  const isById = call.version >= TOPIC_IDS_FROM;
  const asked = topics?.map((topic) => {
    return { ...topicAddress(topic, isById), partitions: topic.partitionIndexes };
  });
  const claim = { memberId: memberId ?? "", memberEpoch };
  const outcome = await fetch(context, groupId, asked ?? null, claim);
  if (outcome.fault !== null) {
    return { groupId, topics: [], errorCode: call.refused(groupCode(outcome.fault)) };
  }
  // In versions that name topics by id, one that is gone has no name any more.
  const offsets = outcome.offsets.filter(({ topicId }) => !isById || topicId !== null);
  return { groupId, topics: byTopic(offsets, call), errorCode: ErrorCode.NONE };
}

/** Neighbours of one topic together, in the order of the answer. */
function byTopic(
  offsets: readonly FetchedOffset[],
  call: CallOf<OffsetFetchResponse>,
): readonly OffsetFetchResponseGroupsTopics[] {
  const topics: {
    of: FetchedOffset;
    topic: {
      name: string;
      topicId: typeof NO_TOPIC_ID;
      partitions: OffsetFetchResponsePartitions[];
    };
  }[] = [];
  for (const offset of offsets) {
    const { name, topicId } = offset;
    let last = topics.at(-1);
    if (last === undefined || last.of.name !== name || last.of.topicId !== topicId) {
      const topic = { name: name ?? "", topicId: topicId ?? NO_TOPIC_ID, partitions: [] };
      last = { of: offset, topic };
      topics.push(last);
    }
    last.topic.partitions.push(partitionOf(offset, call));
  }
  return topics.map(({ topic }) => topic);
}

function partitionOf(
  { partition, fault, committed }: FetchedOffset,
  call: CallOf<OffsetFetchResponse>,
): OffsetFetchResponsePartitions {
  return {
    partitionIndex: partition,
    committedOffset: committed?.offset ?? -1,
    committedLeaderEpoch: committed?.leaderEpoch ?? -1,
    metadata: committed?.metadata ?? "",
    errorCode: call.refused(groupCode(fault)),
  };
}
