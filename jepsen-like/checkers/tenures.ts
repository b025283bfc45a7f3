// Who surely owned a partition of a group, and how long. A member owns it from the answer that gave it until it says that it
// has given it up, leaves, or joins anew; and no longer than the coordinator had to wait for it: a session after its last
// accepted heartbeat was sent, or its rebalance timeout after it could be asked for the first time to let go.
import { nameOf } from "../groups/group-history.ts";
import type { GroupHistory, HeartbeatSeen, ReleaseSeen } from "../groups/group-history.ts";

export interface Tenure {
  readonly group: string;
  readonly partition: number;
  readonly memberId: string;
  /** A classic static member may be replaced by another life at any moment: the two are one owner. */
  readonly owner: string;
  /** When the answer was taken: later than the coordinator's decision. */
  readonly fromMs: number;
  /** Earlier than anything that the coordinator can have made of the end. */
  readonly untilMs: number;
}

export interface TenureLimits {
  readonly sessionMs: number;
  readonly rebalanceMs: number;
}

interface Held {
  readonly fromMs: number;
  /** When the heartbeat was sent whose answer first took the partition away. */
  revokedMs: number;
}

/** In the order of their beginnings. */
export function tenuresOf(history: GroupHistory, limits: TenureLimits): Tenure[] {
  const all = [...consumerTenures(history.heartbeats, limits), ...classicTenures(history, limits)];
  return all.toSorted((a, b) => a.fromMs - b.fromMs);
}

function classicTenures({ syncs, beats, releases }: GroupHistory, limits: TenureLimits): Tenure[] {
  const keyOf = ({ group, memberId }: { group: string; memberId: string }): string =>
    `${group}/${memberId}`;
  const beatsOf = Map.groupBy(beats, keyOf);
  const releasesOf = Map.groupBy(releases, ({ group, who }) => `${group}/${who}`);
  const tenures: Tenure[] = [];
  for (const [key, of] of Map.groupBy(syncs, keyOf)) {
    const own = of.toSorted((a, b) => a.sentMs - b.sentMs);
    own.forEach((seen, k) => {
      const { answeredMs: fromMs, group, memberId, partitions } = seen;
      // A second answer of the same generation goes on where the first one began.
      const nextMs = own[k + 1]?.sentMs ?? Infinity;
      const isLater = ({ atMs }: ReleaseSeen): boolean => atMs >= seen.sentMs;
      const ownMs = releasesOf.get(key)?.find(isLater)?.atMs ?? Infinity;
      const seatMs = releasesOf.get(`${group}/${nameOf(seen)}`)?.find(isLater)?.atMs ?? Infinity;
      const endMs = Math.min(nextMs, ownMs, seatMs);
      const later = (beatsOf.get(key) ?? []).filter(
        ({ generation, sentMs }) =>
          generation === seen.generation && sentMs >= fromMs && sentMs < endMs,
      );
      const aliveMs = Math.max(seen.sentMs, ...later.map(({ sentMs }) => sentMs));
      const calm = later.filter(({ isAskedToJoin }) => !isAskedToJoin);
      const calmMs = Math.max(seen.sentMs, ...calm.map(({ sentMs }) => sentMs));
      const untilMs = Math.min(endMs, aliveMs + limits.sessionMs, calmMs + limits.rebalanceMs);
      if (untilMs <= fromMs) return;
      for (const partition of partitions) {
        tenures.push({ group, partition, memberId, owner: nameOf(seen), fromMs, untilMs });
      }
    });
  }
  return tenures;
}

function consumerTenures(heartbeats: readonly HeartbeatSeen[], limits: TenureLimits): Tenure[] {
  const byMember = Map.groupBy(heartbeats, ({ group, memberId }) => `${group}/${memberId}`);
  return [...byMember.values()].flatMap((of) => tenuresOfOne(of, limits));
}

function tenuresOfOne(unsorted: readonly HeartbeatSeen[], limits: TenureLimits): Tenure[] {
  const tenures: Tenure[] = [];
  const held = new Map<number, Held>();
  let aliveMs = Number.NEGATIVE_INFINITY;
  const heartbeats = unsorted.toSorted((a, b) => a.sentMs - b.sentMs);
  const first = heartbeats[0];
  if (first === undefined) return tenures;
  const { group, memberId } = first;

  const end = (partition: number, atMs: number): void => {
    const { fromMs, revokedMs } = held.get(partition) as Held;
    held.delete(partition);
    const sessionMs = aliveMs + limits.sessionMs;
    const untilMs = Math.min(atMs, sessionMs, revokedMs + limits.rebalanceMs);
    const owner = memberId;
    if (untilMs > fromMs) tenures.push({ group, partition, memberId, owner, fromMs, untilMs });
  };

  for (const seen of heartbeats) {
    const { sentMs, answeredMs, epochSent, reports, code, assigned } = seen;
    for (const partition of [...held.keys()]) {
      const isGivenUp = reports !== null && !reports.includes(partition);
      if (epochSent <= 0 || isGivenUp) end(partition, sentMs);
    }
    if (answeredMs === null) continue;
    if (code !== 0) {
      if (endsMembership(code)) for (const partition of [...held.keys()]) end(partition, sentMs);
      continue;
    }
    if (epochSent < 0) continue;
    aliveMs = sentMs;
    if (assigned === null) continue;
    for (const partition of assigned) {
      if (!held.has(partition)) held.set(partition, { fromMs: answeredMs, revokedMs: Infinity });
    }
    for (const [partition, one] of held) {
      // What is given back before it was given up was never taken away.
      if (assigned.includes(partition)) one.revokedMs = Infinity;
      else one.revokedMs = Math.min(one.revokedMs, sentMs);
    }
  }
  for (const partition of [...held.keys()]) end(partition, Infinity);
  return tenures;
}

/** UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, FENCED_MEMBER_EPOCH. */
function endsMembership(code: number): boolean {
  return code === 25 || code === 82 || code === 110;
}
