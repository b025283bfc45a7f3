// OffsetCommit, versions 2-10, for members of groups, with their generation or epoch, and for simple consumers.
//
// Behaviour: answered when the offsets are committed in __consumer_offsets, all of a request or none. A retention time of
// the request (up to version 4) becomes an expiry of its own.
//
// Errors per partition: 3 12 14 15 16 22 24 25 27 28 82; 69 113 (9+: before, 22), 100 (10).
import { offsetCommit } from "../api/08-offset-commit.ts";
import { commitCode } from "../errors-table.ts";
import { handler } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import { topicAddress } from "../topic-address.ts";

const TOPIC_IDS_FROM = 10;

export function offsetCommitHandler({ groups }: HandlerContext): Handler {
  return handler(offsetCommit, (call, request) => {
    const { groupId, generationIdOrMemberEpoch, memberId, groupInstanceId } = request;
    const offsets = request.topics.flatMap((topic) => {
      const address = topicAddress(topic, call.version >= TOPIC_IDS_FROM);
      return topic.partitions.map((one) => ({
        ...address,
        partition: one.partitionIndex,
        offset: one.committedOffset,
        leaderEpoch: one.committedLeaderEpoch,
        metadata: one.committedMetadata ?? "",
      }));
    });
    const claim = { memberId, instanceId: groupInstanceId, generation: generationIdOrMemberEpoch };
    const { retentionTimeMs: retentionMs } = request;
    groups.commit({ group: groupId, ...claim, retentionMs, offsets }, (faults) => {
      let at = 0;
      const topics = request.topics.map(({ name, topicId, partitions }) => ({
        name,
        topicId,
        partitions: partitions.map(({ partitionIndex }) => {
          const code = commitCode(faults[at++] ?? null, call.version);
          return { partitionIndex, errorCode: call.refused(code) };
        }),
      }));
      call.answer({ throttleTimeMs: 0, topics });
    });
  });
}
