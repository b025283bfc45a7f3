// Following: matching the leader's log, acknowledging what is durable, and moving the commit index.
//
// `matched` is how far this log is known to agree with that of the term's leader. It is what an
// acknowledgement may speak of (F1) and what bounds the commit index (F2); the mere end of the log
// is neither.
import { assert } from "../base/assert.ts";
import type { LogIndex, ReplicaId, Term } from "../model/ids.ts";
import type { EntryHead } from "./entry.ts";
import type { Message } from "./message.ts";
import { isMute } from "./recall.ts";
import type { State } from "./state.ts";
import {
  announceConfiguration,
  becomeFollower,
  commitThrough,
  nextWrite,
  send,
  tellLeft,
} from "./term.ts";

type Say<S extends Message["say"]> = Extract<Message, { readonly say: S }>;

/**
 * Takes `from` for the leader of `term`, as every message of a leader makes known. Refuses, and
 * says so to the sender, if the term is over.
 */
export function acceptLeader(state: State, from: ReplicaId, term: Term): boolean {
  if (term < state.term) {
    state.partings.leave(from, term);
    tellLeft(state, from);
    return false;
  }
  // L1: sent before it gave its term up, and overtaken by the word that it did.
  if (state.partings.isOver(from, term) && !state.faults.loyalToTheResigned) return false;
  if (term === state.term) {
    assert(state.role !== "leader", "a term has one leader");
    assert(state.matchedWith === null || state.matchedWith === from, "a term has one leader");
  }
  if (term > state.term || state.leader !== from) becomeFollower(state, term, from, from);
  state.matchedWith = from;
  return true;
}

export function onAppendRequest(
  state: State,
  from: ReplicaId,
  message: Say<"append-request">,
): void {
  if (!acceptLeader(state, from, message.term)) return;
  if (isMute(state)) return; // D1, D3: nothing is built on a log that lacks entries.
  const { prevIndex, entries } = message;
  if (!agrees(state, prevIndex, message.prevTerm)) {
    reject(state, from, prevIndex, message.prevTerm);
    return;
  }
  const matched = (prevIndex + entries.length) as LogIndex;
  extend(state, prevIndex, entries);
  if (matched > state.matched) state.matched = matched;
  const moved = followCommit(state, message.commit);
  // A request without entries that moved the commit index was sent to do just that, and expects no
  // answer.
  if (entries.length > 0 || !moved || state.matched > state.acknowledged) {
    state.owed = matched;
    acknowledge(state, false);
  }
}

/**
 * Whether this log holds the leader's previous entry. Whatever is committed agrees with every later
 * leader.
 */
function agrees(state: State, index: LogIndex, term: Term): boolean {
  const own = state.log.termAt(index);
  if (index <= state.commit) {
    assert(own === null || own === term, "committed entries agree with the leader");
    return true;
  }
  return own === term;
}

/** Appends what this log lacks, after dropping what contradicts it. */
function extend(state: State, prevIndex: LogIndex, entries: readonly EntryHead[]): void {
  const { log, faults } = state;
  let skip = 0;
  if (faults.truncateBelowCommit) {
    skip = Math.max(0, Math.min(log.base.index - prevIndex, entries.length));
  } else {
    while (skip < entries.length && holds(state, prevIndex + 1 + skip, entries[skip] as EntryHead))
      skip++;
    if (skip === entries.length) return;
  }
  const first = (prevIndex + 1 + skip) as LogIndex;
  if (first <= log.last) truncate(state, first);
  if (skip === entries.length) return;
  const write = nextWrite(state);
  log.append(write, entries, skip);
  const added = skip === 0 ? entries : entries.slice(skip);
  state.effects.push({ do: "append", write, first, entries: added, from: "request", skip });
  if (state.configurations.append(first, entries, skip)) announceConfiguration(state);
}

function holds(state: State, index: number, entry: EntryHead): boolean {
  if (index <= state.log.base.index) return true; // Committed, and no longer here.
  return state.log.termAt(index as LogIndex) === entry.term;
}

