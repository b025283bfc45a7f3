// What brokers exchange to make a damaged entry whole again (D1): the question names the entry, the answer brings its record
// header and, as a part of its own, its payload; or says that the asked replica has no such entry whole.
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { GroupId, LogIndex, ReplicaId, Term } from "../model/ids.ts";
import {
  decodeRecordHeader,
  encodeRecordHeader,
  readSafeInteger,
  RECORD_HEADER_BYTES,
  writeSafeInteger,
} from "../record/record.ts";
import type { RecordHeader } from "../record/record.ts";

/** One entry of a group, asked for by one replica of another. */
export interface RepairQuestion {
  readonly group: GroupId;
  readonly to: ReplicaId;
  readonly from: ReplicaId;
  readonly index: LogIndex;
  readonly term: Term;
}

export interface RepairAnswer {
  /** The question as it was asked. */
  readonly question: RepairQuestion;
  /** Null: the asked replica has no such entry, or not whole. */
  readonly header: RecordHeader | null;
  /** Where the payload begins in the frame; it ends with the frame. */
  readonly payloadStart: number;
}

const QUESTION_BYTES = 40;

export function encodeQuestion(question: RepairQuestion): Uint8Array {
  const bytes = new Uint8Array(QUESTION_BYTES);
  writeQuestion(question, new DataView(bytes.buffer));
  return bytes;
}

function writeQuestion({ group, to, from, index, term }: RepairQuestion, into: DataView): void {
  [group, to, from, index, term].forEach((value, k) => writeSafeInteger(into, k * 8, value));
}

export function decodeQuestion(
  bytes: Uint8Array,
  start: number,
  end: number,
): Result<RepairQuestion, "repair-question"> {
  if (end - start !== QUESTION_BYTES) return failed("repair-question");
  return ok(readQuestion(new DataView(bytes.buffer, bytes.byteOffset + start, QUESTION_BYTES)));
}

function readQuestion(from: DataView): RepairQuestion {
  return {
    group: readSafeInteger(from, 0) as GroupId,
    to: readSafeInteger(from, 8) as ReplicaId,
    from: readSafeInteger(from, 16) as ReplicaId,
    index: readSafeInteger(from, 24) as LogIndex,
    term: readSafeInteger(from, 32) as Term,
  };
}

/** The first part of an answer; the payload is the second. */
export function encodeAnswerHead(
  question: RepairQuestion,
  header: RecordHeader | null,
): Uint8Array {
  const bytes = new Uint8Array(QUESTION_BYTES + (header === null ? 0 : RECORD_HEADER_BYTES));
  const view = new DataView(bytes.buffer);
  writeQuestion(question, view);
  if (header !== null) encodeRecordHeader(header, view, QUESTION_BYTES);
  return bytes;
}

export function decodeAnswer(
  bytes: Uint8Array,
  start: number,
  end: number,
): Result<RepairAnswer, "repair-answer"> {
  const length = end - start;
  if (length < QUESTION_BYTES) return failed("repair-answer");
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, length);
  const question = readQuestion(view);
  if (length === QUESTION_BYTES) return ok({ question, header: null, payloadStart: end });
  const payloadStart = start + QUESTION_BYTES + RECORD_HEADER_BYTES;
  if (payloadStart > end) return failed("repair-answer");
  const header = decodeRecordHeader(view, QUESTION_BYTES);
  if (!header.ok || header.value.length !== end - payloadStart) return failed("repair-answer");
  return ok({ question, header: header.value, payloadStart });
}
