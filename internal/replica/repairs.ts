// Makes damaged entries whole again (D1). A replica that found one asks another member of its group for it, first the
// leader, then the others in turn, and then its own disk, which may have failed to read it once. Whoever has (group, index,
// term) has the same bytes, and the sums in this replica's own record header prove that they are. They are written again as a
// copy-forward (J6), and when that is durable the entry is no longer damaged. A few entries at a time, with pauses that grow
// while nobody can help.
import type { SharedJournal } from "../journal/owner.ts";
import type { LogIndex, PayloadPosition, ReplicaId, Term, Ticket } from "../model/ids.ts";
import type { Cancel } from "../ports/clock.ts";
import type { World } from "../ports/world.ts";
import { ENTRY_BATCH, ENTRY_CONFIGURATION } from "../raft/entry.ts";
import type { RecordHeader } from "../record/record.ts";
import type { Session } from "../transport/contract.ts";
import type { Links } from "../transport/links.ts";
import { REPAIR_ANSWER, REPAIR_REQUEST } from "./control-frames.ts";
import type { GroupsOfBroker } from "./group-table.ts";
import { decodeMembership } from "./membership.ts";
import { headerOf } from "./outbox.ts";
import { payloadIntact, timestampMaxOf } from "./payload.ts";
import { readVerified } from "./read-verified.ts";
import { decodeAnswer, decodeQuestion, encodeAnswerHead, encodeQuestion } from "./repair-frames.ts";
import type { RepairAnswer, RepairQuestion } from "./repair-frames.ts";
import type { Replica } from "./replica.ts";

export interface RepairEvents {
  /** The open session that reaches a member, if there is one. */
  sessionOf(replica: Replica, member: ReplicaId): Session | null;
  /** A replica with damaged entries leads: somebody else should. */
  mustNotLead(replica: Replica): void;
  /** The entry is whole and durable again. */
  repaired(replica: Replica, index: LogIndex): void;
  /** Something was written, or waits for the end of the turn. */
  touch(): void;
}

/** One replica's damaged entries, one after another. */
interface Job {
  /** Attempts that failed since the last success. */
  tries: number;
  /** When to ask again. */
  dueMs: number;
  asked: Asked | null;
  /** Its own disk is being asked. */
  isLooking: boolean;
  /** Written again, and not durable yet. */
  readonly copied: Set<LogIndex>;
}

interface Asked {
  readonly question: RepairQuestion;
  readonly session: Session;
  readonly untilMs: number;
}

/** What another replica asked for. */
interface Found {
  readonly header: RecordHeader;
  readonly payload: Uint8Array;
}

/** A copy that is not durable yet. */
interface Copy {
  readonly ticket: Ticket;
  readonly replica: Replica;
  readonly index: LogIndex;
  readonly term: Term;
}

const TICK_MS = 20;
/** Replicas that have a question under way at one time. */
const ASKED_MAX = 8;
/** Questions of others that are being looked up at one time; the rest hears no, and asks again. */
const ANSWERING_MAX = 8;
const ANSWER_MS_MAX = 1_000;
const RETRY_MS_MIN = 50;
const RETRY_MS_MAX = 5_000;
const RETRY_DOUBLINGS_MAX = 7;

export class Repairs {
  readonly #world: World;
  readonly #journal: SharedJournal;
  readonly #groups: GroupsOfBroker;
  readonly #events: RepairEvents;
  readonly #jobs = new Map<Replica, Job>();
  readonly #copies: Copy[] = [];
  #answering = 0;
  #timer: Cancel | null = null;
  #isClosed = false;

  constructor(
    world: World,
    journal: SharedJournal,
    links: Pick<Links, "handle">,
    groups: GroupsOfBroker,
    events: RepairEvents,
  ) {
    this.#world = world;
    this.#journal = journal;
    this.#groups = groups;
    this.#events = events;
    links.handle(REPAIR_REQUEST, "data", (session, bytes, start, end) => {
      const question = decodeQuestion(bytes, start, end);
      if (!question.ok) return session.end("malformed repair request");
      void this.#answer(session, question.value);
    });
    links.handle(REPAIR_ANSWER, "bulk", (session, bytes, start, end) => {
      const answer = decodeAnswer(bytes, start, end);
      if (!answer.ok) return session.end("malformed repair answer");
      this.#answered(session, answer.value, bytes);
    });
  }

