// Checks of who was given what: one owner per partition, and no way back to an older generation.
import { nameOf } from "../groups/group-history.ts";
import type { GroupHistory, SyncSeen } from "../groups/group-history.ts";
import { FindingDraft } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { tenuresOf } from "./tenures.ts";
import type { Tenure, TenureLimits } from "./tenures.ts";

/** Classic: an assignment is answered when it is committed, so a generation has one owner for each partition. */
export function ownersInGeneration({ syncs }: GroupHistory): Finding {
  const draft = new FindingDraft(
    "two in a generation",
    "within one generation of a classic group a partition is given to one member",
  );
  const owners = new Map<string, SyncSeen>();
  for (const seen of syncs) {
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

/** The new protocol: a partition is given to nobody while somebody may still work on it. */
export function ownersAtOnce({ heartbeats }: GroupHistory, limits: TenureLimits): Finding {
  const draft = new FindingDraft(
    "two at once",
    "a group of the new protocol never gives a partition to two members at the same time",
  );
  const tenures = tenuresOf(heartbeats, limits);
  draft.examined(tenures.length);
  for (const of of Map.groupBy(
    tenures,
    ({ group, partition }) => `${group}/${partition}`,
  ).values()) {
    let last: Tenure | null = null;
    for (const tenure of of.toSorted((a, b) => a.fromMs - b.fromMs)) {
      const before = last;
      if (
        before !== null &&
        before.memberId !== tenure.memberId &&
        before.untilMs > tenure.fromMs
      ) {
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
export function generationsGoBack({ syncs, beats, heartbeats }: GroupHistory): Finding {
  const draft = new FindingDraft(
    "generation went back",
    "once members were given a generation, no earlier one is given or accepted again",
  );
  draft.examined(syncs.length + beats.length + heartbeats.length);
  const given = new Generations(syncs);
  for (const [what, all] of [["given", syncs] as const, ["accepted", beats] as const]) {
    for (const seen of all) {
      const before = given.newestBefore(seen.group, seen.sentMs);
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

/** The newest generation that members had surely been given at a moment. */
export class Generations {
  readonly #byGroup = new Map<string, SyncSeen[]>();

  constructor(syncs: readonly SyncSeen[]) {
    for (const seen of syncs.toSorted((a, b) => a.answeredMs - b.answeredMs)) {
      const of = this.#byGroup.get(seen.group) ?? [];
      this.#byGroup.set(seen.group, of);
      // Only those that are newer than all before them: their generations rise with time.
      if (seen.generation > (of.at(-1)?.generation ?? -1)) of.push(seen);
    }
  }

  newestBefore(group: string, atMs: number): SyncSeen | null {
    return this.#byGroup.get(group)?.findLast(({ answeredMs }) => answeredMs < atMs) ?? null;
  }

  /** How many generations were given. */
  get count(): number {
    return [...this.#byGroup.values()].reduce((sum, of) => sum + of.length, 0);
  }
}

export function at(ms: number): string {
  return `${Math.round(ms)} ms`;
}
