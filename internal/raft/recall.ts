// A replica whose disk may have gone back in time (D3). What it had promised may be forgotten, and others may rely on it:
// entries that it acknowledged, votes that it gave. It asks every other voter. Whoever answers drops what it holds of the
// asker and says how far it has come itself. When all have, nothing more can be decided with the lost promises, and it asks
// all of them once more: whatever was decided so is known to one of those that answer now (ADR 0010). From then on it
// votes for no log that is shorter than the longest it was told of.
import { assert } from "../base/assert.ts";
import type { ReplicaId } from "../model/ids.ts";
import type { Configuration } from "./configuration.ts";
import type { Message } from "./message.ts";
import { forgetPeer } from "./replication.ts";
import type { Answer, LogEnd, Recall, State, Told } from "./state.ts";
import { becomeFollower, send, writeHardState } from "./term.ts";

/** Neither acknowledges nor votes: its log or its memory of promises lacks something. */
export function isMute(state: State): boolean {
  return state.standing !== "full" && state.standing !== "quiet";
}

export function beginRecall(state: State): void {
  if (state.recall !== null) return;
  const own = ownAnswer(state);
  const nobody = { round: 1, answered: "", answers: new Map(), isDone: false };
  state.recall = { ...nobody, placed: null, furthest: own, longest: own };
  askOthers(state);
}

/** In this round; who is lost does not answer again. */
function hasAnswered(recall: Recall, voter: ReplicaId): boolean {
  const told = recall.answers.get(voter);
  return told === null || told?.round === recall.round;
}

/** Asks somebody who can be reached, or was just heard of, unless it has answered. */
export function ask(state: State, to: ReplicaId): void {
  const { recall } = state;
  if (recall === null || recall.isDone || hasAnswered(recall, to)) return;
  send(state, to, { say: "recall-request", term: state.term, round: recall.round });
}

/** Whatever the asker promised before it asks is void here: it is not known to be on its disk any more. */
export function onRecallRequest(state: State, from: ReplicaId, round: number): void {
  state.ballots?.delete(from);
  forgetPeer(state, from);
  answer(state, from, round);
}

/** A disk is known to have lost something: whoever waits for this log to be reached need not any more. */
export function sayLost(state: State): void {
  const voters = votersOf(state.configurations.inForce);
  for (const voter of voters) if (voter !== state.self) answer(state, voter, 0);
}

export function answer(state: State, to: ReplicaId, round: number): void {
  const lost = state.standing === "suspect";
  send(state, to, { say: "recall-response", round, lost, ...ownAnswer(state) });
}

export function onRecallResponse(
  state: State,
  from: ReplicaId,
  message: Extract<Message, { say: "recall-response" }>,
): void {
  const { recall } = state;
  if (recall === null) return;
  // After the end only a loss is news.
  if (message.lost) note(state, recall, from, null);
  else if (!recall.isDone && message.round === recall.round) note(state, recall, from, message);
}

/**
 * A lost directory remembers nothing. It counts among the disks that may be lost, so another's is whole. After the end too:
 * a log that was told of and is gone can be reached by nobody.
 */
export function onPeerGone(state: State, peer: ReplicaId): void {
  const { recall } = state;
  if (recall !== null) note(state, recall, peer, null);
}

/** A sole voter learns whom else to ask, and that there is nobody else. */
export function onPlaced(state: State, others: readonly ReplicaId[]): void {
  const { recall } = state;
  if (recall === null || recall.isDone) return;
  recall.placed = others;
  askOthers(state);
  endWhenAllAnswered(state, recall);
}

