// One group's replica on this broker: it steps the pure machine and carries its effects out, in order, against the
// journal, the links and the client of the log. What all replicas of a broker share comes through `Surroundings`.
import { assert, unreachable } from "../base/assert.ts";
import type { SharedJournal } from "../journal/owner.ts";
import type {
  BrokerId,
  GroupId,
  LogIndex,
  Offset,
  PayloadPosition,
  ReplicaId,
  Term,
} from "../model/ids.ts";
import type { Effect } from "../raft/effect.ts";
import type { EntryHead, EntryKind } from "../raft/entry.ts";
import { ENTRY_BATCH, ENTRY_CONFIGURATION } from "../raft/entry.ts";
import type { Event } from "../raft/event.ts";
import type { Machine } from "../raft/machine.ts";
import type { Message } from "../raft/message.ts";
import type { RecordHeader, RecordType } from "../record/record.ts";
import type { ReceivedRow } from "./append-frame.ts";
import type { Envelope } from "./control-frames.ts";
import type { EntryTable } from "./entry-table.ts";
import type { LogClient, Proposal, ProposeRefusal } from "./log-client.ts";
import type { Member, Membership } from "./membership.ts";
import { encodeMembership, membershipOf } from "./membership.ts";
import { payloadSum, timestampMaxOf } from "./payload.ts";

/** What a replica needs of its broker. None of these calls step a machine. */
export interface Surroundings {
  readonly journal: SharedJournal;
  /** The journal took a write of this replica; when its ticket is durable, `durable(write)` is due (J4). */
  wrote(replica: Replica, write: number): void;
  /** Entries or a commit position wait for a peer: ask `machine.outgoing` at the end of the turn. */
  ready(replica: Replica, peer: ReplicaId): void;
  send(replica: Replica, to: ReplicaId, message: Exclude<Message, { say: "append-request" }>): void;
  /** Arms or disarms it (L2) and asserts or withdraws its leadership (L1). */
  roleChanged(replica: Replica): void;
  /** Most voters have room for records of clients (J11). */
  hasQuorumWithRoom(replica: Replica): boolean;
  needBase(replica: Replica, peer: ReplicaId): void;
  /** The machine gave a transfer of leadership up. */
  transferFailed(replica: Replica, to: ReplicaId): void;
  configurationChanged(replica: Replica, committed: boolean): void;
  /** Everybody whom this replica asked has answered: its standing may change (D3). */
  recalled(replica: Replica): void;
  /** An entry's payload was found to be damaged: it must be fetched again, and this replica must not lead (D1). */
  damageFound(replica: Replica, index: LogIndex): void;
}

/** A group's identity on this broker. */
export interface ReplicaIdentity {
  readonly group: GroupId;
  readonly partition: number;
  readonly self: ReplicaId;
}

const EMPTY = new Uint8Array(0);
/** So many members that a group had, or that said they were, are remembered before strangers are turned away. */
const MEMBERS_MET_MAX = 1_024;

export class Replica {
  readonly group: GroupId;
  readonly partition: number;
  readonly self: ReplicaId;
  readonly machine: Machine;
  readonly entries: EntryTable;
  readonly #around: Surroundings;
  readonly #members = new Map<ReplicaId, Member>();
  #client: LogClient | null = null;
  #stepping = false;
  #ready = false;
  #rejection: Extract<Message, { say: "append-rejected" }> | null = null;
  #acceptExplicitly = false;
  /** The last match that this follower's machine acknowledged, and in which term (F3). */
  acceptedTerm = 0 as Term;
  acceptedMatch = 0 as LogIndex;
  /** The term at the last change of role. */
  saidTerm = 0 as Term;
  /** Entries whose payload is damaged here (D1): this replica must not lead until they were fetched again. */
  readonly damaged = new Set<LogIndex>();
  /** Set by the broker's ledger of writes. */
  ledgerTicket = 0;
  ledgerSlot = 0;
  /** The last term that this replica led, since its process began; 0 when it led none. */
  ledTerm = 0 as Term;
  /** The session number under which the known leader said that it leads, by its table or by entries (L1); 0: it did not. */
  assertedIn = 0;
  /** Of a leader: the session number in which a peer last said that it follows this term (L5). */
  readonly followedIn = new Map<ReplicaId, number>();

  constructor(
    identity: ReplicaIdentity,
    machine: Machine,
    entries: EntryTable,
    members: Iterable<Member>,
    around: Surroundings,
  ) {
    this.group = identity.group;
    this.partition = identity.partition;
    this.self = identity.self;
    this.machine = machine;
    this.entries = entries;
    this.#around = around;
    this.learnMembers(members);
  }

