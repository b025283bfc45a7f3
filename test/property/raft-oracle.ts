// Knows everything that happens in a fleet and throws a Violation as soon as one of Raft's promises
// is broken: election safety, log matching, leader completeness, state-machine safety, and the
// order of durability (F1) at the moment of sending and of committing.
import type { ReplicaId } from "../../internal/model/ids.ts";
import type { Configuration } from "../../internal/raft/configuration.ts";
import type { Effect, Role } from "../../internal/raft/effect.ts";
import type { Event } from "../../internal/raft/event.ts";
import type { Machine } from "../../internal/raft/machine.ts";
import type { Fleet, Node, Observer, Packet } from "./raft-fleet.ts";
import { Loyalty } from "./raft-loyalty.ts";
import type { Store } from "./raft-store.ts";

export class Violation extends Error {
  override readonly name = "Violation";
}

interface Committed {
  readonly term: number;
  readonly payload: number;
  readonly configuration: Configuration | null;
  /** The term of the leader that committed it first. */
  readonly by: number;
}

interface Said {
  role: Role;
  term: number;
  configuration: Configuration;
}

type Of<D extends Effect["do"]> = Extract<Effect, { readonly do: D }>;

export class Oracle implements Observer {
  fleet: Fleet | null = null;
  /** The entries committed so far; [0] is entry 1. */
  readonly committed: Committed[] = [];
  /** Counts what the schedules reached, so that a test can tell an idle run from a busy one. */
  readonly reached = new Map<string, number>();
  readonly loyalty = new Loyalty(check);
  readonly #leaders = new Map<number, ReplicaId>();
  /**
   * By index and term: the payload and the term before it. Equal everywhere, that is log matching.
   */
  readonly #entries = new Map<string, string>();
  readonly #votes = new Map<string, ReplicaId>();
  readonly #commits = new Map<ReplicaId, number>();
  readonly #writes = new Map<ReplicaId, number>();
  /** What each replica said last of itself, in its effects. */
  readonly #said = new Map<ReplicaId, Said>();
  /** The configuration that the group was founded with. */
  #founding: Configuration | null = null;
  readonly #appenders = new Set<ReplicaId>();
  /** Whose disk went back in time: what it had vouched for may be counted until it says that it forgot. */
  #forgetful: ReplicaId | null = null;

