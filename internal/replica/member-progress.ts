// How far each member of a group has come, as its leader knows: what operators are shown when they ask for a quorum. An
// observation like the in-sync set (P2); nothing is decided by it.
import type { BrokerId, DirectoryId, LogIndex, ReplicaId } from "../model/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { InSyncSet } from "./isr.ts";
import type { Replica } from "./replica.ts";

export interface MemberProgress {
  readonly replica: ReplicaId;
  readonly broker: BrokerId;
  readonly directory: DirectoryId;
  readonly isVoter: boolean;
  /** Durable up to here; of the leader itself: the end of its log. */
  readonly index: LogIndex;
  /** When the leader last heard of its broker, in this broker's time of day; -1: never in this session. */
  readonly contactMs: number;
  /** When it last had everything, likewise; -1: not known, as of learners. */
  readonly caughtUpMs: number;
}

/** `contactMs` and the in-sync set tell in `upMs`. Sorted by broker. */
export function memberProgress(
  replica: Replica,
  inSync: InSyncSet,
  clock: Pick<Clock, "nowMs" | "upMs">,
  contactMs: (broker: BrokerId) => number,
): MemberProgress[] {
  const { machine, self } = replica;
  const aheadMs = clock.nowMs() - clock.upMs();
  const timeOfDay = (upMs: number | null): number =>
    upMs === null || !Number.isFinite(upMs) ? -1 : Math.round(upMs + aheadMs);
  const members: MemberProgress[] = [];
  for (const { replica: id, broker, directory } of replica.membership().members) {
    const isSelf = id === self;
    members.push({
      replica: id,
      broker,
      directory,
      isVoter: machine.isVoter(id),
      index: isSelf ? machine.lastIndex : machine.match(id),
      contactMs: isSelf ? clock.nowMs() : timeOfDay(contactMs(broker)),
      caughtUpMs: isSelf ? clock.nowMs() : timeOfDay(inSync.caughtUpMs(id)),
    });
  }
  return members.sort((a, b) => a.broker - b.broker);
}
