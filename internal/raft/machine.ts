// One replica's Raft machine: events in, effects out. It has no clock, randomness, storage or
// network; the files of the roles hold the rules, and this one sends each event to its rule.
import { assert, unreachable } from "../base/assert.ts";
import type { LogIndex, ReplicaId, Term } from "../model/ids.ts";
import {
  campaign,
  countOwnVote,
  mayCampaign,
  onElectionTimeout,
  onPreVoteResponse,
  onVoteResponse,
} from "./candidate.ts";
import type { Configuration } from "./configuration.ts";
import type { Effect, Role } from "./effect.ts";
import type { LogBase } from "./entry.ts";
import type { Boot, Event, Outgoing, Standing } from "./event.ts";
import { NO_FAULTS } from "./faults.ts";
import type { RaftFaults } from "./faults.ts";
import {
  acceptLeader,
  acknowledge,
  onAppendRequest,
  onAssert,
  onInstallBase,
  onLeaderLost,
  onResigned,
} from "./follower.ts";
import {
  advanceCommit,
  checkpoint,
  endTransfer,
  onAppendAccepted,
  onAppendRejected,
  onPeerLost,
  onPeerReturned,
  onTransferRefused,
  propose,
  proposeRefusal,
  resign,
} from "./leader.ts";
import type { ProposeRefusal } from "./leader.ts";
import { change, changeRefusal, mustLeave } from "./membership.ts";
import type { ChangeRefusal, Target } from "./membership.ts";
import type { Message } from "./message.ts";
import {
  answer,
  ask,
  beginRecall,
  lacksWhatWasForgotten,
  onPeerGone,
  onPlaced,
  onRecallRequest,
  onRecallResponse,
  sayLost,
  unanswered,
} from "./recall.ts";
import { commitFor, onBaseCopied, outgoing, peerOf, sent } from "./replication.ts";
import { State } from "./state.ts";
import type { LogEnd } from "./state.ts";
import { announceConfiguration, becomeFollower, send, tellLeft } from "./term.ts";
import { transfer } from "./transfer.ts";
import { onPreVoteRequest, onVoteRequest } from "./voter.ts";

export interface MachineOptions {
  /** The most entries of one `outgoing`. */
  readonly appendEntriesMax?: number;
  /** The most entries sent to one peer beyond its match. */
  readonly inflightMax?: number;
  /** Planted bugs, for tests alone. */
  readonly faults?: RaftFaults;
}

const APPEND_ENTRIES_MAX = 256;
const INFLIGHT_MAX = 4096;

export class Machine {
  readonly #state: State;

  constructor(boot: Boot, options: MachineOptions = {}) {
    const appendEntriesMax = options.appendEntriesMax ?? APPEND_ENTRIES_MAX;
    const inflightMax = options.inflightMax ?? INFLIGHT_MAX;
    assert(appendEntriesMax > 0 && inflightMax > 0, "at least one entry may be sent");
    const limits = { appendEntriesMax, inflightMax };
    this.#state = new State(boot, limits, options.faults ?? NO_FAULTS);
  }

