// What the journal's tests share: an owner that keeps its groups in plain maps, makes records of every kind and rebuilds
// itself from a journal; and a model that knows what the groups must be after any batch.
import { crc32c } from "../../internal/bytes/crc32c.ts";
import type {
  GroupTableSource,
  GroupRow,
  RecoveryVisitor,
  SharedJournal,
} from "../../internal/journal/owner.ts";
import type {
  BrokerId,
  GroupId,
  LogIndex,
  Offset,
  PayloadPosition,
  ReplicaId,
  Term,
} from "../../internal/model/ids.ts";
import type { EntryKind, RecordHeader, RecordType } from "../../internal/record/record.ts";
import type { JournalOptions } from "../../internal/journal/owner.ts";
import { isPayloadSound } from "../../internal/journal/recovery.ts";
import { expect } from "vitest";
import { valueOf } from "./stage.ts";

/** Sizes at which a few hundred records rotate, recycle and wrap around. */
export const TINY: Omit<JournalOptions, "directory"> = {
  broker: 1 as BrokerId,
  arenaBytes: 250_000,
  fileBytes: 128 * 1024,
  batchBytesMax: 60 * 1024,
  bytesMax: 4 << 20,
  reserveBytes: 1 << 20,
  sealIdleMs: 50,
};

export interface Entry {
  readonly index: number;
  readonly term: number;
  readonly kind: EntryKind;
  readonly header: RecordHeader;
  readonly text: string;
  position: PayloadPosition;
}

export interface Group {
  readonly replica: number;
  readonly configuration: string;
  term: number;
  vote: number;
  base: number;
  baseTerm: number;
  log: Entry[];
  isSuspect: boolean;
}

export type Op =
  | { readonly op: "create"; readonly group: number; readonly configuration: string }
  | { readonly op: "vote"; readonly group: number; readonly term: number; readonly vote: number }
  | { readonly op: "append"; readonly group: number; readonly entry: Entry }
  | { readonly op: "truncate"; readonly group: number; readonly last: number }
  | { readonly op: "base"; readonly group: number; readonly index: number; readonly term: number }
  | { readonly op: "drop"; readonly group: number };

/** Groups and what the operations do to them; what recovery must bring back. */
export class Groups {
  readonly byId = new Map<number, Group>();

  apply(op: Op): void {
    if (op.op === "create") {
      this.byId.set(op.group, newGroup(op.group, op.configuration));
      return;
    }
    const group = this.byId.get(op.group);
    if (group === undefined) throw new Error(`no group ${op.group}`);
    switch (op.op) {
      case "vote":
        group.term = op.term;
        group.vote = op.vote;
        return;
      case "append":
        cut(group, op.entry.index - 1);
        group.log.push({ ...op.entry });
        return;
      case "truncate":
        cut(group, op.last);
        return;
      case "base":
        installBase(group, op.index, op.term);
        return;
      case "drop":
        this.byId.delete(op.group);
        return;
    }
  }

  /** Everything that recovery must bring back, in a form to compare; entries up to `released` may be missing. */
  picture(released: ReadonlyMap<number, number> = new Map()): unknown {
    return [...this.byId]
      .sort(([left], [right]) => left - right)
      .map(([id, group]) => {
        const from = released.get(id) ?? 0;
        const entries = group.log.filter((entry) => entry.index > from);
        return {
          id,
          replica: group.replica,
          configuration: group.configuration,
          term: group.term,
          vote: group.vote,
          last: group.log.at(-1)?.index ?? group.base,
          log: entries.map((entry) => `${entry.index}:${entry.term}:${entry.kind}:${entry.text}`),
        };
      });
  }
}

function newGroup(id: number, configuration: string): Group {
  return {
    replica: id * 10,
    configuration,
    term: 0,
    vote: 0,
    base: 0,
    baseTerm: 0,
    log: [],
    isSuspect: false,
  };
}

function cut(group: Group, last: number): void {
  while (group.log.length > 0 && group.log.at(-1)!.index > last) group.log.pop();
}

