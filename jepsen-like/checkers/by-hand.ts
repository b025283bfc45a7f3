// Histories and logs written by hand, for the tests of the checkers.
import { History } from "../history.ts";
import type { Lane, SentBatch } from "../history.ts";
import { ReplicaLog } from "./replica-log.ts";

export class HandHistory {
  readonly history = new History();

  lane(isIdempotent = true, partition = 0): Lane {
    return this.history.openLane(this.history.lanes.length, partition, isIdempotent);
  }

  /** A batch that was sent at one moment and acknowledged ten milliseconds later. */
  acked(lane: Lane, count: number, baseOffset: number, sentMs: number): SentBatch {
    const batch = this.history.sent(lane, count, sentMs);
    batch.link = 1;
    this.history.acked(lane, batch, baseOffset, sentMs, sentMs + 10);
    return batch;
  }

  unanswered(lane: Lane, count: number, sentMs: number): SentBatch {
    const batch = this.history.sent(lane, count, sentMs);
    this.history.ended(batch, "unknown");
    return batch;
  }

  refused(lane: Lane, count: number, sentMs: number): SentBatch {
    const batch = this.history.sent(lane, count, sentMs);
    this.history.ended(batch, "failed");
    return batch;
  }
}

/** The same log on three brokers: pairs of lane and value, in the order of their offsets. */
export function replicas(
  values: readonly (readonly [lane: number, counter: number])[],
  partition = 0,
): ReplicaLog[] {
  return [1, 2, 3].map((broker) => replica(broker, values, partition));
}

export function replica(
  broker: number,
  values: readonly (readonly [lane: number, counter: number])[],
  partition = 0,
): ReplicaLog {
  const log = new ReplicaLog(broker, partition);
  for (const [lane, counter] of values) log.putByHand(lane, counter);
  return log;
}