  restarted(node: Node): void {
    this.loyalty.restarted(node);
    this.#commits.set(node.id, node.disk.base.index);
    this.#writes.set(node.id, 0);
    const { machine } = node;
    check(machine !== null && machine.role === "follower", "a replica starts as a follower");
    const { role, term, configuration } = machine;
    this.#founding ??= configuration;
    this.#said.set(node.id, { role, term, configuration });
    if (this.#forgetful === node.id) return;
    for (const [key, to] of this.#votes) {
      const [voter, term] = key.split("/").map(Number) as [number, number];
      if (voter !== node.id) continue;
      check(node.disk.term >= term, "a promised term survives a restart");
      if (node.disk.term === term) check(node.disk.vote === to, "a vote survives a restart");
    }
  }

  rolledBack(node: Node): void {
    this.#forgetful = node.id;
  }

  effect(node: Node, effect: Effect, event: Event): void {
    this.#count(effect.do);
    if ("write" in effect) {
      check(effect.write === (this.#writes.get(node.id) ?? 0) + 1, "writes are numbered in order");
      this.#writes.set(node.id, effect.write);
    }
    switch (effect.do) {
      case "role":
        this.#saidBy(node).role = effect.role;
        this.#saidBy(node).term = effect.term;
        if (effect.role === "leader") this.#elected(node, effect);
        break;
      case "append":
        this.#appended(node, effect);
        break;
      case "truncate":
        this.#inTerm(node);
        this.#truncated(node, effect.from);
        break;
      case "hard-state":
        check(effect.term >= node.memory.term, "terms grow");
        check(
          effect.term > node.memory.term || node.memory.vote === 0,
          "a vote is given once in a term",
        );
        break;
      case "install-base":
        this.#installed(node, effect);
        break;
      case "commit":
        this.#committed(node, effect.index);
        break;
      case "configuration":
        this.#saidBy(node).configuration = effect.configuration;
        this.#count(event.on === "message" ? "configuration followed" : "configuration made");
        break;
      default:
        break;
    }
  }

  packet(node: Node, packet: Packet): void {
    const { to, message } = packet;
    this.#count(message.say);
    this.loyalty.sent(node, to, message);
    const { disk } = node;
    switch (message.say) {
      case "vote-request":
        check(disk.term === message.term, "a campaign waits until its term is durable");
        check(disk.vote === node.id, "a campaign waits until its own vote is durable");
        check(node.machine?.standing === "full", "only a replica in full standing campaigns");
        check(
          configurationsOf(node.memory)
            .slice(0, 2)
            .some(({ voters, votersOutgoing }) => [...voters, ...votersOutgoing].includes(node.id)),
          "only a voter campaigns",
        );
        break;
      case "vote-response": {
        if (!message.granted) break;
        check(node.machine?.standing === "full", "only a replica in full standing votes");
        check(disk.term === message.term && disk.vote === to, "a granted vote is durable");
        check(node.machine?.term === message.term, "a vote leaves in its own term");
        const key = `${node.id}/${message.term}`;
        check((this.#votes.get(key) ?? to) === to, "a replica votes once in a term");
        this.#votes.set(key, to);
        break;
      }
      case "append-accepted":
        this.#acknowledged(node, to, message.term, message.match);
        break;
      default:
        break;
    }
  }

  stepped(node: Node, event: Event): void {
    const { machine } = node;
    if (machine === null) return;
    this.loyalty.stepped(node, event, node.disk.term === machine.term);
    const said = this.#saidBy(node);
    check(said.role === machine.role && said.term === machine.term, "a change of role is said");
    check(said.configuration === machine.configuration, "a change of configuration is said");
    this.#checkConfiguration(node, machine);
    if (this.#appenders.delete(node.id)) this.#checkMatching(node);
    check(machine.lastIndex === node.memory.last, "the machine and its driver agree on the end");
    check(machine.durableIndex <= machine.lastIndex, "what is durable is of the log");
    for (let index = machine.base.index + 1; index <= machine.durableIndex; index++) {
      const entry = node.disk.at(index);
      const base = node.disk.base.index;
      check(
        index <= base || entry?.payload === node.memory.at(index)?.payload,
        "what the machine holds for durable is on the disk",
      );
    }
    for (const peer of this.fleet?.nodes.keys() ?? []) {
      if (node.ready.has(peer) || peer === node.id) continue;
      check(machine.outgoing(peer) === null, "a peer with something to get is ready");
    }
  }

  /** F9: the newest configuration in the log is in force, and whom it removes does not lead (D3). */
  #checkConfiguration({ id, memory }: Node, machine: Machine): void {
    const [inForce] = configurationsOf(memory);
    check(
      sameMembers(inForce ?? null, machine.configuration),
      "the newest configuration is in force",
    );
    const { voters, votersOutgoing } = machine.configuration;
    if (machine.role !== "leader") return;
    check(machine.isVoter(id), "a leader is a voter of the newest configuration of its log");
    if (!machine.configurationCommitted || !machine.termStartCommitted) return;
    const mayWait = machine.transferTarget !== null || !voters.includes(id);
    check(
      votersOutgoing.length === 0 || mayWait,
      "a leader ends a joint configuration that is committed, if it stays",
    );
  }

  #count(what: string): void {
    this.reached.set(what, (this.reached.get(what) ?? 0) + 1);
  }

  #elected(node: Node, { term }: Of<"role">): void {
    check((this.#leaders.get(term) ?? node.id) === node.id, "a term has one leader");
    this.#leaders.set(term, node.id);
    this.#count("elected");
    this.#chosen(node, term);
    this.committed.forEach((entry, at) => {
      // A leader of an older term may win late without what a newer one committed; it commits
      // nothing.
      if (entry.by < term) this.#complete(node, at + 1, entry);
    });
  }

  #chosen(node: Node, term: number): void {
    const { id, disk } = node;
    for (const half of halvesOf(this.#saidBy(node).configuration)) {
      const voters = half.filter((voter) => {
        if (voter === id) return disk.term === term && disk.vote === id;
        return this.#votes.get(`${voter}/${term}`) === id;
      });
      check(voters.length * 2 > half.length, "a leader has the votes of most voters of each half");
    }
  }

  #complete(node: Node, index: number, entry: Committed): void {
    if (index < node.memory.base.index) return;
    check(
      node.memory.termAt(index) === entry.term,
      "a leader has what earlier terms have committed",
    );
  }

  #appended(node: Node, { first, entries, from }: Of<"append">): void {
    this.#inTerm(node);
    this.#appenders.add(node.id);
    let previous = node.memory.termAt(first - 1);
    const { machine } = node;
    for (const head of entries) {
      check(machine !== null && head.term <= machine.term, "entries are of this term or older");
      check(previous !== null && head.term >= previous, "terms in a log never go back");
      previous = head.term;
      if (head.configuration !== null && from === "own") this.#reconfigured(node, first);
    }
  }

  /**
   * Log matching by induction: an entry's (index, term) names its payload and the term before it.
   */
  #checkMatching(node: Node): void {
    let previous: number = node.memory.base.term;
    node.memory.entries.forEach(({ head, payload }, at) => {
      const key = `${node.memory.base.index + at + 1}/${head.term}`;
      const value = `${payload}/${previous}`;
      check((this.#entries.get(key) ?? value) === value, "equal index and term, equal logs");
      this.#entries.set(key, value);
      previous = head.term;
    });
  }

  #reconfigured(node: Node, first: number): void {
    const { machine, memory } = node;
    if (machine === null) return;
    const earlier = memory.entries.findLast(({ head }) => head.configuration !== null);
    const placed =
      earlier === undefined ? 0 : memory.base.index + memory.entries.indexOf(earlier) + 1;
    const commit = this.#commits.get(node.id) ?? 0;
    check(placed <= commit && placed < first, "one change of configuration at a time");
    check(commit >= machine.termStart, "a change waits for a commit of its leader's term");
  }

  #truncated(node: Node, from: number): void {
    for (let index = from; index <= node.memory.last; index++) {
      const entry = this.committed[index - 1];
      check(
        entry === undefined || node.memory.at(index)?.payload !== entry.payload,
        "a committed entry is never truncated",
      );
    }
  }

  #installed(node: Node, { base, configuration }: Of<"install-base">): void {
    const known = this.committed.slice(0, base.index).findLast((entry) => entry.configuration);
    check(
      sameMembers(known?.configuration ?? this.#founding, configuration),
      "a base carries the configuration committed there",
    );
    check(base.index <= this.committed.length, "a base is committed");
    check(this.committed[base.index - 1]?.term === base.term, "a base is what was committed");
    check(base.index > (this.#commits.get(node.id) ?? 0), "the commit index never goes back");
    this.#commits.set(node.id, base.index);
  }

  #committed(node: Node, index: number): void {
    const { memory } = node;
    const { role, term, configuration } = this.#saidBy(node);
    const before = this.#commits.get(node.id) ?? 0;
    check(index > before, "the commit index never goes back");
    this.#commits.set(node.id, index);
    const firstNew = this.committed.length + 1;
    for (let at = Math.max(before, memory.base.index) + 1; at <= index; at++) {
      const own = memory.at(at);
      check(own !== null, "what is committed is in the log");
      const known = this.committed[at - 1];
      if (known === undefined) {
        const { term: made, configuration: changed } = own.head;
        this.committed.push({ term: made, payload: own.payload, configuration: changed, by: term });
      } else {
        check(known.payload === own.payload, "all replicas commit the same entry at an index");
      }
    }
    if (index < firstNew) return;
    check(role === "leader", "a leader commits first");
    check(memory.termAt(index) === term, "a leader commits through its own term");
    this.#decided(configuration, index, memory.at(index)?.payload ?? 0);
    for (const other of this.fleet?.nodes.values() ?? []) {
      if (other.machine?.role !== "leader" || other.machine.term <= term) continue;
      for (let at = firstNew; at <= index; at++) {
        this.#complete(other, at, this.committed[at - 1] as Committed);
      }
    }
  }

  #decided(configuration: Configuration, index: number, payload: number): void {
    for (const half of halvesOf(configuration)) {
      const holders = half.filter((id) => {
        const disk = this.fleet?.nodes.get(id)?.disk;
        if (id === this.#forgetful) return true;
        return (
          disk !== undefined && (disk.base.index >= index || disk.at(index)?.payload === payload)
        );
      });
      check(holders.length * 2 > half.length, "what is committed is durable on a majority");
    }
  }

  #acknowledged(node: Node, to: ReplicaId, term: number, match: number): void {
    const { machine, disk } = node;
    const { standing } = machine ?? {};
    check(standing === "full" || standing === "quiet", "who lost something acknowledges nothing");
    check(machine?.term === term, "an acknowledgement leaves in the term of the request");
    check(disk.term === term, "the term of an acknowledgement is durable");
    check(disk.last >= match, "what is acknowledged is durable");
    const leader = this.fleet?.nodes.get(to);
    if (leader?.machine?.role !== "leader" || leader.machine.term !== term) return;
    const known = leader.memory.at(match);
    if (known === null || match <= disk.base.index) return;
    check(disk.at(match)?.payload === known.payload, "what is acknowledged agrees with the leader");
  }

  /** F4: the role effect of a term comes before what that term writes. */
  #inTerm(node: Node): void {
    check(this.#saidBy(node).term === node.machine?.term, "a role is said before its writes");
  }

  #saidBy(node: Node): Said {
    const said = this.#said.get(node.id);
    check(said !== undefined, "the replica was started");
    return said;
  }
}

/** Each of them decides by its majority. */
function halvesOf({ voters, votersOutgoing }: Configuration): (readonly ReplicaId[])[] {
  return votersOutgoing.length > 0 ? [voters, votersOutgoing] : [voters];
}

/** The configurations of a log, newest first. */
function configurationsOf({ entries, baseConfiguration }: Store): Configuration[] {
  const placed = entries.flatMap(({ head }) => head.configuration ?? []);
  return [baseConfiguration, ...placed].reverse();
}

function sameMembers(one: Configuration | null, other: Configuration): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

function check(holds: boolean, promise: string): asserts holds {
  if (!holds) throw new Violation(promise);
}