function note(state: State, recall: Recall, from: ReplicaId, said: Told | null): void {
  recall.answers.set(from, said);
  const before = askedOf(state, recall);
  recall.furthest = recall.longest = ownAnswer(state);
  for (const one of recall.answers.values()) {
    if (one !== null && isShorter(recall.furthest, one)) recall.furthest = one;
  }
  const voters = votersOf(recall.furthest.configuration);
  for (const voter of voters) {
    const one = recall.answers.get(voter) ?? null;
    if (one !== null && isShorter(recall.longest, one)) recall.longest = one;
  }
  if (recall.isDone) return;
  if (String(before) !== String(askedOf(state, recall))) askOthers(state);
  endWhenAllAnswered(state, recall);
}

/** Only what is durable was ever counted, and only that is still there after a crash. */
function ownAnswer({ term, log, configurations }: State): Answer {
  const lastIndex = log.durable > log.base.index ? log.durable : log.base.index;
  const lastTerm = log.termAt(lastIndex);
  assert(lastTerm !== null, "what is durable is of the log");
  return { term, lastIndex, lastTerm, configuration: configurations.at(lastIndex) };
}

/** Whether a log that ends so may lack what this replica forgot that it had acknowledged. */
export function lacksWhatWasForgotten(state: State, end: LogEnd): boolean {
  return state.recall !== null && isShorter(end, state.recall.longest);
}

/**
 * Asks everybody, those too that have answered: who is silent may have left meanwhile, and the others then know of a
 * configuration without it.
 */
export function askOthers(state: State): void {
  const { recall } = state;
  if (recall === null || recall.isDone) return;
  const { answers, round } = recall;
  for (const voter of askedOf(state, recall)) {
    const isLost = answers.get(voter) === null;
    if (voter !== state.self && !isLost) {
      send(state, voter, { say: "recall-request", term: state.term, round });
    }
  }
}

/** The voters whose answers of this round are still missing. */
export function unanswered(state: State): readonly ReplicaId[] {
  const { self, recall } = state;
  if (recall === null || recall.isDone) return [];
  const voters = askedOf(state, recall);
  return voters.filter((voter) => voter !== self && !hasAnswered(recall, voter));
}

function endWhenAllAnswered(state: State, recall: Recall): void {
  const voters = askedOf(state, recall);
  if (voters.length === 0) return; // A newcomer who has not heard yet who they are.
  if (isAlone(state, recall) && recall.placed === null) return;
  const isHeard = (voter: ReplicaId): boolean => voter === state.self || hasAnswered(recall, voter);
  if (!voters.every(isHeard)) return;
  if (recall.answered !== String(voters) && !state.faults.recallsOnce) {
    recall.answered = String(voters);
    recall.round++;
    askOthers(state);
    if (!voters.every(isHeard)) return;
  }
  recall.isDone = true;
  let term = state.term;
  for (const one of recall.answers.values()) if (one !== null && one.term > term) term = one.term;
  // Its vote in that term may be among what was forgotten, so it is spent.
  if (term > state.term) becomeFollower(state, term, null, null, state.self);
  else if (state.vote === 0) writeHardState(state, state.self);
  state.effects.push({ do: "recalled" });
}

/**
 * The voters at the longest log. What a sole voter has forgotten about the group's growth is known to nobody of that
 * configuration, so it asks everybody who was ever placed beside it and has not left.
 */
function askedOf(state: State, recall: Recall): readonly ReplicaId[] {
  const voters = votersOf(recall.furthest.configuration);
  if (!isAlone(state, recall)) return voters;
  return [...voters, ...(recall.placed ?? [])];
}

function isAlone({ self }: State, { furthest }: Recall): boolean {
  const voters = votersOf(furthest.configuration);
  return voters.length === 1 && voters[0] === self;
}

function votersOf({ voters, votersOutgoing }: Configuration): readonly ReplicaId[] {
  return votersOutgoing.length === 0 ? voters : [...voters, ...votersOutgoing];
}

function isShorter(left: LogEnd, right: LogEnd): boolean {
  if (left.lastTerm !== right.lastTerm) return left.lastTerm < right.lastTerm;
  return left.lastIndex < right.lastIndex;
}