  /** Steps the machine; the returned array is valid until the next step. */
  step(event: Event): readonly Effect[] {
    this.#state.effects.length = 0;
    handle(this.#state, event);
    return this.#state.effects;
  }

  get self(): ReplicaId {
    return this.#state.self;
  }

  get role(): Role {
    return this.#state.role;
  }

  get term(): Term {
    return this.#state.term;
  }

  get vote(): ReplicaId | 0 {
    return this.#state.vote;
  }

  /** The leader of this term, while it is known and not silent. */
  get leader(): ReplicaId | null {
    return this.#state.leader;
  }

  get standing(): Standing {
    return this.#state.standing;
  }

  /** Every other voter has said how far it is, since this replica was recalling (D3). */
  get recalled(): boolean {
    return this.#state.recall?.isDone === true;
  }

  /** While it is recalling: the voters that have not answered. */
  get recallAwaits(): readonly ReplicaId[] {
    return this.standing === "recalling" ? unanswered(this.#state) : [];
  }

  /** After recalling: its log has reached the longest that it was told of, so nothing is forgotten any more. */
  get caughtUpWithRecall(): boolean {
    const { log } = this.#state;
    const end = { lastIndex: log.durable, lastTerm: log.termAt(log.durable) ?? log.base.term };
    return this.recalled && !this.lacksWhatWasForgotten(end);
  }

  /** Whether a log that ends so does not get its vote, because it may lack what this replica forgot (D3). */
  lacksWhatWasForgotten(end: LogEnd): boolean {
    return lacksWhatWasForgotten(this.#state, end);
  }

  get commit(): LogIndex {
    return this.#state.commit;
  }

  get lastIndex(): LogIndex {
    return this.#state.log.last;
  }

  get durableIndex(): LogIndex {
    return this.#state.log.durable;
  }

  get base(): LogBase {
    return this.#state.log.base;
  }

  /** The configuration in force: the newest in the log, committed or not. */
  get configuration(): Configuration {
    return this.#state.configurations.inForce;
  }

  /** The configuration at the log's base: committed, unlike the one in force (F9). */
  get baseConfiguration(): Configuration {
    const { log, configurations } = this.#state;
    return configurations.at(log.base.index);
  }

  get configurationCommitted(): boolean {
    return this.#state.configurations.index <= this.#state.commit;
  }

  /** The term of the entry at `index`; null below the base and after the end. */
  termAt(index: LogIndex): Term | null {
    return this.#state.log.termAt(index);
  }

  /** The index of this leader's no-op; 0 when it does not lead. */
  get termStart(): LogIndex {
    return this.#state.leading?.termStart ?? (0 as LogIndex);
  }

  /** Whether this leader's no-op is committed (F7). */
  get termStartCommitted(): boolean {
    const { leading, commit } = this.#state;
    return leading !== null && commit >= leading.termStart;
  }

  /**
   * How far a peer's durable log is known to agree with this leader's; its own durable index for
   * itself.
   */
  match(peer: ReplicaId): LogIndex {
    const { leading, self, log } = this.#state;
    if (leading === null) return 0 as LogIndex;
    if (peer === self) return log.durable;
    return peerOf(leading, peer)?.match ?? (0 as LogIndex);
  }

  isVoter(id: ReplicaId): boolean {
    return this.#state.configurations.isVoter(id);
  }

  /** A leader that has to hand over before its group can go on without it. */
  get mustLeave(): boolean {
    return mustLeave(this.#state);
  }

  isLearner(id: ReplicaId): boolean {
    return this.#state.configurations.isLearner(id);
  }

  /** The commit position that may be told to a peer now, in an assertion for example (F2). */
  commitFor(peer: ReplicaId): LogIndex {
    const { leading } = this.#state;
    const progress = leading === null ? null : peerOf(leading, peer);
    return progress === null ? (0 as LogIndex) : commitFor(this.#state, progress);
  }

  /** To whom leadership is being handed. */
  get transferTarget(): ReplicaId | null {
    return this.#state.leading?.transfer?.to ?? null;
  }

  /** Leaders that this replica left and that are not known to have heard of it (L5). */
  unheard(): IterableIterator<ReplicaId> {
    return this.#state.partings.unheard();
  }

  /** What to send to a peer now; null when nothing. */
  outgoing(to: ReplicaId): Outgoing | null {
    return outgoing(this.#state, to);
  }

  /**
   * The driver put the entries of the last `outgoing` up to `last`, and its commit position, into
   * the session towards `to`. `last` is one below the first entry when it sent none.
   */
  sent(to: ReplicaId, last: LogIndex, commit: LogIndex): void {
    sent(this.#state, to, last, commit);
  }

  /** Why a proposal would be refused; a proposal is stepped only when this is null. */
  proposeRefusal(): ProposeRefusal | null {
    return proposeRefusal(this.#state);
  }

  /** Why a change would be refused; a change is stepped only when this is null. */
  changeRefusal(target: Target): ChangeRefusal | null {
    return changeRefusal(this.#state, target);
  }
}

function handle(state: State, event: Event): void {
  switch (event.on) {
    case "message":
      receive(state, event.from, event.message);
      return state.partings.said(event.from, event.message.term);
    case "durable":
      return onDurable(state, event.write);
    case "election-timeout":
      return onElectionTimeout(state);
    case "leader-lost":
      return onLeaderLost(state);
    case "resigned":
      return onResigned(state, event.peer, event.term);
    case "remind":
      return tellLeft(state, event.peer);
    case "resign":
      return resign(state);
    case "peer-lost":
      return onPeerLost(state, event.peer);
    case "peer-back":
      ask(state, event.peer);
      if (state.standing === "suspect") answer(state, event.peer, 0);
      return onPeerReturned(state, event.peer);
    case "peer-gone":
      return onPeerGone(state, event.peer);
    case "propose":
      return propose(state, event.kind);
    case "change":
      return change(state, event.target);
    case "transfer":
      return transfer(state, event.to);
    case "transfer-timeout":
      return endTransfer(state);
    case "standing":
      return onStanding(state, event.standing);
    case "placed":
      return onPlaced(state, event.others);
    case "configuration-restored":
      return onConfigurationRestored(state, event.index, event.configuration);
    case "checkpoint":
      return checkpoint(state, event.base);
    case "base-copied":
      return onBaseCopied(state, event.peer, event.base);
    default:
      return unreachable(event);
  }
}

function receive(state: State, from: ReplicaId, message: Message): void {
  // Whoever speaks may be a voter of a configuration that this log has lost.
  if (message.say !== "recall-response") ask(state, from);
  switch (message.say) {
    case "append-request":
      return onAppendRequest(state, from, message);
    case "append-accepted":
      return onAppendAccepted(state, from, message);
    case "append-rejected":
      return onAppendRejected(state, from, message);
    case "pre-vote-request":
      return onPreVoteRequest(state, from, message);
    case "vote-request":
      return onVoteRequest(state, from, message);
    case "pre-vote-response":
      return onPreVoteResponse(state, from, message);
    case "vote-response":
      return onVoteResponse(state, from, message);
    case "assert":
      return onAssert(state, from, message);
    case "timeout-now":
      return onTimeoutNow(state, from, message.term);
    case "transfer-refused":
      return onTransferRefused(state, from, message.term);
    case "recall-request":
      return onRecallRequest(state, from, message.round);
    case "recall-response":
      return onRecallResponse(state, from, message);
    case "install-base":
      return onInstallBase(state, from, message);
    default:
      return unreachable(message);
  }
}

function onDurable(state: State, write: number): void {
  assert(write <= state.written, "only what was written becomes durable");
  if (write <= state.durableWrite) return;
  const before = state.durableWrite;
  state.durableWrite = write;
  state.log.settle(write);
  state.gate.release(write, (to, message) => {
    // A candidate that gave up its campaign need not ask for votes any more.
    if (message.say !== "vote-request" || state.role === "candidate") send(state, to, message);
  });
  // Terms begin with a write of the hard state, so each is told once by this.
  if (before < state.hardStateWrite)
    for (const leader of state.partings.unheard()) tellLeft(state, leader);
  countOwnVote(state);
  acknowledge(state, true);
  advanceCommit(state);
}

/** The leader hands over: campaign at once, without asking whether anybody would vote. */
function onTimeoutNow(state: State, from: ReplicaId, term: Term): void {
  if (!acceptLeader(state, from, term)) return;
  if (mayCampaign(state)) campaign(state, true);
  else send(state, from, { say: "transfer-refused", term });
}

function onConfigurationRestored(
  state: State,
  index: LogIndex,
  configuration: Configuration,
): void {
  if (state.log.termAt(index) === null || state.configurations.knows(index)) return;
  assert(state.role === "follower", "who knows not all configurations does not lead");
  if (state.configurations.restore(index, configuration)) announceConfiguration(state);
}

function onStanding(state: State, standing: Standing): void {
  assert(state.standing !== "gone", "who left its broker takes part in nothing any more (F5)");
  state.standing = standing;
  if (standing === "full") return;
  if (standing === "recalling") beginRecall(state);
  if (standing === "suspect") sayLost(state);
  state.gate.clear();
  if (state.role !== "follower") becomeFollower(state, state.term, null, null);
}
