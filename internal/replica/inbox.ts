// Append frames that one peer sent in one session, and what is owed for them: one cumulative acknowledgement per lane,
// sent when everything up to a frame is durable here, with the rows that were not accepted as exceptions (F1, F3).
import type { SharedJournal } from "../journal/owner.ts";
import type { LogIndex, Term, Ticket } from "../model/ids.ts";
import type { EntryHead } from "../raft/entry.ts";
import { ENTRY_CONFIGURATION } from "../raft/entry.ts";
import type { Session } from "../transport/contract.ts";
import type { ReceivedRow } from "./append-frame.ts";
import { decodeAppendFrame } from "./append-frame.ts";
import type { Acknowledgement, Envelope, RowException } from "./control-frames.ts";
import { encodeAcknowledgement } from "./control-frames.ts";
import type { Member } from "./membership.ts";
import { decodeMembership } from "./membership.ts";
import { payloadIntact } from "./payload.ts";
import type { Replica } from "./replica.ts";
import { hasRoomForRow } from "./room.ts";

/** An acknowledgement of rows that are all refused, each with a message, must fit the control lane (F6). */
const ACKNOWLEDGED_ROWS_MAX = 512;

interface OwedRow {
  /** Null: the row was refused. */
  readonly replica: Replica | null;
  readonly isRejected: boolean;
  readonly term: Term;
  readonly last: LogIndex;
}

interface OwedFrame {
  readonly sequence: number;
  /** The frame is durable when this ticket is. */
  readonly ticket: Ticket;
  readonly rows: readonly OwedRow[];
  readonly messages: readonly Envelope[];
}

export interface InboxEvents {
  /** The replica that a row is for, if it lives here and the row comes from the member it claims (F5). */
  replicaFor(row: ReceivedRow, session: Session): Replica | null;
  /** An entry for this replica is longer than any that this broker can take. Once in a session. */
  cannotStore(replica: Replica, bytes: number): void;
}

export class Inbox {
  readonly #session: Session;
  readonly #type: number;
  readonly #journal: SharedJournal;
  readonly #acksEarly: boolean;
  readonly #events: InboxEvents;
  readonly #owed: OwedFrame[] = [];
  #sequence = 0;
  #unsent: Uint8Array | null = null;
  /** They get no further, which was said. */
  readonly #stuck = new Set<Replica>();

  constructor(
    session: Session,
    acknowledgementType: number,
    journal: SharedJournal,
    /** A bug that tests plant: acknowledge what is not durable. */
    acksEarly: boolean,
    events: InboxEvents,
  ) {
    this.#session = session;
    this.#type = acknowledgementType;
    this.#journal = journal;
    this.#acksEarly = acksEarly;
    this.#events = events;
  }

