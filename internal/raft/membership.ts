// Changing who is in a group (F9). A change of voters goes through a joint configuration, which the
// leader leaves by itself once it is committed; a change of learners alone is one entry. A
// configuration takes effect when it is appended.
import { assert } from "../base/assert.ts";
import type { LogIndex, ReplicaId } from "../model/ids.ts";
import type { Configuration } from "./configuration.ts";
import { ENTRY_CONFIGURATION } from "./entry.ts";
import type { EntryHead } from "./entry.ts";
import { VOTERS_MAX, isQuorum } from "./quorum.ts";
import { announcePeers, peerOf, syncPeers } from "./replication.ts";
import type { State } from "./state.ts";
import { announceConfiguration, nextWrite } from "./term.ts";

/** The most learners of a configuration. */
const LEARNERS_MAX = 15;

export type Target = Omit<Configuration, "votersOutgoing">;

export type ChangeRefusal =
  | "not-leader"
  | "transferring"
  /** No entry of this leader's term is committed yet. */
  | "term-not-committed"
  /** The last change is not committed, or its joint phase not over. */
  | "change-in-progress"
  /** The target is not newer than the configuration in force (C4). */
  | "stale-revision"
  /** No voters, too many members, not sorted, repeated, both voter and learner, or a voter made a learner. */
  | "malformed"
  /** A new voter is not a learner yet, or lags. */
  | "not-caught-up"
  /** The target's voters that can be reached are no majority. */
  | "unreachable";

export function changeRefusal(state: State, target: Target): ChangeRefusal | null {
  const { leading, configurations, commit } = state;
  if (leading === null) return "not-leader";
  if (leading.transfer !== null) return "transferring";
  if (commit < leading.termStart) return "term-not-committed";
  const { inForce } = configurations;
  if (configurations.index > commit || inForce.votersOutgoing.length > 0)
    return "change-in-progress";
  if (!isWellFormed(target) || demotes(target, inForce)) return "malformed";
  if (target.revision <= inForce.revision) return "stale-revision";
  for (const voter of target.voters) {
    if (!configurations.isVoter(voter) && !isCaughtUp(state, voter)) return "not-caught-up";
  }
  const canReach = (voter: ReplicaId): boolean =>
    voter === state.self || peerOf(leading, voter)?.reachable === true;
  return isQuorum({ ...target, votersOutgoing: [] }, canReach) ? null : "unreachable";
}

/**
 * A learner may vote when one request brings it up to date and it has matched this leader's term.
 */
function isCaughtUp(state: State, id: ReplicaId): boolean {
  const { leading, log, limits } = state;
  const peer = leading === null ? null : peerOf(leading, id);
  if (leading === null || peer === null) return false;
  return peer.match >= leading.termStart && log.last - peer.match <= limits.appendEntriesMax;
}

function isWellFormed({ voters, learners, revision }: Target): boolean {
  return (
    voters.length > 0 &&
    voters.length <= VOTERS_MAX &&
    learners.length <= LEARNERS_MAX &&
    ascends(voters) &&
    ascends(learners) &&
    !learners.some((learner) => voters.includes(learner)) &&
    Number.isSafeInteger(revision)
  );
}

/** Who votes no more would get entries of a configuration that others decide on, and could win by them. */
function demotes({ voters, learners }: Target, { voters: before }: Configuration): boolean {
  return learners.some((id) => before.includes(id) && !voters.includes(id));
}

function ascends(ids: readonly ReplicaId[]): boolean {
  return ids.every((id, at) => id > (at === 0 ? 0 : (ids[at - 1] as ReplicaId)));
}

export function change(state: State, target: Target): void {
  assert(changeRefusal(state, target) === null, "the driver asked changeRefusal first");
  const { voters, learners, revision } = target;
  const current = state.configurations.inForce.voters;
  const sameVoters =
    voters.length === current.length && voters.every((id, at) => id === current[at]);
  const votersOutgoing = sameVoters ? [] : current;
  appendConfiguration(state, { voters, votersOutgoing, learners, revision });
}

/**
 * Once the joint configuration is committed the leader ends it, unless the new one leaves it out:
 * then somebody who stays has to take over first, and ends it. So a leader is a voter of the newest
 * configuration of its log, and whoever recalls asks it (D3).
 */
export function afterCommit(state: State): void {
  const { leading, configurations, commit } = state;
  if (leading === null || configurations.index > commit || commit < leading.termStart) return;
  const { inForce } = configurations;
  if (inForce.votersOutgoing.length === 0 || leading.transfer !== null) return;
  if (!mustLeave(state) || state.faults.removesItself)
    appendConfiguration(state, { ...inForce, votersOutgoing: [] });
}

/** A leader without which its group goes on. */
export function mustLeave({ leading, configurations, commit, self }: State): boolean {
  if (leading === null || configurations.index > commit) return false;
  return !configurations.inForce.voters.includes(self);
}

function appendConfiguration(state: State, configuration: Configuration): void {
  const { leading, log } = state;
  assert(leading !== null, "only a leader changes the configuration");
  assert(leading.transfer === null, "no change during a transfer");
  const entries: readonly EntryHead[] = [
    { term: state.term, kind: ENTRY_CONFIGURATION, configuration },
  ];
  const first = (log.last + 1) as LogIndex;
  const write = nextWrite(state);
  log.append(write, entries, 0);
  state.effects.push({ do: "append", write, first, entries, from: "own", skip: 0 });
  state.configurations.append(first, entries, 0);
  announceConfiguration(state);
  syncPeers(state, leading);
  announcePeers(state);
}
