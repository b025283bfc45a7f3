// Checks of who was given what: one owner per partition, and no way back to an older generation.
import { nameOf } from "../groups/group-history.ts";
import type { GroupHistory, SyncSeen } from "../groups/group-history.ts";
import { FindingDraft } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { tenuresOf } from "./tenures.ts";
import type { Tenure, TenureLimits } from "./tenures.ts";

/**
 * Classic: an assignment is answered when it is committed, so a generation has one owner for each partition. In a mixed
 * group the generation is the epoch of one member, and says nothing of others.
 */
export function ownersInGeneration({ syncs }: GroupHistory, mixed: Mixed = NONE): Finding {
  const draft = new FindingDraft(
    "two in a generation",
    "within one generation of a classic group a partition is given to one member",
  );
  const owners = new Map<string, SyncSeen>();
  for (const seen of syncs) {
    if (mixed.has(seen.group)) continue;
    for (const partition of seen.partitions) {
      draft.examined();
      const key = `${seen.group}/${seen.generation}/${partition}`;
      const before = owners.get(key);
      if (before === undefined) owners.set(key, seen);
      else if (nameOf(before) !== nameOf(seen)) {
        draft.violation(
          () =>
            `partition ${partition} of ${seen.group}, generation ${seen.generation}: ` +
            `${nameOf(before)} (${at(before.answeredMs)}) and ${nameOf(seen)} (${at(seen.answeredMs)})`,
        );
      }
    }
  }
  return draft.finding();
}

export function ownersAtOnce(history: GroupHistory, limits: TenureLimits): Finding {
  const draft = new FindingDraft(
    "two at once",
    "a partition is given to nobody while its last owner may still work on it",
  );
  const tenures = tenuresOf(history, limits);
  draft.examined(tenures.length);
  for (const of of Map.groupBy(
    tenures,
    ({ group, partition }) => `${group}/${partition}`,
  ).values()) {
    let last: Tenure | null = null;
    for (const tenure of of) {
      const before = last;
      if (before !== null && before.owner !== tenure.owner && before.untilMs > tenure.fromMs) {
        draft.violation(
          () =>
            `partition ${tenure.partition} of ${tenure.group}: ${tenure.memberId} from ` +
            `${at(tenure.fromMs)}, ${before.memberId} from ${at(before.fromMs)} to ${at(before.untilMs)}`,
        );
      }
      if (before === null || tenure.untilMs > before.untilMs) last = tenure;
    }
  }
  return draft.finding();
}

/** Whoever was answered knows that a generation is durable; no later answer may know less. */
export function generationsGoBack(
  { syncs, beats, heartbeats }: GroupHistory,
  mixed: Mixed = NONE,
): Finding {
  const draft = new FindingDraft(
    "generation went back",
    "once members were given a generation, no earlier one is given or accepted again",
  );
  draft.examined(syncs.length + beats.length + heartbeats.length);
  const given = new Generations(syncs, mixed);
  for (const [what, all] of [["given", syncs] as const, ["accepted", beats] as const]) {
    for (const seen of all) {
      const before = given.newestBefore(seen, seen.sentMs);
      if (before === null || before.generation <= seen.generation) continue;
      draft.violation(() => {
        const when = `${seen.group}: generation ${seen.generation} is ${what} after ${at(seen.sentMs)}`;
        return `${when}; ${before.generation} was given at ${at(before.answeredMs)}`;
      });
    }
  }
  for (const { group, memberId, code, epochSent, epoch, answeredMs } of heartbeats) {
    if (answeredMs === null || code !== 0 || epochSent < 0 || epoch >= epochSent) continue;
    draft.violation(() => `${group}: ${memberId} had epoch ${epochSent} and is told ${epoch}`);
  }
  return draft.finding();
}

/** Groups in which members of both protocols sit. */
export type Mixed = ReadonlySet<string>;
const NONE: Mixed = new Set();

interface Seat {
  readonly group: string;
  readonly memberId: string;
}

/** The newest generation that a group, or in a mixed one the member, had surely been given at a moment. */
export class Generations {
  readonly #byKey = new Map<string, SyncSeen[]>();
  readonly #mixed: Mixed;

  constructor(syncs: readonly SyncSeen[], mixed: Mixed = NONE) {
    this.#mixed = mixed;
    for (const seen of syncs.toSorted((a, b) => a.answeredMs - b.answeredMs)) {
      const of = this.#byKey.get(this.#keyOf(seen)) ?? [];
      this.#byKey.set(this.#keyOf(seen), of);
      // Only those that are newer than all before them: their generations rise with time.
      if (seen.generation > (of.at(-1)?.generation ?? -1)) of.push(seen);
    }
  }

  #keyOf({ group, memberId }: Seat): string {
    return this.#mixed.has(group) ? `${group}/${memberId}` : group;
  }

  newestBefore(seat: Seat, atMs: number): SyncSeen | null {
    return (
      this.#byKey.get(this.#keyOf(seat))?.findLast(({ answeredMs }) => answeredMs < atMs) ?? null
    );
  }

  /** How many generations were given. */
  get count(): number {
    return [...this.#byKey.values()].reduce((sum, of) => sum + of.length, 0);
  }
}

export function at(ms: number): string {
  return `${Math.round(ms)} ms`;
}
