// Latencies of one run, in milliseconds, and what is read off them.

export class Latencies {
  readonly #values: number[] = [];

  add(ms: number): void {
    this.#values.push(ms);
  }

  get count(): number {
    return this.#values.length;
  }

  /** Nearest-rank percentiles; NaN when nothing was measured. */
  percentiles(...of: readonly number[]): number[] {
    const sorted = this.#values.toSorted((a, b) => a - b);
    return of.map(
      (p) => sorted[Math.min(sorted.length - 1, Math.floor((p / 100) * sorted.length))] ?? NaN,
    );
  }

  show(): string {
    const [p50, p99, p999] = this.percentiles(50, 99, 99.9);
    const text = (ms: number | undefined): string => (ms ?? NaN).toFixed(2).padStart(8);
    return `p50${text(p50)} p99${text(p99)} p99.9${text(p999)} ms`;
  }
}
