// Randomness as the core sees it: from the operating system in the host, from the seed in the simulator.

export interface Entropy {
  /** A uniformly distributed integer in [0, limit). `limit` is 1 or more. */
  below(limit: number): number;
  /** Fills `into` with random bytes. */
  fill(into: Uint8Array): void;
}
