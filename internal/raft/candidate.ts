// Campaigning: first a pre-vote, which changes nothing at anybody, then a vote in the next term.
import type { ReplicaId, Term } from "../model/ids.ts";
import { becomeLeader } from "./leader.ts";
import type { Message } from "./message.ts";
import { isQuorum } from "./quorum.ts";
import { askOthers, lacksWhatWasForgotten } from "./recall.ts";
import type { State } from "./state.ts";
import { announceRole, beginTerm, becomeFollower, send, writeHardState } from "./term.ts";

/** A voter in full standing campaigns (D1, D3), and only while it knows no leader (L2). */
export function onElectionTimeout(state: State): void {
  if (state.standing === "recalling") return askOthers(state);
  if (state.leader !== null || !mayCampaign(state)) return;
  state.role = "pre-candidate";
  state.ballots = new Set([state.self]);
  announceRole(state);
  const request = voteRequest(state, "pre-vote-request", (state.term + 1) as Term, false);
  for (const voter of otherVoters(state)) send(state, voter, request);
  countPreVotes(state);
}

export function mayCampaign(state: State): boolean {
  const { standing, configurations, self, log } = state;
  if (lacksWhatWasForgotten(state, { lastIndex: log.last, lastTerm: log.lastTerm })) return false;
  return standing === "full" && configurations.isVoter(self);
}

/**
 * Votes for itself in the next term and asks the others, as soon as its own vote is durable (F1).
 */
export function campaign(state: State, transfer: boolean): void {
  beginTerm(state, (state.term + 1) as Term);
  state.role = "candidate";
  state.leader = null;
  state.ballots = new Set();
  announceRole(state);
  writeHardState(state, state.self);
  const request = voteRequest(state, "vote-request", state.term, transfer);
  for (const voter of otherVoters(state)) state.gate.hold(state.hardStateWrite, voter, request);
}

function voteRequest(
  state: State,
  say: "pre-vote-request" | "vote-request",
  term: Term,
  transfer: boolean,
): Message {
  return { say, term, lastIndex: state.log.last, lastTerm: state.log.lastTerm, transfer };
}

function otherVoters(state: State): Set<ReplicaId> {
  const { voters, votersOutgoing } = state.configurations.inForce;
  const others = new Set([...voters, ...votersOutgoing]);
  others.delete(state.self);
  return others;
}

/** Own term and vote are durable: now the candidate's own vote counts. */
export function countOwnVote(state: State): void {
  if (state.role !== "candidate" || state.durableWrite < state.hardStateWrite) return;
  if (state.ballots?.has(state.self)) return;
  state.ballots?.add(state.self);
  countVotes(state);
}

export function onPreVoteResponse(
  state: State,
  from: ReplicaId,
  message: Extract<Message, { say: "pre-vote-response" | "vote-response" }>,
): void {
  if (!message.granted) return learnTerm(state, from, message.term);
  if (state.role !== "pre-candidate" || message.term !== state.term + 1) return;
  state.ballots?.add(from);
  countPreVotes(state);
}

export function onVoteResponse(
  state: State,
  from: ReplicaId,
  message: Extract<Message, { say: "pre-vote-response" | "vote-response" }>,
): void {
  if (!message.granted) return learnTerm(state, from, message.term);
  if (state.role !== "candidate" || message.term !== state.term) return;
  state.ballots?.add(from);
  countVotes(state);
}

/**
 * A refusal matters only if it tells of a later term; otherwise the next election timeout tries
 * again. Who follows a leader by now does not leave it on hearsay (L5).
 */
function learnTerm(state: State, from: ReplicaId, term: Term): void {
  if (term > state.term && state.leader === null) becomeFollower(state, term, null, from);
}

function countPreVotes(state: State): void {
  if (isElected(state)) campaign(state, false);
}

function countVotes(state: State): void {
  if (isElected(state)) becomeLeader(state);
}

function isElected(state: State): boolean {
  return isQuorum(state.configurations.inForce, (voter) => state.ballots?.has(voter) === true);
}
