// Finds the record of a time: the first that is not before it, or the latest of all. Batches are passed over by the latest
// time of their records, which the leader has checked; those that may hold the answer are opened. A log may have millions
// of entries and a batch millions of records, so all searches together do a piece of their work in each turn of the event
// loop (L7), in turns (L9), and end with who asked; what happens to the log meanwhile, at either end, does no harm.
//
// Only records that can be read are answers: a batch of which the first part was deleted may look late enough and hold
// nothing that is.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { SharedJournal } from "../journal/owner.ts";
import type { LogIndex, Offset } from "../model/ids.ts";
import { CODEC_NONE, RecordBatchView } from "../model/record-batch.ts";
import { RecordCursor } from "../model/record-cursor.ts";
import type { Partition } from "../partition/partition.ts";
import { readFromDisk, readFromMemory } from "../partition/partition-reader.ts";
import type { Clock } from "../ports/clock.ts";
import type { Tasks } from "../ports/tasks.ts";
import { ENTRY_BATCH } from "../raft/entry.ts";
import type { ReadFault } from "./faults.ts";
import type { OffsetAnswer } from "./log-service.ts";
import { SearchLane } from "./search-lane.ts";
import type { Asker } from "./search-lane.ts";
import { TurnShare } from "./turn-share.ts";

/** What one turn looks at: two milliseconds or so. A step is an entry; a record is as much as several. */
export const TURN_STEPS_MAX = 131_072;
const STEPS_PER_RECORD = 16;
/** Looked at in one piece: a small part of a turn. */
const ENTRIES_PER_PIECE = 8_192;
const RECORDS_PER_PIECE = 512;
/** A disk that takes longer hangs, and clients give up. */
export const SEARCH_WAIT_MS_MAX = 10_000;
const BATCH_READ_BYTES = 1;
const NO_TIMESTAMP = -1;
const NO_OFFSET: OffsetAnswer = { offset: -1, timestampMs: NO_TIMESTAMP, leaderEpoch: -1 };

type Found = Result<OffsetAnswer, ReadFault>;

const LATE: Found = failed({ kind: "not-read-in-time" });

interface Look {
  readonly partition: Partition;
  readonly index: LogIndex;
  readonly timestampMs: number | null;
  readonly asker: Asker;
}

export interface TimeSearchParts {
  readonly journal: SharedJournal;
  readonly clock: Clock;
  readonly tasks: Tasks;
  /** What a batch may decompress to. */
  readonly openedBytesMax: () => number;
}

export class TimeSearch {
  readonly #parts: TimeSearchParts;
  readonly #turns: TurnShare;
  /** For batches in memory. */
  readonly #warm: SearchLane;
  /** For those on disk: if that hangs, nobody else waits for it. */
  readonly #cold: SearchLane;
  /** Of both: what comes out may be much longer. */
  readonly #opening: SearchLane;

  constructor(parts: TimeSearchParts) {
    this.#parts = parts;
    this.#turns = new TurnShare(parts.clock, TURN_STEPS_MAX);
    this.#warm = new SearchLane(parts.clock, SEARCH_WAIT_MS_MAX);
    this.#cold = new SearchLane(parts.clock, SEARCH_WAIT_MS_MAX);
    this.#opening = new SearchLane(parts.clock, SEARCH_WAIT_MS_MAX);
  }

  /** The first record that is not before `timestampMs`. */
  async firstAt(partition: Partition, timestampMs: number, asker: Asker): Promise<Found> {
    let from = firstIndex(partition);
    for (;;) {
      const candidate = await this.#firstBatch(partition, from, timestampMs, asker);
      if (candidate === null) return ok(NO_OFFSET);
      const found = await this.#recordAt(partition, candidate, timestampMs, asker);
      if (!found.ok || found.value !== NO_OFFSET) return found;
      from = (candidate + 1) as LogIndex;
    }
  }

  /** The first of the records with the latest time of all. */
  async latest(partition: Partition, asker: Asker): Promise<Found> {
    const { best, bestMs, cut, cutMs } = await this.#latestBatches(partition, asker);
    if (cut !== null && cutMs >= bestMs) {
      const found = await this.#recordAt(partition, cut, null, asker);
      if (!found.ok) return found;
      if (found.value !== NO_OFFSET && found.value.timestampMs >= bestMs) return found;
    }
    return best === null ? ok(NO_OFFSET) : this.#recordAt(partition, best, bestMs, asker);
  }

