// What all connections of a simulated network share: time, chance, the ways between machines, and which
// machines are without power.
import type { Scheduler } from "./scheduler.ts";
import { drawLatencyUs, SeededEntropy } from "./seeded-entropy.ts";
import type { Latency } from "./seeded-entropy.ts";
import { SimLinks } from "./sim-links.ts";

export interface NetworkOptions {
  readonly latency: Latency;
  /** Bytes of one direction that the system holds before the sender has to keep them. */
  readonly windowBytes: number;
  /** How long a connect is tried. */
  readonly openUsMax: number;
  /** How long bytes that do not arrive are tried again before the sender's side gives up. */
  readonly stallUsMax: number;
  /** How long a connection that one side has ended may linger. */
  readonly endUsMax: number;
  /** Of a thousand deliveries, how many are cut at random places. */
  readonly splitPermille: number;
}

export const CALM_NETWORK: NetworkOptions = {
  latency: { minUs: 40, maxUs: 250, tailPermille: 10, tailUsMax: 3_000 },
  windowBytes: 256 << 10,
  openUsMax: 3_000_000,
  stallUsMax: 15_000_000,
  endUsMax: 10_000_000,
  splitPermille: 300,
};

export class Fabric {
  readonly links: SimLinks;
  readonly entropy: SeededEntropy;
  readonly scheduler: Scheduler;
  options: NetworkOptions;
  /** Machines whose packets get no answer at all: from a loss of power until the next boot. */
  readonly dark = new Set<string>();

  constructor(scheduler: Scheduler, seed: number, options: NetworkOptions) {
    this.scheduler = scheduler;
    this.options = options;
    this.entropy = new SeededEntropy(seed, "network");
    this.links = new SimLinks(options.latency);
  }

  /** Whether a packet now gets through. */
  reaches(from: string, to: string): boolean {
    return !this.links.isCut(from, to) && !this.dark.has(to);
  }

  latencyUs(from: string, to: string): number {
    return drawLatencyUs(this.links.latencyOf(from, to), this.entropy);
  }
}
