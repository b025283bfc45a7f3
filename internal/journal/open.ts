// Opens a data directory: takes it (J10), reads its identity and its journal, and has it all ready for the first append. Every step can be cut off by a crash and done again.
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { DirectoryId, Incarnation, Ticket } from "../model/ids.ts";
import type { DiskFault, DiskLock } from "../ports/disk.ts";
import type { World } from "../ports/world.ts";
import { drawDirectoryId, readIdentity, writeIdentity } from "./directory.ts";
import type { Identity } from "./directory.ts";
import { FIRST_FILE_BYTES, JournalFiles, createFile, filePath } from "./files.ts";
import type { FileSlot } from "./files.ts";
import { BLOCK_BYTES, FILE_HEADER_BYTES } from "./format.ts";
import { decodeTable } from "./group-table.ts";
import type { GroupTable } from "./group-table.ts";
import type { Ledger } from "./ledger.ts";
import type { JournalFault, JournalOptions, Recovered, RecoveryVisitor } from "./owner.ts";
import { Recovery } from "./recovery.ts";
import { freeReserveWhenFull } from "./reserve.ts";
import type { JournalSizes } from "./sizes.ts";
import { drawStartId, withStart } from "./starts.ts";
import type { RecoveredFiles } from "./recovery.ts";

/** After lost batches, tickets go on above any that this directory can have used (D3). */
const TICKET_JUMP = 2 ** 40;

export interface OpenedJournal {
  readonly lock: DiskLock;
  readonly identity: Identity;
  readonly recovered: Recovered;
  readonly directory: string;
  readonly files: JournalFiles;
  readonly ledger: Ledger;
  /** The run of the machine in which this start takes place. */
  readonly machineRun: string | null;
  readonly lastTicket: number;
  /** Tickets up to this one may have been used. */
  readonly ticketsUsed: number;
  readonly nextOrdinal: number;
  readonly nextPosition: number;
  /** Highest number that a group table ever had, 0 for none. */
  readonly tableNumberMax: number;
  /** Number of the newest finished one, 0 for none. */
  readonly tableInUse: number;
}

interface Listing {
  readonly sequences: readonly number[];
  readonly tables: readonly number[];
  /** Names of group tables that were not finished; they are removed while new ones are written. */
  readonly litter: readonly string[];
  /** The highest number of any table, finished or not. */
  readonly tableNumberMax: number;
}

export function tablePath(directory: string, number: number): string {
  return `${directory}/table-${String(number).padStart(16, "0")}`;
}

export async function openJournal(
  world: World,
  options: JournalOptions & JournalSizes,
  visitor: RecoveryVisitor,
): Promise<Result<OpenedJournal, JournalFault>> {
  const made = await world.disk.bulk.makeDirectory(`${options.directory}/journal`);
  if (!made.ok) return made;
  const locked = await world.disk.lock(options.directory);
  if (!locked.ok) return locked;
  const opened = await openLocked(world, options, visitor, locked.value);
  if (!opened.ok) await locked.value.release();
  return opened;
}

