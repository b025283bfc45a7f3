// Answering campaigns. Membership is not asked for: a replica may be behind on the configuration
// that makes it, or the candidate, a voter, and a vote that does not count harms nobody.
import type { ReplicaId } from "../model/ids.ts";
import type { Message } from "./message.ts";
import type { State } from "./state.ts";
import { becomeFollower, send, tellDeposed, writeHardState } from "./term.ts";

type VoteRequest = Extract<Message, { say: "pre-vote-request" | "vote-request" }>;

/**
 * Grants a pre-vote to whom it would vote for. Nothing changes here, so nothing has to be durable.
 */
export function onPreVoteRequest(state: State, from: ReplicaId, message: VoteRequest): void {
  const granted = mayVoteFor(state, from, message) && isUpToDate(state, message);
  send(state, from, {
    say: "pre-vote-response",
    term: granted ? message.term : state.term,
    granted,
  });
}

/** Votes at most once per term, and says so only when the vote is durable (F1). */
export function onVoteRequest(state: State, from: ReplicaId, message: VoteRequest): void {
  if (!mayVoteFor(state, from, message)) return refuse(state, from);
  const granted = isUpToDate(state, message);
  if (message.term > state.term) {
    const deposed = state.role === "leader" ? null : state.leader;
    becomeFollower(state, message.term, null, from, granted ? from : 0);
    // The leader that asked for this campaign may have given up waiting for its end, and the winner may not reach it: an
    // idle leader sends nothing that is rejected, and answers readers for as long as its pings are echoed (L5).
    if (deposed !== null && deposed !== from) tellDeposed(state, deposed);
  } else if (granted && state.vote === 0) {
    writeHardState(state, from);
  }
  if (!granted) return refuse(state, from);
  const response: Message = { say: "vote-response", term: state.term, granted: true };
  if (state.durableWrite >= state.hardStateWrite) send(state, from, response);
  else state.gate.hold(state.hardStateWrite, from, response);
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
  if (state.leader !== null && !message.transfer) return false;
  if (message.term > state.term) return true;
  return message.term === state.term && (state.vote === 0 || state.vote === from);
}

function isUpToDate(state: State, { lastIndex, lastTerm }: VoteRequest): boolean {
  const { log } = state;
  return lastTerm > log.lastTerm || (lastTerm === log.lastTerm && lastIndex >= log.last);
}
