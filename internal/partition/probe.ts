// What partitions show to Prometheus: how long appends take until they are answered, and how many wait.
import type { Counter, Histogram, Meter } from "../ports/meter.ts";

export class PartitionProbe {
  readonly #commitSeconds: Histogram;
  readonly #records: Counter;
  readonly #bytes: Counter;

  constructor(meter: Meter, waitingAppends: () => number) {
    this.#commitSeconds = meter.histogram(
      "flotilla_partition_commit_duration_seconds",
      "From the append of a batch by its leader to the answer's condition: committed, in general.",
    );
    this.#records = meter.counter(
      "flotilla_partition_appended_records_total",
      "Records that leaders on this broker appended.",
    );
    this.#bytes = meter.counter(
      "flotilla_partition_appended_bytes_total",
      "Bytes of batches that leaders on this broker appended.",
    );
    meter.observedGauge(
      "flotilla_partition_waiting_appends",
      "Appended batches whose answer is due.",
      waitingAppends,
    );
  }

  appended(records: number, bytes: number): void {
    this.#records.add(records);
    this.#bytes.add(bytes);
  }

  answered(waitedMs: number): void {
    this.#commitSeconds.observe(waitedMs / 1000);
  }
}
