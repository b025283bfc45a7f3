// The log use cases over the partitions of this broker.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { SharedJournal } from "../journal/owner.ts";
import type { Offset, Term } from "../model/ids.ts";
import { isDeleted } from "../config/topic-configs.ts";
import { isInternalTopic } from "../model/internal-topics.ts";
import type { DeleteOutcome, PartitionAppendFault } from "../partition/append.ts";
import type { Partition } from "../partition/partition.ts";
import type { Partitions } from "../partition/partitions.ts";
import type { Clock } from "../ports/clock.ts";
import type { Tasks } from "../ports/tasks.ts";
import type { AddressBook } from "./address.ts";
import type { AppendFault, DeleteRecordsFault, ReadFault } from "./faults.ts";
import { LocalFetch } from "./local-fetch.ts";
import type { FetchSettings } from "./local-fetch.ts";
import type {
  Appended,
  AppendRequest,
  Fetched,
  FetchRequest,
  LogService,
  OffsetAnswer,
  PartitionAddress,
} from "./log-service.ts";
import { EARLIEST, EARLIEST_LOCAL, LATEST, LATEST_TIERED, MAX_TIMESTAMP } from "./log-service.ts";
import type { Asker } from "./search-lane.ts";
import { TimeSearch } from "./time-search.ts";

export interface LocalLogSettings extends FetchSettings {
  readonly decompressedBytesMax: number;
}

const NOBODY: Asker = { owner: {}, isOver: false };
const NO_OFFSET: OffsetAnswer = { offset: -1, timestampMs: -1, leaderEpoch: -1 };

export class LocalLogService implements LogService {
  readonly #book: AddressBook;
  readonly #partitions: Partitions;
  readonly #clock: Clock;
  readonly #times: TimeSearch;
  readonly #fetch: LocalFetch;

  constructor(
    book: AddressBook,
    partitions: Partitions,
    journal: SharedJournal,
    clock: Clock,
    tasks: Tasks,
    settings: LocalLogSettings,
  ) {
    this.#book = book;
    this.#partitions = partitions;
    this.#clock = clock;
    const openedBytesMax = (): number => settings.decompressedBytesMax;
    this.#times = new TimeSearch({ journal, clock, tasks, openedBytesMax });
    this.#fetch = new LocalFetch(book, journal, clock, settings);
  }

