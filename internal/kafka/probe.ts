// The metrics of the front end, bound once.
import type { Counter, Histogram, Meter } from "../ports/meter.ts";
import { errorName } from "./codec/errors.ts";

/** Why a connection is over. */
const CLOSE_CAUSES = [
  "client", // the other side, or the network
  "shutdown",
  "too-many-connections",
  "idle",
  "incomplete-frame",
  "slow-reader",
  "memory-short", // it held much without getting on, while others waited for room
  "frame-size",
  "tls-on-plaintext",
  "undecodable",
  "unknown-api",
  "unsupported-version",
  "unencodable-answer",
  "refused-without-acks",
  "not-ready",
] as const;

export type CloseCause = (typeof CLOSE_CAUSES)[number];

export class KafkaProbe {
  readonly receivedBytes: Counter;
  readonly sentBytes: Counter;
  readonly accepted: Counter;
  readonly closed: Readonly<Record<CloseCause, Counter>>;
  readonly #meter: Meter;
  readonly #durations: Histogram[] = [];
  readonly #errors = new Map<number, Counter>();

  constructor(
    meter: Meter,
    watched: {
      readonly connections: () => number;
      readonly heldBytes: () => number;
      readonly fetchSessions: () => number;
    },
    apis: readonly { readonly key: number; readonly name: string }[],
  ) {
    this.#meter = meter;
    const prefix = "flotilla_kafka";
    this.receivedBytes = meter.counter(`${prefix}_received_bytes_total`, "Bytes from clients.");
    this.sentBytes = meter.counter(`${prefix}_sent_bytes_total`, "Bytes of answers to clients.");
    this.accepted = meter.counter(`${prefix}_connections_total`, "Client connections accepted.");
    const closed: Partial<Record<CloseCause, Counter>> = {};
    for (const cause of CLOSE_CAUSES) {
      closed[cause] = meter.counter(
        `${prefix}_connections_closed_total`,
        "Client connections that ended, by cause.",
        { cause },
      );
    }
    this.closed = closed as Readonly<Record<CloseCause, Counter>>;
    meter.observedGauge(`${prefix}_connections`, "Open connections.", watched.connections);
    meter.observedGauge(
      `${prefix}_held_bytes`,
      "Bytes of requests and answers under way.",
      watched.heldBytes,
    );
    meter.observedGauge(
      `${prefix}_fetch_sessions`,
      "Incremental fetch sessions.",
      watched.fetchSessions,
    );
    for (const { key, name } of apis) {
      this.#durations[key] = meter.histogram(
        `${prefix}_request_duration_seconds`,
        "From the arrival of a request to its encoded answer.",
        { api: name },
      );
    }
  }

  answered(apiKey: number, durationMs: number): void {
    this.#durations[apiKey]?.observe(durationMs / 1000);
  }

  /** Counts an error that is sent to a client. Kafka's codes are a closed set; each is bound when it first occurs. */
  refused(code: number): void {
    let counter = this.#errors.get(code);
    if (counter === undefined) {
      const labels = { error: errorName(code) ?? "UNDEFINED" };
      const help = "Errors sent to clients, by code.";
      counter = this.#meter.counter("flotilla_kafka_errors_total", help, labels);
      this.#errors.set(code, counter);
    }
    counter.add(1);
  }
}
