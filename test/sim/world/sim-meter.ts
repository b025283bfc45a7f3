// Metrics of one simulated process: plain numbers that a test can read by name.
import type { Counter, Gauge, Histogram, Labels, Meter } from "../../../internal/ports/meter.ts";
import { assert } from "../../../internal/base/assert.ts";

export class SimMeter implements Meter {
  readonly #values = new Map<string, () => number>();
  readonly #collected = new Map<string, () => Iterable<readonly [Labels, number]>>();

  /** The value of a counter or gauge, or how often a histogram was observed; null when nothing is so named. */
  value(name: string, labels?: Labels): number | null {
    const series = seriesOf(name, labels);
    const bound = this.#values.get(series);
    if (bound !== undefined) return bound();
    for (const [each, value] of this.#collected.get(name)?.() ?? []) {
      if (seriesOf(name, each) === series) return value;
    }
    return null;
  }

  counter(name: string, _help: string, labels?: Labels): Counter {
    let sum = 0;
    this.#bind(name, labels, () => sum);
    return {
      add: (amount) => {
        assert(amount >= 0, "a counter never falls");
        sum += amount;
      },
    };
  }

  gauge(name: string, _help: string, labels?: Labels): Gauge {
    let last = 0;
    this.#bind(name, labels, () => last);
    return {
      set: (value) => {
        last = value;
      },
    };
  }

  observedGauge(name: string, _help: string, read: () => number, labels?: Labels): void {
    this.#bind(name, labels, read);
  }

  observedSeries(
    name: string,
    _help: string,
    read: () => Iterable<readonly [Labels, number]>,
  ): void {
    assert(!this.#collected.has(name), "an instrument is bound once");
    this.#collected.set(name, read);
  }

  histogram(name: string, _help: string, labels?: Labels, buckets?: readonly number[]): Histogram {
    assert(buckets === undefined || buckets.length > 0, "a histogram has buckets");
    let count = 0;
    this.#bind(`${name}_count`, labels, () => count);
    return {
      observe: () => {
        count++;
      },
    };
  }

  async render(): Promise<{ readonly contentType: string; readonly body: string }> {
    const lines = [...this.#values].map(([series, read]) => `${series} ${read()}\n`);
    for (const [name, read] of this.#collected) {
      for (const [labels, value] of read()) lines.push(`${seriesOf(name, labels)} ${value}\n`);
    }
    return { contentType: "text/plain; version=0.0.4; charset=utf-8", body: lines.sort().join("") };
  }

  #bind(name: string, labels: Labels | undefined, read: () => number): void {
    const series = seriesOf(name, labels);
    assert(!this.#values.has(series), "an instrument is bound once");
    this.#values.set(series, read);
  }
}

function seriesOf(name: string, labels: Labels | undefined): string {
  const pairs = Object.entries(labels ?? {}).sort(([left], [right]) => (left < right ? -1 : 1));
  if (pairs.length === 0) return name;
  return `${name}{${pairs.map(([label, value]) => `${label}="${value}"`).join(",")}}`;
}
