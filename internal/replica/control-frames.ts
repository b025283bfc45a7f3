// The small messages between replicas, in batches: Raft messages that are no appends, cumulative acknowledgements (F3)
// with their exceptions, assertions of leadership (L1), and what each side knows of the other's journal (D3).
import { unreachable } from "../base/assert.ts";
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import { STARTS_MAX } from "../journal/starts.ts";
import type { SeenStart, StartAccount } from "../journal/starts.ts";
import type {
  BrokerId,
  GroupId,
  LogIndex,
  ReplicaId,
  StartId,
  Term,
  Ticket,
} from "../model/ids.ts";
import type { Message } from "../raft/message.ts";
import { readSafeInteger, writeSafeInteger } from "../record/record.ts";
import type { Membership } from "./membership.ts";
import { decodeMembership, encodeMembership, membershipBytes } from "./membership.ts";

/** Message types on the links. */
export const APPEND_FRAME = 16;
export const RAFT_MESSAGES = 17;
export const ACKNOWLEDGEMENT = 18;
export const ASSERTIONS = 19;
export const SEEN_START = 20;
export const CATCH_UP_FRAME = 21;
export const CATCH_UP_ACKNOWLEDGEMENT = 22;
export const REPAIR_REQUEST = 23;
export const REPAIR_ANSWER = 24;
export const JOURNAL_STARTS = 25;

/** A Raft message with its address. Appends travel in append frames. */
export interface Envelope {
  readonly group: GroupId;
  readonly to: ReplicaId;
  readonly from: ReplicaId;
  readonly message: Exclude<Message, { readonly say: "append-request" }>;
  /** The members of the configuration of an install-base or a recall-response. */
  readonly membership: Membership | null;
}

const SAYS = [
  "pre-vote-request",
  "vote-request",
  "pre-vote-response",
  "vote-response",
  "append-accepted",
  "append-rejected",
  "assert",
  "timeout-now",
  "install-base",
  "transfer-refused",
  "recall-request",
  "recall-response",
] as const;

/** group, to, from, term, and three operands: u64 each; say u8, flag u8, extra bytes u16. */
const ENVELOPE_BYTES = 60;

export function envelopeBytes({ membership }: Envelope): number {
  return ENVELOPE_BYTES + (membership === null ? 0 : membershipBytes(membership));
}

export function encodeEnvelopes(envelopes: readonly Envelope[]): Uint8Array {
  const extras = envelopes.map((e) => (e.membership ? encodeMembership(e.membership) : null));
  const extraBytes = extras.reduce((sum, extra) => sum + (extra?.length ?? 0), 0);
  const bytes = new Uint8Array(envelopes.length * ENVELOPE_BYTES + extraBytes);
  const view = new DataView(bytes.buffer);
  let at = 0;
  envelopes.forEach((envelope, k) => {
    const { message } = envelope;
    const [a, b, c] = operandsOf(message);
    writeSafeInteger(view, at, envelope.group);
    writeSafeInteger(view, at + 8, envelope.to);
    writeSafeInteger(view, at + 16, envelope.from);
    writeSafeInteger(view, at + 24, message.term);
    writeSafeInteger(view, at + 32, a);
    writeSafeInteger(view, at + 40, b);
    writeSafeInteger(view, at + 48, c);
    view.setUint8(at + 56, SAYS.indexOf(message.say));
    view.setUint8(at + 57, flagOf(message));
    const extra = extras[k] ?? null;
    view.setUint16(at + 58, extra?.length ?? 0);
    at += ENVELOPE_BYTES;
    if (extra !== null) bytes.set(extra, at);
    at += extra?.length ?? 0;
  });
  return bytes;
}

export function decodeEnvelopes(
  bytes: Uint8Array,
  start: number,
  end: number,
): Result<readonly Envelope[], "raft-messages"> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const envelopes: Envelope[] = [];
  let at = start;
  while (at < end) {
    if (end - at < ENVELOPE_BYTES) return failed("raft-messages");
    const extraAt = at + ENVELOPE_BYTES;
    const extraEnd = extraAt + view.getUint16(at + 58);
    if (extraEnd > end) return failed("raft-messages");
    const membership = extraEnd === extraAt ? null : decodeMembership(bytes, extraAt, extraEnd);
    if (membership !== null && !membership.ok) return failed("raft-messages");
    const message = decodeMessage(view, at, membership?.value ?? null);
    if (message === null) return failed("raft-messages");
    envelopes.push({
      group: readSafeInteger(view, at) as GroupId,
      to: readSafeInteger(view, at + 8) as ReplicaId,
      from: readSafeInteger(view, at + 16) as ReplicaId,
      message,
      membership: membership?.value ?? null,
    });
    at = extraEnd;
  }
  return ok(envelopes);
}

