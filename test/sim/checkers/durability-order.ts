// A vote, an acknowledgement or a commit never outruns its sync (F1, N8), judged by what the disks hold and
// not by what the brokers believe. And a recovery brings back every promise (N8, J7).
import type {
  DirectoryId,
  GroupId,
  LogIndex,
  ReplicaId,
  Term,
} from "../../../internal/model/ids.ts";
import type { Configuration } from "../../../internal/raft/configuration.ts";
import type { Message } from "../../../internal/raft/message.ts";
import { DurableLog } from "./durable-log.ts";
import type { FoundGroup } from "./durable-log.ts";
import type { Verdict } from "./verdict.ts";

/** A replica as far as promises go. */
export interface Promiser {
  readonly who: string;
  readonly group: GroupId;
  readonly replica: ReplicaId;
  readonly directory: DirectoryId;
}

/** What a broker found when it opened its directory. */
export interface RecoveredReplica extends FoundGroup {
  /** It makes no promises before others have told it what it may have forgotten, or never again (D1, D3). */
  readonly isDoubted: boolean;
}

export class DurabilityOrder {
  readonly #verdict: Verdict;
  readonly #logs = new Map<DirectoryId, DurableLog>();

  constructor(verdict: Verdict) {
    this.#verdict = verdict;
  }

  log(directory: DirectoryId): DurableLog {
    let log = this.#logs.get(directory);
    if (log !== undefined) return log;
    log = new DurableLog((group, replica) => {
      const detail = `replica ${replica} of group ${group}, in directory ${directory}`;
      this.#verdict.report("replicas are made once", detail);
    });
    this.#logs.set(directory, log);
    return log;
  }

  /** A message leaves a replica now. `termAt` speaks of its own log. */
  sends(
    from: Promiser,
    message: Message,
    to: ReplicaId,
    termAt: (index: LogIndex) => Term | null,
  ): void {
    const held = this.log(from.directory).group(from.group);
    switch (message.say) {
      case "vote-request":
        if (held?.term !== message.term || held.vote !== from.replica) {
          this.#outran(from, `asks for votes in term ${message.term}`, held);
        }
        return;
      case "vote-response":
        if (!message.granted) return;
        if (held?.term !== message.term || held.vote !== to) {
          this.#outran(from, `votes for ${to} in term ${message.term}`, held);
        }
        return;
      case "append-accepted":
        if (held?.term !== message.term || held.termAt(message.match) !== termAt(message.match)) {
          this.#outran(from, `accepts up to ${message.match} in term ${message.term}`, held);
        }
        return;
      default:
        return;
    }
  }

  /** A directory writes a batch: its number says in every later start which write it was (D3). */
  issues(who: string, directory: DirectoryId, start: number, ticket: number): void {
    if (this.log(directory).issued(start, ticket)) return;
    this.#verdict.report("tickets are used once per directory", `${who}: ${start}/${ticket}`);
  }

  /** A leader takes an acknowledgement: the acknowledged entry of its log must have been durable there. */
  accepts(leader: string, from: Promiser, match: LogIndex, term: Term | null): void {
    if (match === 0 || term === null) return;
    if (this.log(from.directory).everHeld(from.group, match, term)) return;
    const held = this.log(from.directory).group(from.group);
    this.#outran(from, `was heard by ${leader} to hold index ${match} of term ${term}`, held);
  }

  /** A leader commits through an entry of `term`: a majority of each half must hold it durably. */
  commits(
    leader: Promiser,
    configuration: Configuration,
    directoryOf: (replica: ReplicaId) => DirectoryId | null,
    index: LogIndex,
    term: Term,
  ): void {
    const { voters, votersOutgoing } = configuration;
    for (const half of [voters, votersOutgoing]) {
      if (half.length === 0) continue;
      const holders = half.filter((voter) => {
        const directory = directoryOf(voter);
        return directory !== null && this.log(directory).everHeld(leader.group, index, term);
      });
      if (holders.length * 2 > half.length) continue;
      const detail =
        `${leader.who} commits group ${leader.group} index ${index} of term ${term}, ` +
        `durable at [${holders.join(", ")}] of [${half.join(", ")}]`;
      this.#verdict.report("commits are durable on a majority", detail);
    }
  }

  /**
   * A broker opened its directory. `survived` says whether the platter holds the write that a crash interrupted;
   * null when there was none. `mayLack`: the disk has put a write elsewhere, so whoever is doubted may lack anything.
   */
  recovered(
    who: string,
    directory: DirectoryId,
    durableTicket: number,
    replicas: readonly RecoveredReplica[],
    survived: boolean | null,
    mayLack: boolean,
  ): void {
    const log = this.log(directory);
    if (mayLack) return this.#recoveredPart(who, log, durableTicket, replicas);
    const claims = log.doubtfulTicket > 0 && durableTicket >= log.doubtfulTicket;
    if (claims && survived === false) {
      this.#lost(who, `batch ${durableTicket} is vouched for and may be lost with the power`);
    }
    log.settle(claims);
    if (durableTicket < log.durableTicket) {
      this.#lost(who, `the journal ends at batch ${durableTicket}, not ${log.durableTicket}`);
    }
    const found = new Map(replicas.map((replica) => [replica.group, replica]));
    for (const [group, held] of log.groups) {
      const replica = found.get(group);
      if (replica === undefined) this.#lost(who, `group ${group} is gone`);
      else this.#compare(who, replica, held);
    }
    for (const group of found.keys()) {
      if (!log.groups.has(group)) this.#lost(who, `group ${group} was not durable`);
    }
  }

  #recoveredPart(
    who: string,
    log: DurableLog,
    durableTicket: number,
    replicas: readonly RecoveredReplica[],
  ): void {
    log.settle(log.doubtfulTicket > 0 && durableTicket >= log.doubtfulTicket);
    log.durableTicket = durableTicket;
    const found = new Map(replicas.map((replica) => [replica.group, replica]));
    for (const [group, held] of log.groups) {
      const replica = found.get(group);
      if (replica === undefined) log.groups.delete(group);
      else if (!replica.isDoubted) this.#compare(who, replica, held);
    }
    for (const replica of replicas) if (replica.isDoubted) log.adopt(replica);
  }

  #compare(
    who: string,
    found: RecoveredReplica,
    held: NonNullable<ReturnType<DurableLog["group"]>>,
  ) {
    const state = `group ${found.group} has term ${found.term}, vote ${found.vote}, last ${found.last}`;
    if (
      found.replica !== held.replica ||
      found.term !== held.term ||
      found.vote !== held.vote ||
      found.last !== held.last
    ) {
      const { term, vote, last } = held;
      return this.#lost(who, `${state}; durable were term ${term}, vote ${vote}, last ${last}`);
    }
    for (let at = Math.max(found.base, held.base) + 1; at <= held.last; at++) {
      const index = at as LogIndex;
      if (found.termAt(index) === held.termAt(index) && found.sumAt(index) === held.sumAt(index)) {
        continue;
      }
      return this.#lost(who, `${state}; another entry at index ${index}`);
    }
  }

  #lost(who: string, what: string): void {
    this.#verdict.report("recovery brings back what was durable", `${who}: ${what}`);
  }

  #outran(from: Promiser, what: string, held: ReturnType<DurableLog["group"]>): void {
    const durable =
      held === null ? "nothing" : `term ${held.term}, vote ${held.vote}, last ${held.last}`;
    const detail = `${from.who} group ${from.group} ${what}; durable is ${durable}`;
    this.#verdict.report("promises do not outrun durability", detail);
  }
}