function truncate(state: State, from: LogIndex): void {
  if (!state.faults.truncateBelowCommit) {
    assert(from > state.commit, "committed entries are never truncated");
    assert(from > state.matched, "what agreed with this term's leader is never truncated");
  }
  const write = nextWrite(state);
  state.log.truncate(from);
  state.effects.push({ do: "truncate", write, from });
  if (state.configurations.truncate(from)) announceConfiguration(state);
}

function reject(state: State, from: ReplicaId, prevIndex: LogIndex, prevTerm: Term): void {
  const { log, commit, term } = state;
  // Skip every entry of a term that the leader's log cannot hold there.
  const hintIndex = log.lastOfTermAtMost(prevIndex, prevTerm);
  assert(hintIndex >= commit, "a log agrees with the leader as far as it is committed");
  const hintTerm = log.termAt(hintIndex);
  assert(hintTerm !== null, "the hint is in this log");
  send(state, from, { say: "append-rejected", term, prevIndex, hintIndex, hintTerm });
}

/** F2: never past what agrees with this term's leader. Says whether the commit index moved. */
function followCommit(state: State, commit: LogIndex): boolean {
  const limit = state.faults.commitMinLeaderCommitLastIndex ? state.log.last : state.matched;
  const index = commit < limit ? commit : limit;
  if (index <= state.commit) return false;
  commitThrough(state, index);
  return true;
}

/**
 * Sends the acknowledgement that is owed, or that `durable` news allows: cumulative, of durable
 * entries only, in the term in which they were received (F1).
 */
export function acknowledge(state: State, news: boolean): void {
  const { log, matchedWith } = state;
  if (matchedWith === null || state.role === "leader" || isMute(state)) return;
  if (state.hardStateWrite > state.durableWrite && !state.faults.ackBeforeSync) return;
  const durable = state.faults.ackBeforeSync ? log.last : log.durable;
  const match = durable < state.matched ? durable : state.matched;
  const answers = state.owed >= 0 && match >= state.owed;
  if (!answers && !(news && match > state.acknowledged)) return;
  if (answers) state.owed = -1;
  state.acknowledged = match;
  send(state, matchedWith, { say: "append-accepted", term: state.term, match });
}

export function onAssert(state: State, from: ReplicaId, message: Say<"assert">): void {
  if (!acceptLeader(state, from, message.term)) return;
  if (!isMute(state)) followCommit(state, message.commit);
}

export function onInstallBase(state: State, from: ReplicaId, message: Say<"install-base">): void {
  if (!acceptLeader(state, from, message.term)) return;
  if (isMute(state)) return;
  const { base } = message;
  if (base.index > state.commit) installBase(state, message);
  if (base.index > state.matched) state.matched = base.index;
  state.owed = base.index;
  acknowledge(state, false);
}

/** F10: the log begins after the base, and keeps what agrees with it. */
function installBase(state: State, { base, configuration }: Say<"install-base">): void {
  const { log, configurations } = state;
  if (base.index <= log.last && log.termAt(base.index) !== base.term) truncate(state, base.index);
  const before = configurations.inForce;
  const write = nextWrite(state);
  log.install(write, base);
  // Whatever of the old log is not above the base is superseded; a base is committed by definition.
  configurations.install(base.index, configuration);
  state.commit = base.index;
  state.effects.push({ do: "install-base", write, base, configuration });
  if (before !== configurations.inForce) announceConfiguration(state);
}

/** `from` led `term`, and does not any more: by its own word, or because it campaigns. */
export function onResigned(state: State, from: ReplicaId, term: Term): void {
  state.partings.resigned(from, term);
  if (state.leader === from && state.term <= term) onLeaderLost(state);
}

export function onLeaderLost(state: State): void {
  if (state.role === "leader" || state.leader === null) return;
  becomeFollower(state, state.term, null, null);
}
