// Answering campaigns. Membership is not asked for: a replica may be behind on the configuration
// that makes it, or the candidate, a voter, and a vote that does not count harms nobody.
import type { ReplicaId } from "../model/ids.ts";
import { onResigned } from "./follower.ts";
import type { Message } from "./message.ts";
import { lacksWhatWasForgotten } from "./recall.ts";
import type { State } from "./state.ts";
import { becomeFollower, send, writeHardState } from "./term.ts";

type VoteRequest = Extract<Message, { say: "pre-vote-request" | "vote-request" }>;

/**
 * Grants a pre-vote to whom it would vote for. Nothing changes here, so nothing has to be durable.
 */
export function onPreVoteRequest(state: State, from: ReplicaId, message: VoteRequest): void {
  noteCandidacy(state, from, message);
  const granted = mayVoteFor(state, from, message) && isUpToDate(state, message);
  send(state, from, {
    say: "pre-vote-response",
    term: granted ? message.term : state.term,
    granted,
  });
}

/** Votes at most once per term, and says so only when the vote is durable (F1). */
export function onVoteRequest(state: State, from: ReplicaId, message: VoteRequest): void {
  noteCandidacy(state, from, message);
  if (!mayVoteFor(state, from, message)) return refuse(state, from);
  const granted = isUpToDate(state, message);
  if (message.term > state.term) {
    becomeFollower(state, message.term, null, from, granted ? from : 0);
  } else if (granted && state.vote === 0) {
    writeHardState(state, from);
  }
  if (!granted) return refuse(state, from);
  const response: Message = { say: "vote-response", term: state.term, granted: true };
  if (state.durableWrite >= state.hardStateWrite) send(state, from, response);
  else state.gate.hold(state.hardStateWrite, from, response);
}

/** Who wants to lead a later term does not lead this one any more, whatever was heard before (L1). */
function noteCandidacy(state: State, from: ReplicaId, message: VoteRequest): void {
  if (state.leader === from && message.term > state.term) onResigned(state, from, state.term);
}

function refuse(state: State, from: ReplicaId): void {
  send(state, from, { say: "vote-response", term: state.term, granted: false });
}

/**
 * A replica that does not take full part does not vote (D1, D3, L5). One that knows a live leader
 * does not, unless that leader asked for the campaign (L5).
 */
function mayVoteFor(state: State, from: ReplicaId, message: VoteRequest): boolean {
  if (state.standing !== "full") return false;
  const { disloyalVoters } = state.faults;
  if (state.leader !== null && !message.transfer && !disloyalVoters) return false;
  if (message.term > state.term) return true;
  return message.term === state.term && (state.vote === 0 || state.vote === from);
}

function isUpToDate(state: State, request: VoteRequest): boolean {
  const { log } = state;
  const { lastIndex, lastTerm } = request;
  if (lacksWhatWasForgotten(state, request)) return false;
  return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.last);
}
