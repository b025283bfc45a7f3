// One fault as it happened: when, to whom, what was under way, and how long which partitions took to accept again.
import type { PowerLoss } from "../cluster/power.ts";
import type { Effects } from "../network/weather.ts";
import type { FaultKind } from "./plan.ts";

export interface FaultRecord {
  readonly kind: FaultKind;
  /** The blow; of a failing power, the moment when all victims are without it. */
  startMs: number;
  readonly victims: readonly number[];
  /** Partitions that a victim led, as far as the clients knew. */
  readonly partitions: readonly number[];
  /** Batches that were with the victims, unanswered, when it struck. */
  unanswered: number;
  /** Groups that a victim coordinated, as far as was known, and how many of their requests had no answer. */
  readonly groups: readonly string[];
  readonly groupRequests: number;
  /** When a majority of the brokers have started and answer again; the start itself where one never stopped. */
  quorumMs: number;
  /** When the last victim runs again. */
  endMs: number;
  /** What a fault of the network did; null of all others. */
  effects: Effects | null;
  /** What failures of the power dropped, in order; empty for all other faults. */
  readonly losses: PowerLoss[];
  /** When every struck disk that had not lied was trusted again; null before, and for all other faults. */
  recalledMs: number | null;
  /** What the injector saw of its own work, e.g. that a process did not stop. */
  complaint: string | null;
}

export interface Window {
  readonly fault: FaultRecord;
  /** From the fault to the first new acknowledgement on each affected partition: the longest of them. */
  readonly sinceFaultMs: number;
  /** The same, from the moment a majority answered again. */
  readonly sinceQuorumMs: number;
  /** Partitions that accepted nothing new before the run was over. */
  readonly stuck: readonly number[];
}