function operandsOf(message: Envelope["message"]): readonly [number, number, number] {
  switch (message.say) {
    case "pre-vote-request":
    case "vote-request":
      return [message.lastIndex, message.lastTerm, 0];
    case "append-accepted":
      return [message.match, 0, 0];
    case "append-rejected":
      return [message.prevIndex, message.hintIndex, message.hintTerm];
    case "assert":
      return [message.commit, 0, 0];
    case "install-base":
      return [message.base.index, message.base.term, 0];
    case "pre-vote-response":
    case "vote-response":
    case "timeout-now":
    case "transfer-refused":
      return [0, 0, 0];
    case "recall-request":
      return [message.round, 0, 0];
    case "recall-response":
      return [message.lastIndex, message.lastTerm, message.round];
    default:
      return unreachable(message);
  }
}

function flagOf(message: Envelope["message"]): number {
  if ("granted" in message) return message.granted ? 1 : 0;
  if ("transfer" in message) return message.transfer ? 1 : 0;
  if ("lost" in message) return message.lost ? 1 : 0;
  return 0;
}

function decodeMessage(
  view: DataView,
  at: number,
  membership: Membership | null,
): Envelope["message"] | null {
  const say = SAYS[view.getUint8(at + 56)];
  const term = readSafeInteger(view, at + 24) as Term;
  const a = readSafeInteger(view, at + 32);
  const b = readSafeInteger(view, at + 40);
  const c = readSafeInteger(view, at + 48);
  const flag = view.getUint8(at + 57) !== 0;
  switch (say) {
    case "pre-vote-request":
    case "vote-request":
      return { say, term, lastIndex: a as LogIndex, lastTerm: b as Term, transfer: flag };
    case "pre-vote-response":
    case "vote-response":
      return { say, term, granted: flag };
    case "append-accepted":
      return { say, term, match: a as LogIndex };
    case "append-rejected": {
      const prevIndex = a as LogIndex;
      return { say, term, prevIndex, hintIndex: b as LogIndex, hintTerm: c as Term };
    }
    case "assert":
      return { say, term, commit: a as LogIndex };
    case "timeout-now":
    case "transfer-refused":
      return { say, term };
    case "recall-request":
      return { say, term, round: a };
    case "recall-response": {
      if (membership === null) return null;
      const { configuration } = membership;
      const end = { lastIndex: a as LogIndex, lastTerm: b as Term };
      return { say, term, round: c, lost: flag, ...end, configuration };
    }
    case "install-base": {
      if (membership === null) return null;
      const base = { index: a as LogIndex, term: b as Term };
      return { say, term, base, configuration: membership.configuration };
    }
    default:
      return null;
  }
}

/** A row that is not accepted, by its frame and its position in it. */
export interface RowException {
  readonly sequence: number;
  readonly row: number;
  /** By the machine, whose message goes with it. Otherwise the row was not heard, and is to be offered again. */
  readonly isRejected: boolean;
}

/** "Everything up to frame `sequence` is durable here, but for these" (F3). */
export interface Acknowledgement {
  readonly sequence: number;
  /** The sender's journal is durable up to here; who sends less after a restart has lost something (D3). */
  readonly durable: Ticket;
  readonly exceptions: readonly RowException[];
  /** The rejections of those rows that Raft rejected. */
  readonly messages: readonly Envelope[];
}

const ACKNOWLEDGEMENT_BYTES = 20;
const EXCEPTION_BYTES = 13;

export function encodeAcknowledgement(acknowledgement: Acknowledgement): Uint8Array {
  const { sequence, durable, exceptions, messages } = acknowledgement;
  const envelopes = messages.length === 0 ? null : encodeEnvelopes(messages);
  const headBytes = ACKNOWLEDGEMENT_BYTES + exceptions.length * EXCEPTION_BYTES;
  const bytes = new Uint8Array(headBytes + (envelopes?.length ?? 0));
  const view = new DataView(bytes.buffer);
  writeSafeInteger(view, 0, sequence);
  writeSafeInteger(view, 8, durable);
  view.setUint32(16, exceptions.length);
  exceptions.forEach((exception, k) => {
    const at = ACKNOWLEDGEMENT_BYTES + k * EXCEPTION_BYTES;
    writeSafeInteger(view, at, exception.sequence);
    view.setUint32(at + 8, exception.row);
    view.setUint8(at + 12, exception.isRejected ? 1 : 0);
  });
  if (envelopes !== null) bytes.set(envelopes, headBytes);
  return bytes;
}

