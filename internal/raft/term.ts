// Terms, roles and the hard state: the steps that every role shares.
import { assert } from "../base/assert.ts";
import type { LogIndex, ReplicaId, Term } from "../model/ids.ts";
import type { Message } from "./message.ts";
import type { State } from "./state.ts";

export function send(state: State, to: ReplicaId, message: Message): void {
  assertDurable(state, message);
  state.effects.push({ do: "send", to, message });
}

/** F1, checked where messages leave and not where they are made. */
function assertDurable(state: State, message: Message): void {
  switch (message.say) {
    case "vote-request":
      assert(state.durableWrite >= state.hardStateWrite, "own term and vote are durable");
      assert(
        message.term === state.term && state.vote === state.self,
        "a candidate asks for itself",
      );
      break;
    case "vote-response":
      if (!message.granted) break;
      assert(state.durableWrite >= state.hardStateWrite, "a granted vote is durable");
      assert(message.term === state.term, "a vote speaks of this term");
      break;
    case "append-accepted":
      assert(message.term === state.term, "an acknowledgement speaks of this term");
      assert(message.match <= state.matched, "only what agrees is acknowledged");
      if (state.faults.ackBeforeSync) break;
      assert(
        state.durableWrite >= state.hardStateWrite,
        "the term of an acknowledgement is durable",
      );
      assert(message.match <= state.log.durable, "what is acknowledged is durable");
      break;
    default:
      break;
  }
}

/** Says role, term and known leader if one of them changed since the last time. */
export function announceRole(state: State): void {
  const { role, term, leader } = state;
  if (role === state.saidRole && term === state.saidTerm && leader === state.saidLeader) return;
  state.saidRole = role;
  state.saidTerm = term;
  state.saidLeader = leader;
  state.effects.push({ do: "role", role, term, leader });
}

export function nextWrite(state: State): number {
  return ++state.written;
}

export function writeHardState(state: State, vote: ReplicaId | 0): void {
  state.vote = vote;
  state.hardStateWrite = nextWrite(state);
  state.effects.push({ do: "hard-state", write: state.hardStateWrite, term: state.term, vote });
}

/**
 * Moves the term forward and forgets what held only in the old one. The caller writes the hard
 * state.
 */
export function beginTerm(state: State, term: Term): void {
  assert(term > state.term, "terms grow");
  // Whoever led the term, or leads it by this replica's vote.
  const leader = state.matchedWith ?? state.vote;
  if (leader !== 0 && leader !== state.self) state.partings.leave(leader, state.term);
  state.term = term;
  state.vote = 0;
  state.gate.clear(); // F1: nothing promised in one term leaves in another.
  state.matched = 0 as LogIndex;
  state.matchedWith = null;
  state.acknowledged = -1;
  state.owed = -1;
}

/**
 * Becomes a follower in `term`, which is this one or a later one, in which it votes for `vote`.
 * `cause` is the replica that made it so: a leader that yields to its transfer target has not
 * failed to transfer.
 */
export function becomeFollower(
  state: State,
  term: Term,
  leader: ReplicaId | null,
  cause: ReplicaId | null,
  vote: ReplicaId | 0 = 0,
): void {
  const transfer = state.leading?.transfer ?? null;
  const later = term !== state.term;
  if (later) beginTerm(state, term);
  state.role = "follower";
  state.leader = leader;
  state.leading = null;
  state.ballots = null;
  announceRole(state); // F4: before anything of the new term is written.
  if (transfer !== null && transfer.to !== cause) {
    state.effects.push({ do: "transfer-failed", to: transfer.to });
  }
  if (later) writeHardState(state, vote);
}

/**
 * Tells a leader that was left that its term is over, once this one is durable: a candidate whose
 * disk hangs deposes nobody.
 */
export function tellLeft(state: State, leader: ReplicaId): void {
  if (state.faults.deposedNotTold || !state.partings.hasLeft(leader)) return;
  if (state.durableWrite < state.hardStateWrite) return; // Then it is told.
  const none = 0 as LogIndex;
  const place = { prevIndex: none, hintIndex: none, hintTerm: 0 as Term };
  send(state, leader, { say: "append-rejected", term: state.term, ...place });
}

/** Moves the commit index forward. */
export function commitThrough(state: State, index: LogIndex): void {
  assert(
    index > state.commit && index <= state.log.last,
    "the commit index moves forward within the log",
  );
  const before = state.commit;
  state.commit = index;
  state.effects.push({ do: "commit", index });
  const placed = state.configurations.index;
  if (placed > before && placed <= index) announceConfiguration(state);
}

/** Says which configuration is in force and whether it is committed. */
export function announceConfiguration(state: State): void {
  const { inForce, index } = state.configurations;
  state.effects.push({
    do: "configuration",
    configuration: inForce,
    committed: index <= state.commit,
  });
}
