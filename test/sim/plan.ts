// What a seed decides before its run begins (swarm testing): the size of the cluster, how the implementation is tuned,
// who produces and consumes, which faults there are and how often. Rates are drawn per seed, and most faults are absent
// from most seeds, so that each of them is seen alone, together with few others, and in crowds. A profile tilts all that.
import type { SettingValues } from "../../internal/config/settings.ts";
import { SMALL_SIZES } from "./cluster/small-settings.ts";
import type { SmallSizes } from "./cluster/small-settings.ts";
import { SeededEntropy } from "./world/seeded-entropy.ts";
import type { Latency } from "./world/seeded-entropy.ts";

/** Every kind of fault and disturbance; the weights of a plan are per mille of a draw. */
const FAULT_KINDS = [
  "kill",
  "power",
  "power all",
  "freeze",
  "isolate",
  "isolate one way",
  "split",
  "bridge",
  "clog",
  "slow link",
  "reset links",
  "journal stall",
  "bulk stall",
  "journal EIO",
  "journal ENOSPC",
  "bulk EIO",
  "wall clock jump",
  "transfer",
  "move replicas",
  "wipe disk",
  "restore disk",
  "block",
  "suspend",
  "stop",
  "reconfigure",
  "read EIO",
  "flip bit",
  "lose last writes",
] as const;
/** Drawn from a stream of their own. */
const LATER_FAULT_KINDS = ["misdirected write"] as const;
type DrawnFault = (typeof FAULT_KINDS)[number] | (typeof LATER_FAULT_KINDS)[number];
/** "coordinator" strikes whoever leads a partition of __consumer_offsets, where there are consumer groups. */
export type FaultKind = DrawnFault | "coordinator";

/** Faults that wait for a moment in a broker, each with its chance per mille. */
const MOMENT_FAULTS = [
  "power during a journal write",
  "cut off and stall a leader",
  "kill a new leader",
  "isolate a new leader",
  "freeze a new leader",
  "power after a vote",
  "power after a commit",
  "power after a truncation",
  "kill during a change",
] as const;
/** Those for moments in which a leader relies on a promise (L5); drawn from a stream of their own. */
const LEASE_FAULTS = [
  "stall who takes over",
  "silence who left a leader",
  "power who is loyal",
] as const;
export type MomentFault = (typeof MOMENT_FAULTS)[number] | (typeof LEASE_FAULTS)[number];

export function isActionKind(name: string): name is FaultKind | MomentFault {
  const kinds = [
    ...FAULT_KINDS,
    ...LATER_FAULT_KINDS,
    "coordinator",
    ...MOMENT_FAULTS,
    ...LEASE_FAULTS,
  ];
  return kinds.some((kind) => kind === name);
}

/** "groups": consumer groups beside producers and consumers. */
export type Workload = "service" | "kafka" | "groups";

export interface GroupPlan {
  readonly groups: number;
  readonly membersMax: number;
  /** Of a thousand groups, how many are of the newer protocol. */
  readonly newerPermille: number;
  /** Of a thousand groups, how many have members of both: they are migrated to and fro. */
  readonly mixedPermille: number;
  /** Of a thousand members, how many are static. */
  readonly staticPermille: number;
  readonly sessionMs: number;
  readonly rebalanceMs: number;
  readonly initialDelayMs: number;
  readonly pauseMsMax: number;
  /** Of __consumer_offsets. */
  readonly partitions: number;
}

export interface Plan {
  readonly seed: number;
  readonly workload: Workload;
  readonly brokers: number;
  readonly partitions: number;
  readonly factor: number;
  /** Partitions of a topic whose replication factor is 1. */
  readonly singles: number;
  readonly minInSync: number;
  readonly settings: SettingValues;
  readonly sizes: SmallSizes;
  readonly appendEntriesMax: number;
  readonly inflightMax: number;
  readonly journalLatency: Latency;
  readonly networkLatency: Latency;
  /** What the system holds of one direction of a connection. */
  readonly windowBytes: number;
  /** A machine whose disk is slower than the others', or 0. */
  readonly slowDisk: number;
  readonly producers: number;
  readonly idempotentPermille: number;
  readonly consumers: number;
  readonly valueBytesMax: number;
  readonly pauseMsMax: number;
  readonly faultMs: number;
  /** Between two faults, on average half of it. */
  readonly faultEveryMsMax: number;
  /** How much faster or slower than right the clock of a machine may run. */
  readonly driftPermilleMax: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly moments: ReadonlyMap<MomentFault, number>;
  readonly groups: GroupPlan | null;
  /** Operators who create, configure and delete topics. */
  readonly administrators: number;
  /** Whether the project's own client reads along. */
  readonly hasOwnReader: boolean;
}

const KIB = 1024;
/** Two clocks may part by a tenth of the time that passes: a leader counts on no more (L5). */
const DRIFT_PERMILLE_MAX = 45;
/** What brokers tell members of the newer protocol, which do not choose it. */
export const NEWER_SESSION_MS = 1_000;
/** How often a kind of fault is part of a plan, per mille, and the weight or chance that it then has at most. */
export type Share = readonly [permille: number, most: number];