  async #firstBatch(
    partition: Partition,
    from: LogIndex,
    timestampMs: number,
    asker: Asker,
  ): Promise<LogIndex | null> {
    const { entries } = partition.replica;
    let found: LogIndex | null = null;
    await this.#eachBatch(partition, from, asker, (index) => {
      if (entries.timestampMax(index) < timestampMs) return "go on";
      found = index;
      return "enough";
    });
    return found;
  }

  /** The first batch with the latest time, apart from the one that was cut: of it only some records are left. */
  async #latestBatches(partition: Partition, asker: Asker) {
    const { entries } = partition.replica;
    const found = {
      best: null as LogIndex | null,
      bestMs: NO_TIMESTAMP,
      cut: null as LogIndex | null,
      cutMs: NO_TIMESTAMP,
    };
    await this.#eachBatch(partition, firstIndex(partition), asker, (index) => {
      const atMs = entries.timestampMax(index);
      if (entries.baseOffset(index) < partition.logStart) {
        [found.cut, found.cutMs] = [index, atMs];
      } else if (atMs > found.bestMs) {
        [found.best, found.bestMs] = [index, atMs];
      }
      return "go on";
    });
    return found;
  }

  /** Shows committed batches in their order until `look` has enough, or there are no more, or nobody asks any more. */
  async #eachBatch(
    partition: Partition,
    from: LogIndex,
    asker: Asker,
    look: (index: LogIndex) => "go on" | "enough",
  ): Promise<void> {
    let next = from;
    for (;;) {
      await this.#turns.take(asker.owner, ENTRIES_PER_PIECE);
      if (asker.isOver) return;
      const { entries, machine } = partition.replica;
      next = Math.max(next, firstIndex(partition)) as LogIndex;
      const end = Math.min(machine.commit, entries.last, next + ENTRIES_PER_PIECE - 1);
      for (let index = next; index <= end; index = (index + 1) as LogIndex) {
        if (entries.kind(index) === ENTRY_BATCH && look(index) === "enough") return;
      }
      next = (end + 1) as LogIndex;
      if (next > Math.min(machine.commit, entries.last)) return;
    }
  }

  /**
   * The first record of a batch that is not before `timestampMs`, or (null) the first of its latest ones. Batches are looked
   * into one after the other: each may take as much memory as one may take, as it was sent and opened, and a single request
   * asks for the times of thousands of partitions.
   */
  async #recordAt(
    partition: Partition,
    index: LogIndex,
    timestampMs: number | null,
    asker: Asker,
  ): Promise<Found> {
    const look = { partition, index, timestampMs, asker };
    const warm = await this.#warm.run(asker, () => this.#lookInto(look, false));
    if (warm === "late") return LATE;
    if (warm !== "on-disk") return warm;
    const cold = await this.#cold.run(asker, () => this.#lookInto(look, true));
    return cold === "late" ? LATE : (cold as Found);
  }

  async #lookInto(look: Look, fromDisk: boolean): Promise<Found | "on-disk"> {
    const { partition, index, timestampMs } = look;
    const { entries } = partition.replica;
    // The replica was taken over by another leader meanwhile, and began its log anew behind the entry.
    if (!entries.has(index)) return failed({ kind: "offset-not-available" });
    const { journal } = this.#parts;
    const offset = entries.baseOffset(index);
    const memory = readFromMemory(partition, journal, offset, BATCH_READ_BYTES, true);
    if (memory === "on-disk" && !fromDisk) return memory;
    const read =
      memory === "on-disk"
        ? await readFromDisk(partition, journal, offset, BATCH_READ_BYTES, true)
        : ok(memory);
    if (!read.ok) return failed({ kind: "storage" });
    const [slice] = read.value.slices;
    const bytes = slice?.slice();
    read.value.release();
    if (bytes === undefined) return ok(NO_OFFSET);
    const batch = new RecordBatchView(bytes, 0);
    if (batch.isLogAppendTime) return ok(stamped(batch, partition.logStart, timestampMs));
    const { recordsStart, end, codec } = batch;
    if (codec !== CODEC_NONE) {
      const opened = await this.#opening.run(look.asker, () => this.#open(look, batch));
      return opened === "late" ? LATE : opened;
    }
    return ok(await this.#recordIn(look, batch, bytes.subarray(recordsStart, end)));
  }

  async #open(look: Look, batch: RecordBatchView): Promise<Found> {
    const { bytes, recordsStart, end, codec } = batch;
    const opened = await this.#parts.tasks.compute({
      job: "decompress",
      codec: codec as 1 | 2 | 3 | 4,
      bytes: bytes.slice(recordsStart, end),
      bytesMax: this.#parts.openedBytesMax(),
    });
    if (!opened.ok) return failed({ kind: "storage" });
    return ok(await this.#recordIn(look, batch, opened.value));
  }

  async #recordIn(
    { partition, timestampMs, asker }: Look,
    batch: RecordBatchView,
    records: Uint8Array,
  ): Promise<OffsetAnswer> {
    const { logStart } = partition;
    const { leaderEpoch, baseOffset, baseTimestampMs, recordCount } = batch;
    const cursor = new RecordCursor({ bytes: records, start: 0, end: records.length }, recordCount);
    let found = NO_OFFSET;
    for (let looked = 0; cursor.next(); looked++) {
      if (looked % RECORDS_PER_PIECE === 0) {
        await this.#turns.take(asker.owner, RECORDS_PER_PIECE * STEPS_PER_RECORD);
        if (asker.isOver) break;
      }
      const at = baseTimestampMs + cursor.timestampDelta;
      const offset = baseOffset + cursor.offsetDelta;
      if (offset < logStart || at < (timestampMs ?? found.timestampMs + 1)) continue;
      found = { offset, timestampMs: at, leaderEpoch };
      if (timestampMs !== null) break;
    }
    return found;
  }
}

/** With the broker's stamp all records of a batch have one time. */
function stamped(
  { baseOffset, nextOffset, maxTimestampMs, leaderEpoch }: RecordBatchView,
  logStart: Offset,
  timestampMs: number | null,
): OffsetAnswer {
  const offset = Math.max(baseOffset, logStart);
  if (offset >= nextOffset || maxTimestampMs < (timestampMs ?? NO_TIMESTAMP)) return NO_OFFSET;
  return { offset, timestampMs: maxTimestampMs, leaderEpoch };
}

/** The first entry that may hold a record that was not deleted. */
function firstIndex({ replica, logStart }: Partition): LogIndex {
  return replica.entries.find(logStart) ?? ((replica.entries.last + 1) as LogIndex);
}
