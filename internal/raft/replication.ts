// A leader's sending side: what each peer should get next, what its answers mean, and who can be
// reached.
//
// The driver pulls: a "ready" effect says that `outgoing` has something, and `sent` what of it went
// out.
import { assert } from "../base/assert.ts";
import type { LogIndex, ReplicaId, Term } from "../model/ids.ts";
import type { LogBase } from "./entry.ts";
import type { Outgoing } from "./event.ts";
import type { Message } from "./message.ts";
import { accept, newProgress, restart } from "./progress.ts";
import type { Progress } from "./progress.ts";
import { isQuorum } from "./quorum.ts";
import type { Leadership, State } from "./state.ts";
import { send } from "./term.ts";

export function peerOf(leading: Leadership, id: ReplicaId): Progress | null {
  const { peers } = leading;
  for (let i = 0; i < peers.length; i++)
    if ((peers[i] as Progress).id === id) return peers[i] as Progress;
  return null;
}

/**
 * Makes the peers those of the configuration in force: progress is kept, newcomers are probed at
 * the log's end.
 */
export function syncPeers(state: State, leading: Leadership): void {
  const { voters, votersOutgoing, learners } = state.configurations.inForce;
  const members = new Set<ReplicaId>([...voters, ...votersOutgoing, ...learners]);
  members.delete(state.self);
  const { peers } = leading;
  for (let i = peers.length - 1; i >= 0; i--) {
    if (!members.delete((peers[i] as Progress).id)) peers.splice(i, 1);
  }
  for (const id of members) peers.push(newProgress(id, state.log.last));
}

/** Says which peers have something to get, after the log or the commit index grew. */
export function announcePeers(state: State): void {
  const { leading } = state;
  if (leading === null) return;
  const { peers } = leading;
  for (let i = 0; i < peers.length; i++) announcePeer(state, peers[i] as Progress);
}

function announcePeer(state: State, peer: Progress): void {
  if (peer.announced) return;
  if (!hasEntries(state, peer) && !hasCommit(state, peer)) return;
  peer.announced = true;
  state.effects.push({ do: "ready", to: peer.id });
}

function hasEntries(state: State, peer: Progress): boolean {
  if (peer.mode === "base") return false;
  // A probe may be empty: it asks where the logs agree.
  if (peer.mode === "probe") return !peer.probing;
  return peer.next <= state.log.last && peer.next - 1 - peer.match < state.limits.inflightMax;
}

/** A commit position of earlier terms is no news worth a message: that of this term comes soon. */
function hasCommit(state: State, peer: Progress): boolean {
  if (peer.mode !== "replicate" || state.commit < (state.leading?.termStart ?? Infinity))
    return false;
  return commitFor(state, peer) > peer.commitSent;
}

/** F2: what a peer is told never passes what it acknowledged in this term. */
export function commitFor(state: State, peer: Progress): LogIndex {
  if (state.faults.commitMinLeaderCommitLastIndex) return state.commit;
  return state.commit < peer.match ? state.commit : peer.match;
}

export function outgoing(state: State, to: ReplicaId): Outgoing | null {
  const peer = state.leading === null ? null : peerOf(state.leading, to);
  if (peer === null) return null;
  const { log, limits } = state;
  const entries = hasEntries(state, peer);
  if (!entries && !hasCommit(state, peer)) {
    peer.announced = false;
    return null;
  }
  const prevIndex = (peer.next - 1) as LogIndex;
  const prevTerm = log.termAt(prevIndex);
  assert(prevTerm !== null, "what is sent follows an entry of this log");
  let last = prevIndex as number;
  if (entries) {
    last = Math.min(log.last, prevIndex + limits.appendEntriesMax);
    if (peer.mode === "replicate") last = Math.min(last, peer.match + limits.inflightMax);
  }
  return {
    term: state.term,
    prevIndex,
    prevTerm,
    first: peer.next,
    last: last as LogIndex,
    commit: commitFor(state, peer),
  };
}

