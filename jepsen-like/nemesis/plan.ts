// Which fault comes when: a seeded plan. Faults come in blocks, shuffled, in which the rarer kinds take turns; about a quarter
// of the slots are quiet, so that the cluster is also seen healthy. Each workload has a mixture of its own, of which the
// command line may take a part.
import type { Random } from "../random.ts";

/**
 * - `kill leader`: SIGKILL of a broker that leads a partition with unanswered produce at that moment.
 * - `kill two`, `kill all`: SIGKILL of two brokers (one of them such a leader), of all three.
 * - `pause leader`: SIGSTOP of such a leader for five seconds.
 * - `restart leader`: SIGTERM, which lets it hand over, and a new start.
 * - `kill again`: a leader, killed as `kill leader`, and within a second of its new start another leader, so that the
 *   majority needs a broker that has only just come back.
 * - `kill coordinator`, `pause coordinator`, `restart coordinator`: the same to a broker that coordinates a group whose
 *   members wait for an answer at that moment.
 * - `pause two`: SIGSTOP of two brokers, one of them such a leader, for five seconds.
 * - `isolate leader`: such a leader and the other brokers do not hear each other; clients reach everybody. `isolate from
 *   all`: clients do not reach it either.
 * - `mute leader`, `deafen leader`: in one direction only; the others do not hear it, or it does not hear them.
 * - `bridge`: such a leader and one other do not hear each other, both hear the third.
 * - `cut clients`: no client reaches such a leader. `split all`: no broker hears another one.
 * - `slow links`, `lossy links`: late and narrow around such a leader; lost pieces, resets and silenced connections everywhere.
 * - `power leader`, `power two`, `power all`, `power again`: as the kills of these names, and what was not synced is lost, and
 *   each victim comes back in another run of its machine.
 * - `lying disk`: power of all three fails, and one disk loses what it had acknowledged (power-cuts.ts).
 */
export const FAULT_KINDS = [
  "kill leader",
  "kill two",
  "kill all",
  "pause leader",
  "restart leader",
  "kill again",
  "kill coordinator",
  "pause coordinator",
  "restart coordinator",
  "pause two",
  "isolate leader",
  "isolate from all",
  "mute leader",
  "deafen leader",
  "bridge",
  "cut clients",
  "split all",
  "slow links",
  "lossy links",
  "power leader",
  "power two",
  "power all",
  "power again",
  "lying disk",
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Mixture {
  /** Every block of faults holds these, and one of each list of others, which take turns. */
  readonly usual: readonly FaultKind[];
  readonly others: readonly (readonly FaultKind[])[];
}

/** Of the network: those that bite hardest come first, for short runs. */
const NETWORK: readonly FaultKind[] = [
  "isolate leader",
  "mute leader",
  "lossy links",
  "bridge",
  "deafen leader",
  "isolate from all",
  "split all",
  "cut clients",
  "slow links",
];

export const LOG_MIXTURE: Mixture = {
  usual: ["kill leader", "kill leader"],
  others: [
    ["pause leader", "kill all", "pause two", "kill again", "restart leader", "kill two"],
    NETWORK,
  ],
};

export const GROUP_MIXTURE: Mixture = {
  usual: ["kill coordinator", "kill coordinator", "pause coordinator"],
  others: [
    ["kill all", "kill leader", "restart coordinator", "kill again", "pause two", "kill two"],
    NETWORK,
  ],
};

/** Of power: brokers run as a program that plays their disks. After one disk has lied its replicas are out for good. */
export const POWER: readonly FaultKind[] = [
  "power leader",
  "power all",
  "power again",
  "power two",
];

/** Families of faults that can be asked for by one name. */
export const FAMILIES: Readonly<Record<string, readonly FaultKind[]>> = {
  network: NETWORK,
  power: POWER,
  process: FAULT_KINDS.filter(
    (kind) => !NETWORK.includes(kind) && !POWER.includes(kind) && kind !== "lying disk",
  ),
};

/** All kinds of a mixture. */
export function kindsOf({ usual, others }: Mixture): ReadonlySet<FaultKind> {
  return new Set([...usual, ...others.flat()]);
}

/** What is left of a mixture when only some kinds may come; those that it never had come too. */
export function only(mixture: Mixture, wanted: ReadonlySet<FaultKind>): Mixture {
  const keep = (kinds: readonly FaultKind[]): FaultKind[] =>
    kinds.filter((kind) => wanted.has(kind));
  const known = kindsOf(mixture);
  const others = [...mixture.others.map(keep), [...wanted].filter((kind) => !known.has(kind))];
  return { usual: keep(mixture.usual), others: others.filter((kinds) => kinds.length > 0) };
}

export type Slot =
  | {
      readonly slot: "fault";
      readonly kind: FaultKind;
      readonly downMs: number;
      readonly settleMs: number;
    }
  | { readonly slot: "quiet"; readonly ms: number };

export const PAUSE_MS = 5_000;

/** An endless plan. */
export function* plan(random: Random, { usual, others }: Mixture): Generator<Slot> {
  for (let turn = 0; ; turn++) {
    const rare = others.map((kinds) => kinds[turn % kinds.length] as FaultKind);
    const block = [...usual, ...rare];
    for (const kind of random.shuffled(block)) {
      if (random.chance(1 / 4)) yield { slot: "quiet", ms: random.between(1_500, 4_000) };
      yield {
        slot: "fault",
        kind,
        downMs: random.between(200, 1_500),
        settleMs: random.between(100, 1_000),
      };
    }
  }
}
