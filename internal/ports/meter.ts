// Metrics. Each module binds its instruments once in a `probe.ts`; names are flotilla_<area>_<thing>_<unit>[_total],
// in base units (seconds, bytes). Labels come from small closed sets.

export interface Counter {
  add(amount: number): void;
}

export interface Gauge {
  set(value: number): void;
}

export interface Histogram {
  observe(value: number): void;
}

export type Labels = Readonly<Record<string, string>>;

export interface Meter {
  counter(name: string, help: string, labels?: Labels): Counter;
  gauge(name: string, help: string, labels?: Labels): Gauge;
  /** A gauge whose value is read when the page is rendered. */
  observedGauge(name: string, help: string, read: () => number, labels?: Labels): void;
  /** Gauges whose labels change: their series are read when the page is rendered, each with labels of its own. */
  observedSeries(name: string, help: string, read: () => Iterable<readonly [Labels, number]>): void;
  /** `buckets` are upper bounds in the metric's unit; a sensible set for latencies in seconds by default. */
  histogram(name: string, help: string, labels?: Labels, buckets?: readonly number[]): Histogram;
  /** The Prometheus text exposition page. */
  render(): Promise<{ readonly contentType: string; readonly body: string }>;
}