export function sent(state: State, to: ReplicaId, last: LogIndex, commit: LogIndex): void {
  const peer = state.leading === null ? null : peerOf(state.leading, to);
  assert(peer !== null, "a leader sends to its peers");
  assert(last >= peer.next - 1 && last <= state.log.last, "what was sent is of this log");
  if (commit > peer.commitSent) peer.commitSent = commit;
  if (peer.mode === "probe") peer.probing = true;
  else if (last >= peer.next) peer.next = (last + 1) as LogIndex;
}

/** Notes an acknowledgement; says whether it was news that may commit something. */
export function onAccepted(state: State, peer: Progress, match: LogIndex): boolean {
  assert(match <= state.log.last, "a follower acknowledges only what its leader has");
  const news = accept(peer, match, state.log.base.index);
  // The answer to a probe may be below a base that has moved since.
  requireAboveBase(state, peer);
  announcePeer(state, peer);
  return news;
}

/**
 * The logs do not agree at `prevIndex`: probe lower, skipping whole terms in which they cannot
 * agree.
 */
export function onRejected(
  state: State,
  peer: Progress,
  prevIndex: LogIndex,
  hintIndex: LogIndex,
  hintTerm: Term,
): void {
  const stale =
    prevIndex <= peer.match ||
    peer.mode === "base" ||
    (peer.mode === "probe" ? prevIndex !== peer.next - 1 : prevIndex >= peer.next);
  if (stale) return;
  const agreed = Math.min(state.log.lastOfTermAtMost(hintIndex, hintTerm), prevIndex - 1);
  peer.mode = "probe";
  peer.probing = false;
  peer.next = (Math.max(agreed, peer.match) + 1) as LogIndex;
  requireAboveBase(state, peer);
  announcePeer(state, peer);
}

/** F10: what lies at or below the base cannot be sent as entries. */
export function requireAboveBase(state: State, peer: Progress): void {
  if (peer.mode === "base" || peer.next > state.log.base.index) return;
  peer.mode = "base";
  state.effects.push({ do: "need-base", to: peer.id });
}

export function onPeerBack(state: State, id: ReplicaId): void {
  const peer = state.leading === null ? null : peerOf(state.leading, id);
  if (peer === null) return;
  peer.reachable = true;
  restart(peer);
  requireAboveBase(state, peer);
  announcePeer(state, peer);
}

/** The peer's disk may have lost what it acknowledged (D3): it counts for nothing until it says so again. */
export function forgetPeer(state: State, id: ReplicaId): void {
  const peer = state.leading === null ? null : peerOf(state.leading, id);
  if (peer === null) return;
  peer.match = 0 as LogIndex;
  if (peer.mode === "base") return;
  restart(peer);
  announcePeer(state, peer);
}

export function onBaseCopied(state: State, id: ReplicaId, base: LogBase): void {
  const peer = state.leading === null ? null : peerOf(state.leading, id);
  if (peer === null || peer.mode !== "base") return;
  if (base.index < state.log.base.index) {
    // The log began to start even later while the copy ran: copy the rest.
    state.effects.push({ do: "need-base", to: id });
    return;
  }
  assert(base.index <= state.commit, "a base is committed");
  assert(state.log.termAt(base.index) === base.term, "a base is an entry of this log");
  const message: Message = {
    say: "install-base",
    term: state.term,
    base,
    configuration: state.configurations.at(base.index),
  };
  send(state, id, message);
  // The answer to it is that of a probe.
  peer.mode = "probe";
  peer.probing = true;
  peer.next = (base.index + 1) as LogIndex;
}

/** Check-quorum: whether the voters that can be reached, this replica included, can decide. */
export function reachesQuorum(state: State, leading: Leadership): boolean {
  return isQuorum(
    state.configurations.inForce,
    (voter) => voter === state.self || peerOf(leading, voter)?.reachable === true,
  );
}
