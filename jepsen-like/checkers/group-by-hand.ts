// Histories of group members written by hand, for the tests of the checkers. Every exchange takes ten milliseconds.
import { GroupHistory } from "../groups/group-history.ts";
import type { CommitSeen, HeartbeatSeen, SyncSeen } from "../groups/group-history.ts";

const ANSWER_MS = 10;

export class HandGroups {
  readonly history = new GroupHistory();

  sync(
    generation: number,
    memberId: string,
    partitions: readonly number[],
    sentMs: number,
    more: Partial<SyncSeen> = {},
  ): void {
    const seen = { group: "g", generation, memberId, instanceId: null, partitions, sentMs };
    this.history.syncs.push({ ...seen, answeredMs: sentMs + ANSWER_MS, ...more });
  }

  beat(generation: number, memberId: string, sentMs: number, isAskedToJoin = false): void {
    const seen = { group: "g", generation, memberId, instanceId: null, sentMs, isAskedToJoin };
    this.history.beats.push(seen);
  }

  release(who: string, atMs: number): void {
    this.history.releases.push({ group: "g", who, atMs });
  }

  /** Accepted, unless more is said. */
  commit(
    generation: number,
    memberId: string,
    offset: number,
    sentMs: number,
    more: Partial<CommitSeen> = {},
  ): void {
    this.history.commits.push({
      ...{ group: "g", protocol: "classic", memberId, instanceId: null, generation },
      ...{ partition: 0, offset, kind: "owner", sentMs, answeredMs: sentMs + ANSWER_MS, code: 0 },
      ...more,
    });
  }

  /** What somebody was told who asked for the committed offset of partition 0. */
  told(offset: number, sentMs: number, partition = 0): void {
    const answeredMs = sentMs + ANSWER_MS;
    this.history.offsets.push({ group: "g", partition, offset, sentMs, answeredMs });
  }

  /** A heartbeat of the new protocol: the epoch that it was sent with and the one that was answered. */
  heartbeat(
    memberId: string,
    [epochSent, epoch]: readonly [number, number],
    sentMs: number,
    more: Partial<HeartbeatSeen> = {},
  ): void {
    this.history.heartbeats.push({
      ...{ group: "g", memberId, instanceId: null, sentMs, answeredMs: sentMs + ANSWER_MS },
      ...{ epochSent, reports: null, code: 0, epoch, assigned: null, ...more },
    });
  }
}