  append(
    request: AppendRequest,
    done: (outcome: Result<Appended, AppendFault>) => void,
  ): "taken" | "busy" {
    if (request.acks < -1 || request.acks > 1) {
      done(failed({ kind: "invalid-acks" }));
      return "taken";
    }
    const found = this.#book.find(request);
    if (!found.ok) {
      done(found);
      return "taken";
    }
    const { partition, placement, topic } = found.value;
    // S1: clients read internal topics and never write them, by whatever address.
    if (isInternalTopic(topic.name)) {
      done(failed({ kind: "internal-topic" }));
      return "taken";
    }
    const notLeader = (): AppendFault => ({ kind: "not-leader", hint: this.#book.hint(placement) });
    if (partition === null || !partition.leads) {
      done(failed(notLeader()));
      return "taken";
    }
    const { batch, acks, timeoutMs, allowsZstd, client, expectedEnd } = request;
    if (batch === null) {
      done(failed({ kind: "batch", fault: { kind: "no-batch" } }));
      return "taken";
    }
    const { bytes, start, end } = batch;
    const command = { bytes, start, end, acks, timeoutMs, allowsZstd, client };
    return partition.append({ ...command, expectedEnd: expectedEnd ?? null }, (outcome) =>
      done(outcome.ok ? outcome : failed(appendFault(outcome.fault, notLeader))),
    );
  }

  whenRoom(callback: () => void): void {
    this.#partitions.whenRoom(callback);
  }

  fetch(request: FetchRequest, done: (fetched: Fetched) => void): () => void {
    return this.#fetch.fetch(request, done);
  }

  /** Reads that wait are answered, and none waits any more. */
  endWaits(): void {
    this.#fetch.endWaits();
  }

  async offset(
    address: PartitionAddress,
    leaderEpoch: number,
    timestampMs: number,
    _readCommitted: boolean,
    asker: Asker = NOBODY,
  ): Promise<Result<OffsetAnswer, ReadFault>> {
    const served = this.#serving(address, leaderEpoch);
    if (!served.ok) return served;
    const partition = served.value;
    const answer = (offset: Offset): OffsetAnswer => ({
      offset,
      timestampMs: -1,
      leaderEpoch: partition.epochs.epochAt(offset),
    });
    switch (timestampMs) {
      case LATEST:
        return ok({ ...answer(partition.highWatermark), leaderEpoch: partition.term });
      case EARLIEST:
      case EARLIEST_LOCAL:
        return ok(answer(partition.logStart));
      case LATEST_TIERED:
        return ok(NO_OFFSET);
      case MAX_TIMESTAMP:
        return this.#times.latest(partition, asker);
      default:
        return timestampMs < 0 ? ok(NO_OFFSET) : this.#times.firstAt(partition, timestampMs, asker);
    }
  }

  epochEnd(
    address: PartitionAddress,
    leaderEpoch: number,
    epoch: number,
  ): Result<{ readonly epoch: number; readonly endOffset: number }, ReadFault> {
    const served = this.#serving(address, leaderEpoch);
    if (!served.ok) return served;
    const partition = served.value;
    // The present epoch may have no batch yet; it ends where the log ends all the same.
    if (epoch === partition.term) return ok({ epoch, endOffset: partition.highWatermark });
    if (epoch > partition.term) return ok({ epoch: -1, endOffset: -1 });
    return ok(partition.epochs.endOf(epoch, partition.highWatermark));
  }

  bounds(
    address: PartitionAddress,
  ): Result<
    { readonly logStart: Offset; readonly highWatermark: Offset; readonly leaderEpoch: Term },
    ReadFault
  > {
    const served = this.#serving(address, -1);
    if (!served.ok) return served;
    const { logStart, highWatermark, term: leaderEpoch } = served.value;
    return ok({ logStart, highWatermark, leaderEpoch });
  }

  async deleteRecords(
    address: PartitionAddress,
    offset: Offset | null,
    withinMs: number,
  ): Promise<Result<Offset, DeleteRecordsFault>> {
    const found = this.#book.find(address);
    if (!found.ok) return found;
    const { topic, placement } = found.value;
    const overrides = new Map(topic.configs.map(({ name, value }) => [name, value]));
    if (isInternalTopic(topic.name) || !isDeleted(overrides)) {
      return failed({ kind: "not-deletable" });
    }
    const untilMs = this.#clock.upMs() + withinMs;
    for (;;) {
      // Again each time: the partition may have gone, or lost its leadership, while there was no room.
      const leading = this.#book.leading(address, -1);
      if (!leading.ok) return leading;
      const outcome = await this.#tryDelete(leading.value, offset, untilMs - this.#clock.upMs());
      if (outcome === "busy") continue;
      if (outcome.ok || outcome.fault.kind !== "not-leader") return outcome as never;
      return failed({ kind: "not-leader", hint: this.#book.hint(placement) });
    }
  }

  /** "busy": there was no room, and now there may be. */
  #tryDelete(
    partition: Partition,
    offset: Offset | null,
    leftMs: number,
  ): Promise<DeleteOutcome | "busy"> {
    return new Promise((resolve) => {
      if (leftMs < 0) return resolve(failed({ kind: "timed-out" }));
      const taken = partition.deleteRecords(offset, leftMs, resolve);
      if (taken === "busy") this.#partitions.whenRoom(() => resolve("busy"));
    });
  }

  /** A leader that may answer reads (F7, L5). */
  #serving(address: PartitionAddress, leaderEpoch: number): Result<Partition, ReadFault> {
    const leading = this.#book.leading(address, leaderEpoch);
    if (!leading.ok) return leading;
    if (!leading.value.replica.serves) return failed({ kind: "offset-not-available" });
    if (leading.value.mayServe) return leading;
    const found = this.#book.find(address);
    if (!found.ok) return found;
    return failed({ kind: "not-leader", hint: this.#book.hint(found.value.placement) });
  }
}

function appendFault(fault: PartitionAppendFault, notLeader: () => AppendFault): AppendFault {
  return fault.kind === "not-leader" ? notLeader() : fault;
}
