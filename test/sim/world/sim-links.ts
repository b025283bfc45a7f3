// The ways between simulated machines, one for each direction: how long bytes take and whether they arrive at all. A cut
// way loses nothing for good: what TCP would retransmit waits, and the users of the way decide how long.
import type { Latency } from "./seeded-entropy.ts";

const HERE: Latency = { minUs: 15, maxUs: 60, tailPermille: 5, tailUsMax: 500 };

export class SimLinks {
  /** The latency of every way that has none of its own. */
  latency: Latency;
  readonly #cut = new Set<string>();
  readonly #slow = new Map<string, Latency>();
  readonly #cloggedUntilUs = new Map<string, number>();

  constructor(latency: Latency) {
    this.latency = latency;
  }

  /** Nothing arrives from `from` at `to` until it is healed. The other direction stays. */
  cutOneWay(from: string, to: string): void {
    this.#cut.add(wayOf(from, to));
  }

  cut(left: string, right: string): void {
    this.cutOneWay(left, right);
    this.cutOneWay(right, left);
  }

  /** Cuts every way between a machine of `side` and one of `rest`. */
  partition(side: readonly string[], rest: readonly string[]): void {
    for (const left of side) for (const right of rest) if (left !== right) this.cut(left, right);
  }

  heal(from: string, to: string): void {
    this.#cut.delete(wayOf(from, to));
  }

  /** Ends every cut, clog and slowness. */
  healAll(): void {
    this.#cut.clear();
    this.#slow.clear();
    this.#cloggedUntilUs.clear();
  }

  /** What is under way from `from` to `to`, and what follows, arrives at `untilUs` at the earliest. */
  clog(from: string, to: string, untilUs: number): void {
    this.#cloggedUntilUs.set(wayOf(from, to), untilUs);
  }

  slow(from: string, to: string, latency: Latency): void {
    this.#slow.set(wayOf(from, to), latency);
  }

  isCut(from: string, to: string): boolean {
    return this.#cut.size > 0 && this.#cut.has(wayOf(from, to));
  }

  cloggedUntilUs(from: string, to: string): number {
    if (this.#cloggedUntilUs.size === 0) return 0;
    return this.#cloggedUntilUs.get(wayOf(from, to)) ?? 0;
  }

  latencyOf(from: string, to: string): Latency {
    if (from === to) return HERE;
    if (this.#slow.size === 0) return this.latency;
    return this.#slow.get(wayOf(from, to)) ?? this.latency;
  }
}

function wayOf(from: string, to: string): string {
  return `${from}>${to}`;
}
