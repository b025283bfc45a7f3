// Background work. Nothing is ever started without a name and a stop signal, and a failure that escapes stops the broker.
import type { Result } from "../base/result.ts";

/** CPU-heavy pure jobs: a pool in the host, inline in the simulator. */
export type ComputeJob =
  | {
      readonly job: "decompress";
      readonly codec: 1 | 2 | 3 | 4;
      readonly bytes: Uint8Array;
      /** Refused when the output would be longer. */
      readonly bytesMax: number;
    }
  /** Opens the records of a batch and answers with the places of those without a key, as 32-bit big-endian numbers. */
  | {
      readonly job: "keyless-records";
      /** 0: not compressed. */
      readonly codec: 0 | 1 | 2 | 3 | 4;
      readonly bytes: Uint8Array;
      readonly bytesMax: number;
      readonly recordCount: number;
      /** At most so many places. */
      readonly countMax: number;
    };

export type ComputeFault =
  { readonly kind: "too-large" } | { readonly kind: "corrupt" } | { readonly kind: "unsupported" };

export interface Tasks {
  /** Starts background work. A rejection other than after `stop` ends the broker. */
  spawn(name: string, work: (stop: AbortSignal) => Promise<void>): void;
  /** Runs a pure job. `bytes` may be transferred: the caller gives them away. */
  compute(job: ComputeJob): Promise<Result<Uint8Array, ComputeFault>>;
  /** Aborts everything that was spawned and waits for it. */
  stop(): Promise<void>;
}
