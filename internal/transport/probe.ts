// The links' metrics, bound once.
import type { Counter, Meter } from "../ports/meter.ts";
import type { Lane, LinkFault } from "./contract.ts";

/** Why a session ended. */
export type EndReason =
  | "reset"
  | "replaced"
  | "silent"
  | "bad-frame"
  | "stalled"
  | "refused"
  | "by-owner"
  | "peer-removed"
  | "closed";

const END_REASONS = [
  "reset",
  "replaced",
  "silent",
  "bad-frame",
  "stalled",
  "refused",
  "by-owner",
  "peer-removed",
  "closed",
] as const satisfies readonly EndReason[];

const FAULTS = [
  "other-cluster",
  "own-broker-id",
  "second-directory",
  "old-incarnation",
  "unexpected-broker",
  "format-version",
  "too-many",
] as const satisfies readonly LinkFault["kind"][];

export interface LaneProbe {
  readonly sentBytes: Counter;
  readonly sentFrames: Counter;
  readonly receivedBytes: Counter;
  readonly receivedFrames: Counter;
  /** Messages that did not fit. */
  readonly full: Counter;
}

export class LinkProbe {
  readonly began: Counter;
  readonly ended: Readonly<Record<EndReason, Counter>>;
  readonly refused: Readonly<Record<LinkFault["kind"], Counter>>;
  readonly silences: Counter;
  readonly pingsSent: Counter;
  readonly pingsReceived: Counter;
  readonly connects: Counter;
  readonly strangersClosed: Counter;
  readonly unhandled: Counter;
  readonly lanes: Readonly<Record<Lane, LaneProbe>>;

  constructor(meter: Meter, sessions: () => number, bufferedBytes: () => number) {
    this.began = meter.counter("flotilla_links_sessions_began_total", "Link sessions begun.");
    this.ended = perValue(END_REASONS, (reason) =>
      meter.counter("flotilla_links_sessions_ended_total", "Link sessions ended, by reason.", {
        reason,
      }),
    );
    this.refused = perValue(FAULTS, (kind) =>
      meter.counter("flotilla_links_refused_total", "Peers refused, by kind.", { kind }),
    );
    this.silences = meter.counter("flotilla_links_silences_total", "Peers that fell silent.");
    this.pingsSent = meter.counter("flotilla_links_pings_sent_total", "Pings sent.");
    this.pingsReceived = meter.counter("flotilla_links_pings_received_total", "Pings received.");
    this.connects = meter.counter("flotilla_links_connects_total", "Connections dialled.");
    this.strangersClosed = meter.counter(
      "flotilla_links_strangers_closed_total",
      "Accepted connections closed before they belonged to a session.",
    );
    this.unhandled = meter.counter(
      "flotilla_links_unhandled_frames_total",
      "Messages of a type that nobody handles.",
    );
    this.lanes = perValue(["control", "data", "bulk"], (lane) => laneProbe(meter, lane));
    meter.observedGauge("flotilla_links_sessions", "Open link sessions.", sessions);
    meter.observedGauge(
      "flotilla_links_buffered_bytes",
      "Bytes queued for peers and not taken by the system.",
      bufferedBytes,
    );
  }
}

function laneProbe(meter: Meter, lane: Lane): LaneProbe {
  const labels = { lane };
  return {
    sentBytes: meter.counter("flotilla_links_sent_bytes_total", "Frame bytes sent.", labels),
    sentFrames: meter.counter("flotilla_links_sent_frames_total", "Frames sent.", labels),
    receivedBytes: meter.counter(
      "flotilla_links_received_bytes_total",
      "Frame bytes received.",
      labels,
    ),
    receivedFrames: meter.counter(
      "flotilla_links_received_frames_total",
      "Frames received.",
      labels,
    ),
    full: meter.counter("flotilla_links_lane_full_total", "Messages refused: lane full.", labels),
  };
}

function perValue<K extends string, T>(keys: readonly K[], make: (key: K) => T): Record<K, T> {
  const made: Partial<Record<K, T>> = {};
  for (const key of keys) made[key] = make(key);
  return made as Record<K, T>;
}