function installBase(group: Group, index: number, term: number): void {
  const at = group.log.find((entry) => entry.index === index);
  const matches = at?.term === term || (index === group.base && term === group.baseTerm);
  group.log = matches ? group.log.filter((entry) => entry.index > index) : [];
  group.base = index;
  group.baseTerm = term;
}

/** An owner of a journal: rebuilds its groups while the journal opens, and supplies the rows of group tables. */
export class TestOwner implements RecoveryVisitor {
  readonly groups = new Groups();
  gaps = 0;
  rowsRead = 0;

  groupRow(row: GroupRow): void {
    this.rowsRead++;
    if (row.dropped) return;
    const group = newGroup(row.group, textOf(row.configuration));
    group.term = row.term;
    group.vote = row.vote;
    group.base = row.base.index;
    group.baseTerm = row.base.term;
    this.groups.byId.set(row.group, group);
  }

  append(header: RecordHeader, position: PayloadPosition, payload: Uint8Array | null): void {
    const entry = entryOf(header, position, payload === null ? "?" : markOf(payload));
    this.groups.apply({ op: "append", group: header.group, entry });
  }

  relocate(header: RecordHeader, position: PayloadPosition): void {
    const group = this.groups.byId.get(header.group);
    const entry = group?.log.find((each) => each.index === header.index);
    if (entry === undefined || entry.term !== header.term) throw new Error("relocates a stranger");
    entry.position = position;
  }

  hardState(header: RecordHeader): void {
    const { group, term, vote } = header;
    this.groups.apply({ op: "vote", group, term, vote });
  }

  truncate(header: RecordHeader): void {
    this.groups.apply({ op: "truncate", group: header.group, last: header.index });
  }

  configuration(header: RecordHeader, payload: Uint8Array | null): void {
    const configuration = payload === null ? "?" : textOf(payload);
    this.groups.apply({ op: "create", group: header.group, configuration });
  }

  installBase(header: RecordHeader): void {
    const { group, index, term } = header;
    this.groups.apply({ op: "base", group, index, term });
  }

  dropGroup(header: RecordHeader): void {
    this.groups.byId.delete(header.group);
  }

  gap(): void {
    this.gaps++;
    for (const group of this.groups.byId.values()) group.isSuspect = true;
  }

  #row(id: GroupId): GroupRow | null {
    const group = this.groups.byId.get(id);
    if (group === undefined) return null;
    return {
      group: id,
      partition: 0,
      replica: group.replica as ReplicaId,
      term: group.term as Term,
      vote: group.vote as ReplicaId,
      base: {
        index: group.base as LogIndex,
        term: group.baseTerm as Term,
        nextOffset: 0 as Offset,
      },
      logStart: 0 as Offset,
      configurationRevision: 1,
      configuration: bytesOf(group.configuration),
      dropped: false,
      suspect: false,
    };
  }

  get source(): GroupTableSource {
    return {
      groups: () => this.groups.byId.keys() as Iterable<GroupId>,
      row: (group) => this.#row(group),
    };
  }
}

function entryOf(header: RecordHeader, position: PayloadPosition, text: string): Entry {
  const { index, term, kind } = header;
  return { index, term, kind, header, text, position };
}

export interface MadeRecord {
  readonly header: RecordHeader;
  readonly payload: Uint8Array | null;
}

function makeRecord(
  type: RecordType,
  fields: { group: number; index?: number; term?: number; vote?: number; kind?: EntryKind },
  payload: Uint8Array | null = null,
): MadeRecord {
  const kind = fields.kind ?? (payload === null && type === "append" ? 1 : 0);
  const isBatch = (type === "append" || type === "copy-forward") && kind === 0;
  const length = payload?.length ?? 0;
  const summedFrom = isBatch ? 21 : 0;
  const header: RecordHeader = {
    type,
    kind,
    group: fields.group as GroupId,
    partition: fields.group,
    replica: (fields.group * 10) as ReplicaId,
    term: (fields.term ?? 0) as Term,
    index: (fields.index ?? 0) as LogIndex,
    baseOffset: 0 as Offset,
    recordCount: isBatch ? 1 : 0,
    length,
    checksum: payload === null ? 0 : crc32c(payload, summedFrom, length),
    headSum: payload === null || !isBatch ? 0 : crc32c(payload, 0, 21),
    vote: (fields.vote ?? 0) as ReplicaId,
  };
  return { header, payload };
}

