// Groups as the journal remembers them: rows of its last group table, then its records in order. What comes out is what
// each machine boots from; the payloads pass by once, so that the clients of the logs rebuild their state (F8).
import type { GroupRow, RecoveryVisitor } from "../journal/owner.ts";
import type { GroupId, LogIndex, Offset, PayloadPosition, ReplicaId, Term } from "../model/ids.ts";
import type { Configuration } from "../raft/configuration.ts";
import { ENTRY_BATCH, ENTRY_CONFIGURATION } from "../raft/entry.ts";
import type { Boot } from "../raft/event.ts";
import type { RecordHeader } from "../record/record.ts";
import { EntryTable } from "./entry-table.ts";
import type { LogClient } from "./log-client.ts";
import type { Member } from "./membership.ts";
import { decodeMembership } from "./membership.ts";
import { timestampMaxOf } from "./payload.ts";
import type { ReplicaIdentity } from "./replica.ts";

export interface RecoveredGroup {
  readonly identity: ReplicaIdentity;
  readonly boot: Omit<Boot, "standing">;
  readonly entries: EntryTable;
  readonly members: readonly Member[];
  readonly baseOffset: Offset;
  readonly logStart: Offset;
  readonly damaged: readonly LogIndex[];
  readonly suspect: boolean;
  readonly client: LogClient;
}

interface Group {
  identity: ReplicaIdentity;
  term: Term;
  vote: ReplicaId | 0;
  base: { index: LogIndex; term: Term };
  baseOffset: Offset;
  logStart: Offset;
  runs: { first: LogIndex; term: Term }[];
  configurations: { index: LogIndex; configuration: Configuration }[];
  members: Map<number, Member>;
  entries: EntryTable;
  damaged: Set<LogIndex>;
  suspect: boolean;
  client: LogClient;
}

export class GroupRecovery implements RecoveryVisitor {
  readonly #groups = new Map<GroupId, Group>();
  readonly #clientFor: (group: GroupId) => LogClient;

  constructor(clientFor: (group: GroupId) => LogClient) {
    this.#clientFor = clientFor;
  }

