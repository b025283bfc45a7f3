// One replica under observation: every step of its machine passes by here, with what it asked for, before any of it is
// carried out.
import type {
  DirectoryId,
  GroupId,
  LogIndex,
  ReplicaId,
  Term,
} from "../../../internal/model/ids.ts";
import type { Effect } from "../../../internal/raft/effect.ts";
import type { Event } from "../../../internal/raft/event.ts";
import type { Message } from "../../../internal/raft/message.ts";
import type { Replica } from "../../../internal/replica/replica.ts";
import type { Loyalty } from "../../property/raft-loyalty.ts";
import type { Book } from "../checkers/book.ts";
import type { CommittedLog } from "../checkers/committed-log.ts";
import type { Promiser } from "../checkers/durability-order.ts";

/** What happened that a fault may wait for. */
export type Moment =
  | "leader elected"
  | "vote granted"
  /** By its leader, with a timeout-now. */
  | "asked to take over"
  /** It voted for somebody while it had a leader. */
  | "leader left"
  /** It hears a leader, and somebody else wants to lead. */
  | "campaign refused"
  | "entries committed"
  | "term or vote written"
  | "configuration appended"
  | "log truncated";

/** What this replica and its leader owe each other (L1, L5). */
export interface LoyaltyEvents {
  /** A leader committed something in its term. */
  committed(group: GroupId, term: Term): void;
  votes(group: GroupId, voter: ReplicaId, to: ReplicaId, term: Term): void;
  /** Somebody hears that `leader` does not lead `term` any more. */
  resigned(group: GroupId, leader: ReplicaId, term: Term): void;
  loyaltyOf(group: GroupId): Loyalty;
}

export interface ReplicaEvents {
  moment(of: WatchedReplica, moment: Moment): void;
  readonly leases: LoyaltyEvents;
  /** Something was committed: `settle` is due at the end of the event at the latest. */
  stepped(of: WatchedReplica): void;
}

export class WatchedReplica implements Promiser {
  readonly who: string;
  readonly node: string;
  readonly group: GroupId;
  readonly directory: DirectoryId;
  readonly real: Replica;
  readonly #book: Book;
  readonly #log: CommittedLog;
  readonly #events: ReplicaEvents;
  readonly #loyalty: Loyalty;
  /** The write that holds the machine's term. */
  #termWrite = 0;
  #durableWrite = 0;
  /** Terms of the log as the machine's steps made it; `#terms[k]` is that of index `#base + 1 + k`. */
  #terms: Term[] = [];
  #base: number;
  /** Up to here its commits were held against the committed log. */
  #settled: LogIndex;

  constructor(
    where: { readonly who: string; readonly node: string; readonly directory: DirectoryId },
    real: Replica,
    book: Book,
    events: ReplicaEvents,
  ) {
    this.who = where.who;
    this.node = where.node;
    this.directory = where.directory;
    this.group = real.group;
    this.real = real;
    this.#book = book;
    this.#log = book.log(real.group);
    this.#events = events;
    this.#loyalty = events.leases.loyaltyOf(real.group);
    this.#loyalty.restarted({ id: real.self, machine: real.machine });
    const { machine } = real;
    this.#base = machine.base.index;
    for (let at = this.#base + 1; at <= machine.lastIndex; at++) {
      this.#terms.push(machine.termAt(at as LogIndex) as Term);
    }
    this.#settled = machine.commit;
    const step = machine.step.bind(machine);
    machine.step = (event) => {
      const { commit } = machine;
      const effects = step(event);
      this.#stepped(event, commit, effects);
      return effects;
    };
  }

  get replica(): ReplicaId {
    return this.real.self;
  }

  get last(): LogIndex {
    return (this.#base + this.#terms.length) as LogIndex;
  }

  readonly termAt = (index: LogIndex): Term | null =>
    index === this.#base
      ? this.real.machine.base.term
      : (this.#terms[index - this.#base - 1] ?? null);

  #stepped(event: Event, commitBefore: LogIndex, effects: readonly Effect[]): void {
    if (event.on === "message" && event.message.say === "append-accepted") this.#hears(event);
    if (event.on === "message") this.#tells(event.message);
    if (event.on === "resigned") this.#events.leases.resigned(this.group, event.peer, event.term);
    for (const effect of effects) this.#effect(effect, commitBefore);
    if (event.on === "durable") this.#durableWrite = Math.max(this.#durableWrite, event.write);
    const isDurable = this.#durableWrite >= this.#termWrite;
    this.#loyalty.stepped({ id: this.replica, machine: this.real.machine }, event, isDurable);
    if (effects.length > 0) this.#events.stepped(this);
  }

  #tells(message: Message): void {
    if (message.say === "timeout-now") this.#events.moment(this, "asked to take over");
    if (message.say === "vote-request" && message.transfer) {
      this.#events.moment(this, "leader left");
    }
    if (message.say === "pre-vote-request" && this.real.machine.leader !== null) {
      this.#events.moment(this, "campaign refused");
    }
  }

