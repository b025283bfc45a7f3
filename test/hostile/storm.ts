// Damaged frames by the thousand against one broker: bundles of damaged requests, most of which end their connection at
// the first frame, and bundles of right requests with wrong record batches, each of which is answered.
import type { Address } from "../../internal/ports/wire.ts";
import { assault } from "./assault.ts";
import type { AssaultEnd } from "./assault.ts";
import { BAD_BATCHES, BAD_BATCH_NAMES } from "./bad-batches.ts";
import { DAMAGE_NAMES, damaged } from "./damage.ts";
import type { Random } from "./random.ts";
import { PRODUCE_VERSIONS, produceFrame } from "./seed-frames.ts";
import type { Victim } from "./seed-frames.ts";

const ROUGH_FRAMES = 12;
const POLITE_FRAMES = 120;
const SILENCE_MS = 100;
/** Connections at a time: some wait for answers that take long. */
const LANES = 6;
/** Of 100 bundles, those of damaged requests. */
const ROUGH_SHARE = 82;

export interface StormTotals {
  readonly sent: Map<string, number>;
  readonly ends: Record<AssaultEnd, number>;
  sentFrames: number;
  judgedFrames: number;
  connections: number;
}

export function newTotals(): StormTotals {
  return {
    sent: new Map(),
    ends: { broker: 0, sentinel: 0, silence: 0, unreachable: 0 },
    sentFrames: 0,
    judgedFrames: 0,
    connections: 0,
  };
}

export interface StormPlan {
  readonly to: Address;
  readonly victim: Victim;
  readonly seeds: readonly Uint8Array[];
  readonly random: Random;
  /** Whether to go on; asked before each connection. */
  readonly goesOn: () => boolean;
}

export async function storm(plan: StormPlan, totals: StormTotals): Promise<void> {
  const lane = async (random: Random): Promise<void> => {
    while (plan.goesOn()) {
      const isRough = random.below(100) < ROUGH_SHARE;
      const frames = isRough
        ? roughFrames(plan, random, totals)
        : batchFrames(plan, random, totals);
      const { judged, end } = await assault(plan.to, frames, isRough ? SILENCE_MS : 2_000);
      totals.connections++;
      totals.sentFrames += frames.length;
      totals.judgedFrames += judged;
      totals.ends[end]++;
    }
  };
  await Promise.all(Array.from({ length: LANES }, () => lane(plan.random.fork())));
}

function roughFrames(plan: StormPlan, random: Random, totals: StormTotals): Uint8Array[] {
  return Array.from({ length: ROUGH_FRAMES }, () => {
    const name = random.of(DAMAGE_NAMES);
    count(totals, name);
    return damaged(name, random.of(plan.seeds), random, random.of(plan.seeds));
  });
}

function batchFrames(plan: StormPlan, random: Random, totals: StormTotals): Uint8Array[] {
  const { victim } = plan;
  return Array.from({ length: POLITE_FRAMES }, () => {
    const name = random.of(BAD_BATCH_NAMES);
    count(totals, `batch: ${name}`);
    const records = (BAD_BATCHES[name] as (typeof BAD_BATCHES)[string])(random);
    const acks = random.of([-1, -1, -1, 1, 1, 2, -7]);
    const partition = random.below(20) === 0 ? random.below(1000) : random.of(victim.partitions);
    return produceFrame(victim, random.of(PRODUCE_VERSIONS), partition, acks, records);
  });
}

function count(totals: StormTotals, name: string): void {
  totals.sent.set(name, (totals.sent.get(name) ?? 0) + 1);
}