async function openLocked(
  world: World,
  options: JournalOptions & JournalSizes,
  visitor: RecoveryVisitor,
  lock: DiskLock,
): Promise<Result<OpenedJournal, JournalFault>> {
  const directory = `${options.directory}/journal`;
  await freeReserveWhenFull(world, directory, options.reserveBytes);
  const found = await readIdentity(world, options.directory);
  if (!found.ok) return found;
  const listed = await list(world, directory);
  if (!listed.ok) return listed;
  const isFounded = found.value !== null;
  if (!isFounded && (await holdsBatches(world, directory, listed.value))) {
    return failed({ kind: "identity", reason: "missing" });
  }
  const before = found.value ?? newIdentity(world, options);
  if (before.broker !== options.broker) return failed({ kind: "foreign", broker: before.broker });
  const tables = listed.value.tables;
  const table = await readTable(world, directory, tables.at(-1) ?? 0, before.directory);
  if (!table.ok) return table;
  const firstFile = table.value?.header.firstFile ?? 0;
  const recovery = new Recovery(world, directory, before.directory, table.value, visitor);
  const wanted = listed.value.sequences.filter((sequence) => sequence >= firstFile);
  const recovered = await recovery.run(wanted, isFounded);
  if (!recovered.ok) return recovered;
  const files = await openFiles(world, directory, options.fileBytes, recovered.value, {
    id: before.directory,
    sequences: listed.value.sequences,
    firstFile,
  });
  if (!files.ok) return files;
  // Only now: a directory that has an identity has a journal.
  const trusted = isTrusted(world, options, before, recovered.value, isFounded);
  const identity = begin(world, options, before, recovered.value.lastTicket as Ticket, trusted);
  const written = await writeIdentity(world, options.directory, identity);
  if (!written.ok) return written;
  tidyUp(world, directory, listed.value, table.value);
  return ok({
    lock,
    identity,
    recovered: describe(recovered.value, before, identity, isFounded, trusted),
    machineRun: world.machineRun,
    directory,
    files: files.value,
    ledger: recovered.value.ledger,
    lastTicket: recovered.value.lastTicket,
    ticketsUsed: recovered.value.lastTicket + (recovered.value.isIncomplete ? TICKET_JUMP : 0),
    nextOrdinal: recovered.value.nextOrdinal,
    nextPosition: recovered.value.nextPosition,
    tableNumberMax: listed.value.tableNumberMax,
    tableInUse: tables.at(-1) ?? 0,
  });
}

function newIdentity(world: World, options: JournalOptions): Identity {
  return {
    directory: drawDirectoryId(world.entropy),
    broker: options.broker,
    cluster: null,
    incarnation: 0 as Incarnation,
    machineRun: null,
    distrusted: false,
    promisedMs: 0,
    starts: [],
  };
}

/** The identity with one more start. */
function begin(
  world: World,
  options: JournalOptions,
  before: Identity,
  after: Ticket,
  trusted: boolean,
): Identity {
  const { starts } = before;
  const isAlike = options.faults?.startsAlike === true && starts.length > 0;
  return {
    ...before,
    incarnation: (before.incarnation + 1) as Incarnation,
    machineRun: trusted ? world.machineRun : before.machineRun,
    promisedMs: Math.max(before.promisedMs, options.promiseMs ?? 0),
    starts: isAlike ? starts : withStart(starts, drawStartId(world.entropy), after),
  };
}

/** Whether the page cache of the machine, or a clean end, guarantees what was durable before this start. */
function isTrusted(
  world: World,
  options: JournalOptions,
  before: Identity,
  found: RecoveredFiles,
  isFounded: boolean,
): boolean {
  if (options.isDiskTrusted === true || isClean(found, before, isFounded)) return true;
  return world.machineRun !== null && world.machineRun === before.machineRun;
}

function isClean(found: RecoveredFiles, before: Identity, isFounded: boolean): boolean {
  return !isFounded || (found.closedBy !== 0 && found.closedBy === before.incarnation);
}

function describe(
  found: RecoveredFiles,
  before: Identity,
  now: Identity,
  isFounded: boolean,
  trusted: boolean,
): Recovered {
  return {
    fresh: !isFounded,
    clean: isClean(found, before, isFounded),
    trusted,
    directory: now.directory,
    cluster: now.cluster,
    promisedMs: before.promisedMs,
    incarnation: now.incarnation,
    durableTicket: found.lastTicket as Ticket,
    damage: found.damage,
    suspectAll: found.isIncomplete || before.distrusted,
    peers: found.peers,
  };
}

async function list(world: World, directory: string): Promise<Result<Listing, DiskFault>> {
  const listed = await world.disk.bulk.list(directory);
  if (!listed.ok) return listed;
  const sequences: number[] = [];
  const tables: number[] = [];
  const litter: string[] = [];
  let tableNumberMax = 0;
  for (const name of listed.value) {
    const file = /^(\d{16})\.journal$/.exec(name);
    const table = /^table-(\d{16})(\.new)?$/.exec(name);
    tableNumberMax = Math.max(tableNumberMax, Number(table?.[1] ?? 0));
    if (file !== null) sequences.push(Number(file[1]));
    else if (table !== null && table[2] === undefined) tables.push(Number(table[1]));
    else if (table !== null) litter.push(name);
  }
  sequences.sort(ascending);
  tables.sort(ascending);
  return ok({ sequences, tables, litter, tableNumberMax });
}