export function decodeAcknowledgement(
  bytes: Uint8Array,
  start: number,
  end: number,
): Result<Acknowledgement, "acknowledgement"> {
  if (end - start < ACKNOWLEDGEMENT_BYTES) return failed("acknowledgement");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getUint32(start + 16);
  const envelopesAt = start + ACKNOWLEDGEMENT_BYTES + count * EXCEPTION_BYTES;
  if (envelopesAt > end) return failed("acknowledgement");
  const exceptions: RowException[] = [];
  for (let k = 0; k < count; k++) {
    const at = start + ACKNOWLEDGEMENT_BYTES + k * EXCEPTION_BYTES;
    const isRejected = view.getUint8(at + 12) !== 0;
    const sequence = readSafeInteger(view, at);
    exceptions.push({ sequence, row: view.getUint32(at + 8), isRejected });
  }
  const messages = decodeEnvelopes(bytes, envelopesAt, end);
  if (!messages.ok) return failed("acknowledgement");
  const sequence = readSafeInteger(view, start);
  const durable = readSafeInteger(view, start + 8) as Ticket;
  return ok({ sequence, durable, exceptions, messages: messages.value });
}

/** A row of an assertion table (L1): who leads a group, and what is in sync with it (P2). */
export interface Assertion {
  readonly group: GroupId;
  readonly term: Term;
  /** The replica that leads `term`, or that led it and does not any more. */
  readonly leader: ReplicaId;
  readonly leads: boolean;
  /** Clamped to what the receiver's replica acknowledged in this term (F2). */
  readonly commit: LogIndex;
  readonly version: number;
  readonly isr: readonly BrokerId[];
}

const ASSERTION_BYTES = 38;
export const ASSERTION_BYTES_MAX = ASSERTION_BYTES + 4 * 255;

export function encodeAssertions(assertions: readonly Assertion[]): Uint8Array {
  const isrCount = assertions.reduce((sum, row) => sum + row.isr.length, 0);
  const bytes = new Uint8Array(assertions.length * ASSERTION_BYTES + isrCount * 4);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const row of assertions) {
    writeSafeInteger(view, at, row.group);
    writeSafeInteger(view, at + 8, row.term);
    writeSafeInteger(view, at + 16, row.leader);
    writeSafeInteger(view, at + 24, row.commit);
    view.setUint32(at + 32, row.version);
    view.setUint8(at + 36, row.leads ? 1 : 0);
    view.setUint8(at + 37, row.isr.length);
    at += ASSERTION_BYTES;
    for (const broker of row.isr) {
      view.setUint32(at, broker);
      at += 4;
    }
  }
  return bytes;
}

export function decodeAssertions(
  bytes: Uint8Array,
  start: number,
  end: number,
): Result<readonly Assertion[], "assertions"> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rows: Assertion[] = [];
  let at = start;
  while (at < end) {
    if (end - at < ASSERTION_BYTES) return failed("assertions");
    const isrCount = view.getUint8(at + 37);
    const next = at + ASSERTION_BYTES + isrCount * 4;
    if (next > end) return failed("assertions");
    const isr: BrokerId[] = [];
    for (let k = 0; k < isrCount; k++) {
      isr.push(view.getUint32(at + ASSERTION_BYTES + k * 4) as BrokerId);
    }
    rows.push({
      group: readSafeInteger(view, at) as GroupId,
      term: readSafeInteger(view, at + 8) as Term,
      leader: readSafeInteger(view, at + 16) as ReplicaId,
      leads: view.getUint8(at + 36) !== 0,
      commit: readSafeInteger(view, at + 24) as LogIndex,
      version: view.getUint32(at + 32),
      isr,
    });
    at = next;
  }
  return ok(rows);
}

/** What the sender had seen of the receiver's data directory before this session (D3). */
export function encodeSeen({ start, ticket }: SeenStart): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  writeSafeInteger(view, 0, start);
  writeSafeInteger(view, 8, ticket);
  return bytes;
}

export function decodeSeen(
  bytes: Uint8Array,
  start: number,
  end: number,
): Result<SeenStart, "seen-start"> {
  if (end - start !== 16) return failed("seen-start");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const seen = readSafeInteger(view, start) as StartId;
  return ok({ start: seen, ticket: readSafeInteger(view, start + 8) as Ticket });
}

/** The sender's account of its own starts (D3): the floor, then each start with its last durable ticket. */
export function encodeStarts({ floor, starts }: StartAccount): Uint8Array {
  const bytes = new Uint8Array(8 + 16 * starts.length);
  const view = new DataView(bytes.buffer);
  writeSafeInteger(view, 0, floor);
  starts.forEach(({ start, last }, k) => {
    writeSafeInteger(view, 8 + 16 * k, start);
    writeSafeInteger(view, 16 + 16 * k, last);
  });
  return bytes;
}

export function decodeStarts(
  bytes: Uint8Array,
  start: number,
  end: number,
): Result<StartAccount, "journal-starts"> {
  const count = (end - start - 8) / 16;
  if (!Number.isInteger(count) || count < 1 || count > STARTS_MAX) return failed("journal-starts");
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const starts = Array.from({ length: count }, (_, k) => ({
    start: readSafeInteger(view, start + 8 + 16 * k) as StartId,
    last: readSafeInteger(view, start + 16 + 16 * k) as Ticket,
  }));
  return ok({ floor: readSafeInteger(view, start) as Ticket, starts });
}