  /** Takes a frame; the bytes are lent. A frame that is no frame ends the session. */
  receive(bytes: Uint8Array, start: number, end: number): void {
    const frame = decodeAppendFrame(bytes, start, end);
    if (!frame.ok) return this.#session.end("malformed append frame");
    if (frame.value.sequence !== this.#sequence + 1) {
      return this.#session.end("append frame out of sequence");
    }
    this.#sequence++;
    const rows: OwedRow[] = [];
    const messages: Envelope[] = [];
    for (const row of frame.value.rows) {
      if (!intact(row, bytes)) return this.#session.end("damaged payload in an append frame");
      rows.push(this.#take(row, bytes, messages));
    }
    this.#owed.push({ sequence: this.#sequence, ticket: this.#journal.lastTicket, rows, messages });
  }

  /** Acknowledges what is durable by now. Called after the machines learned of it, and at the end of each turn. */
  acknowledge(): void {
    const durable = this.#acksEarly ? this.#journal.lastTicket : this.#journal.durableTicket;
    for (;;) {
      // Only one acknowledgement waits for room on the control lane; its exceptions must not get lost.
      if (!this.#trySend()) return;
      const count = this.#countDue(durable);
      if (count === 0) return;
      const frames = this.#owed.splice(0, count);
      this.#unsent = encodeAcknowledgement(
        acknowledgementOf(frames, this.#journal.durableTicket, this.#acksEarly),
      );
    }
  }

  /** Frames that are durable, as many as one acknowledgement can speak of should it have to except all their rows. */
  #countDue(durable: Ticket): number {
    let count = 0;
    let rows = 0;
    for (const frame of this.#owed) {
      rows += frame.rows.length;
      if (frame.ticket > durable || (count > 0 && rows > ACKNOWLEDGED_ROWS_MAX)) break;
      count++;
    }
    return count;
  }

  #trySend(): boolean {
    if (this.#unsent === null) return true;
    if (!this.#session.send("control", this.#type, [this.#unsent])) return !this.#session.open;
    this.#unsent = null;
    return true;
  }

  #take(row: ReceivedRow, bytes: Uint8Array, messages: Envelope[]): OwedRow {
    const { term, prevIndex } = row;
    const nothing = { replica: null, isRejected: false, term, last: prevIndex };
    const replica = this.#events.replicaFor(row, this.#session);
    if (replica === null) return nothing;
    const heads = headsOf(row, bytes, replica);
    if (heads === null) return nothing;
    // Refusing the row before the machine sees it is always legal; the leader offers it again.
    const longest = longestPayload(row);
    if (longest > this.#journal.payloadBytesMax) {
      if (!this.#stuck.has(replica)) this.#events.cannotStore(replica, longest);
      this.#stuck.add(replica);
      return nothing;
    }
    if (!hasRoomForRow(this.#journal, row, replica.machine.term)) return nothing;
    const rejection = replica.receive(row, heads, bytes);
    // It leads, then, as far as this session tells (L1).
    if (replica.machine.leader === row.from) replica.assertedIn = this.#session.number;
    if (rejection !== null) {
      messages.push(replica.envelope(row.from, rejection));
      return { ...nothing, isRejected: true };
    }
    const last = (prevIndex + row.entries.length) as LogIndex;
    return { replica, isRejected: false, term, last };
  }
}

/** The leader's journal may take longer ones than this one: that broker was configured otherwise. */
function longestPayload(row: ReceivedRow): number {
  let longest = 0;
  for (const { length } of row.entries) longest = Math.max(longest, length);
  return longest;
}

function intact(row: ReceivedRow, bytes: Uint8Array): boolean {
  return row.entries.every((header, k) =>
    payloadIntact(header, bytes, row.payloadStart[k] as number),
  );
}

/** What Raft needs to know of the entries; null when they do not fit together. */
function headsOf(row: ReceivedRow, bytes: Uint8Array, replica: Replica): EntryHead[] | null {
  const heads: EntryHead[] = [];
  const members: Member[] = [];
  let index = row.prevIndex + 1;
  let { prevTerm } = row;
  for (let k = 0; k < row.entries.length; k++) {
    const header = row.entries[k];
    const start = row.payloadStart[k];
    if (header === undefined || start === undefined || header.type !== "append") return null;
    if (header.index !== index++ || header.group !== row.group) return null;
    // Raft counts on it.
    if (header.term < prevTerm || header.term > row.term) return null;
    prevTerm = header.term;
    if (header.kind !== ENTRY_CONFIGURATION) {
      heads.push({ term: header.term, kind: header.kind, configuration: null });
      continue;
    }
    const membership = decodeMembership(bytes, start, start + header.length);
    if (!membership.ok) return null;
    members.push(...membership.value.members);
    const { configuration } = membership.value;
    heads.push({ term: header.term, kind: header.kind, configuration });
  }
  replica.learnMembers(members);
  return heads;
}

function acknowledgementOf(
  frames: readonly OwedFrame[],
  durable: Ticket,
  acksEarly: boolean,
): Acknowledgement {
  const exceptions: RowException[] = [];
  const messages: Envelope[] = [];
  for (const frame of frames) {
    messages.push(...frame.messages);
    frame.rows.forEach((row, k) => {
      if (accepted(row, acksEarly)) return;
      exceptions.push({ sequence: frame.sequence, row: k, isRejected: row.isRejected });
    });
  }
  return { sequence: frames.at(-1)?.sequence ?? 0, durable, exceptions, messages };
}

/** F1: only if the machine itself acknowledged that prefix as durable, and its term is still the row's. */
function accepted(row: OwedRow, acksEarly: boolean): boolean {
  const { replica } = row;
  if (acksEarly) return replica !== null;
  return (
    replica !== null &&
    replica.machine.term === row.term &&
    replica.acceptedTerm === row.term &&
    replica.acceptedMatch >= row.last
  );
}