  /** The replica has damaged entries. */
  want(replica: Replica): void {
    if (this.#isClosed || replica.damaged.size === 0 || this.#jobs.has(replica)) return;
    this.#jobs.set(replica, {
      tries: 0,
      dueMs: this.#world.clock.upMs(),
      asked: null,
      isLooking: false,
      copied: new Set(),
    });
    this.#schedule();
  }

  /** Somebody was reached who may be able to help: the pause is over. */
  tryAgain(replica: Replica): void {
    const job = this.#jobs.get(replica);
    if (job === undefined) return;
    job.tries = 0;
    job.dueMs = this.#world.clock.upMs();
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.();
    this.#timer = null;
  }

  #schedule(): void {
    if (this.#timer !== null || this.#jobs.size === 0 || this.#isClosed) return;
    this.#timer = this.#world.clock.after(TICK_MS, () => {
      this.#timer = null;
      this.#tick();
      this.#schedule();
    });
  }

  #tick(): void {
    const nowMs = this.#world.clock.upMs();
    let askedCount = 0;
    for (const [replica, job] of this.#jobs) {
      if (replica.damaged.size === 0 || this.#groups.replica(replica.group) !== replica) {
        this.#jobs.delete(replica);
        continue;
      }
      if (job.asked !== null && (nowMs > job.asked.untilMs || !job.asked.session.open)) {
        this.#failed(replica, job);
      }
      if (job.asked !== null || job.isLooking) askedCount++;
      else if (job.dueMs <= nowMs && askedCount < ASKED_MAX && this.#ask(replica, job))
        askedCount++;
    }
  }

  /** Asks for the first damaged entry that is not written again already. */
  #ask(replica: Replica, job: Job): boolean {
    if (replica.leads) this.#events.mustNotLead(replica);
    const index = this.#next(replica, job);
    if (index === null) return false;
    const term = replica.machine.termAt(index);
    const member = this.#helper(replica, job.tries);
    if (member === replica.self) {
      void this.#lookAgain(replica, job, index);
      return true;
    }
    const session = this.#events.sessionOf(replica, member);
    if (term === null || session === null) {
      this.#failed(replica, job);
      return false;
    }
    const { group, self } = replica;
    const question = { group, to: member, from: self, index, term };
    if (!session.send("data", REPAIR_REQUEST, [encodeQuestion(question)])) {
      this.#failed(replica, job);
      return false;
    }
    job.asked = { question, session, untilMs: this.#world.clock.upMs() + ANSWER_MS_MAX };
    this.#events.touch();
    return true;
  }

  #next(replica: Replica, job: Job): LogIndex | null {
    for (const index of replica.damaged) if (!job.copied.has(index)) return index;
    return null;
  }

  /** Members that can be reached, the leader first and this replica last, in turns. */
  #helper(replica: Replica, tries: number): ReplicaId {
    const { leader } = replica.machine;
    const reached: ReplicaId[] = [];
    for (const { replica: id } of replica.members()) {
      if (id === replica.self || this.#events.sessionOf(replica, id) === null) continue;
      if (id === leader) reached.unshift(id);
      else reached.push(id);
    }
    reached.push(replica.self);
    return reached[tries % reached.length] as ReplicaId;
  }

  #failed(replica: Replica, job: Job): void {
    const waitMs = RETRY_MS_MIN * 2 ** Math.min(job.tries, RETRY_DOUBLINGS_MAX);
    job.asked = null;
    job.tries++;
    job.dueMs = this.#world.clock.upMs() + Math.min(RETRY_MS_MAX, waitMs);
    // Once it is clear that this takes long, and then now and again.
    if (waitMs < RETRY_MS_MAX || job.tries % 10 !== 0) return;
    const { group, damaged } = replica;
    this.#world.log.warn({ group, entries: damaged.size, tries: job.tries }, "repair-waits");
  }

  /** What is whole on its own disk after all is not written again. */
  async #lookAgain(replica: Replica, job: Job, index: LogIndex): Promise<void> {
    const own = headerOf(replica, index);
    const position = replica.entries.position(index);
    job.isLooking = true;
    const read = await this.#journal.read(position, own.length, true);
    job.isLooking = false;
    if (this.#isClosed || this.#jobs.get(replica) !== job || !replica.damaged.has(index)) return;
    const isSame = replica.entries.has(index) && replica.entries.position(index) === position;
    if (!isSame || !read.ok || !payloadIntact(own, read.value, 0)) {
      return this.#failed(replica, job);
    }
    job.tries = 0;
    this.#put(replica, own, position, read.value, 0);
    replica.damaged.delete(index);
    this.#events.repaired(replica, index);
    this.#events.touch();
  }

  // Answers to own questions.

  #answered(session: Session, answer: RepairAnswer, bytes: Uint8Array): void {
    const { question, header, payloadStart } = answer;
    const replica = this.#groups.replica(question.group);
    const job = replica === null ? undefined : this.#jobs.get(replica);
    if (replica === null || job === undefined) return;
    if (job.asked?.session !== session || !isSame(job.asked.question, question)) return;
    if (header === null || !this.#restore(replica, question, header, bytes, payloadStart)) {
      this.#failed(replica, job);
      return;
    }
    job.asked = null;
    job.tries = 0;
    job.copied.add(question.index);
    this.#events.touch();
    this.#ask(replica, job);
  }

  /** Writes the entry again, if it is what this replica's own record header says. */
  #restore(
    replica: Replica,
    { index, term }: RepairQuestion,
    theirs: RecordHeader,
    bytes: Uint8Array,
    start: number,
  ): boolean {
    if (!replica.damaged.has(index) || replica.machine.termAt(index) !== term) return false;
    const own = headerOf(replica, index);
    if (theirs.length !== own.length || !payloadIntact(own, bytes, start)) return false;
    // This broker may have been given a smaller arena since it took the entry.
    if (own.length > this.#journal.payloadBytesMax || !this.#journal.fits("own", own.length)) {
      return false;
    }
    const end = start + own.length;
    const position = this.#journal.append({ ...own, type: "copy-forward" }, bytes, start, end);
    if (typeof position === "string") return false;
    this.#put(replica, own, position, bytes, start);
    this.#copies.push({ ticket: this.#journal.lastTicket, replica, index, term });
    return true;
  }

  /** The payload is known again, and is at `position` in the journal. */
  #put(
    replica: Replica,
    { index, term, kind, length, baseOffset, recordCount }: RecordHeader,
    position: PayloadPosition,
    bytes: Uint8Array,
    start: number,
  ): void {
    const end = start + length;
    const timestampMax = kind === ENTRY_BATCH ? timestampMaxOf(bytes, start) : -1;
    replica.entries.restore(index, position, timestampMax);
    if (kind === ENTRY_CONFIGURATION) restoreConfiguration(replica, index, bytes, start, end);
    replica.client?.repaired({ index, term, kind, baseOffset, recordCount, bytes, start, end });
  }

  /** Everything up to this ticket is durable. */
  durable(ticket: Ticket): void {
    while (this.#copies.length > 0 && (this.#copies[0] as Copy).ticket <= ticket) {
      const { replica, index, term } = this.#copies.shift() as Copy;
      this.#jobs.get(replica)?.copied.delete(index);
      // It may have been truncated since, and something else be there now.
      if (replica.machine.termAt(index) !== term || !replica.damaged.delete(index)) continue;
      this.#events.repaired(replica, index);
    }
  }

  // Questions of others.

  /** Whoever cannot help says so at once: while the asker waits, the entry is not served. */
  async #answer(session: Session, question: RepairQuestion): Promise<void> {
    const found = await this.#find(question);
    if (!session.open || this.#isClosed) return;
    const head = encodeAnswerHead(question, found?.header ?? null);
    session.send("bulk", REPAIR_ANSWER, found === null ? [head] : [head, found.payload]);
    this.#events.touch();
  }

  /** Null also when the asked replica is not here any more: a group's former members are asked too. */
  async #find(question: RepairQuestion): Promise<Found | null> {
    const replica = this.#groups.replica(question.group);
    if (replica?.self !== question.to || this.#answering >= ANSWERING_MAX) return null;
    this.#answering++;
    const found = await this.#read(replica, question);
    this.#answering--;
    return found;
  }

  async #read(replica: Replica, { index, term }: RepairQuestion): Promise<Found | null> {
    const { entries, machine, damaged } = replica;
    const isHere = entries.has(index) && machine.termAt(index) === term && !damaged.has(index);
    if (!isHere || entries.length(index) === 0) return null;
    const header = headerOf(replica, index);
    const payload = await readVerified(replica, this.#journal, header);
    return payload === null ? null : { header, payload };
  }
}

function isSame(a: RepairQuestion, b: RepairQuestion): boolean {
  return (
    a.group === b.group &&
    a.to === b.to &&
    a.from === b.from &&
    a.index === b.index &&
    a.term === b.term
  );
}

/** The group's members were not known without it. */
function restoreConfiguration(
  replica: Replica,
  index: LogIndex,
  bytes: Uint8Array,
  start: number,
  end: number,
): void {
  const membership = decodeMembership(bytes, start, end);
  if (!membership.ok) return;
  const { configuration, members } = membership.value;
  replica.learnMembers(members);
  replica.handle({ on: "configuration-restored", index, configuration });
}