/** Draws one of a list. */
export type Pick = <T>(list: readonly T[]) => T;

/** What tilts a plan; the profiles are in profiles.ts. */
export interface Profile {
  readonly brokers?: readonly number[];
  /** Over the shares that every kind of fault has anyway. */
  readonly faults?: Readonly<Partial<Record<FaultKind, Share>>>;
  readonly moments?: Readonly<Partial<Record<MomentFault, Share>>>;
  /** The last word on a plan. */
  readonly tilt?: (plan: Plan, pick: Pick) => Plan;
}

const FAULT_SHARES: Readonly<Record<DrawnFault, Share>> = {
  kill: [700, 10],
  power: [700, 10],
  "power all": [200, 2],
  freeze: [350, 6],
  isolate: [500, 8],
  "isolate one way": [350, 6],
  split: [300, 5],
  bridge: [200, 4],
  clog: [350, 8],
  "slow link": [250, 5],
  "reset links": [300, 5],
  "journal stall": [300, 5],
  "bulk stall": [200, 3],
  "journal EIO": [120, 2],
  "journal ENOSPC": [80, 2],
  "bulk EIO": [100, 2],
  "wall clock jump": [150, 3],
  transfer: [500, 8],
  "move replicas": [500, 6],
  "wipe disk": [60, 2],
  "restore disk": [50, 2],
  block: [300, 6],
  suspend: [200, 3],
  stop: [300, 5],
  reconfigure: [200, 3],
  "read EIO": [150, 2],
  "flip bit": [200, 3],
  "lose last writes": [50, 2],
  "misdirected write": [120, 3],
};
const MOMENT_SHARES: Readonly<Record<MomentFault, Share>> = {
  "power during a journal write": [400, 4],
  "cut off and stall a leader": [300, 6],
  "kill a new leader": [250, 150],
  "isolate a new leader": [250, 150],
  "freeze a new leader": [150, 100],
  "power after a vote": [200, 80],
  "power after a commit": [200, 3],
  "power after a truncation": [300, 300],
  "kill during a change": [250, 200],
  "stall who takes over": [150, 400],
  "silence who left a leader": [150, 400],
  "power who is loyal": [100, 200],
};

const LOSSES = ["wipe disk", "restore disk", "lose last writes", "misdirected write"] as const;

function faultsOf(seed: number, entropy: SeededEntropy, profile: Profile): Map<FaultKind, number> {
  const faults = new Map<FaultKind, number>();
  const draw = (kinds: readonly DrawnFault[], from: SeededEntropy): void => {
    for (const kind of kinds) {
      const [permille, weightMax] = profile.faults?.[kind] ?? FAULT_SHARES[kind];
      const weight = 1 + from.below(weightMax);
      if (from.chance(permille)) faults.set(kind, weight);
    }
  };
  draw(FAULT_KINDS, entropy);
  draw(LATER_FAULT_KINDS, new SeededEntropy(seed, "later faults"));
  return faults;
}

/** What a seed decides whatever its workload. */
function commonPlan(
  seed: number,
  entropy: SeededEntropy,
  workload: Workload,
  profile: Profile,
): Plan {
  const pick: Pick = (list) => list[entropy.below(list.length)] as (typeof list)[number];
  const brokers = pick(profile.brokers ?? [3, 3, 3, 3, 4, 5]);
  const factor = brokers === 5 ? pick([3, 3, 5]) : 3;
  const faults = faultsOf(seed, entropy, profile);
  const singles = singlesOf(seed);
  // A single replica can go anywhere.
  if (brokers === 3 && singles === 0) faults.delete("move replicas");
  // Without any fault in between, a run shows nothing that a test of the cluster would not.
  if (faults.size === 0) faults.set("kill", 1);
  const moments = new Map<MomentFault, number>();
  for (const kind of MOMENT_FAULTS) {
    const [permille, chance] = profile.moments?.[kind] ?? MOMENT_SHARES[kind];
    if (entropy.chance(permille)) moments.set(kind, 1 + entropy.below(chance));
  }
  const own = new SeededEntropy(seed, "leases");
  for (const kind of LEASE_FAULTS) {
    const [permille, chance] = profile.moments?.[kind] ?? MOMENT_SHARES[kind];
    if (own.chance(permille)) moments.set(kind, 1 + own.below(chance));
  }
  const pingMs = pick([50, 100, 100, 200]);
  // A replica on a lost disk stays suspect: a topic that asks for all of them would refuse appends for ever, rightly.
  const losesDisks = LOSSES.some((kind) => faults.has(kind));
  const minInSync = pick([0, 0, 0, 1, 2, losesDisks ? 0 : factor]);
  return {
    seed,
    workload,
    brokers,
    factor,
    singles,
    partitions: 1 + entropy.below(4),
    minInSync,
    settings: {
      "link.ping.ms": pingMs,
      "link.silence.ms": pingMs * pick([3, 4, 4, 6]),
      "replica.lag.time.max.ms": pick([500, 2_000, 30_000]),
      "journal.stall.transfer.ms": pick([200, 500]),
      "journal.stall.fence.ms": pick([1_000, 2_000]),
      "journal.stall.exit.ms": pick([4_000, 30_000]),
    },
    sizes: sizesOf(pick),
    appendEntriesMax: pick([1, 2, 16, 256]),
    inflightMax: pick([4, 64, 4096]),
    journalLatency: pick(JOURNAL_LATENCIES),
    networkLatency: pick(NETWORK_LATENCIES),
    windowBytes: 256 * KIB,
    slowDisk: entropy.chance(250) ? 1 + entropy.below(brokers) : 0,
    producers: 2 + entropy.below(4),
    idempotentPermille: pick([300, 700, 1000]),
    consumers: 1 + entropy.below(3),
    valueBytesMax: pick([40, 200, 200, 2_000, 12_000]),
    pauseMsMax: pick([4, 8, 8, 15]),
    faultMs: 1_500 + entropy.below(3_500),
    faultEveryMsMax: pick([200, 500, 1_000]),
    driftPermilleMax: pick([0, 0, 10, DRIFT_PERMILLE_MAX]),
    faults,
    moments,
    groups: null,
    administrators: administratorsOf(seed),
    hasOwnReader: hasOwnReader(seed),
  };
}