/** A payload of `length` bytes that all follow from `mark`. */
export function payloadOf(mark: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = mark * 2654435761 + 1;
  for (let at = 4; at < length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[at] = state >>> 24;
  }
  new DataView(bytes.buffer).setUint32(0, mark);
  return bytes;
}

/** Tells a payload from others: its mark, its length and a sum of its bytes. */
function markOf(payload: Uint8Array): string {
  return `${payload.length}.${crc32c(payload, 0, payload.length)}`;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

/** Appends through a journal and notes in which batch each operation went. */
export class Driver {
  readonly owner: TestOwner;
  readonly journal: SharedJournal;
  /** Operations of this run, with their tickets, in order. */
  readonly history: { readonly ticket: number; readonly op: Op }[] = [];
  durable = 0;

  constructor(journal: SharedJournal, owner: TestOwner) {
    this.journal = journal;
    this.owner = owner;
    this.durable = journal.durableTicket;
    journal.onDurable = (ticket) => {
      this.durable = ticket;
    };
    journal.groupTable = owner.source;
  }

  create(group: number, configuration: string): boolean {
    const made = makeRecord("configuration", { group }, bytesOf(configuration));
    return this.#put(made, { op: "create", group, configuration });
  }

  vote(group: number, term: number, vote: number): boolean {
    const made = makeRecord("hard-state", { group, term, vote });
    return this.#put(made, { op: "vote", group, term, vote });
  }

  /** Appends after the last entry, or at `index`. */
  append(group: number, term: number, payload: Uint8Array | null, index?: number): boolean {
    const state = this.owner.groups.byId.get(group);
    if (state === undefined) throw new Error(`no group ${group}`);
    const at = index ?? (state.log.at(-1)?.index ?? state.base) + 1;
    const made = makeRecord("append", { group, index: at, term }, payload);
    const text = markOf(payload ?? new Uint8Array(0));
    const entry = entryOf(made.header, 0 as PayloadPosition, text);
    return this.#put(made, { op: "append", group, entry });
  }

  truncate(group: number, last: number): boolean {
    const made = makeRecord("truncate", { group, index: last });
    return this.#put(made, { op: "truncate", group, last });
  }

  installBase(group: number, index: number, term: number): boolean {
    const made = makeRecord("install-base", { group, index, term }, bytesOf("base"));
    return this.#put(made, { op: "base", group, index, term });
  }

  drop(group: number): boolean {
    return this.#put(makeRecord("drop-group", { group }), { op: "drop", group });
  }

  /** Copies a live entry to the journal's end (J6). */
  copyForward(group: number, entry: Entry, payload: Uint8Array | null): boolean {
    const { index, term, kind } = entry;
    const made = makeRecord("copy-forward", { group, index, term, kind }, payload);
    const position = this.#append(made);
    if (typeof position === "string") return false;
    entry.position = position;
    return true;
  }

  #put(made: MadeRecord, op: Op): boolean {
    const position = this.#append(made);
    if (typeof position === "string") return false;
    if (op.op === "append") op.entry.position = position;
    this.history.push({ ticket: this.journal.lastTicket, op });
    this.owner.groups.apply(op);
    return true;
  }

  #append(made: MadeRecord): PayloadPosition | "full" | "closed" {
    const { header, payload } = made;
    return this.journal.append(header, payload, 0, payload?.length ?? 0);
  }
}

/**
 * An entry's payload, as brokers read it: what was read ahead may be older than a write that was under way, so bytes that
 * do not have their sum are asked for again, as they are in the file now.
 */
export async function readSound(
  journal: SharedJournal,
  { header, position }: Pick<Entry, "header" | "position">,
): Promise<Uint8Array> {
  const { length } = header;
  const ahead = valueOf(await journal.read(position, length));
  if (isPayloadSound(header, ahead, 0, ahead.length)) return ahead;
  const now = valueOf(await journal.read(position, length, true));
  expect(isPayloadSound(header, now, 0, now.length)).toBe(true);
  return now;
}
