// Which fault comes when: a seeded plan. Faults come in blocks that hold every kind, shuffled, so that short runs meet all
// of them too; about a quarter of the slots are quiet, so that the cluster is also seen healthy. Each workload has a mixture
// of its own.
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
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Mixture {
  /** Every block of faults holds these, and one of the others, which take turns. */
  readonly usual: readonly FaultKind[];
  readonly others: readonly FaultKind[];
}

export const LOG_MIXTURE: Mixture = {
  usual: ["kill leader", "kill leader", "kill leader"],
  others: ["pause leader", "kill all", "kill again", "restart leader", "kill two"],
};

export const GROUP_MIXTURE: Mixture = {
  usual: ["kill coordinator", "kill coordinator", "pause coordinator"],
  others: ["kill all", "kill leader", "restart coordinator", "kill again", "kill two"],
};

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
  for (let other = 0; ; other++) {
    const block = [...usual, others[other % others.length] as FaultKind];
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
