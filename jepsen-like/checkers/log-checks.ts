// Checks of the final logs against what was promised: nothing lost, nothing twice, nothing out of order, nothing invented,
// all replicas alike. They rely on the final read having waited until the replicas agreed: what is missing then is lost.
import type { History, Lane, SentBatch } from "../history.ts";
import { FindingDraft } from "./finding.ts";
import type { Finding } from "./finding.ts";
import type { ReplicaLog } from "./replica-log.ts";

/** All replicas of all partitions, read to their ends. */
export type FinalLogs = readonly ReplicaLog[];

export function checkLogs(history: History, logs: FinalLogs): Finding[] {
  return [
    lost(history, logs),
    duplicated(history, logs),
    reordered(history, logs),
    realTimeOrder(history),
    failedButPresent(history, logs),
    replicasDiffer(logs),
    damaged(history, logs),
    contradicted(history),
    servedBefore(history, logs),
  ];
}

/** Every acknowledged record lies at its offset on every replica. */
function lost(history: History, logs: FinalLogs): Finding {
  const draft = new FindingDraft(
    "lost",
    "every acknowledged record is on every replica, at exactly the offset that was promised",
  );
  for (const log of logs) {
    for (const [lane, batch] of batchesOf(history, log.partition)) {
      if (batch.outcome !== "acked") continue;
      draft.examined(batch.count);
      for (let k = 0; k < batch.count; k++) {
        const offset = batch.baseOffset + k;
        const isThere = log.lanes[offset] === lane.lane && log.counters[offset] === batch.first + k;
        if (isThere) continue;
        draft.violation(
          () =>
            `value ${batch.first + k} of ${nameOf(lane)} was promised offset ${offset} at ` +
            `${Math.round(batch.ackedMs)} ms; broker ${log.broker} has ` +
            (offset >= log.end ? `an end of ${log.end}` : whatLies(log, offset)),
          { atMs: batch.ackedMs, partition: log.partition },
        );
      }
    }
  }
  return draft.finding();
}

/** No value lies at two offsets. Nobody here sends a value again except under idempotence, so none is excused. */
function duplicated(history: History, logs: FinalLogs): Finding {
  const draft = new FindingDraft("duplicated", "no value is in a partition twice");
  for (const log of logs) {
    const counted = history.lanes.map((lane) => new Uint8Array(lane.sent));
    draft.examined(log.end);
    for (let offset = 0; offset < log.end; offset++) {
      const lane = log.lanes[offset] as number;
      const counter = log.counters[offset] as number;
      const of = counted[lane];
      if (of === undefined || counter >= of.length) continue;
      of[counter] = 1 + (of[counter] as number);
      if (of[counter] === 1) continue;
      draft.violation(
        () =>
          `partition ${log.partition} on broker ${log.broker}: ${whatLies(log, offset)} again ` +
          `at ${offset}`,
      );
    }
  }
  return draft.finding();
}

/**
 * A lane's values lie in the order in which it sent them. All of an idempotent lane; of a plain one those that were
 * acknowledged, and only in comparison with others of the same connection: an unanswered batch may rest in a socket.
 */
function reordered(history: History, logs: FinalLogs): Finding {
  const draft = new FindingDraft(
    "reordered",
    "each producer's records are in the order of sending",
  );
  for (const log of logs) {
    const last = new Map<number, number>();
    for (let offset = 0; offset < log.end; offset++) {
      const number = log.lanes[offset] as number;
      if (history.lanes[number]?.isIdempotent !== true) continue;
      draft.examined();
      const counter = log.counters[offset] as number;
      const before = last.get(number) ?? -1;
      if (counter < before) {
        draft.violation(
          () =>
            `partition ${log.partition} on broker ${log.broker}: ${whatLies(log, offset)} at ` +
            `${offset} comes after value ${before}`,
        );
      }
      last.set(number, Math.max(before, counter));
    }
  }
  for (const lane of history.lanes) {
    if (!lane.isIdempotent) plainOrder(lane, draft);
  }
  return draft.finding();
}

function plainOrder(lane: Lane, draft: FindingDraft): void {
  let before: SentBatch | null = null;
  for (const batch of lane.batches) {
    if (batch.outcome !== "acked") continue;
    draft.examined(batch.count);
    if (before !== null && before.link === batch.link && batch.baseOffset <= before.baseOffset) {
      const [earlier, later] = [before, batch];
      draft.violation(
        () =>
          `${nameOf(lane)}: value ${earlier.first} is at ${earlier.baseOffset}, value ` +
          `${later.first}, sent later, at ${later.baseOffset}`,
        { atMs: later.ackedMs, partition: lane.partition },
      );
    }
    before = batch;
  }
}

