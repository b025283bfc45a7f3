// Where replicas go. Greedy, one replica at a time: never two on one broker; on a fenced one only when no other is left,
// so that its first, the preferred leader, is there; on one host label only when every host has one already; then over racks evenly; then where this call, and then the cluster, has put least. The first
// replica is the preferred leader, so first places are balanced by themselves. Ties go round, from a starting point
// that the caller draws, and each round pairs brokers anew, so that one broker's followers are not all on one other.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { BrokerId } from "../model/ids.ts";

export interface PlacementBroker {
  readonly broker: BrokerId;
  readonly rack: string | null;
  /** Null: a host of its own. */
  readonly host: string | null;
  /** Replicas it holds already. */
  readonly replicas: number;
  /** Of these, the ones that are first in their placement. */
  readonly preferred: number;
  /** It is away, and gets its replicas when it is back. */
  readonly fenced: boolean;
}

/** More replicas than brokers, or no majority of them is there (P3). */
export interface PlacementFault {
  readonly kind: "too-few-brokers";
  readonly live: number;
}

interface Candidate {
  readonly of: PlacementBroker;
  /** Equal for brokers on one host. */
  readonly host: string;
  readonly rack: string;
  replicas: number;
  preferred: number;
}

/** Places `count` partitions of `factor` replicas on `brokers`. `start` is any natural number: where ties begin. */
export function placeReplicas(
  brokers: readonly PlacementBroker[],
  count: number,
  factor: number,
  start: number,
): Result<readonly (readonly BrokerId[])[], PlacementFault> {
  const live = brokers.filter(({ fenced }) => !fenced).length;
  // Without a majority a group could not even elect its first leader.
  if (factor > brokers.length || live * 2 <= factor) {
    return failed({ kind: "too-few-brokers", live });
  }
  const candidates = inRackTurns(brokers).map(candidateOf);
  const placed: BrokerId[][] = [];
  for (let partition = 0; partition < count; partition++) {
    const chosen: Candidate[] = [];
    const round = Math.floor(partition / candidates.length);
    while (chosen.length < factor) {
      // Followers begin one further away with each whole round, so that pairs differ from round to round.
      const shift = chosen.length === 0 ? 0 : chosen.length + round;
      chosen.push(choose(candidates, chosen, start + partition + shift));
    }
    chosen[0]!.preferred++;
    for (const candidate of chosen) candidate.replicas++;
    placed.push(chosen.map((candidate) => candidate.of.broker));
  }
  return ok(placed);
}

/**
 * Gives partitions that have fewer than `factor` replicas more of them; those that they have stay, and so do partitions that
 * have enough. Who comes first is chosen anew, so that first places are even among all of these partitions.
 */
export function extendReplicas(
  brokers: readonly PlacementBroker[],
  held: readonly (readonly BrokerId[])[],
  factor: number,
  start: number,
): Result<readonly (readonly BrokerId[])[], PlacementFault> {
  if (factor > brokers.length) return failed({ kind: "too-few-brokers", live: brokers.length });
  const candidates = inRackTurns(brokers).map(candidateOf);
  const isShort = (before: readonly BrokerId[]): boolean => before.length < factor;
  for (const before of held) {
    const first = candidates.find(({ of }) => of.broker === before[0]);
    if (first !== undefined && !isShort(before)) first.preferred++;
  }
  const extended = held.map((before, at) => {
    if (!isShort(before)) return before;
    const chosen = candidates.filter(({ of }) => before.includes(of.broker));
    const missing = before.filter((id) => !candidates.some(({ of }) => of.broker === id));
    while (chosen.length + missing.length < factor) {
      const added = choose(candidates, chosen, start + at + chosen.length);
      added.replicas++;
      chosen.push(added);
    }
    const [first, ...others] = chosen.toSorted((a, b) => a.preferred - b.preferred);
    if (first === undefined) return before;
    first.preferred++;
    return [first.of.broker, ...others.map(({ of }) => of.broker), ...missing];
  });
  return ok(extended);
}

/** Brokers of different racks in turns (then by id), so that going round also goes over racks. */
function inRackTurns(brokers: readonly PlacementBroker[]): readonly PlacementBroker[] {
  const seen = new Map<string, number>();
  const sorted = brokers.toSorted((a, b) => a.broker - b.broker);
  const turns = new Map(
    sorted.map((broker) => {
      const rack = broker.rack ?? "";
      const turn = seen.get(rack) ?? 0;
      seen.set(rack, turn + 1);
      return [broker.broker, turn];
    }),
  );
  return sorted.toSorted((a, b) => turns.get(a.broker)! - turns.get(b.broker)!);
}

function candidateOf(of: PlacementBroker): Candidate {
  const host = of.host === null ? `broker ${of.broker}` : `host ${of.host}`;
  return { of, host, rack: of.rack ?? "", replicas: 0, preferred: 0 };
}

function choose(
  candidates: readonly Candidate[],
  chosen: readonly Candidate[],
  turn: number,
): Candidate {
  let best: Candidate | null = null;
  for (let step = 0; step < candidates.length; step++) {
    const candidate = candidates[(turn + step) % candidates.length]!;
    if (chosen.includes(candidate)) continue;
    if (best === null || isBetter(candidate, best, chosen)) best = candidate;
  }
  return best!;
}

/** Strictly better: the first of equals stays. */
function isBetter(a: Candidate, b: Candidate, chosen: readonly Candidate[]): boolean {
  const order =
    Number(a.of.fenced) - Number(b.of.fenced) ||
    Number(sharesHost(a, chosen)) - Number(sharesHost(b, chosen)) ||
    rackCount(a, chosen) - rackCount(b, chosen) ||
    (chosen.length === 0 ? a.preferred - b.preferred : 0) ||
    a.replicas - b.replicas ||
    (chosen.length === 0 ? a.of.preferred - b.of.preferred : 0) ||
    a.of.replicas - b.of.replicas;
  return order < 0;
}

function sharesHost(candidate: Candidate, chosen: readonly Candidate[]): boolean {
  return chosen.some((other) => other.host === candidate.host);
}

function rackCount(candidate: Candidate, chosen: readonly Candidate[]): number {
  let count = 0;
  for (const other of chosen) if (other.rack === candidate.rack) count++;
  return count;
}
