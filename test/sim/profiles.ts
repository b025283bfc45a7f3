// Tilted plans, one for each family of rules: the faults that strike it are always part of the plan and weigh much, those
// that would only interrupt are mostly left out. Bugs that need two or three particular faults in a row are found within
// hundreds of such seeds, and hardly ever by plans that are tilted towards nothing.
import type { FaultKind, Profile, Share, Workload } from "./plan.ts";
import type { SmallSizes } from "./cluster/small-settings.ts";

const KIB = 1024;

/** Left out of the plan. */
const NEVER: Share = [0, 1];
const RARELY: Share = [100, 1];
const LINK_FAULTS = ["isolate", "isolate one way", "split", "bridge", "clog", "slow link"] as const;
const DEATHS = ["kill", "power", "power all"] as const;
const DISK_LOSSES = ["wipe disk", "restore disk", "lose last writes", "misdirected write"] as const;

export const PROFILES = {
  /** Everything now and then. */
  default: {},
  /** Who may answer and lead: hand-overs, cuts, pauses and slow disks, and hardly a death that would end the matter. */
  leases: {
    faults: {
      ...sharesOf(DEATHS, RARELY),
      ...sharesOf(DISK_LOSSES, NEVER),
      transfer: [1_000, 12],
      isolate: [800, 8],
      "isolate one way": [800, 8],
      bridge: [500, 4],
      clog: [600, 6],
      freeze: [700, 8],
      block: [800, 10],
      suspend: [500, 5],
      stop: [500, 4],
      "journal stall": [600, 6],
      "journal EIO": NEVER,
      "journal ENOSPC": NEVER,
    },
    moments: {
      "isolate a new leader": [700, 200],
      "freeze a new leader": [500, 150],
      "cut off and stall a leader": [600, 6],
      "kill a new leader": RARELY,
      "stall who takes over": [700, 1_000],
      "silence who left a leader": [700, 1_000],
      "power who is loyal": [800, 1_000],
    },
    tilt: (plan, pick) => ({ ...plan, faultEveryMsMax: pick([100, 200, 400]) }),
  },
  /** What disks lose and bring back: power, errors, old and empty disks, with a network that is well. */
  disks: {
    faults: {
      ...sharesOf(LINK_FAULTS, RARELY),
      power: [1_000, 10],
      "power all": [600, 4],
      "restore disk": [500, 5],
      "lose last writes": [800, 8],
      "wipe disk": [400, 3],
      "journal EIO": [300, 3],
      "bulk EIO": [300, 3],
      "read EIO": [300, 3],
      "flip bit": [500, 5],
      "misdirected write": [800, 8],
      "journal ENOSPC": [200, 2],
      freeze: RARELY,
    },
    moments: {
      "power during a journal write": [800, 8],
      "power after a vote": [500, 120],
      "power after a commit": [500, 5],
      "power after a truncation": [500, 300],
    },
    tilt: (plan, pick) => ({ ...plan, pauseMsMax: pick([8, 15, 40, 150]) }),
  },
  /** Replicas that come and go on four and five brokers, under crashes of whoever takes part. */
  membership: {
    brokers: [4, 5, 5],
    faults: {
      "move replicas": [1_000, 12],
      transfer: [700, 8],
      kill: [800, 6],
      power: [500, 4],
      "wipe disk": [200, 2],
      stop: [500, 5],
      "slow link": [400, 4],
    },
    moments: { "kill during a change": [800, 300], "kill a new leader": [400, 150] },
    tilt: (plan, pick) => ({ ...plan, faultEveryMsMax: pick([150, 300, 600]) }),
  },
  /** Everything that a network can do, to brokers that live. */
  links: {
    faults: {
      ...sharesOf(LINK_FAULTS, [800, 8]),
      ...sharesOf(DEATHS, RARELY),
      ...sharesOf(DISK_LOSSES, NEVER),
      "reset links": [800, 8],
      block: [500, 6],
      reconfigure: [300, 3],
    },
    moments: { "isolate a new leader": [700, 200], "kill a new leader": RARELY },
    tilt: (plan, pick) => ({ ...plan, windowBytes: pick([2, 8, 64, 256]) * KIB }),
  },
  /** More than queues, arenas, windows and disks take. */
  overload: {
    brokers: [3],
    faults: { "journal stall": [700, 6], "bulk stall": [500, 4], "slow link": [500, 5] },
    tilt: (plan, pick) => ({
      ...plan,
      producers: pick([8, 12]),
      consumers: 4,
      valueBytesMax: pick([2_000, 12_000, 15_000]),
      pauseMsMax: pick([2, 4]),
      faultMs: Math.min(plan.faultMs, 2_500),
      inflightMax: pick([1, 4, 64]),
      windowBytes: pick([8, 64]) * KIB,
      sizes: sizesOf(plan.sizes, 256 * KIB, 256 * KIB),
    }),
  },
  /** Journals that reach their limit: refusals, elections and starts without room (J11). */
  room: {
    faults: { "journal stall": [400, 4], "bulk stall": [500, 5], "power all": [400, 3] },
    tilt: (plan, pick) => ({
      ...plan,
      valueBytesMax: pick([2_000, 12_000, 15_000]),
      sizes: {
        ...sizesOf(plan.sizes, 256 * KIB, pick([256, 512]) * KIB),
        journalBytesMax: pick([1_536, 2_048, 3_072]) * KIB,
      },
    }),
  },
  /** Clients that hardly do anything, for a long time: seals, sessions that expire, logs that lie idle. */
  quiet: {
    faults: { "power all": [400, 3], freeze: [500, 6], transfer: [700, 8] },
    tilt: (plan, pick) => ({
      ...plan,
      producers: 2,
      consumers: 1,
      pauseMsMax: pick([300, 1_000, 3_000]),
      faultMs: plan.faultMs * 5,
      faultEveryMsMax: pick([1_000, 3_000]),
    }),
  },
} as const satisfies Record<string, Profile>;

export type ProfileName = keyof typeof PROFILES;

export const PROFILE_NAMES = Object.keys(PROFILES) as readonly ProfileName[];

export function isProfileName(name: string): name is ProfileName {
  return Object.hasOwn(PROFILES, name);
}

const MIXED: readonly Workload[] = ["kafka", "service", "groups", "service"];

/** Of a run over all profiles: each with each workload. */
export function profileOf(seed: number): ProfileName {
  return PROFILE_NAMES[Math.floor(seed / MIXED.length) % PROFILE_NAMES.length] as ProfileName;
}

/** In a mixed run, every fourth seed has clients that speak Kafka, and every fourth consumer groups. */
export function mixedWorkload(seed: number): Workload {
  return MIXED[seed % MIXED.length] as Workload;
}

function sharesOf<K extends FaultKind>(kinds: readonly K[], share: Share): Record<K, Share> {
  return Object.fromEntries(kinds.map((kind) => [kind, share])) as Record<K, Share>;
}

function sizesOf(sizes: SmallSizes, arenaBytes: number, fileBytes: number): SmallSizes {
  return { ...sizes, arenaBytes, fileBytes };
}