  /** A leader is told what a follower holds. */
  #hears(event: Extract<Event, { on: "message" }>): void {
    const { message, from } = event;
    const { machine } = this.real;
    if (message.say !== "append-accepted") return;
    if (machine.role !== "leader" || machine.term !== message.term) return;
    const directory = this.real.member(from)?.directory;
    if (directory === undefined) return;
    const promiser = { who: `replica ${from}`, group: this.group, replica: from, directory };
    const term = this.termAt(message.match);
    this.#book.durability.accepts(this.who, promiser, message.match, term);
  }

  #effect(effect: Effect, commitBefore: LogIndex): void {
    switch (effect.do) {
      case "append": {
        const keep = effect.first - this.#base - 1;
        this.#terms.length = Math.min(this.#terms.length, keep);
        for (const { term } of effect.entries) this.#terms.push(term);
        const isChange = effect.entries.some(({ configuration }) => configuration !== null);
        if (isChange) this.#events.moment(this, "configuration appended");
        return;
      }
      case "truncate":
        return this.#truncated(effect.from, commitBefore);
      case "install-base":
        this.#base = effect.base.index;
        this.#terms = [];
        for (let at = this.#base + 1; at <= this.real.machine.lastIndex; at++) {
          this.#terms.push(this.real.machine.termAt(at as LogIndex) as Term);
        }
        this.#settled = effect.base.index;
        return;
      case "hard-state":
        this.#termWrite = effect.write;
        return this.#events.moment(this, "term or vote written");
      case "role":
        if (effect.role === "leader") this.#elected(effect.term);
        return;
      case "send":
        this.#sent(effect.to, effect.message);
        this.#book.durability.sends(this, effect.message, effect.to, this.termAt);
        return;
      case "commit":
        return this.#committed(effect.index);
      default:
        return;
    }
  }

  #sent(to: ReplicaId, message: Message): void {
    this.#loyalty.sent({ id: this.replica, machine: this.real.machine }, to, message);
    if (message.say !== "vote-response" || !message.granted) return;
    this.#events.leases.votes(this.group, this.replica, to, message.term);
    this.#events.moment(this, "vote granted");
  }

  #truncated(from: LogIndex, commitBefore: LogIndex): void {
    const term = this.termAt(from);
    if (from <= commitBefore || (term !== null && this.#log.holds(from, term))) {
      const detail =
        `${this.who} group ${this.group} truncates from index ${from} of term ${term}; ` +
        `its commit index is ${commitBefore}`;
      this.#book.verdict.report("nothing below the commit index is truncated", detail);
    }
    this.#terms.length = Math.min(this.#terms.length, from - this.#base - 1);
    this.#events.moment(this, "log truncated");
  }

  #elected(term: Term): void {
    this.#book.leaders.elected(this.group, term, this.who);
    this.#log.leads(this.who, term, this.termAt);
    this.#events.moment(this, "leader elected");
  }

  #committed(index: LogIndex): void {
    const { machine } = this.real;
    this.#events.moment(this, "entries committed");
    if (machine.role !== "leader") return;
    const term = this.termAt(index);
    if (term !== machine.term) {
      const detail = `${this.who} leads group ${this.group} in term ${machine.term} and commits through index ${index} of term ${term}`;
      this.#book.verdict.report("leaders commit entries of their own term", detail);
    }
    if (term === null) return;
    const directoryOf = (voter: ReplicaId): DirectoryId | null =>
      this.real.member(voter)?.directory ?? null;
    this.#book.durability.commits(this, machine.configuration, directoryOf, index, term);
    this.#log.leaderCommitted(machine.term, index);
    this.#events.leases.committed(this.group, machine.term);
  }

  /** Holds newly committed entries against the one log. After their effects were carried out. */
  settle(): void {
    const { machine, entries } = this.real;
    const { commit } = machine;
    for (let at = this.#settled + 1; at <= commit; at++) {
      const index = at as LogIndex;
      const term = this.termAt(index);
      if (term === null || !entries.has(index)) break;
      this.#log.committed(this.who, index, {
        term,
        kind: entries.kind(index),
        checksum: entries.checksum(index),
        baseOffset: entries.baseOffset(index),
        recordCount: entries.recordCount(index),
      });
      this.#settled = index;
    }
  }
}