  /** Names the client; it must already know the entries that the journal replayed. */
  attach(client: LogClient): void {
    assert(this.#client === null, "a replica has one client");
    this.#client = client;
    this.#tellRole();
    if (this.machine.commit > 0) client.committed(this.machine.commit);
    this.#tellReady();
  }

  get client(): LogClient | null {
    return this.#client;
  }

  member(replica: ReplicaId): Member | null {
    return this.#members.get(replica) ?? null;
  }

  members(): IterableIterator<Member> {
    return this.#members.values();
  }

  learnMembers(members: Iterable<Member>): void {
    for (const member of members) this.#members.set(member.replica, member);
  }

  /** Believes that somebody unknown is a member, which a configuration that is not here yet may say; false: no longer. */
  meet(member: Member): boolean {
    if (this.#members.size >= MEMBERS_MET_MAX) return false;
    this.#members.set(member.replica, member);
    return true;
  }

  /** The configuration in force, with everyone it names. */
  membership(): Membership {
    return membershipOf(this.machine.configuration, this.members());
  }

  /** That of the log's base, for the group table: whatever was appended since may still be truncated (F9). */
  baseMembership(): Membership {
    return membershipOf(this.machine.baseConfiguration, this.members());
  }

  /** The broker of the known leader of the machine's term. */
  get leaderBroker(): BrokerId | null {
    const { leader } = this.machine;
    return leader === null ? null : (this.#members.get(leader)?.broker ?? null);
  }

  /** The change of role under way is that of a vote for somebody else, in a term that begins with it. */
  get hasJustVoted(): boolean {
    const { role, term, vote, leader } = this.machine;
    return role === "follower" && term > this.saidTerm && vote !== 0 && leader === null;
  }

  get leads(): boolean {
    return this.machine.role === "leader";
  }

  /** Whether this replica leads and its term-start entry is committed (F7). */
  get serves(): boolean {
    return this.leads && this.machine.termStartCommitted;
  }

  /** How many voters have `index` durably, as this leader knows. */
  durableCount(index: LogIndex): number {
    let count = 0;
    for (const voter of this.machine.configuration.voters) {
      if (this.machine.match(voter) >= index) count++;
    }
    return count;
  }

  /** First offset after the last entry of the log. */
  get nextOffset(): Offset {
    const { entries } = this;
    return entries.last < entries.first ? this.baseOffset : entries.offsetAfter(entries.last);
  }

  /** Next offset at the log base (F10). */
  baseOffset = 0 as Offset;

  /** Where readers may begin, as far as it is committed; kept by the owner of the log for the group table (J5, P7). */
  logStart = 0 as Offset;

  /** Appends one entry as the leader, and returns its index. The payload is copied once, into the journal's arena. */
  propose(proposal: Proposal): LogIndex | ProposeRefusal {
    // Whoever is told of an effect may answer with a proposal; its turn comes when the step is over.
    if (this.#stepping) return "busy";
    const refusal = this.machine.proposeRefusal();
    if (refusal !== null) return refusal === "not-leader" ? "not-leader" : "busy";
    const { journal } = this.#around;
    const isBatch = proposal.kind === ENTRY_BATCH;
    // Commands go on: some of them are what makes room (J11).
    const isTaken = journal.room() === "ok" && this.#around.hasQuorumWithRoom(this);
    if (isBatch && !isTaken) return "storage-full";
    if (!journal.fits(isBatch ? "batch" : "own", proposal.end - proposal.start)) return "busy";
    this.#proposal = proposal;
    this.#step({ on: "propose", kind: proposal.kind }, null, null);
    this.#proposal = null;
    return this.machine.lastIndex;
  }

  #proposal: Proposal | null = null;

  /** Any event but a proposal or an append-request. */
  handle(event: Event): void {
    this.#step(event, null, null);
  }

  /**
   * Takes a row of an append frame, whose bytes are `frame`. Returns the rejection, or null: then the row counts as
   * accepted once everything written until now is durable and `acceptedMatch` covers it.
   */
  receive(
    row: ReceivedRow,
    heads: readonly EntryHead[],
    frame: Uint8Array,
  ): Extract<Message, { say: "append-rejected" }> | null {
    this.#rejection = null;
    const { term, prevIndex, prevTerm, commit } = row;
    const message = {
      say: "append-request",
      term,
      prevIndex,
      prevTerm,
      entries: heads,
      commit,
    } as const;
    this.#step({ on: "message", from: row.from, message }, row, frame);
    return this.#rejection;
  }

  #step(event: Event, row: ReceivedRow | null, frame: Uint8Array | null): void {
    assert(!this.#stepping, "a machine is not stepped while its effects are carried out");
    this.#stepping = true;
    for (const effect of this.machine.step(event)) this.#carryOut(effect, row, frame);
    this.#stepping = false;
    this.#tellReady();
  }

  #carryOut(effect: Effect, row: ReceivedRow | null, frame: Uint8Array | null): void {
    switch (effect.do) {
      case "append":
        return this.#append(effect, row, frame);
      case "truncate":
        this.#write("truncate", effect.write, (effect.from - 1) as LogIndex, 0 as Term, 0, null);
        this.entries.truncate(effect.from);
        for (const index of this.damaged) if (index >= effect.from) this.damaged.delete(index);
        this.#client?.truncated(effect.from);
        return;
      case "hard-state":
        this.#write("hard-state", effect.write, 0 as LogIndex, effect.term, effect.vote, null);
        return;
      case "install-base":
        return this.#installBase(effect);
      case "send":
        return this.#send(effect.to, effect.message, row);
      case "ready":
        return this.#around.ready(this, effect.to);
      case "need-base":
        return this.#around.needBase(this, effect.to);
      case "commit":
        this.#client?.committed(effect.index);
        return;
      case "role":
        return this.#changeRole();
      case "configuration":
        return this.#around.configurationChanged(this, effect.committed);
      case "recalled":
        return this.#around.recalled(this);
      case "transfer-failed":
        return this.#around.transferFailed(this, effect.to);
      default:
        return unreachable(effect);
    }
  }

  #changeRole(): void {
    this.#ready = false;
    this.assertedIn = 0;
    this.followedIn.clear();
    this.#tellRole();
    this.#around.roleChanged(this);
  }

  #tellRole(): void {
    this.#client?.roleChanged(this.machine.role, this.machine.term, this.leaderBroker);
  }

  #tellReady(): void {
    if (this.#ready || this.#client === null || !this.serves) return;
    this.#ready = true;
    this.#client.ready(this.machine.term);
  }

  #send(to: ReplicaId, message: Message, row: ReceivedRow | null): void {
    assert(message.say !== "append-request", "append-requests are pulled at the end of the turn");
    if (message.say === "append-accepted") {
      // The frame's cumulative acknowledgement says it (F3), except after an installed base.
      this.acceptedTerm = message.term;
      this.acceptedMatch = message.match;
      if (!this.#acceptExplicitly) return;
      this.#acceptExplicitly = false;
    }
    // That of a row goes with the row's acknowledgement (F3); an assertion or a lost leadership is answered at once.
    if (message.say === "append-rejected" && row?.from === to) this.#rejection = message;
    else this.#around.send(this, to, message);
  }

  #append(
    effect: Extract<Effect, { do: "append" }>,
    row: ReceivedRow | null,
    frame: Uint8Array | null,
  ): void {
    const last = effect.entries.length - 1;
    effect.entries.forEach((head, k) => {
      const index = (effect.first + k) as LogIndex;
      // The entries of one write may come to lie in several batches: only the last one's makes the write durable (J4).
      const write = k === last ? effect.write : 0;
      if (effect.from === "own") this.#appendOwn(index, head, write);
      else if (effect.from === "proposal") this.#appendProposal(index, head, write);
      else {
        assert(row !== null && frame !== null, "entries of a request come with their frame");
        this.#appendReceived(index, row, effect.skip + k, frame, write);
      }
    });
  }

