// Long-polling reads over the partitions of this broker. A fetch is answered when it has enough committed bytes, when a
// partition has something to say that is no bytes, or when its time is over; until then it watches its partitions and
// costs nothing.
import type { SharedJournal } from "../journal/owner.ts";
import type { Offset } from "../model/ids.ts";
import type { Partition } from "../partition/partition.ts";
import { availableBytes, readFromDisk, readFromMemory } from "../partition/partition-reader.ts";
import type { ReadBytes } from "../partition/partition-reader.ts";
import type { Clock } from "../ports/clock.ts";
import type { AddressBook } from "./address.ts";
import type { ReadFault } from "./faults.ts";
import type { Fetched, FetchedPartition, FetchPartition, FetchRequest } from "./log-service.ts";

export interface FetchSettings {
  /** `follower.fetch` (P8). */
  readonly followerFetch: boolean;
  /** `fetch.max.bytes`. */
  readonly fetchBytesMax: number;
  /** `fetch.waiters.max`: fetches beyond it are answered with what is there. */
  readonly fetchWaitersMax: number;
  /** Bytes read back from disk that all fetches hold together until their answers are out. */
  readonly fetchDiskBytesMax: number;
}

/** What a partition can do for a fetch now. */
type State =
  | { readonly state: "fault"; readonly fault: ReadFault; readonly partition: Partition | null }
  | {
      readonly state: "diverging";
      readonly partition: Partition;
      readonly epoch: number;
      readonly endOffset: number;
    }
  /** May be read up to its high watermark. */
  | { readonly state: "readable"; readonly partition: Partition }
  /** Not yet: a new leader (F7), or a follower behind (P8); becomes `lateFault` when the time is over. */
  | { readonly state: "pending"; readonly partition: Partition; readonly lateFault: ReadFault };

/** How long a fetch of many partitions keeps the event loop. */
const STRETCH_MS_MAX = 3;
/** What a fetch may read from disk when others hold all that may be held. */
const FLOOR_BYTES = 64 << 10;
const UNKNOWN = -1 as Offset;
const NO_BYTES: ReadBytes = { slices: [], bytes: 0, release: () => {} };

export class LocalFetch {
  readonly #book: AddressBook;
  readonly #journal: SharedJournal;
  readonly #clock: Clock;
  readonly #settings: FetchSettings;
  readonly #waiting = new Set<() => void>();
  #mayWait = true;
  /** Read back from disk, or about to be, and not released. */
  #diskBytes = 0;

  constructor(book: AddressBook, journal: SharedJournal, clock: Clock, settings: FetchSettings) {
    this.#book = book;
    this.#journal = journal;
    this.#clock = clock;
    this.#settings = settings;
  }