export function planOf(seed: number, workload: Workload, profile: Profile): Plan {
  const entropy = new SeededEntropy(seed, "plan");
  const common = commonPlan(seed, entropy, workload, profile);
  const plan = workload === "groups" ? withGroups(common, entropy) : common;
  if (profile.tilt === undefined) return plan;
  // Of a stream of its own: what the seed draws otherwise does not depend on its profile.
  const tilts = new SeededEntropy(seed, "tilt");
  return profile.tilt(plan, (list) => list[tilts.below(list.length)] as (typeof list)[number]);
}

/** In every fourth run; of a stream of its own. */
function administratorsOf(seed: number): number {
  const entropy = new SeededEntropy(seed, "administrators");
  return entropy.chance(250) ? 1 + entropy.below(3) : 0;
}

/** In every fourth run; of a stream of its own. */
function singlesOf(seed: number): number {
  const entropy = new SeededEntropy(seed, "singles");
  return entropy.chance(250) ? 1 + entropy.below(3) : 0;
}

/** In every eighth run; of a stream of its own. */
function hasOwnReader(seed: number): boolean {
  return new SeededEntropy(seed, "own reader").chance(125);
}

function withGroups(plan: Plan, entropy: SeededEntropy): Plan {
  const pick: Pick = (list) => list[entropy.below(list.length)] as (typeof list)[number];
  const groups: GroupPlan = {
    groups: 1 + entropy.below(3),
    membersMax: pick([2, 3, 4]),
    newerPermille: pick([0, 500, 1_000]),
    mixedPermille: pick([0, 0, 400]),
    staticPermille: pick([0, 300, 600]),
    sessionMs: pick([250, 500, 1_000]),
    rebalanceMs: pick([400, 800, 1_500]),
    initialDelayMs: pick([0, 0, 150]),
    pauseMsMax: pick([10, 25, 50]),
    partitions: pick([1, 1, 2, 3]),
  };
  const settings: SettingValues = {
    ...plan.settings,
    "group.min.session.timeout.ms": 100,
    "group.consumer.session.timeout.ms": NEWER_SESSION_MS,
    "group.consumer.heartbeat.interval.ms": NEWER_SESSION_MS / 4,
    "group.initial.rebalance.delay.ms": groups.initialDelayMs,
    "offsets.topic.num.partitions": groups.partitions,
  };
  const faults = new Map(plan.faults).set("coordinator", 2 + entropy.below(10));
  // Members need time to become a group, and more of it to do so again.
  const faultMs = plan.faultMs + 1_500;
  return { ...plan, settings, faults, faultMs, producers: 2, consumers: 1, groups };
}

function sizesOf(pick: Pick): SmallSizes {
  const arenaBytes = pick([256 * KIB, 512 * KIB, 1024 * KIB]);
  const fileBytes = pick([256 * KIB, 512 * KIB, 1024 * KIB]);
  return { ...SMALL_SIZES, arenaBytes, fileBytes };
}

export const JOURNAL_LATENCIES: readonly [Latency, ...Latency[]] = [
  { minUs: 150, maxUs: 400, tailPermille: 20, tailUsMax: 5_000 },
  { minUs: 150, maxUs: 400, tailPermille: 20, tailUsMax: 5_000 },
  { minUs: 50, maxUs: 3_000, tailPermille: 50, tailUsMax: 40_000 },
  { minUs: 2_000, maxUs: 12_000, tailPermille: 20, tailUsMax: 200_000 },
];

export const NETWORK_LATENCIES: readonly [Latency, ...Latency[]] = [
  { minUs: 40, maxUs: 250, tailPermille: 10, tailUsMax: 3_000 },
  { minUs: 40, maxUs: 250, tailPermille: 10, tailUsMax: 3_000 },
  { minUs: 300, maxUs: 2_000, tailPermille: 20, tailUsMax: 30_000 },
  { minUs: 1_000, maxUs: 20_000, tailPermille: 30, tailUsMax: 150_000 },
];