  #appendOwn(index: LogIndex, head: EntryHead, write: number): void {
    const bytes =
      head.configuration === null
        ? EMPTY
        : encodeMembership(membershipOf(head.configuration, this.members()));
    const sums = payloadSum(head.kind, bytes, 0, bytes.length);
    this.#put(index, head.term, head.kind, bytes, 0, bytes.length, this.nextOffset, 0, sums, write);
  }

  #appendProposal(index: LogIndex, head: EntryHead, write: number): void {
    const proposal = this.#proposal;
    assert(proposal !== null, "a proposal's entry comes from its proposer");
    const { bytes, start, end, baseOffset, recordCount } = proposal;
    this.#put(
      index,
      head.term,
      head.kind,
      bytes,
      start,
      end,
      baseOffset,
      recordCount,
      proposal,
      write,
    );
  }

  #appendReceived(index: LogIndex, row: ReceivedRow, k: number, frame: Uint8Array, write: number) {
    const header = row.entries[k];
    const start = row.payloadStart[k];
    assert(header !== undefined && start !== undefined, "the request has the entry");
    assert(header.index === index, "entries of a request follow each other");
    const { term, kind, baseOffset, recordCount, length } = header;
    this.#put(
      index,
      term,
      kind,
      frame,
      start,
      start + length,
      baseOffset,
      recordCount,
      header,
      write,
    );
  }

  /** One entry: into the journal, the table and the client's view of the log. */
  #put(
    index: LogIndex,
    term: Term,
    kind: EntryKind,
    bytes: Uint8Array,
    start: number,
    end: number,
    baseOffset: Offset,
    recordCount: number,
    sums: { readonly checksum: number; readonly headSum: number },
    write: number,
  ): void {
    const length = end - start;
    const { checksum, headSum } = sums;
    const header = {
      type: "append",
      kind,
      group: this.group,
      partition: this.partition,
      replica: this.self,
      term,
      index,
      baseOffset,
      recordCount,
      length,
      checksum,
      headSum,
      vote: 0 as ReplicaId,
    } as const;
    const position = this.#journal(header, length === 0 ? null : bytes, start, end, write);
    const timestampMax = kind === ENTRY_BATCH ? timestampMaxOf(bytes, start) : -1;
    this.entries.push(index, {
      kind,
      position,
      length,
      baseOffset,
      recordCount,
      timestampMax,
      checksum,
      headSum,
    });
    this.#client?.appended({ index, term, kind, baseOffset, recordCount, bytes, start, end });
  }

  #installBase(effect: Extract<Effect, { do: "install-base" }>): void {
    const { configuration, base } = effect;
    const payload = encodeMembership(membershipOf(configuration, this.members()));
    this.#write("install-base", effect.write, base.index, base.term, 0, payload);
    this.entries.reset((base.index + 1) as LogIndex);
    this.damaged.clear();
    this.#acceptExplicitly = true;
  }

  /** A record that is no entry. */
  #write(
    type: RecordType,
    write: number,
    index: LogIndex,
    term: Term,
    vote: ReplicaId | 0,
    payload: Uint8Array | null,
  ): void {
    const length = payload?.length ?? 0;
    const checksum =
      payload === null ? 0 : payloadSum(ENTRY_CONFIGURATION, payload, 0, length).checksum;
    const header: RecordHeader = {
      type,
      kind: 0,
      group: this.group,
      partition: this.partition,
      replica: this.self,
      term,
      index,
      baseOffset: 0 as Offset,
      recordCount: 0,
      length,
      checksum,
      headSum: 0,
      vote: vote as ReplicaId,
    };
    this.#journal(header, payload, 0, length, write);
  }

  /** Says that the group exists here (J2), before anything else of it is written. */
  recordExistence(firstTerm: Term): void {
    this.#write(
      "configuration",
      0,
      0 as LogIndex,
      firstTerm,
      0,
      encodeMembership(this.membership()),
    );
    if (firstTerm > 0) this.#write("hard-state", 0, 0 as LogIndex, firstTerm, 0, null);
  }

  recordDrop(): void {
    this.#write("drop-group", 0, 0 as LogIndex, 0 as Term, 0, null);
  }

  #journal(
    header: RecordHeader,
    payload: Uint8Array | null,
    start: number,
    end: number,
    write: number,
  ): PayloadPosition {
    const position = this.#around.journal.append(header, payload, start, end);
    assert(position !== "full", "room in the journal was asked for before the machine was stepped");
    // A closed journal never says "durable" again, so nothing that depends on this write leaves.
    if (position === "closed") return 0 as PayloadPosition;
    if (write > 0) this.#around.wrote(this, write);
    return position;
  }

  /**
   * The payload of `index` is not what was written at `position`, as a read that began a while ago found. Ignored when the
   * entry has been relocated or truncated meanwhile.
   */
  foundDamage(index: LogIndex, position: PayloadPosition): void {
    const isThere = this.entries.has(index) && this.entries.position(index) === position;
    if (!isThere || this.damaged.has(index)) return;
    this.damaged.add(index);
    this.#around.damageFound(this, index);
  }

  envelope(to: ReplicaId, message: Envelope["message"]): Envelope {
    const isOfMembers = message.say === "install-base" || message.say === "recall-response";
    const membership = isOfMembers ? membershipOf(message.configuration, this.members()) : null;
    return { group: this.group, to, from: this.self, message, membership };
  }
}
