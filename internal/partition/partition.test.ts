// What a partition knows follows from the entries that are in its log now, whatever was there and was cut off again.
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeBatch } from "../model/encode-batch.ts";
import type { GroupId, LogIndex, Offset, Term } from "../model/ids.ts";
import type { Clock } from "../ports/clock.ts";
import { ENTRY_BATCH, ENTRY_COMMAND, ENTRY_NO_OP } from "../raft/entry.ts";
import type { AppendedEntry } from "../replica/log-client.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import type { Replica } from "../replica/replica.ts";
import { encodeLogStart } from "./log-start.ts";
import { Partition } from "./partition.ts";

const CLOCK: Clock = {
  nowMs: () => 0,
  awakeSinceMs: () => -Infinity,
  upMs: () => 0,
  after: () => () => {},
  turnEnd: () => {},
};
const PRODUCERS = 3;

/** A follower's log, and the partition over it. */
class Log {
  readonly entries: AppendedEntry[] = [];
  readonly partition = new Partition(1 as GroupId, CLOCK);
  commit = 0;
  term = 1;

  constructor() {
    const offsetAfter = (index: number): Offset => {
      const entry = this.entries[index - 1];
      return ((entry?.baseOffset ?? 0) + (entry?.recordCount ?? 0)) as Offset;
    };
    const machine = {};
    Object.defineProperty(machine, "commit", { get: () => this.commit });
    const replica = { logStart: 0, machine, entries: { first: 1, offsetAfter }, attach: () => {} };
    Object.defineProperty(replica, "nextOffset", { get: () => offsetAfter(this.entries.length) });
    this.partition.bind(replica as unknown as Replica, {} as MultiRaft);
  }

  get end(): Offset {
    const last = this.entries.at(-1);
    return ((last?.baseOffset ?? 0) + (last?.recordCount ?? 0)) as Offset;
  }

  append(kind: AppendedEntry["kind"], bytes: Uint8Array, recordCount: number): void {
    const [index, term] = [(this.entries.length + 1) as LogIndex, this.term as Term];
    const baseOffset = this.end;
    this.join({ index, term, kind, baseOffset, recordCount, bytes, start: 0, end: bytes.length });
  }

  join(entry: AppendedEntry): void {
    this.entries.push(entry);
    this.partition.appended(entry);
  }

  /** Another leader's log wins. */
  truncate(from: number): void {
    this.entries.length = from - 1;
    this.partition.truncated(from as LogIndex);
    this.term++;
  }

  commitUpTo(index: number): void {
    this.commit = index;
    this.partition.committed(index as LogIndex);
  }

  /** The same log without a past. */
  anew(): Log {
    const log = new Log();
    log.term = this.term;
    for (const entry of this.entries) log.join(entry);
    if (this.commit > 0) log.commitUpTo(this.commit);
    return log;
  }

  /** Everything that can be asked. */
  picture(): unknown {
    const { epochs, producers, highWatermark, logStart, logEnd } = this.partition;
    const ends = Array.from({ length: this.term + 2 }, (_, epoch) => epochs.endOf(epoch, logEnd));
    const at = Array.from({ length: logEnd + 1 }, (_, offset) => epochs.epochAt(offset as Offset));
    const verdicts: unknown[] = [];
    for (let id = 0; id < PRODUCERS; id++) {
      for (let first = 0; first < 20; first++) verdicts.push(producers.judge(id, 0, first, first));
    }
    return { highWatermark, logStart, logEnd, ends, at, verdicts };
  }
}

function play(log: Log, pick: number, size: number): void {
  const uncommitted = log.entries.length - log.commit;
  if (pick < 50) {
    const producerId = size % PRODUCERS;
    const producer = { producerId, producerEpoch: 0, baseSequence: nextOf(log, producerId) };
    const records = [{ key: null, value: null, timestampMs: 0 }];
    log.append(ENTRY_BATCH, encodeBatch(records, producer), 1);
  } else if (pick < 60) log.append(ENTRY_NO_OP, new Uint8Array(0), 0);
  else if (pick < 65)
    log.append(ENTRY_COMMAND, encodeLogStart((size % (log.end + 1)) as Offset), 0);
  else if (pick < 75) log.term++;
  else if (pick < 85 && uncommitted > 0) log.truncate(log.commit + 1 + (size % uncommitted));
  else if (uncommitted > 0) log.commitUpTo(log.commit + 1 + (size % uncommitted));
}

/** The producer's next sequence. */
function nextOf(log: Log, id: number): number {
  const verdict = log.partition.producers.judge(id, 0, 1_000, 1_000);
  return verdict.verdict === "out-of-order" ? verdict.expected : 0;
}

test("what was cut off left nothing behind: epochs, producers, log start and end", () => {
  const steps = fc.array(fc.tuple(fc.nat(99), fc.nat(1_000)), { minLength: 10, maxLength: 60 });
  fc.assert(
    fc.property(steps, (history) => {
      const log = new Log();
      for (const [pick, size] of history) play(log, pick, size);
      expect(log.picture()).toEqual(log.anew().picture());
    }),
    { numRuns: 300 },
  );
});
