// A LogService that keeps everything in memory, for tests and measurements of the front ends: it appends, commits a
// little later, reads, and waits for records like the real one, and it watches over what it lends. There is one replica
// and no disk.
import { failed, ok } from "../../internal/base/result.ts";
import type { Result } from "../../internal/base/result.ts";
import type { ByteRange } from "../../internal/bytes/byte-range.ts";
import { writeI32, writeI64 } from "../../internal/bytes/integers.ts";
import type { Offset, Term, TopicId } from "../../internal/model/ids.ts";
import { decodeBatch } from "../../internal/model/decode-batch.ts";
import type { DecodedRecord } from "../../internal/model/decode-batch.ts";
import { RecordInspector } from "../../internal/model/inspect-records.ts";
import { CODEC_NONE, RecordBatchView } from "../../internal/model/record-batch.ts";
import { validateBatch } from "../../internal/model/validate-batch.ts";
import type { BatchFault } from "../../internal/model/validate-batch.ts";
import type { Clock } from "../../internal/ports/clock.ts";
import type {
  AddressFault,
  AppendFault,
  DeleteRecordsFault,
  ReadFault,
} from "../../internal/service/faults.ts";
import {
  EARLIEST,
  EARLIEST_LOCAL,
  LATEST,
  MAX_TIMESTAMP,
} from "../../internal/service/log-service.ts";
import type {
  Appended,
  AppendRequest,
  Fetched,
  FetchedPartition,
  FetchPartition,
  FetchRequest,
  LogService,
  OffsetAnswer,
  PartitionAddress,
} from "../../internal/service/log-service.ts";

const ANY_RECORDS = {
  needsKeys: false,
  isStamped: false,
  timestampMsMin: 0,
  timestampMsMax: Number.POSITIVE_INFINITY,
} as const;

interface StoredBatch {
  readonly bytes: Uint8Array;
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly maxTimestampMs: number;
}

interface Waiter {
  readonly upTo: number;
  readonly done: () => void;
}

export class MemoryPartition {
  readonly batches: StoredBatch[] = [];
  logStart = 0;
  highWatermark = 0;
  logEnd = 0;
  leaderEpoch = 1;
  /** What every request is refused with, to play a broker that does not lead. */
  fault: AddressFault | null = null;
  waiters: Waiter[] = [];
  readonly watchers = new Set<() => void>();
}

export interface MemoryLogOptions {
  /** How long an append takes to be committed. */
  readonly commitMs: number;
  /** Bytes that may wait for their commit; beyond, appends are "busy". */
  readonly roomBytes: number;
  readonly batchBytesMax: number;
}

const OPTIONS: MemoryLogOptions = { commitMs: 2, roomBytes: 1 << 30, batchBytesMax: 1 << 20 };
const POISON = 0xdd;

export class MemoryLog implements LogService {
  readonly #inspector = new RecordInspector();
  /** How many answers with bytes are lent at this moment, and how many ever were. */
  lent = 0;
  lentEver = 0;
  /** What every DeleteRecords is refused with. */
  deleteFault: DeleteRecordsFault | null = null;
  /** Fetches that wait, and how many ever did. */
  waiting = 0;
  waitedEver = 0;
  /** Appends in the order in which they were proposed: topic and partition, base offset. */
  readonly proposed: { readonly key: string; readonly baseOffset: number }[] = [];
  /** Keeps a list of what was proposed; a measurement does without. */
  keepsProposals = true;
  readonly #clock: Clock;
  readonly #options: MemoryLogOptions;
  readonly #byName = new Map<string, MemoryPartition[]>();
  readonly #byId = new Map<TopicId, string>();
  #uncommittedBytes = 0;
  #roomWanted: (() => void)[] = [];

  constructor(clock: Clock, options: Partial<MemoryLogOptions> = {}) {
    this.#clock = clock;
    this.#options = { ...OPTIONS, ...options };
  }