function ascending(left: number, right: number): number {
  return left - right;
}

/** True when journal files were used; a first start that was cut off leaves at most a header. */
async function holdsBatches(world: World, directory: string, listing: Listing): Promise<boolean> {
  if (listing.tables.length > 0) return true;
  for (const sequence of listing.sequences) {
    const block = new Uint8Array(BLOCK_BYTES);
    const path = filePath(directory, sequence);
    const read = await world.disk.bulk.read(path, FILE_HEADER_BYTES, block);
    if (!read.ok || block.some((byte) => byte !== 0)) return true;
  }
  return false;
}

/** The newest group table. One that is damaged counts as none: the files that it made free are missed then (J7). */
async function readTable(
  world: World,
  directory: string,
  number: number,
  id: DirectoryId,
): Promise<Result<GroupTable | null, DiskFault>> {
  if (number === 0) return ok(null);
  const path = tablePath(directory, number);
  const measured = await world.disk.bulk.length(path);
  if (!measured.ok) return measured;
  const bytes = new Uint8Array(measured.value);
  const read = await world.disk.bulk.read(path, 0, bytes);
  if (!read.ok) return read;
  const table = decodeTable(bytes, id);
  if (table === null) world.log.error({ path }, "group table is damaged");
  // Its name may be in the page cache only; what it replaces is removed soon.
  const synced = await world.disk.bulk.sync(path);
  return synced.ok ? ok(table) : synced;
}

async function openFiles(
  world: World,
  directory: string,
  fileBytes: number,
  found: RecoveredFiles,
  known: {
    readonly id: DirectoryId;
    readonly sequences: readonly number[];
    readonly firstFile: number;
  },
): Promise<Result<JournalFiles, DiskFault>> {
  const slots = [...found.slots];
  const prepared = [...found.prepared];
  if (slots.length === 0) {
    const first =
      prepared.shift() ?? (await createFirst(world, directory, fileBytes, found, known.id));
    if ("ok" in first && !first.ok) return first;
    slots.push("ok" in first ? first.value : first);
  }
  const current = slots.at(-1)!;
  const rewritten = await rewrite(world, current, found);
  if (!rewritten.ok) return rewritten;
  const next = prepared.find((slot) => slot.header.sequence === current.header.sequence + 1);
  for (const slot of next === undefined ? [current] : [current, next]) {
    // After a mere crash of the process the last batch, and all of the next file, may be in the page cache only.
    const synced = await world.disk.bulk.sync(slot.path);
    if (!synced.ok) return synced;
    const handle = await world.disk.journal.open(slot.path, false);
    if (!handle.ok) return handle;
    slot.handle = handle.value;
  }
  const unneeded = known.sequences.filter((sequence) => sequence < known.firstFile);
  const spares = unneeded.map((sequence) => filePath(directory, sequence));
  const files = new JournalFiles(world, { directory, fileBytes, id: known.id }, slots, spares);
  if (next !== undefined) files.adoptNext(next);
  return ok(files);
}

/**
 * The last batch may be one whose write failed before this start: the page cache has it, the disk has not, and the kernel
 * counts it as written (J8). It is written again, with the same bytes, before anybody counts on it.
 */
async function rewrite(
  world: World,
  { path }: FileSlot,
  { lastBatch }: RecoveredFiles,
): Promise<Result<void, DiskFault>> {
  if (lastBatch === null) return ok(undefined);
  return world.disk.bulk.write(path, lastBatch.position, lastBatch.bytes);
}

function createFirst(
  world: World,
  directory: string,
  fileBytes: number,
  found: RecoveredFiles,
  id: DirectoryId,
): Promise<Result<FileSlot, DiskFault>> {
  const length = Math.min(FIRST_FILE_BYTES, fileBytes);
  return createFile(world, directory, found.sequenceMax + 1, id, length);
}

function tidyUp(world: World, directory: string, listing: Listing, table: GroupTable | null): void {
  const old = listing.tables.filter((number) => table !== null && number < table.header.number);
  const paths = [
    ...old.map((number) => tablePath(directory, number)),
    ...listing.litter.map((name) => `${directory}/${name}`),
  ];
  world.tasks.spawn("journal-tidy-up", async () => {
    for (const path of paths) await world.disk.bulk.remove(path);
  });
}
