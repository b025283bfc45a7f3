// Who surely owned a partition of a group of the new protocol, and how long. A member owns it from the answer that gave it
// until it reports that it has given it up, leaves, or joins anew; and no longer than the coordinator had to wait for it: a
// session after its last accepted heartbeat was sent, or its rebalance timeout after it was first told to give it up.
import type { HeartbeatSeen } from "../groups/group-history.ts";

export interface Tenure {
  readonly group: string;
  readonly partition: number;
  readonly memberId: string;
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

export function tenuresOf(heartbeats: readonly HeartbeatSeen[], limits: TenureLimits): Tenure[] {
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
    if (untilMs > fromMs) tenures.push({ group, partition, memberId, fromMs, untilMs });
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
