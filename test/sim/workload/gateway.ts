// How the simulated clients reach brokers: the outcome of an append in the three classes that matter to them, and reads.
// One implementation calls the services of a broker, another speaks Kafka over the simulated wire.
import type { BrokerId, GroupId } from "../../../internal/model/ids.ts";
import type { Server } from "../checkers/served-reads.ts";

/** A partition under test. */
export interface Target {
  readonly topic: string;
  readonly partition: number;
  readonly group: GroupId;
}

/**
 * "refused": certainly not appended. "unknown": appended or not. "gap": the broker misses an earlier sequence number.
 */
export type AppendAnswer =
  | { readonly kind: "acknowledged"; readonly offset: number }
  | { readonly kind: "refused"; readonly why: string }
  | { readonly kind: "unknown"; readonly why: string }
  | { readonly kind: "gap"; readonly expected: number };

export interface ReadAnswer {
  readonly by: Server;
  readonly fault: string | null;
  readonly highWatermark: number;
  readonly slices: readonly Uint8Array[];
}

export interface FetchOptions {
  readonly waitMs: number;
  readonly bytesMax: number;
  /** Whom to ask; null: the leader. */
  readonly broker: BrokerId | null;
}

export interface Gateway {
  /** Settles always; an answer that never comes is "unknown". The bytes may be sent again afterwards. */
  append(to: Target, batch: Uint8Array, timeoutMs: number): Promise<AppendAnswer>;
  /**
   * Reads from the leader, or from the broker given. `take` sees the answer while its bytes are valid; returns false
   * when nobody could be asked.
   */
  fetch(
    from: Target,
    offset: number,
    options: FetchOptions,
    take: (answer: ReadAnswer) => void,
  ): Promise<boolean>;
  /** Everybody who holds itself for the partition's leader now, as far as a client can know. */
  leaders(of: Target): readonly BrokerId[];
  /** Asks a broker, as the leader, where the partition ends. */
  latest(of: Target, broker: BrokerId, take: (by: Server, highWatermark: number) => void): void;
  /** A producer id that nobody else has, or null when none was to be had. */
  producerId(): Promise<number | null>;
}
