// The metrics of the gRPC front end.
import { status } from "@grpc/grpc-js";
import type { Counter, Histogram, Meter } from "../ports/meter.ts";

/** What an observed gauge reads. */
export interface Gauges {
  calls(): number;
  tailBytes(): number;
}

export class GrpcProbe {
  readonly recordsSent: Counter;
  readonly bytesSent: Counter;
  readonly #meter: Meter;
  readonly #calls = new Map<string, Counter>();
  readonly #durations = new Map<string, Histogram>();

  constructor(meter: Meter) {
    this.#meter = meter;
    this.recordsSent = meter.counter("flotilla_grpc_tail_records_total", "Records sent by Tail.");
    this.bytesSent = meter.counter("flotilla_grpc_tail_bytes_total", "Bytes sent by Tail.");
  }

  observe(gauges: Gauges): void {
    this.#meter.observedGauge("flotilla_grpc_calls", "gRPC calls under way.", gauges.calls);
    this.#meter.observedGauge(
      "flotilla_grpc_tail_unsent_bytes",
      "Bytes of Tail responses that the connections have not taken yet.",
      gauges.tailBytes,
    );
  }

  /** `path` is one of the server's own methods, so the labels form a closed set. */
  callEnded(path: string, code: status, seconds: number): void {
    const label = status[code] ?? "UNKNOWN";
    const key = `${path} ${label}`;
    let calls = this.#calls.get(key);
    if (calls === undefined) {
      const labels = { method: path, code: label };
      calls = this.#meter.counter("flotilla_grpc_calls_total", "gRPC calls by outcome.", labels);
      this.#calls.set(key, calls);
    }
    calls.add(1);
    this.#duration(path).observe(seconds);
  }

  #duration(path: string): Histogram {
    let duration = this.#durations.get(path);
    if (duration === undefined) {
      const help = "How long gRPC calls took, streams included.";
      const labels = { method: path };
      duration = this.#meter.histogram("flotilla_grpc_call_duration_seconds", help, labels);
      this.#durations.set(path, duration);
    }
    return duration;
  }
}