/** What was acknowledged before another send began has the smaller offset, whoever sent them. */
function realTimeOrder(history: History): Finding {
  const draft = new FindingDraft(
    "real-time order",
    "a record that was acknowledged before another was sent lies before it",
  );
  const partitions = new Set(history.lanes.map(({ partition }) => partition));
  for (const partition of partitions) {
    const acked = batchesOf(history, partition).filter(([, { outcome }]) => outcome === "acked");
    const bySending = acked.toSorted(([, a], [, b]) => a.sentMs - b.sentMs);
    const byAck = acked.toSorted(([, a], [, b]) => a.ackedMs - b.ackedMs);
    let done = 0;
    let highest: (typeof acked)[number] | null = null;
    for (const [lane, batch] of bySending) {
      for (; done < byAck.length; done++) {
        const earlier = byAck[done] as (typeof acked)[number];
        if (earlier[1].ackedMs >= batch.sentMs) break;
        if (highest === null || earlier[1].baseOffset > highest[1].baseOffset) highest = earlier;
      }
      draft.examined(batch.count);
      if (highest === null || highest[1].baseOffset < batch.baseOffset) continue;
      const [otherLane, other] = highest;
      draft.violation(
        () =>
          `value ${other.first} of ${nameOf(otherLane)}, acknowledged at ` +
          `${Math.round(other.ackedMs)} ms, is at ${other.baseOffset}; value ${batch.first} of ` +
          `${nameOf(lane)}, sent at ${Math.round(batch.sentMs)} ms, at ${batch.baseOffset}`,
        { atMs: batch.sentMs, partition },
      );
    }
  }
  return draft.finding();
}

/** A definite refusal means that the records are nowhere. */
function failedButPresent(history: History, logs: FinalLogs): Finding {
  const draft = new FindingDraft("refused but there", "what was refused for certain is nowhere");
  const failed = history.lanes.map(
    (lane) => new Map(lane.batches.filter(isFailed).map((batch) => [batch.first, batch])),
  );
  for (const batches of failed) draft.examined(batches.size);
  for (const log of logs) {
    for (let offset = 0; offset < log.end; offset++) {
      const counter = log.counters[offset] as number;
      if (failed[log.lanes[offset] as number]?.has(counter) !== true) continue;
      draft.violation(
        () => `broker ${log.broker}, partition ${log.partition}: ${whatLies(log, offset)}`,
      );
    }
  }
  return draft.finding();
}

function isFailed(batch: SentBatch): boolean {
  return batch.outcome === "failed";
}

/** Byte by byte, batch by batch. */
function replicasDiffer(logs: FinalLogs): Finding {
  const draft = new FindingDraft("replicas differ", "all replicas hold the same bytes");
  const first = new Map<number, ReplicaLog>();
  for (const log of logs) {
    const other = first.get(log.partition);
    if (other === undefined) {
      first.set(log.partition, log);
      continue;
    }
    draft.examined(Math.max(log.batches.length, other.batches.length));
    const names = `partition ${log.partition}: brokers ${other.broker} and ${log.broker}`;
    if (log.end !== other.end) {
      draft.violation(() => `${names} end at ${other.end} and ${log.end}`);
    }
    const shorter = Math.min(log.batches.length, other.batches.length);
    for (let k = 0; k < shorter; k++) {
      if (log.batches[k]?.digest === other.batches[k]?.digest) continue;
      draft.violation(() => `${names} differ from offset ${log.batches[k]?.baseOffset} on`);
      break;
    }
  }
  return draft.finding();
}

/** Gaps, wrong checksums, and values that nobody sent. */
function damaged(history: History, logs: FinalLogs): Finding {
  const draft = new FindingDraft("damaged", "logs have no gaps and hold only what was sent");
  for (const log of logs) {
    draft.examined(log.end);
    draft.all(log.faults);
    for (let offset = 0; offset < log.end; offset++) {
      const lane = history.lanes[log.lanes[offset] as number];
      const isSent =
        lane === undefined
          ? log.lanes[offset] === -1
          : lane.partition === log.partition && (log.counters[offset] as number) < lane.sent;
      if (isSent) continue;
      draft.violation(
        () => `partition ${log.partition} holds at ${offset} ${whatLies(log, offset)}`,
      );
    }
  }
  return draft.finding();
}

/** One batch, one offset, however often it is acknowledged. */
function contradicted(history: History): Finding {
  const draft = new FindingDraft("contradicted", "a batch is never promised two offsets");
  for (const lane of history.lanes) draft.examined(lane.batches.length);
  for (const { lane, first, offsets } of history.contradictions) {
    draft.violation(() => `value ${first} of lane ${lane}: ${offsets[0]} and ${offsets[1]}`);
  }
  return draft.finding();
}

/** What any broker served during the run is what the final logs hold. */
function servedBefore(history: History, logs: FinalLogs): Finding {
  const draft = new FindingDraft("served and gone", "what was served once stays as it was");
  draft.examined(history.seen.size);
  draft.all(history.conflicts);
  const finals = new Map<string, number>();
  for (const log of logs) {
    for (const { baseOffset, crc } of log.batches)
      finals.set(`${log.partition}/${baseOffset}`, crc);
  }
  for (const [key, seen] of history.seen) {
    if (finals.get(key) === seen.crc) continue;
    draft.violation(
      () =>
        `partition ${seen.partition}: broker ${seen.broker} served a batch at ${seen.baseOffset}`,
    );
  }
  return draft.finding();
}

function batchesOf(history: History, partition: number): [Lane, SentBatch][] {
  return history.lanes
    .filter((lane) => lane.partition === partition)
    .flatMap((lane) => lane.batches.map((batch): [Lane, SentBatch] => [lane, batch]));
}

function nameOf(lane: Lane): string {
  const kind = lane.isIdempotent ? "idempotent" : "plain";
  return `${kind} producer ${lane.producer} on partition ${lane.partition}`;
}

function whatLies(log: ReplicaLog, offset: number): string {
  return `value ${log.counters[offset]} of lane ${log.lanes[offset]}`;
}