  addTopic(name: string, topicId: TopicId, partitions: number): void {
    const list = this.#byName.get(name) ?? [];
    while (list.length < partitions) list.push(new MemoryPartition());
    this.#byName.set(name, list);
    this.#byId.set(topicId, name);
  }

  removeTopic(name: string, topicId: TopicId): void {
    this.#byName.delete(name);
    this.#byId.delete(topicId);
  }

  partition(name: string, partition: number): MemoryPartition {
    const found = this.#byName.get(name)?.[partition];
    if (found === undefined) throw new Error(`no partition ${name}-${partition}`);
    return found;
  }

  /** Every partition, by topic. */
  topics(): ReadonlyMap<string, readonly MemoryPartition[]> {
    return this.#byName;
  }

  find(address: PartitionAddress): Result<MemoryPartition, AddressFault> {
    const name = address.name ?? this.#byId.get(address.topicId as TopicId);
    const list = name === undefined ? undefined : this.#byName.get(name);
    if (list === undefined) {
      return failed({ kind: address.name === null ? "unknown-topic-id" : "unknown-topic" });
    }
    const partition = list[address.partition];
    if (partition === undefined) return failed({ kind: "unknown-partition" });
    return partition.fault === null ? ok(partition) : failed(partition.fault);
  }

  #led(address: PartitionAddress, leaderEpoch: number): Result<MemoryPartition, AddressFault> {
    const found = this.find(address);
    if (!found.ok || leaderEpoch === -1 || leaderEpoch === found.value.leaderEpoch) return found;
    if (leaderEpoch > found.value.leaderEpoch) return failed({ kind: "unknown-epoch" });
    const hint = { leader: null, leaderEpoch: found.value.leaderEpoch as Term };
    return failed({ kind: "fenced-epoch", hint });
  }

  append(
    request: AppendRequest,
    done: (outcome: Result<Appended, AppendFault>) => void,
  ): "taken" | "busy" {
    if (request.acks < -1 || request.acks > 1) {
      done(failed({ kind: "invalid-acks" }));
      return "taken";
    }
    const found = this.find(request);
    if (!found.ok) {
      done(found);
      return "taken";
    }
    const fault = validateBatch(request.batch, {
      batchBytesMax: this.#options.batchBytesMax,
      allowsZstd: request.allowsZstd,
    });
    if (fault !== null || request.batch === null) {
      done(failed({ kind: "batch", fault: fault ?? { kind: "no-batch" } }));
      return "taken";
    }
    const unreadable = this.#faultOfRecords(request.batch);
    if (unreadable !== null) {
      done(failed({ kind: "batch", fault: unreadable }));
      return "taken";
    }
    const { expectedEnd } = request;
    if (expectedEnd !== undefined && expectedEnd !== found.value.logEnd) {
      done(failed({ kind: "unexpected-end", end: found.value.logEnd as Offset }));
      return "taken";
    }
    const { bytes, start, end } = request.batch;
    if (this.#uncommittedBytes + end - start > this.#options.roomBytes) return "busy";
    this.#store(request, found.value, bytes.slice(start, end), done);
    return "taken";
  }

  /** What is compressed is not opened here. */
  #faultOfRecords({ bytes, start, end }: ByteRange): BatchFault | null {
    const batch = new RecordBatchView(bytes, start);
    if (batch.codec !== CODEC_NONE) return null;
    const payload = { bytes, start: batch.recordsStart, end };
    const found = this.#inspector.inspect(payload, batch, ANY_RECORDS);
    return typeof found === "string" ? null : found;
  }

  #store(
    request: AppendRequest,
    partition: MemoryPartition,
    copy: Uint8Array,
    done: (outcome: Result<Appended, AppendFault>) => void,
  ): void {
    const baseOffset = partition.logEnd;
    writeI64(copy, 0, baseOffset);
    writeI32(copy, 12, partition.leaderEpoch);
    const view = new RecordBatchView(copy, 0);
    const endOffset = baseOffset + view.recordCount;
    partition.batches.push({
      bytes: copy,
      baseOffset,
      endOffset,
      maxTimestampMs: view.maxTimestampMs,
    });
    partition.logEnd = endOffset;
    if (this.keepsProposals) {
      this.proposed.push({
        key: `${request.name ?? request.topicId}-${request.partition}`,
        baseOffset,
      });
    }
    this.#uncommittedBytes += copy.length;
    const commit = (): void => {
      this.#uncommittedBytes -= copy.length;
      partition.highWatermark = Math.max(partition.highWatermark, endOffset);
      done(
        ok({
          baseOffset: baseOffset as Offset,
          appendTimeMs: -1,
          logStart: partition.logStart as Offset,
        }),
      );
      for (const watch of [...partition.watchers]) watch();
      const wanted = this.#roomWanted;
      this.#roomWanted = [];
      for (const callback of wanted) callback();
    };
    if (this.#options.commitMs === 0) this.#clock.turnEnd(commit);
    else this.#clock.after(this.#options.commitMs, commit);
  }

  whenRoom(callback: () => void): void {
    this.#roomWanted.push(callback);
  }

  fetch(request: FetchRequest, done: (fetched: Fetched) => void): () => void {
    const first = this.#read(request, false);
    if (first !== null || request.waitMsMax <= 0) {
      done(first ?? (this.#read(request, true) as Fetched));
      return () => {};
    }
    const watched: MemoryPartition[] = [];
    let isOver = false;
    const finish = (): void => {
      if (isOver) return;
      isOver = true;
      this.waiting--;
      late();
      for (const partition of watched) partition.watchers.delete(look);
    };
    const look = (): void => {
      const fetched = isOver ? null : this.#read(request, false);
      if (fetched === null) return;
      finish();
      done(fetched);
    };
    const late = this.#clock.after(request.waitMsMax, () => {
      if (isOver) return;
      finish();
      done(this.#read(request, true) as Fetched);
    });
    this.waiting++;
    this.waitedEver++;
    for (const asked of request.partitions) {
      const found = this.find(asked);
      if (!found.ok) continue;
      watched.push(found.value);
      found.value.watchers.add(look);
    }
    return finish;
  }

  /** Null while there is too little to answer. */
  #read(request: FetchRequest, isLate: boolean): Fetched | null {
    let left = request.bytesMax;
    let bytes = 0;
    let isUrgent = request.partitions.length === 0;
    const slices: Uint8Array[] = [];
    const partitions = request.partitions.map((asked): FetchedPartition => {
      const result = this.#readOne(asked, left, bytes === 0);
      left -= result.bytes;
      bytes += result.bytes;
      slices.push(...result.slices);
      isUrgent ||= result.fault !== null;
      return result;
    });
    if (!isLate && !isUrgent && bytes < request.bytesMin) return null;
    return { partitions, release: this.#lend(slices) };
  }

  #readOne(asked: FetchPartition, left: number, isFirst: boolean): FetchedPartition {
    const found = this.#led(asked, asked.leaderEpoch);
    const unknown = {
      highWatermark: -1 as Offset,
      lastStableOffset: -1 as Offset,
      logStart: -1 as Offset,
    };
    const nothing = { diverging: null, slices: [], bytes: 0 };
    if (!found.ok) return { fault: found.fault, ...unknown, ...nothing };
    const { batches, highWatermark, logStart, logEnd } = found.value;
    const base = {
      highWatermark: highWatermark as Offset,
      lastStableOffset: highWatermark as Offset,
      logStart: logStart as Offset,
    };
    if (asked.fetchOffset < logStart || asked.fetchOffset > logEnd) {
      return { fault: { kind: "offset-out-of-range" }, ...base, ...nothing };
    }
    const slices: Uint8Array[] = [];
    let bytes = 0;
    for (const batch of batches) {
      if (batch.endOffset <= asked.fetchOffset) continue;
      if (batch.endOffset > highWatermark) break;
      const fits = bytes + batch.bytes.length <= Math.min(left, asked.bytesMax);
      if (!fits && !(isFirst && bytes === 0)) break;
      slices.push(batch.bytes.slice());
      bytes += batch.bytes.length;
    }
    return { fault: null, ...base, diverging: null, slices, bytes };
  }

  /** What is lent is spoiled when it comes back, so that whoever still sends it is found out. */
  #lend(slices: readonly Uint8Array[]): () => void {
    let isReleased = false;
    const hasBytes = slices.length > 0;
    if (hasBytes) {
      this.lent++;
      this.lentEver++;
    }
    return () => {
      if (isReleased) throw new Error("slices are released once");
      isReleased = true;
      if (!hasBytes) return;
      this.lent--;
      for (const slice of slices) slice.fill(POISON);
    };
  }

  async offset(
    address: PartitionAddress,
    leaderEpoch: number,
    timestampMs: number,
    _readCommitted: boolean,
  ): Promise<Result<OffsetAnswer, ReadFault>> {
    const found = this.#led(address, leaderEpoch);
    if (!found.ok) return found;
    const { logStart, highWatermark, batches, leaderEpoch: epoch } = found.value;
    const at = (offset: number, time = -1) => ok({ offset, timestampMs: time, leaderEpoch: epoch });
    if (timestampMs === LATEST) return at(highWatermark);
    if (timestampMs === EARLIEST || timestampMs === EARLIEST_LOCAL) return at(logStart);
    if (timestampMs < 0 && timestampMs !== MAX_TIMESTAMP) return at(-1);
    const records = batches
      .filter(({ endOffset }) => endOffset <= highWatermark)
      .flatMap(recordsOf)
      .filter(({ offset }) => offset >= logStart);
    const goal =
      timestampMs === MAX_TIMESTAMP
        ? Math.max(...records.map((record) => record.timestampMs))
        : timestampMs;
    const hit = records.find((record) => record.timestampMs >= goal);
    return hit === undefined ? at(-1) : at(hit.offset, hit.timestampMs);
  }

  async deleteRecords(
    address: PartitionAddress,
    offset: Offset | null,
  ): Promise<Result<Offset, DeleteRecordsFault>> {
    const found = this.find(address);
    if (!found.ok) return found;
    if (this.deleteFault !== null) return failed(this.deleteFault);
    const { value: partition } = found;
    const upTo = offset ?? partition.highWatermark;
    if (upTo < 0 || upTo > partition.highWatermark) return failed({ kind: "offset-out-of-range" });
    partition.logStart = Math.max(partition.logStart, upTo);
    return ok(partition.logStart as Offset);
  }

  epochEnd(
    address: PartitionAddress,
    leaderEpoch: number,
    epoch: number,
  ): Result<{ readonly epoch: number; readonly endOffset: number }, ReadFault> {
    const found = this.#led(address, leaderEpoch);
    if (!found.ok) return found;
    if (epoch !== found.value.leaderEpoch) return ok({ epoch: -1, endOffset: -1 });
    return ok({ epoch: found.value.leaderEpoch, endOffset: found.value.highWatermark });
  }

  bounds(
    address: PartitionAddress,
  ): Result<
    { readonly logStart: Offset; readonly highWatermark: Offset; readonly leaderEpoch: Term },
    ReadFault
  > {
    const found = this.find(address);
    if (!found.ok) return found;
    const { logStart, highWatermark, leaderEpoch } = found.value;
    return ok({
      logStart: logStart as Offset,
      highWatermark: highWatermark as Offset,
      leaderEpoch: leaderEpoch as Term,
    });
  }
}

function recordsOf({ bytes }: StoredBatch): readonly DecodedRecord[] {
  const decoded = decodeBatch({ bytes, start: 0, end: bytes.length });
  if (!decoded.ok) throw new Error(decoded.fault.kind);
  return decoded.value;
}