  /** Everything that was found, in the order of the group ids. */
  groups(): RecoveredGroup[] {
    return (
      [...this.#groups.values()]
        // Whose first record is damaged knows no members; but it must not be taken for a replica that was never here.
        .filter((group) => group.configurations.length > 0 || group.suspect)
        .sort((a, b) => a.identity.group - b.identity.group)
        .map((group) => ({
          identity: group.identity,
          boot: {
            self: group.identity.self,
            term: group.term,
            vote: group.vote,
            base: group.base,
            runs: group.runs,
            last: group.entries.last,
            configurations: fromBase(group),
          },
          entries: group.entries,
          members: [...group.members.values()],
          baseOffset: group.baseOffset,
          logStart: group.logStart,
          damaged: [...group.damaged],
          suspect: group.suspect,
          client: group.client,
        }))
    );
  }

  groupRow(row: GroupRow): void {
    if (row.dropped) return;
    const group = this.#group(row.group, row.partition, row.replica);
    group.term = row.term;
    group.vote = row.vote;
    group.base = { index: row.base.index, term: row.base.term };
    group.baseOffset = row.base.nextOffset;
    group.logStart = row.logStart;
    group.suspect = row.suspect;
    group.entries.reset((row.base.index + 1) as LogIndex);
    this.#configure(group, row.base.index, row.configuration, 0, row.configuration.length);
  }

  append(header: RecordHeader, position: PayloadPosition, payload: Uint8Array | null): void {
    const group = this.#group(header.group, header.partition, header.replica);
    const { index, term, kind, baseOffset, recordCount, length, checksum, headSum } = header;
    if (index <= group.entries.last) this.#truncate(group, index);
    if (group.runs.at(-1)?.term !== term) group.runs.push({ first: index, term });
    if (term > group.term) {
      group.term = term;
      group.vote = 0;
    }
    const isDamaged = payload === null && length > 0;
    if (isDamaged) group.damaged.add(index);
    const hasTime = kind === ENTRY_BATCH && payload !== null;
    const timestampMax = hasTime ? timestampMaxOf(payload, 0) : -1;
    const facts = { kind, position, length, baseOffset, recordCount, timestampMax };
    group.entries.push(index, { ...facts, checksum, headSum });
    if (kind === ENTRY_CONFIGURATION && payload !== null) {
      this.#configure(group, index, payload, 0, payload.length);
    }
    const bytes = isDamaged ? null : (payload ?? EMPTY);
    const end = bytes?.length ?? 0;
    group.client.appended({ index, term, kind, baseOffset, recordCount, bytes, start: 0, end });
  }

  relocate(header: RecordHeader, position: PayloadPosition, payload: Uint8Array): void {
    const group = this.#groups.get(header.group);
    const { index, term, kind, baseOffset, recordCount, length } = header;
    if (group === undefined || !group.entries.has(index)) return;
    const timestampMax = kind === ENTRY_BATCH ? timestampMaxOf(payload, 0) : -1;
    group.entries.restore(index, position, timestampMax);
    if (!group.damaged.delete(index)) return;
    // It was fetched again before this start (D1).
    if (kind === ENTRY_CONFIGURATION) this.#configure(group, index, payload, 0, length);
    group.client.repaired({
      index,
      term,
      kind,
      baseOffset,
      recordCount,
      bytes: payload,
      start: 0,
      end: length,
    });
  }

  hardState(header: RecordHeader): void {
    const group = this.#group(header.group, header.partition, header.replica);
    group.term = header.term;
    group.vote = header.vote;
  }

  truncate(header: RecordHeader): void {
    const group = this.#groups.get(header.group);
    if (group !== undefined) this.#truncate(group, (header.index + 1) as LogIndex);
  }

  configuration(header: RecordHeader, payload: Uint8Array | null): void {
    const group = this.#group(header.group, header.partition, header.replica);
    if (payload === null) group.suspect = true;
    else this.#configure(group, header.index, payload, 0, payload.length);
  }

  installBase(header: RecordHeader, payload: Uint8Array | null): void {
    const group = this.#group(header.group, header.partition, header.replica);
    group.base = { index: header.index, term: header.term };
    group.baseOffset = header.baseOffset;
    group.runs = [];
    group.configurations = [];
    group.entries.reset((header.index + 1) as LogIndex);
    group.damaged.clear();
    if (payload === null) group.suspect = true;
    else this.#configure(group, header.index, payload, 0, payload.length);
  }

  dropGroup(header: RecordHeader): void {
    // The group may come back to this broker as another replica, whose log has the same client: it starts from nothing.
    this.#groups.get(header.group)?.client.truncated(1 as LogIndex);
    this.#groups.delete(header.group);
  }

  gap(): void {
    for (const group of this.#groups.values()) group.suspect = true;
  }

  #truncate(group: Group, from: LogIndex): void {
    if (from > group.entries.last) return;
    group.entries.truncate(from);
    group.runs = group.runs.filter((run) => run.first < from);
    group.configurations = group.configurations.filter((c) => c.index < from || c.index === 0);
    for (const index of group.damaged) if (index >= from) group.damaged.delete(index);
    group.client.truncated(from);
  }

  #configure(group: Group, index: LogIndex, bytes: Uint8Array, start: number, end: number): void {
    const membership = decodeMembership(bytes, start, end);
    // The record's own sum held, so a payload that is no membership was written by a newer version.
    if (!membership.ok) {
      group.suspect = true;
      return;
    }
    group.configurations = group.configurations.filter((c) => c.index !== index);
    group.configurations.push({ index, configuration: membership.value.configuration });
    group.configurations.sort((a, b) => a.index - b.index);
    for (const member of membership.value.members) group.members.set(member.replica, member);
  }

  #group(id: GroupId, partition: number, self: ReplicaId): Group {
    const known = this.#groups.get(id);
    if (known !== undefined) return known;
    const zero = 0 as LogIndex;
    const group: Group = {
      identity: { group: id, partition, self },
      term: 0 as Term,
      vote: 0,
      base: { index: zero, term: 0 as Term },
      baseOffset: 0 as Offset,
      logStart: 0 as Offset,
      runs: [],
      configurations: [],
      members: new Map(),
      entries: new EntryTable(1 as LogIndex),
      damaged: new Set(),
      suspect: false,
      client: this.#clientFor(id),
    };
    this.#groups.set(id, group);
    return group;
  }
}

/** The configuration at the base comes first, even where it is damaged and nobody knows it. */
function fromBase({ base, configurations }: Group): Group["configurations"] {
  if (configurations[0]?.index === base.index) return configurations;
  return [{ index: base.index, configuration: NOBODY }, ...configurations];
}

const EMPTY = new Uint8Array(0);
const NOBODY: Configuration = { voters: [], votersOutgoing: [], learners: [], revision: 0 };
