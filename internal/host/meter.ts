// The Meter port of the host. Instruments are plain numbers, so that counting costs an addition; a page is
// rendered by prom-client from what they hold at that moment. Each broker has a registry of its own.
import { Registry } from "prom-client";
import type { Metric } from "prom-client";
import { assert } from "../base/assert.ts";
import type { Counter, Gauge, Histogram, Labels, Meter } from "../ports/meter.ts";

const LATENCY_BUCKETS = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];
const NO_LABELS: Labels = {};

interface Sample {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName: string;
}

type FamilyType = "counter" | "gauge" | "histogram";

export class HostMeter implements Meter {
  readonly #registry = new Registry();
  readonly #families = new Map<string, Family>();

  counter(name: string, help: string, labels = NO_LABELS): Counter {
    let sum = 0;
    this.#family(name, help, "counter").observe(labels, () => sum);
    return {
      add: (amount) => {
        assert(amount >= 0, "a counter never falls");
        sum += amount;
      },
    };
  }

  gauge(name: string, help: string, labels = NO_LABELS): Gauge {
    let last = 0;
    this.#family(name, help, "gauge").observe(labels, () => last);
    return {
      set: (value) => {
        last = value;
      },
    };
  }

  observedGauge(name: string, help: string, read: () => number, labels = NO_LABELS): void {
    this.#family(name, help, "gauge").observe(labels, read);
  }

  observedSeries(
    name: string,
    help: string,
    read: () => Iterable<readonly [Labels, number]>,
  ): void {
    this.#family(name, help, "gauge").add(NO_LABELS, () =>
      Array.from(read(), ([labels, value]) => ({ value, labels, metricName: name })),
    );
  }

  /** A counter that something else keeps: its value is read when the page is rendered. */
  observedCounter(name: string, help: string, read: () => number, labels = NO_LABELS): void {
    this.#family(name, help, "counter").observe(labels, read);
  }

  histogram(
    name: string,
    help: string,
    labels = NO_LABELS,
    buckets: readonly number[] = LATENCY_BUCKETS,
  ): Histogram {
    const histogram = new BucketCounts(buckets);
    this.#family(name, help, "histogram").add(labels, () => histogram.samples(name, labels));
    return histogram;
  }

  async render(): Promise<{ readonly contentType: string; readonly body: string }> {
    return { contentType: this.#registry.contentType, body: await this.#registry.metrics() };
  }

  #family(name: string, help: string, type: FamilyType): Family {
    let family = this.#families.get(name);
    if (family === undefined) {
      family = new Family(name, help, type);
      this.#families.set(name, family);
      // The registry only ever asks a metric for its name and, when it renders, for `get()`.
      this.#registry.registerMetric(family as unknown as Metric);
    }
    assert(family.type === type, "the instruments of one name are of one kind");
    return family;
  }
}

/** All instruments of one name, in the shape that prom-client renders. */
class Family {
  readonly name: string;
  readonly help: string;
  readonly type: FamilyType;
  readonly #series = new Map<string, () => Sample[]>();

  constructor(name: string, help: string, type: FamilyType) {
    assert(/^flotilla_[a-z0-9_]+$/.test(name), "a metric is named flotilla_<area>_<thing>_<unit>");
    this.name = name;
    this.help = help;
    this.type = type;
  }

  observe(labels: Labels, read: () => number): void {
    this.add(labels, () => [{ value: read(), labels, metricName: this.name }]);
  }

  add(labels: Labels, samples: () => Sample[]): void {
    const key = JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
    assert(!this.#series.has(key), "an instrument is bound once");
    this.#series.set(key, samples);
  }

  async get(): Promise<object> {
    const values = [...this.#series.values()].flatMap((samples) => samples());
    return { name: this.name, help: this.help, type: this.type, values, aggregator: "sum" };
  }
}

class BucketCounts implements Histogram {
  readonly #bounds: readonly number[];
  /** One more than there are bounds: the last counts what is above all of them. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(bounds: readonly number[]) {
    assert(bounds.length > 0, "a histogram has buckets");
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let index = 0;
    while (index < this.#bounds.length && value > (this.#bounds[index] as number)) index++;
    this.#counts[index] = (this.#counts[index] as number) + 1;
    this.#sum += value;
  }

  samples(name: string, labels: Labels): Sample[] {
    const samples: Sample[] = [];
    let count = 0;
    for (const [index, each] of this.#counts.entries()) {
      count += each;
      const le = this.#bounds[index] ?? "+Inf";
      samples.push({ value: count, labels: { ...labels, le }, metricName: `${name}_bucket` });
    }
    samples.push({ value: this.#sum, labels, metricName: `${name}_sum` });
    samples.push({ value: count, labels, metricName: `${name}_count` });
    return samples;
  }
}
