// The broker's one journal (design 4.2): records of all groups are gathered into batches, one durable write at a time
// carries all that queued during the last one (J3), and durability is reported by ticket (J4). Payloads are copied once,
// into the arena, and go to the disk and to readers from there. After a failed write nothing is acknowledged any
// more and the broker ends (J8).
import { assert } from "../base/assert.ts";
import { ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type {
  ClusterId,
  GroupId,
  LogIndex,
  Offset,
  PayloadPosition,
  ReplicaId,
  Term,
  Ticket,
} from "../model/ids.ts";
import type { DiskFault, DiskLock } from "../ports/disk.ts";
import type { World } from "../ports/world.ts";
import { BATCH_ENTRY, RECORD_HEADER_BYTES } from "../record/record.ts";
import type { RecordHeader } from "../record/record.ts";
import { Arena } from "./arena.ts";
import { BatchWriter, SCRATCH_BYTES, batchShape } from "./batch-writer.ts";
import { Checkpoints } from "./checkpoints.ts";
import type { CheckpointedJournal } from "./checkpoints.ts";
import { writeIdentity } from "./directory.ts";
import type { Identity } from "./directory.ts";
import type { JournalFiles } from "./files.ts";
import { IdleSeal } from "./idle-seal.ts";
import type { Ledger } from "./ledger.ts";
import { openJournal } from "./open.ts";
import type { OpenedJournal } from "./open.ts";
import type {
  GroupTableSource,
  JournalFault,
  JournalOptions,
  JournalRoom,
  JournalUse,
  ReadFault,
  Recovered,
  RecoveryVisitor,
  SharedJournal,
} from "./owner.ts";
import { journalProbe } from "./probe.ts";
import type { JournalProbe } from "./probe.ts";
import { BatchQueue } from "./queue.ts";
import type { QueuedBatch } from "./queue.ts";
import { Reserve } from "./reserve.ts";
import { journalSizes } from "./sizes.ts";
import type { JournalSizes } from "./sizes.ts";
import { PeerMemory, accountOf } from "./starts.ts";
import type { StartAccount } from "./starts.ts";

const IDLE_SEAL = 0;
const CLOSING_SEAL = 1;
/** Of the memory for headers, what each use leaves to others (J11). */
const TABLE_MARGIN_PART: Readonly<Record<JournalUse, number>> = { batch: 0.5, own: 0.25 };
/** Of the arena's margin. */
const ARENA_MARGIN_PART: Readonly<Record<JournalUse, number>> = { batch: 1, own: 0.5 };

type State = "open" | "closing" | "failed" | "closed";

interface WriteUnderWay {
  readonly batch: QueuedBatch;
  readonly startedMs: number;
  readonly bytes: number;
}

export class Journal implements SharedJournal {
  readonly recovered: Recovered;
  onDurable: (ticket: Ticket) => void = () => {};
  onRoom: () => void = () => {};
  lastWriteMs = 0;
  readonly #world: World;
  readonly #options: JournalOptions;
  readonly #sizes: JournalSizes;
  readonly #lock: DiskLock;
  readonly #files: JournalFiles;
  readonly #ledger: Ledger;
  readonly #arena: Arena;
  readonly #queue: BatchQueue;
  readonly #writer: BatchWriter;
  readonly #probe: JournalProbe;
  readonly #reserve: Reserve;
  readonly #idleSeal: IdleSeal;
  readonly #checkpoints: Checkpoints;
  readonly peers: PeerMemory;
  readonly #machineRun: string | null;
  /** Nothing that this directory promised is in doubt (D3). */
  #isWhole: boolean;
  #identity: Identity;
  #state: State = "open";
  #writing: WriteUnderWay | null = null;
  /** When the pulse that is under way was issued; null for none. */
  #pulseSinceMs: number | null = null;
  /** A batch whose file is not ready, and since when. */
  #stuck: QueuedBatch | null = null;
  #stuckSinceMs = 0;
  #flushWanted = false;
  #roomWanted = false;
  #saidRoom: JournalRoom = "ok";
  #durableTicket: Ticket;
  #endsWithSeal = false;
  #waiters: { readonly ticket: number; readonly done: (isDurable: boolean) => void }[] = [];

  static async open(
    world: World,
    options: JournalOptions,
    visitor: RecoveryVisitor,
  ): Promise<Result<Journal, JournalFault>> {
    const sizes = journalSizes(options);
    const opened = await openJournal(world, { ...options, ...sizes }, visitor);
    return opened.ok ? ok(new Journal(world, options, sizes, opened.value)) : opened;
  }

  private constructor(
    world: World,
    options: JournalOptions,
    sizes: JournalSizes,
    opened: OpenedJournal,
  ) {
    const lane = world.disk.journal;
    this.#world = world;
    this.#options = options;
    this.#sizes = sizes;
    this.#lock = opened.lock;
    this.#files = opened.files;
    this.#ledger = opened.ledger;
    this.#identity = opened.identity;
    this.recovered = opened.recovered;
    this.#durableTicket = opened.lastTicket as Ticket;
    this.peers = new PeerMemory(opened.recovered.peers);
    this.#machineRun = opened.machineRun;
    this.#isWhole = opened.recovered.trusted;
    this.#arena = new Arena(lane.allocate(sizes.arenaBytes), opened.nextPosition);
    const last = { ticket: opened.lastTicket, ordinal: opened.nextOrdinal };
    this.#queue = new BatchQueue(sizes, last, (bytes) => lane.allocate(bytes));
    this.#queue.skipTicketsUpTo(opened.ticketsUsed);
    this.#writer = new BatchWriter(lane.allocate(SCRATCH_BYTES), opened.identity.incarnation);
    this.#probe = journalProbe(world.meter, {
      usedBytes: () => this.#files.usedBytes,
      isFull: () => this.room() !== "ok",
    });
    this.#files.onReady = () => this.#fileReady();
    this.#files.prepare();
    this.#reserve = new Reserve(world, opened.directory, sizes.reserveBytes);
    this.#reserve.keep();
    this.#checkpoints = this.#makeCheckpoints(opened);
    this.#idleSeal = new IdleSeal(world.clock, sizes.sealIdleMs, {
      isIdle: () => !this.#isWriting && this.#stuck === null && this.#queue.isEmpty,
      endsWithSeal: () => this.#endsWithSeal,
      seal: () => {
        this.#appendOwn("seal", IDLE_SEAL, 0);
        this.flush();
      },
      pulse: () => this.#pulse(),
    });
  }

  get lastTicket(): Ticket {
    return this.#queue.lastTicket as Ticket;
  }

  get durableTicket(): Ticket {
    return this.#durableTicket;
  }

  /** The longest payload that one record can have. */
  get payloadBytesMax(): number {
    return this.#queue.payloadBytesMax;
  }

  get groupTable(): GroupTableSource | null {
    return this.#checkpoints.source;
  }

  set groupTable(source: GroupTableSource | null) {
    this.#checkpoints.source = source;
  }

  get keepAlive(): boolean {
    return this.#idleSeal.keepAlive;
  }

  set keepAlive(isWanted: boolean) {
    this.#idleSeal.keepAlive = isWanted;
  }

  append(
    header: RecordHeader,
    payload: Uint8Array | null,
    start: number,
    end: number,
  ): PayloadPosition | "full" | "closed" {
    if (this.#state !== "open") return "closed";
    const length = end - start;
    assert(header.length === length, "a header says how long its payload is");
    assert(length <= this.#queue.payloadBytesMax, "a payload fits a batch");
    if (length > 0) {
      const isBatch = header.type === "append" && header.kind === BATCH_ENTRY;
      if (!this.#arena.hasRoom(length, isBatch ? this.#margin("batch") : 0)) return this.#full();
      if (this.#arena.wraps(length)) {
        // The payloads of a batch are one range, so the batch ends where the ring does.
        this.#queue.seal();
        this.#arena.skip();
      }
      this.#arena.enter(length);
    }
    if (header.type === "drop-group") this.#checkpoints.beforeDrop(header.group);
    const position = this.#arena.position;
    this.#queue.add(header, position);
    if (payload !== null && length > 0) this.#arena.copy(payload, start, end);
    this.#book(header);
    this.#endsWithSeal = false;
    return position;
  }

  fits(use: JournalUse, payloadBytes: number, records = 1): boolean {
    const tablePart = (records * RECORD_HEADER_BYTES) / this.#sizes.tableBytes;
    if (this.#queue.freePart - tablePart < TABLE_MARGIN_PART[use]) return this.#noRoom();
    if (use === "batch" && this.#isFull()) return false;
    const hasRoom = payloadBytes === 0 || this.#arena.hasRoom(payloadBytes, this.#margin(use));
    return hasRoom || this.#noRoom();
  }

  flush(): void {
    if (this.#isWriting || this.#stuck !== null) {
      this.#flushWanted = true;
      return;
    }
    if (this.#state === "open" || this.#state === "closing") this.#issue();
  }

  lends(position: PayloadPosition, length: number): boolean {
    return this.#arena.lends(position, length);
  }

  lend(position: PayloadPosition, length: number): Uint8Array | null {
    if (!this.#arena.lends(position, length)) return null;
    this.#arena.pin(position, length);
    return this.#arena.slice(position, position + length);
  }

  unpin(position: PayloadPosition, length: number): void {
    const isFreed = this.#arena.unpin(position, length);
    if (isFreed && this.#roomWanted) this.#world.clock.turnEnd(() => this.#tellRoom());
  }

  async read(
    position: PayloadPosition,
    length: number,
    isFresh = false,
  ): Promise<Result<Uint8Array, ReadFault>> {
    const view = this.#arena.view(position, length);
    return view === null ? this.#files.read(position, length, isFresh) : ok(view.slice());
  }

  oldestUnfinishedWriteMs(): number {
    const sinceMs = this.#writing?.startedMs ?? this.#pulseSinceMs;
    if (sinceMs !== null) return this.#world.clock.upMs() - sinceMs;
    if (this.#stuck !== null) return this.#world.clock.upMs() - this.#stuckSinceMs;
    return 0;
  }

  room(): JournalRoom {
    const isNear = this.#files.usedBytes > this.#sizes.bytesMax - this.#sizes.keptBytes;
    return isNear || this.#reserve.isShort ? "near-full" : "ok";
  }

  starts(): StartAccount {
    return accountOf(this.#identity.starts, this.#durableTicket);
  }

  async distrust(): Promise<void> {
    if (!this.#identity.distrusted) await this.#replaceIdentity({ distrusted: true });
  }

  async vouch(): Promise<void> {
    this.#isWhole = true;
    await this.#replaceIdentity({ machineRun: this.#machineRun });
  }

  promisesEnded(): void {
    const promisedMs = this.#options.promiseMs ?? 0;
    if (promisedMs !== this.#identity.promisedMs) void this.#replaceIdentity({ promisedMs });
  }

  release(group: GroupId, index: LogIndex): void {
    this.#ledger.release(group, index);
  }

  groupsInOldestFile(): readonly GroupId[] {
    return this.#ledger.groupsUpTo(this.#files.oldest.header.sequence) as GroupId[];
  }

  checkpoint(): Promise<void> {
    return this.#checkpoints.run();
  }

  /** Nothing is written where it is known already: a broker starts on a full disk too. */
  async joinCluster(cluster: ClusterId): Promise<Result<void, DiskFault>> {
    if (this.#identity.cluster === cluster) return ok(undefined);
    return this.#replaceIdentity({ cluster });
  }

  async #replaceIdentity(
    change: Partial<Pick<Identity, "cluster" | "distrusted" | "machineRun" | "promisedMs">>,
  ): Promise<Result<void, DiskFault>> {
    this.#identity = { ...this.#identity, ...change };
    const written = await writeIdentity(this.#world, this.#options.directory, this.#identity);
    if (!written.ok) this.#world.log.warn({ fault: written.fault }, "identity not written");
    return written;
  }

  async close(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "closing";
    this.#idleSeal.stop();
    this.#reserve.stop();
    // An orderly end does not end the doubt in which a start was: the next one asks again (D3).
    const kind = this.#isWhole ? CLOSING_SEAL : IDLE_SEAL;
    const isDurable = await this.#ownDurably("seal", kind, this.#identity.incarnation);
    await this.#checkpoints.ended();
    await this.#files.close();
    if (isDurable) this.#state = "closed";
    await this.#lock.release();
  }

  #margin(use: JournalUse): number {
    return this.#sizes.marginBytes * ARENA_MARGIN_PART[use];
  }

  /** The disk holds what batches may use of it, once all that is queued is written. */
  #isFull(): boolean {
    return this.#files.writtenBytes + this.#arena.waitingBytes >= this.#sizes.bytesMax;
  }

  /** Says once when the room for clients ends, and when there is some again. */
  #noteRoom(): void {
    const room = this.room();
    if (room === this.#saidRoom) return;
    this.#saidRoom = room;
    const fields = { room, usedBytes: this.#files.usedBytes, bytesMax: this.#sizes.bytesMax };
    this.#world.log.warn(fields, "journal-room");
  }

  #full(): "full" {
    this.#noRoom();
    return "full";
  }

  /** Somebody found no room in memory, and is told when there may be some. */
  #noRoom(): false {
    this.#roomWanted = true;
    this.#probe.full.add(1);
    return false;
  }

  #tellRoom(): void {
    if (!this.#roomWanted || this.#state !== "open") return;
    this.#roomWanted = false;
    this.onRoom();
  }

  /** Keeps account of what is alive, and which file it pins. */
  #book(header: RecordHeader): void {
    const { group, index, term } = header;
    const file = this.#files.current.header.sequence;
    switch (header.type) {
      case "append":
        assert(this.#ledger.append(group, index, term, file), "an entry follows its predecessor");
        return;
      case "copy-forward":
        assert(this.#ledger.relocate(group, index, term, file), "a live entry is copied (J6)");
        return;
      case "truncate":
        this.#ledger.truncate(group, index);
        return;
      case "install-base":
        this.#ledger.installBase(group, index, term, file);
        return;
      case "drop-group":
        this.#ledger.drop(group);
        return;
      default:
        return; // in the group table, or of no use later
    }
  }

  /** Starts the next write, unless its file is not ready. */
  #issue(): void {
    const batch = this.#queue.take();
    if (batch === null) return;
    this.#flushWanted = !this.#queue.isEmpty;
    this.#place(batch);
  }

  #place(batch: QueuedBatch): void {
    const shape = batchShape(batch, this.peers.all.size);
    if (!this.#files.makeRoom(shape.length)) {
      if (this.#stuck === null) this.#stuckSinceMs = this.#world.clock.upMs();
      this.#stuck = batch;
      return;
    }
    this.#stuck = null;
    this.#write(batch, shape.length, shape.payloadAt);
  }

  #write(batch: QueuedBatch, bytes: number, payloadAt: number): void {
    const file = this.#files.current;
    const { handle, position } = file;
    assert(handle !== null, "the current file is open");
    if (file.firstTicket === 0) {
      file.firstTicket = batch.ticket;
      file.previousTicket = batch.previous;
    }
    const payload = this.#arena.slice(batch.payloadStart, batch.payloadEnd);
    const records = this.#queue.tableOf(batch);
    const parts = this.#writer.parts(batch, file.header, this.peers.all, records, payload);
    file.position = position + bytes;
    this.#writing = { batch, startedMs: this.#world.clock.upMs(), bytes };
    handle.write(position, parts, (fault) => {
      if (fault !== null) this.#fail(fault);
      else {
        const length = batch.payloadEnd - batch.payloadStart;
        if (length > 0) file.index.add(batch.payloadStart, length, position + payloadAt);
        this.#written();
      }
    });
  }

  #written(): void {
    const writing = this.#writing;
    assert(writing !== null, "a write ends once");
    const { batch, startedMs, bytes } = writing;
    const nowMs = this.#world.clock.upMs();
    this.#writing = null;
    this.#queue.written();
    this.#arena.durableUpTo(batch.payloadEnd);
    this.#durableTicket = batch.ticket as Ticket;
    this.#probe.batches.add(1);
    this.#probe.records.add(batch.recordCount);
    this.#probe.bytes.add(bytes);
    this.lastWriteMs = nowMs - startedMs;
    this.#probe.writeSeconds.observe(this.lastWriteMs / 1000);
    // The disk goes on first; what the owner does with the ticket can take its time.
    if (this.#flushWanted) this.#issue();
    this.onDurable(batch.ticket as Ticket);
    this.#wakeWaiters();
    this.#tellRoom();
    this.#noteRoom();
    this.#files.prepare();
    this.#idleSeal.written(nowMs);
    const isNewFile = batch.ticket === this.#files.current.firstTicket;
    // Near the limit nobody fills this file any more: what was let go must not wait for the next one.
    if (isNewFile || this.#saidRoom !== "ok") this.#checkpoints.runWhenUseful();
  }

  get #isWriting(): boolean {
    return this.#writing !== null || this.#pulseSinceMs !== null;
  }

  /**
   * Writes zeros where the next batch goes, which mean nothing there: a sign of life of the disk (L4) that takes no room,
   * however long nothing else is written.
   */
  #pulse(): boolean {
    const { handle, position, capacity } = this.#files.current;
    const { zeros } = this.#writer;
    if (handle === null || position + zeros.length > capacity) return false;
    const startedMs = this.#world.clock.upMs();
    this.#pulseSinceMs = startedMs;
    handle.write(position, [zeros], (fault) => {
      const nowMs = this.#world.clock.upMs();
      this.#pulseSinceMs = null;
      if (fault !== null) return this.#fail(fault);
      this.lastWriteMs = nowMs - startedMs;
      if (this.#flushWanted) this.#issue();
      this.#idleSeal.written(nowMs);
    });
    return true;
  }

  #fileReady(): void {
    if (this.#files.isDiskFull) this.#reserve.giveUp();
    if (this.#stuck !== null && this.#state !== "failed") this.#place(this.#stuck);
  }

  #fail(fault: DiskFault): void {
    this.#state = "failed";
    for (const waiter of this.#waiters.splice(0)) waiter.done(false);
    if (fault.code === "ENOSPC") this.#reserve.giveUp();
    this.#idleSeal.stop();
    this.#reserve.stop();
    this.#world.log.error({ fault }, "journal write failed");
    this.#world.fatal("a journal write failed", fault);
  }

  /** Queues one of the journal's own records, which need no payload memory. */
  #appendOwn(type: "seal" | "checkpoint", kind: 0 | 1, index: number): void {
    const header: RecordHeader = {
      type,
      kind,
      group: 0 as GroupId,
      partition: 0,
      replica: 0 as ReplicaId,
      term: 0 as Term,
      index: index as LogIndex,
      baseOffset: 0 as Offset,
      recordCount: 0,
      length: 0,
      checksum: 0,
      headSum: 0,
      vote: 0 as ReplicaId,
    };
    this.#queue.add(header, this.#arena.position);
    this.#endsWithSeal = type === "seal";
  }

  /** True once `ticket` is durable, false when it never will be. */
  #durably(ticket: number): Promise<boolean> {
    if (this.#durableTicket >= ticket) return Promise.resolve(true);
    if (this.#state === "failed") return Promise.resolve(false);
    return new Promise((done) => {
      this.#waiters.push({ ticket, done });
    });
  }

  #wakeWaiters(): void {
    if (this.#waiters.length === 0) return;
    const due = this.#waiters.filter((waiter) => waiter.ticket <= this.#durableTicket);
    this.#waiters = this.#waiters.filter((waiter) => waiter.ticket > this.#durableTicket);
    for (const waiter of due) waiter.done(true);
  }

  #makeCheckpoints(place: OpenedJournal): Checkpoints {
    const journal: CheckpointedJournal = {
      isOpen: () => this.#state === "open",
      durableTicket: () => this.#durableTicket,
      nextOrdinal: () => this.#queue.nextOrdinal,
      recordDurably: async (table) =>
        this.#state === "open" && this.#ownDurably("checkpoint", 0, table),
    };
    const id = this.#identity.directory;
    const at = { ...place, id };
    return new Checkpoints(this.#world, at, this.#files, this.#ledger, journal, this.#probe);
  }

  /** Queues one of the journal's own records and waits for it; false when it never gets durable. */
  #ownDurably(type: "seal" | "checkpoint", kind: 0 | 1, index: number): Promise<boolean> {
    this.#appendOwn(type, kind, index);
    const ticket = this.#queue.lastTicket;
    this.flush();
    return this.#durably(ticket);
  }
}
