// How one broker asks another to hand over leaderships: a question names groups, its answer says for each of them why it
// was refused, or nothing. What a peer sends is decoded, never trusted: null means that it makes no sense.
import { assert } from "../base/assert.ts";
import type { GroupId } from "../model/ids.ts";
import { Message } from "../schema/message.ts";

export interface LeadershipQuestion {
  readonly id: number;
  readonly groups: readonly GroupId[];
}

export interface LeadershipAnswer {
  readonly id: number;
  readonly refusals: readonly (string | null)[];
}

/** Groups of one question. */
export const QUESTION_GROUPS_MAX = 1_000;
const REFUSAL_CHARS_MAX = 200;

const QUESTION = new Message<{ readonly id: number; readonly groups: readonly number[] }>({
  name: "LeadershipQuestion",
  flexibleFrom: 0,
  fields: "id i64, groups[] i64",
});

const ANSWER = new Message<{
  readonly id: number;
  readonly refusals: readonly { readonly refusal: string | null }[];
}>({ name: "LeadershipAnswer", flexibleFrom: 0, fields: "id i64, refusals[]{refusal str?}" });

export function encodeLeadershipQuestion(question: LeadershipQuestion): Uint8Array {
  const encoded = QUESTION.encode(0, question);
  assert(encoded.ok, "a question has numbers alone");
  return encoded.value;
}

export function decodeLeadershipQuestion(bytes: Uint8Array): LeadershipQuestion | null {
  const decoded = QUESTION.decode(bytes, 0);
  if (!decoded.ok || decoded.value.groups.length > QUESTION_GROUPS_MAX) return null;
  return decoded.value as LeadershipQuestion;
}

export function encodeLeadershipAnswer({ id, refusals }: LeadershipAnswer): Uint8Array {
  const rows = refusals.map((refusal) => ({
    refusal: refusal?.slice(0, REFUSAL_CHARS_MAX) ?? null,
  }));
  const encoded = ANSWER.encode(0, { id, refusals: rows });
  assert(encoded.ok, "refusals are short");
  return encoded.value;
}

export function decodeLeadershipAnswer(bytes: Uint8Array): LeadershipAnswer | null {
  const decoded = ANSWER.decode(bytes, 0);
  if (!decoded.ok || decoded.value.refusals.length > QUESTION_GROUPS_MAX) return null;
  const { id, refusals } = decoded.value;
  return { id, refusals: refusals.map(({ refusal }) => refusal) };
}
