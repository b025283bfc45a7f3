// Leading: the term's no-op, proposals, acknowledgements, and the commit rule.
import { assert } from "../base/assert.ts";
import type { LogIndex, ReplicaId, Term } from "../model/ids.ts";
import type { LogBase } from "./entry.ts";
import { ENTRY_BATCH, ENTRY_COMMAND, ENTRY_CONFIGURATION, ENTRY_NO_OP } from "./entry.ts";
import type { EntryHead, EntryKind } from "./entry.ts";
import type { Message } from "./message.ts";
import { afterCommit } from "./membership.ts";
import { decidedIndex } from "./quorum.ts";
import {
  announcePeers,
  onAccepted,
  onPeerBack,
  onRejected,
  peerOf,
  reachesQuorum,
  requireAboveBase,
  syncPeers,
} from "./replication.ts";
import type { State } from "./state.ts";
import { announceRole, becomeFollower, commitThrough, nextWrite } from "./term.ts";
import { failTransfer, tellTarget } from "./transfer.ts";

export function becomeLeader(state: State): void {
  const { term, log } = state;
  const kinds: readonly EntryKind[] = [
    ENTRY_BATCH,
    ENTRY_NO_OP,
    ENTRY_CONFIGURATION,
    ENTRY_COMMAND,
  ];
  state.role = "leader";
  state.leader = state.self;
  state.ballots = null;
  state.leading = {
    termStart: (log.last + 1) as LogIndex,
    peers: [],
    transfer: null,
    heads: kinds.map((kind): readonly EntryHead[] => [{ term, kind, configuration: null }]),
  };
  announceRole(state);
  append(state, ENTRY_NO_OP, "own");
  syncPeers(state, state.leading);
  announcePeers(state);
}

/** Why a proposal cannot be taken now. */
export type ProposeRefusal = "not-leader" | "transferring";

export function proposeRefusal(state: State): ProposeRefusal | null {
  if (state.leading === null) return "not-leader";
  return state.leading.transfer === null ? null : "transferring";
}

export function propose(state: State, kind: EntryKind): void {
  assert(proposeRefusal(state) === null, "the driver asked proposeRefusal first");
  assert(kind !== ENTRY_CONFIGURATION, "configurations are changed, not proposed");
  append(state, kind, "proposal");
  announcePeers(state);
}

function append(state: State, kind: EntryKind, from: "own" | "proposal"): void {
  const { leading, log } = state;
  assert(leading !== null, "only a leader appends entries of its own");
  const entries = leading.heads[kind] as readonly EntryHead[];
  const write = nextWrite(state);
  const first = (log.last + 1) as LogIndex;
  log.append(write, entries, 0);
  state.effects.push({ do: "append", write, first, entries, from, skip: 0 });
}

export function onAppendAccepted(
  state: State,
  from: ReplicaId,
  message: Extract<Message, { say: "append-accepted" }>,
): void {
  // Only a leader gives its term up on hearsay: a follower is loyal to another one by now (L5).
  if (state.leading === null) return;
  if (message.term > state.term) return becomeFollower(state, message.term, null, from);
  if (message.term < state.term) return;
  const peer = peerOf(state.leading, from);
  if (peer === null || !onAccepted(state, peer, message.match)) return;
  advanceCommit(state);
  tellTarget(state);
}

export function onAppendRejected(
  state: State,
  from: ReplicaId,
  message: Extract<Message, { say: "append-rejected" }>,
): void {
  if (state.leading === null) return;
  if (message.term > state.term) return becomeFollower(state, message.term, null, from);
  if (message.term < state.term) return;
  const peer = peerOf(state.leading, from);
  if (peer !== null)
    onRejected(state, peer, message.prevIndex, message.hintIndex, message.hintTerm);
}

/** Commits what a majority of each half holds durably, if the last of it is of this term (F1). */
export function advanceCommit(state: State): void {
  const { leading, log, faults } = state;
  if (leading === null) return;
  const own = faults.leaderCountsItselfBeforeSync ? log.last : log.durable;
  const index = decidedIndex(state.configurations.inForce, (voter) =>
    voter === state.self ? own : (peerOf(leading, voter)?.match ?? (0 as LogIndex)),
  );
  if (index <= state.commit) return;
  if (index < leading.termStart && !faults.commitOldTermByCount) return;
  commitThrough(state, index);
  afterCommit(state);
  announcePeers(state);
  tellTarget(state);
}

export function onPeerLost(state: State, id: ReplicaId): void {
  const { leading } = state;
  const peer = leading === null ? null : peerOf(leading, id);
  if (leading === null || peer === null) return;
  peer.reachable = false;
  if (!reachesQuorum(state, leading)) becomeFollower(state, state.term, null, null);
  else if (leading.transfer?.to === id) endTransfer(state);
}

export function onPeerReturned(state: State, id: ReplicaId): void {
  onPeerBack(state, id);
  const transfer = state.leading?.transfer;
  if (transfer?.to !== id) return;
  transfer.told = false; // It may have been lost with the old session.
  tellTarget(state);
}

/** The target did not campaign and will not: this leader goes on at once. */
export function onTransferRefused(state: State, from: ReplicaId, term: Term): void {
  if (term === state.term && state.leading?.transfer?.to === from) leadOn(state);
}

/**
 * The transfer did not happen. If the target may have been told, it may campaign at any later
 * moment, and voters follow it though they hear this leader: what they promised this leader is void
 * in this term, so it gives the term up (L5). Otherwise it leads on, and does what had to wait.
 */
export function endTransfer(state: State): void {
  const { leading, faults } = state;
  if (leading?.transfer?.mayCampaign === true && !faults.leadsOnAfterTransfer) return resign(state);
  leadOn(state);
}

function leadOn(state: State): void {
  failTransfer(state);
  afterCommit(state);
}

/** Gives the term up: it is never led again (L1). */
export function resign(state: State): void {
  if (state.leading !== null) becomeFollower(state, state.term, null, null);
}

/** Committed entries through `base` now live elsewhere (F10). */
export function checkpoint(state: State, base: LogBase): void {
  const { log, leading } = state;
  if (base.index <= log.base.index) return;
  assert(base.index <= state.commit, "only committed entries leave the log");
  log.checkpoint(base);
  state.configurations.checkpoint(base.index);
  if (leading === null) return;
  for (const peer of leading.peers) requireAboveBase(state, peer);
  advanceCommit(state);
}
