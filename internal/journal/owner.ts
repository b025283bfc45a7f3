// What a journal and its owner promise each other: the journal's face, what the owner learns when the journal opens,
// and the group table rows that the owner supplies so that old files can be recycled (J5).
import type { Result } from "../base/result.ts";
import type {
  BrokerId,
  ClusterId,
  DirectoryId,
  GroupId,
  Incarnation,
  LogIndex,
  Offset,
  PayloadPosition,
  ReplicaId,
  Term,
  Ticket,
} from "../model/ids.ts";
import type { DiskFault } from "../ports/disk.ts";
import type { RecordHeader } from "../record/record.ts";
import type { PeerMemory, SeenStart, StartAccount } from "./starts.ts";

export interface JournalOptions {
  /** The data directory; made when it is missing. The journal's files lie in `<directory>/journal`. */
  readonly directory: string;
  readonly broker: BrokerId;
  /** Memory that holds the newest payloads; at least two batches. */
  readonly arenaBytes?: number;
  /** Size of a full journal file. The first ones are smaller. */
  readonly fileBytes?: number;
  /** `journal.bytes.max`: all journal files together. */
  readonly bytesMax?: number;
  /** `journal.reserve.bytes`: a file that keeps room for an orderly stop on a full disk (J8). */
  readonly reserveBytes?: number;
  /** Longest single write, tables included. */
  readonly batchBytesMax?: number;
  /** How long the journal is idle before a seal vouches for its last batch. */
  readonly sealIdleMs?: number;
  /** `disk.trusted`: an operator's word that the disk lost nothing. */
  readonly isDiskTrusted?: boolean;
  /** `link.silence.ms`: for how long this process promises leaders to be loyal to them (L5). */
  readonly promiseMs?: number;
  readonly faults?: JournalFaults;
}

/** Bugs that tests plant on purpose. Production passes none. */
export interface JournalFaults {
  /** All starts of a directory have one number, so that tickets are used twice (breaks D3). */
  readonly startsAlike?: boolean;
}

export type JournalFault =
  | DiskFault
  | { readonly kind: "held" }
  /** The directory belongs to another broker id. */
  | { readonly kind: "foreign"; readonly broker: BrokerId }
  /** Journal files without a readable identity file, or an identity that is not ours to read. */
  | { readonly kind: "identity"; readonly reason: "missing" | "unreadable" };

export type ReadFault =
  | DiskFault
  /** The bytes are no longer, or not yet, in any journal file. */
  | { readonly kind: "gone" };

/** What opening found. All of it is about the time before this start. */
export interface Recovered {
  /** The directory is used for the first time. */
  readonly fresh: boolean;
  /** The last start of this directory ended with a closing seal. */
  readonly clean: boolean;
  /**
   * Nothing that was durable can have been lost by a machine that went down: a first or a clean start, or the machine has
   * been running since the directory was last certain to be whole (D3).
   */
  readonly trusted: boolean;
  readonly directory: DirectoryId;
  readonly cluster: ClusterId | null;
  /** Processes before this one may have promised leaders to be loyal to them for so long (L5). */
  readonly promisedMs: number;
  /** Counts this start; durable. */
  readonly incarnation: Incarnation;
  /** The last durable batch; 0 when there is none. */
  readonly durableTicket: Ticket;
  /** Entries whose header is intact and whose payload is damaged (D1). */
  readonly damage: readonly DamagedEntry[];
  /**
   * Durable batches are missing: every group known at a `gap` of the visitor is suspect (D1). Or a peer has proven at some
   * time that the disk went back (D3).
   */
  readonly suspectAll: boolean;
  /** What was seen of each peer's directory, as of the last durable batch (D3). */
  readonly peers: ReadonlyMap<DirectoryId, SeenStart>;
}

export interface DamagedEntry {
  readonly group: GroupId;
  readonly index: LogIndex;
  readonly term: Term;
}

/**
 * Called while the journal opens, in this order: the rows of the last group table, then the records in log order.
 * The owner rebuilds its groups from it. Nothing is called for records that a row already covers.
 */
export interface RecoveryVisitor {
  /** A group as of the last group table. Its entries above the base follow as `append`. */
  groupRow(row: GroupRow): void;
  /**
   * The entry is in the log, and whatever the log had at or above its index is not. `payload` is lent until the call
   * returns, so that the owner can rebuild producer state and replay commands (F8); null when it is damaged (D1).
   */
  append(header: RecordHeader, position: PayloadPosition, payload: Uint8Array | null): void;
  /**
   * An entry that the log has (equal index and term) lies here now (J6), whole, even if it was damaged where it lay
   * before. `payload` as for `append`.
   */
  relocate(header: RecordHeader, position: PayloadPosition, payload: Uint8Array): void;
  hardState(header: RecordHeader): void;
  /** Every entry above `header.index` goes. */
  truncate(header: RecordHeader): void;
  /** A group's first record. `payload` is lent until the call returns; null when it is damaged: the replica is suspect. */
  configuration(header: RecordHeader, payload: Uint8Array | null): void;
  /**
   * The log begins after (`header.index`, `header.term`): an entry there of that term keeps what follows it, else the
   * log is empty (F10). Also called for the base of a row, when its payload was not released yet. `payload` as for
   * `configuration`.
   */
  installBase(header: RecordHeader, payload: Uint8Array | null): void;
  dropGroup(header: RecordHeader): void;
  /** Durable batches are missing here (D1): every group seen so far is suspect; groups that start later are not. */
  gap(): void;
}

