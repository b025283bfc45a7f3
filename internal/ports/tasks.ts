// Background work. Nothing is ever started without a name and a stop signal, and a failure that escapes stops the broker.
import type { Result } from "../base/result.ts";
import type { RecordRules, RecordsClaim, RecordsFault } from "../model/inspect-records.ts";

/** Jobs that run at once, each with what it opened in memory. One broker has one core to itself besides. */
export const COMPUTE_THREADS_MAX = 2;

/** CPU-heavy pure jobs: a pool in the host, inline in the simulator. */
export type ComputeJob = DecompressJob | InspectJob;

export interface DecompressJob {
  readonly job: "decompress";
  readonly codec: 1 | 2 | 3 | 4;
  readonly bytes: Uint8Array;
  /** Refused when the output would be longer. */
  readonly bytesMax: number;
}

/** Opens the records of a batch, however they are compressed, and looks through them. */
export interface InspectJob {
  readonly job: "inspect-records";
  /** 0: not compressed. */
  readonly codec: 0 | 1 | 2 | 3 | 4;
  readonly bytes: Uint8Array;
  readonly bytesMax: number;
  readonly claim: RecordsClaim;
  readonly rules: RecordRules;
}

export interface InspectedRecords {
  readonly fault: RecordsFault | null;
  /** The latest time of the records, when there is no fault. */
  readonly maxTimestampMs: number;
}

export type ComputeAnswer<J extends ComputeJob> = J extends InspectJob
  ? InspectedRecords
  : Uint8Array;

export type ComputeFault =
  { readonly kind: "too-large" } | { readonly kind: "corrupt" } | { readonly kind: "unsupported" };

export interface Tasks {
  /** Starts background work. A rejection other than after `stop` ends the broker. */
  spawn(name: string, work: (stop: AbortSignal) => Promise<void>): void;
  /** Runs a pure job. `bytes` may be transferred: the caller gives them away. */
  compute<J extends ComputeJob>(job: J): Promise<Result<ComputeAnswer<J>, ComputeFault>>;
  /** Aborts everything that was spawned and waits for it. */
  stop(): Promise<void>;
}