  fetch(request: FetchRequest, done: (fetched: Fetched) => void): () => void {
    const states = request.partitions.map((wanted) => this.#stateOf(wanted, request));
    const hasRoom = this.#waiting.size < this.#settings.fetchWaitersMax;
    const mayWait = this.#mayWait && request.waitMsMax > 0 && hasRoom;
    if (!mayWait || this.#isAnswerable(states, request)) {
      void this.#answer(states, request, done);
      return () => {};
    }
    return this.#wait(states, request, done);
  }

  /** Answers whoever waits with what there is, and lets nobody wait any more: this broker is about to stop. */
  endWaits(): void {
    this.#mayWait = false;
    for (const answer of [...this.#waiting]) answer();
  }

  #wait(
    states: readonly State[],
    request: FetchRequest,
    done: (fetched: Fetched) => void,
  ): () => void {
    const unwatch: (() => void)[] = [];
    let isOver = false;
    let isLooking = false;
    const late = (): void => look(true);
    this.#waiting.add(late);
    const finish = (): void => {
      this.#waiting.delete(late);
      isOver = true;
      for (const stop of unwatch) stop();
    };
    const look = (isLate: boolean): void => {
      isLooking = false;
      if (isOver) return;
      const now = request.partitions.map((wanted) => this.#stateOf(wanted, request));
      if (!isLate && !this.#isAnswerable(now, request)) return;
      finish();
      void this.#answer(now, request, done);
    };
    const changed = (): void => {
      if (isLooking || isOver) return;
      isLooking = true;
      // One look per turn, however many partitions moved.
      this.#clock.turnEnd(() => look(false));
    };
    for (const state of states) {
      if (state.partition !== null) unwatch.push(state.partition.watch(changed));
    }
    unwatch.push(this.#clock.after(request.waitMsMax, late));
    return finish;
  }

  #stateOf(wanted: FetchPartition, request: FetchRequest): State {
    const found = this.#book.find(wanted);
    if (!found.ok) return { state: "fault", fault: found.fault, partition: null };
    const { partition, placement } = found.value;
    const hint = this.#book.hint(placement);
    const notLeader = { state: "fault", fault: { kind: "not-leader", hint }, partition } as const;
    if (partition === null) return notLeader;
    const isFollower = !partition.leads;
    if (isFollower && !(this.#settings.followerFetch && request.allowsFollower)) return notLeader;
    const fault = this.#book.epochFault(partition, placement, wanted.leaderEpoch);
    if (fault !== null) return { state: "fault", fault, partition };
    if (isFollower) return this.#followerState(partition, wanted);
    const lateFault = { kind: "offset-not-available" } as const;
    if (!partition.replica.serves) return { state: "pending", partition, lateFault };
    if (!partition.mayServe) return notLeader;
    return this.#leaderState(partition, wanted);
  }

  #leaderState(partition: Partition, wanted: FetchPartition): State {
    const { fetchOffset, lastFetchedEpoch } = wanted;
    if (fetchOffset < partition.logStart || fetchOffset > partition.logEnd) {
      return { state: "fault", fault: { kind: "offset-out-of-range" }, partition };
    }
    if (lastFetchedEpoch >= 0) {
      const end = partition.epochs.endOf(lastFetchedEpoch, partition.logEnd);
      if (end.epoch < lastFetchedEpoch || end.endOffset < fetchOffset) {
        return { state: "diverging", partition, ...end };
      }
    }
    return { state: "readable", partition };
  }

  /** P8: a follower serves below its own high watermark, and is never sure that an offset above it does not exist. */
  #followerState(partition: Partition, wanted: FetchPartition): State {
    if (wanted.fetchOffset < partition.logStart) {
      return { state: "fault", fault: { kind: "offset-out-of-range" }, partition };
    }
    if (wanted.fetchOffset <= partition.highWatermark) return { state: "readable", partition };
    return { state: "pending", partition, lateFault: { kind: "offset-not-available" } };
  }

  #isAnswerable(states: readonly State[], request: FetchRequest): boolean {
    if (states.length === 0) return true;
    let bytes = 0;
    for (let k = 0; k < states.length; k++) {
      const state = states[k] as State;
      if (state.state === "fault" || state.state === "diverging") return true;
      if (state.state !== "readable") continue;
      const { fetchOffset, bytesMax } = request.partitions[k] as FetchPartition;
      // No more is counted than decides.
      const lacking = Math.max(0, request.bytesMin - bytes);
      bytes += availableBytes(
        state.partition,
        fetchOffset,
        Math.min(lacking, Math.max(1, bytesMax)),
      );
      if (bytes >= request.bytesMin) return true;
    }
    return request.bytesMin <= 0;
  }

  async #answer(
    states: readonly State[],
    request: FetchRequest,
    done: (fetched: Fetched) => void,
  ): Promise<void> {
    let left = Math.min(request.bytesMax, this.#settings.fetchBytesMax);
    let isFirst = true;
    let hasWaited = false;
    const reads: (ReadBytes | "storage")[] = [];
    let startMs = this.#clock.upMs();
    for (let k = 0; k < states.length; k++) {
      if (k > 0 && this.#clock.upMs() - startMs > STRETCH_MS_MAX) {
        await new Promise<void>((resolve) => this.#clock.after(0, resolve)); // L7
        hasWaited = true;
        startMs = this.#clock.upMs();
      }
      const state = states[k] as State;
      const wanted = request.partitions[k] as FetchPartition;
      let read: ReadBytes | "storage" = NO_BYTES;
      if (state.state === "readable" && left > 0) {
        const bytesMax = Math.min(left, wanted.bytesMax);
        const { partition } = state;
        const offset = wanted.fetchOffset;
        const memory = readFromMemory(partition, this.#journal, offset, bytesMax, isFirst);
        if (memory !== "on-disk") read = memory;
        else {
          read = await this.#fromDisk(partition, offset, bytesMax, isFirst);
          hasWaited = true;
        }
      }
      if (read !== "storage" && read.bytes > 0) {
        left -= read.bytes;
        isFirst = false;
      }
      reads.push(read);
    }
    const partitions = states.map((state, k) => {
      // Leadership and lease may have gone while the disk was read (L5).
      const isOld = hasWaited && state.state === "readable";
      const wanted = request.partitions[k] as FetchPartition;
      return fetched(isOld ? this.#stateOf(wanted, request) : state, reads[k] ?? NO_BYTES);
    });
    let isReleased = false;
    done({
      partitions,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        for (const read of reads) if (read !== "storage") read.release();
      },
    });
  }

  /** As much as all fetches together may still hold; of the first partition of a fetch always some, so that all get on. */
  async #fromDisk(
    partition: Partition,
    offset: Offset,
    bytesMax: number,
    isFirst: boolean,
  ): Promise<ReadBytes | "storage"> {
    const room = this.#settings.fetchDiskBytesMax - this.#diskBytes;
    const allowed = Math.min(bytesMax, Math.max(room, isFirst ? FLOOR_BYTES : 0));
    if (allowed === 0 && !isFirst) return NO_BYTES;
    this.#diskBytes += allowed;
    const disk = await readFromDisk(partition, this.#journal, offset, allowed, isFirst);
    const bytes = disk.ok ? disk.value.bytes : 0;
    this.#diskBytes += bytes - allowed;
    if (!disk.ok) return "storage";
    return { ...disk.value, release: () => void (this.#diskBytes -= bytes) };
  }
}

function fetched(state: State, read: ReadBytes | "storage"): FetchedPartition {
  const { partition } = state;
  const isKnown = partition !== null && state.state !== "pending";
  const highWatermark = isKnown ? partition.highWatermark : UNKNOWN;
  const logStart = isKnown ? partition.logStart : UNKNOWN;
  const base = { highWatermark, lastStableOffset: highWatermark, logStart, diverging: null };
  const nothing = { slices: [], bytes: 0 };
  if (read === "storage") return { ...base, ...nothing, fault: { kind: "storage" } };
  switch (state.state) {
    case "fault":
      return { ...base, ...nothing, fault: state.fault };
    case "pending":
      return { ...base, ...nothing, fault: state.lateFault };
    case "diverging": {
      const diverging = { epoch: state.epoch, endOffset: state.endOffset as Offset };
      return { ...base, ...nothing, fault: null, diverging };
    }
    case "readable":
      return { ...base, fault: null, slices: read.slices, bytes: read.bytes };
  }
}