/** A group in the group table (J5). */
export interface GroupRow {
  readonly group: GroupId;
  readonly partition: number;
  readonly replica: ReplicaId;
  readonly term: Term;
  /** 0 for none. */
  readonly vote: ReplicaId;
  readonly base: LogBase;
  readonly logStart: Offset;
  readonly configurationRevision: number;
  /** Opaque; at most 64 KiB. */
  readonly configuration: Uint8Array;
  /** The group was dropped, and that has to be remembered. */
  readonly dropped: boolean;
  /** The replica lost something that it may have vouched for, and is never trusted again (D1, D3). */
  readonly suspect: boolean;
}

/** Where a group's log begins: after this index (F10). */
export interface LogBase {
  readonly index: LogIndex;
  readonly term: Term;
  readonly nextOffset: Offset;
}

/** Implemented by the owner. A row describes the group as of the moment of the call, all appended records included. */
export interface GroupTableSource {
  /** Every group with anything to remember: a vote of an idle group is lost with the next recycling if it is left out. */
  groups(): Iterable<GroupId>;
  row(group: GroupId): GroupRow | null;
}

export type JournalRoom =
  | "ok"
  /** Client appends are to be refused; what followers take and all else still has room. */
  | "near-full";

/**
 * What room is asked for (J11). "batch": records of clients, here or on their way to a follower; they stop at
 * `journal.bytes.max`, and leave memory to all else. "own": what a broker writes on its own account and could do later
 * or not at all: commands, campaigns, votes, groups that begin or end. It stops at no limit of the disk, and leaves
 * memory to what cannot wait: a term that others began, the first entry of a leader that was elected.
 */
export type JournalUse = "batch" | "own";

/** The journal as upper layers see it. */
export interface SharedJournal {
  readonly recovered: Recovered;
  /** Called once per batch, in order, when it is durable. Set before the first `append`. */
  onDurable: (ticket: Ticket) => void;
  /** Called when an `append` that was answered "full" may succeed now. */
  onRoom: () => void;
  /** Supplies rows for group tables; without one nothing is recycled. */
  groupTable: GroupTableSource | null;
  /** While set, an idle journal tries the disk once a second, so that a stalled one shows (L4). It takes no room. */
  keepAlive: boolean;

  /**
   * Queues a record, with ONE copy of its payload into the arena. Its ticket is `lastTicket` afterwards.
   * "full": the arena or the queue has no room until earlier bytes are durable and unpinned; nothing was queued. Never
   * said for a record without payload, nor for one that `fits` was asked about.
   * "closed": the journal is closing or has failed.
   */
  append(
    header: RecordHeader,
    payload: Uint8Array | null,
    start: number,
    end: number,
  ): PayloadPosition | "full" | "closed";
  /** So many records, with this many payload bytes together, could be appended now for this use. */
  fits(use: JournalUse, payloadBytes: number, records?: number): boolean;
  /** The longest payload that one record can have. */
  readonly payloadBytesMax: number;
  /** The ticket of the record that was appended last (J4). */
  readonly lastTicket: Ticket;
  /** The last batch that is durable; what pings and acks carry (D3). */
  readonly durableTicket: Ticket;
  /** How long the last write took, in ms. */
  readonly lastWriteMs: number;
  /** End of turn: issues the next write when none is under way (J3). */
  flush(): void;

  /** Whether `lend` would find the payload now. */
  lends(position: PayloadPosition, length: number): boolean;
  /**
   * A payload of the arena's newer half, pinned; null for others, which `read` has. Every loan needs its `unpin`: pinned
   * bytes can stop appends ("full") until then, and no longer, because bytes that are overwritten next are not lent.
   */
  lend(position: PayloadPosition, length: number): Uint8Array | null;
  unpin(position: PayloadPosition, length: number): void;
  /**
   * Payload bytes of one record from the journal's file. The caller verifies the checksum (D2); where it is wrong, it asks
   * again with `isFresh`, because the bytes may have been read ahead, while their write was under way.
   */
  read(
    position: PayloadPosition,
    length: number,
    isFresh?: boolean,
  ): Promise<Result<Uint8Array, ReadFault>>;

  /** Age of the oldest write that was issued or waits for its file, 0 when there is none (L4). */
  oldestUnfinishedWriteMs(): number;
  room(): JournalRoom;
  /** What was seen of the directories of peers; the next batch carries it (J1, D3). */
  readonly peers: PeerMemory;
  /** This directory's account of its starts, up to now (D3). */
  starts(): StartAccount;
  /** A peer has proven that the disk went back: remembered for ever, durably (D3). */
  distrust(): Promise<void>;
  /** Whatever the directory may have lost is made good: it is trusted in later starts in this run of the machine (D3). */
  vouch(): Promise<void>;
  /** What was promised before this start is over: only what this process promises binds the next one (L5). */
  promisesEnded(): void;

  /** Entries of `group` up to `index` are durable elsewhere (synced segment, row base): they pin no file any more. */
  release(group: GroupId, index: LogIndex): void;
  /** The groups whose entries lie in the oldest file: release or copy them forward to let it go. */
  groupsInOldestFile(): readonly GroupId[];
  /** Writes a group table and recycles the files that nothing pins. Also done by itself when a file is free. */
  checkpoint(): Promise<void>;

  /** Remembers the cluster that this directory belongs to, durably (C1). */
  joinCluster(cluster: ClusterId): Promise<Result<void, DiskFault>>;
  /** Flushes, writes the closing seal, closes the files and releases the directory. */
  close(): Promise<void>;
}
