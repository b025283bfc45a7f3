// The command language of the transcripts in test/golden/raft. Each line of a block is one command;
// what it made happen is written below it. After each one the drivers send what is ready.
//
//   cluster voters=1,2,3 learners=4 entries=2 inflight=8   starts replicas with empty logs
//   replica 4 voters=1,2,3 log=1,1,2 term=3 base=5/2       adds one with this disk
//   expire 1, lost-leader 2                                election timeout; the leader is silent
//   lost 1 2, back 1 2                                     peer silent; new session with it
//   propose 1 count=2, transfer 1 2, transfer-timeout 1, resign 1
//   resigned 2 1 term=3, remind 2 1                        1 said that it gave up term 3; tell 1 again that it was left
//   change 1 voters=1,2 learners=3 revision=1
//   checkpoint 1 5, base-copied 1 4, standing 1 quiet, assert 1 2
//   sync 1 writes=1, crash 1 kept=1, restart 1 standing=quiet
//   placed 1 2,3                                           the controller knows of 2 and 3 beside 1
//   forget 1 5                                             its disk loses what follows entry 5
//   deliver 1 2 say=vote-response count=1                  takes from the wire, oldest first
//   drop 1 2, hold 1 2, release 1 2                        the same, to lose or to delay it
//   cut 1 2,3, heal                                        what is sent across a cut is lost
//   settle, settle quiet                                   delivers and syncs until all is still
//   status
import type { LogIndex, ReplicaId, Term } from "../../internal/model/ids.ts";
import type { Configuration } from "../../internal/raft/configuration.ts";
import { ENTRY_BATCH } from "../../internal/raft/entry.ts";
import type { Standing } from "../../internal/raft/event.ts";
import type { MachineOptions } from "../../internal/raft/machine.ts";
import { Fleet, copyOf } from "../property/raft-fleet.ts";
import type { Node, Observer, Packet } from "../property/raft-fleet.ts";
import { Oracle } from "../property/raft-oracle.ts";
import { effectText, messageText } from "./raft-text.ts";

interface Command {
  readonly name: string;
  /** What stands without a name, in order. */
  readonly words: readonly string[];
  readonly named: ReadonlyMap<string, string>;
}

export class Transcript {
  readonly #oracle = new Oracle();
  #fleet = new Fleet({}, this.#observer());
  #lines: string[] = [];
  #held: Packet[] = [];
  #mute = false;

  /** Runs the commands of one block and returns what happened. */
  run(block: readonly string[]): string[] {
    this.#lines = [];
    for (const line of block) {
      if (block.length > 1) this.#lines.push(`> ${line}`);
      this.#mute = false;
      this.#command(parse(line));
      this.#pumpAll();
    }
    this.#mute = false;
    return this.#lines.length > 0 ? this.#lines : ["nothing"];
  }

  #command(command: Command): void {
    const { name, words, named } = command;
    const [first, second] = words;
    const node = first === undefined ? null : (this.#fleet.nodes.get(id(first)) ?? null);
    switch (name) {
      case "cluster":
        return this.#cluster(named);
      case "replica":
        return this.#replica(id(first), named);
      case "cut":
        return this.#cut(ids(first), ids(second));
      case "heal":
        return this.#fleet.heal();
      case "settle":
        return this.#settle(words.includes("quiet"));
      case "status":
        return this.#status();
      case "deliver":
        return this.#each(command, (packet) => this.#deliver(packet));
      case "drop":
        return this.#each(command, () => undefined);
      case "hold":
        return this.#each(command, (packet) => this.#held.push(packet));
      case "release":
        return this.#release(id(first), id(second));
      default:
        if (node === null) throw new Error(`unknown command or replica: ${name} ${first}`);
        return this.#on(node, command);
    }
  }

  #on(node: Node, { name, words, named }: Command): void {
    const fleet = this.#fleet;
    const peer = words[1] === undefined ? (0 as ReplicaId) : id(words[1]);
    const standing = (named.get("standing") ?? words[1] ?? "full") as Standing;
    switch (name) {
      case "expire":
        return fleet.step(node, { on: "election-timeout" });
      case "lost-leader":
        return fleet.step(node, { on: "leader-lost" });
      case "lost":
        return fleet.step(node, { on: "peer-lost", peer });
      case "back":
        return fleet.step(node, { on: "peer-back", peer });
      case "transfer":
        return fleet.step(node, { on: "transfer", to: peer });
      case "transfer-timeout":
        return fleet.step(node, { on: "transfer-timeout" });
      case "resign":
        return fleet.step(node, { on: "resign" });
      case "resigned": {
        const term = (numberOf(named, "term") ?? this.#machine(node).term) as Term;
        return fleet.step(node, { on: "resigned", peer, term });
      }
      case "remind":
        return fleet.step(node, { on: "remind", peer });
      case "standing":
        return fleet.step(node, { on: "standing", standing });
      case "placed":
        return fleet.step(node, { on: "placed", others: ids(words[1]) });
      case "assert":
        return fleet.assertTo(node, peer);
      case "sync":
        return fleet.sync(node, numberOf(named, "writes") ?? node.pending.length);
      case "crash":
        return fleet.crash(node, numberOf(named, "kept") ?? 0);
      case "restart":
        return fleet.restart(node, (named.get("standing") ?? "full") as Standing);
      case "forget": {
        const disk = copyOf(node.disk);
        disk.entries.length = Number(words[1]) - disk.base.index;
        return fleet.rollBack(node, disk);
      }
      case "propose":
        return this.#propose(node, numberOf(named, "count") ?? 1);
      case "change":
        return this.#change(node, named);
      case "checkpoint":
        return this.#checkpoint(node, Number(words[1]) as LogIndex);
      case "base-copied": {
        const { base } = this.#machine(node);
        return fleet.step(node, { on: "base-copied", peer, base });
      }
      default:
        throw new Error(`unknown command: ${name}`);
    }
  }

  #cluster(named: ReadonlyMap<string, string>): void {
    const options: MachineOptions = {
      appendEntriesMax: numberOf(named, "entries") ?? 256,
      inflightMax: numberOf(named, "inflight") ?? 4096,
    };
    this.#fleet = new Fleet(options, this.#observer());
    this.#oracle.fleet = this.#fleet;
    const configuration = configurationOf(named);
    for (const member of [...configuration.voters, ...configuration.learners]) {
      this.#fleet.add(member, configuration, "full");
    }
    this.#status();
  }

  #replica(self: ReplicaId, named: ReadonlyMap<string, string>): void {
    const standing = (named.get("standing") ?? "full") as Standing;
    const node = this.#fleet.add(self, configurationOf(named), standing, (disk) => {
      const [index, term] = (named.get("base") ?? "0/0").split("/").map(Number);
      disk.base = { index: index as LogIndex, term: term as Term };
      const terms = named.get("log")?.split(",") ?? [];
      disk.entries = terms.map((of, at) => ({
        head: { term: Number(of) as Term, kind: ENTRY_BATCH, configuration: null },
        // The same place and term, the same entry, on whichever disk.
        payload: -(Number(of) * 1000 + disk.base.index + at + 1),
      }));
      disk.term = Number(named.get("term") ?? terms.at(-1) ?? term) as Term;
    });
    this.#say(statusText(node));
  }

  #propose(node: Node, count: number): void {
    const refusal = this.#machine(node).proposeRefusal();
    if (refusal !== null) return this.#say(`${node.id}: refused, ${refusal}`);
    for (let i = 0; i < count; i++) this.#fleet.step(node, { on: "propose", kind: ENTRY_BATCH });
  }

  #change(node: Node, named: ReadonlyMap<string, string>): void {
    const { voters, learners, revision } = configurationOf(named);
    const target = { voters, learners, revision };
    const refusal = this.#machine(node).changeRefusal(target);
    if (refusal !== null) this.#say(`${node.id}: refused, ${refusal}`);
    else this.#fleet.step(node, { on: "change", target });
  }

  #checkpoint(node: Node, index: LogIndex): void {
    const base = { index, term: node.memory.termAt(index) as Term };
    node.memory.checkpoint(base);
    node.disk.checkpoint(base);
    this.#fleet.step(node, { on: "checkpoint", base });
  }

  #cut(some: readonly ReplicaId[], others: readonly ReplicaId[]): void {
    for (const one of some) {
      for (const other of others) {
        this.#fleet.cut(one, other);
        this.#fleet.cut(other, one);
      }
    }
  }

  /** Takes the packets that a command names off the wire, oldest first. */
  #each({ words, named }: Command, act: (packet: Packet) => unknown): void {
    const [from, to] = words.map(id);
    const say = named.get("say");
    const count = numberOf(named, "count") ?? Infinity;
    const { wire } = this.#fleet;
    const chosen = wire
      .filter((packet) => from === undefined || packet.from === from)
      .filter((packet) => to === undefined || packet.to === to)
      .filter((packet) => say === undefined || packet.message.say === say)
      .slice(0, count);
    if (chosen.length === 0) this.#say("no such message");
    for (const packet of chosen) wire.splice(wire.indexOf(packet), 1);
    for (const packet of chosen) act(packet);
  }

  #deliver(packet: Packet): void {
    this.#fleet.deliver(packet);
    this.#pumpAll();
  }

  #release(from: ReplicaId, to: ReplicaId): void {
    const held = this.#held;
    this.#held = held.filter((packet) => packet.from !== from || packet.to !== to);
    for (const packet of held) {
      if (packet.from !== from || packet.to !== to) continue;
      this.#say(`late ${from} → ${to} ${messageText(packet.message)}`);
      this.#deliver(packet);
    }
  }

  #settle(quiet: boolean): void {
    this.#mute = quiet;
    for (let turn = 0; turn < 1_000; turn++) {
      this.#pumpAll();
      const packet = this.#fleet.wire.shift();
      if (packet !== undefined) {
        this.#fleet.deliver(packet);
        continue;
      }
      const behind = [...this.#fleet.nodes.values()].find(({ pending }) => pending.length > 0);
      if (behind === undefined) break;
      this.#fleet.sync(behind);
    }
    this.#mute = false;
    this.#status();
  }

  #pumpAll(): void {
    for (const node of this.#fleet.nodes.values()) {
      for (const peer of [...node.ready]) this.#fleet.pump(node, peer);
    }
  }

  #status(): void {
    for (const node of this.#fleet.nodes.values()) this.#say(statusText(node));
  }

  #machine(node: Node) {
    if (node.machine === null) throw new Error(`replica ${node.id} is down`);
    return node.machine;
  }

  #say(line: string): void {
    if (!this.#mute) this.#lines.push(line);
  }

  #observer(): Observer {
    const oracle = this.#oracle;
    return {
      effect: (node, effect, event) => {
        oracle.effect(node, effect, event);
        if (effect.do !== "send" && effect.do !== "ready") {
          this.#say(`${node.id}: ${effectText(effect)}`);
        }
      },
      packet: (node, packet) => {
        oracle.packet(node, packet);
        const { from, to, message } = packet;
        const lost = this.#fleet.isCut(from, to) ? " (cut)" : "";
        this.#say(`${from} → ${to} ${messageText(message)}${lost}`);
      },
      stepped: (node, event) => oracle.stepped(node, event),
      restarted: (node) => oracle.restarted(node),
      rolledBack: (node) => oracle.rolledBack(node),
    };
  }
}

function statusText(node: Node): string {
  const { machine } = node;
  if (machine === null) return `${node.id} down`;
  const { role, term, leader, standing, commit, durableIndex, base } = machine;
  return [
    `${node.id} ${role} term=${term}`,
    leader === null || role === "leader" ? "" : ` leader=${leader}`,
    standing === "full" ? "" : ` ${standing}`,
    base.index === 0 ? "" : ` base=${base.index}/${base.term}`,
    ` log=${termsText(node)} durable=${durableIndex} commit=${commit}`,
  ].join("");
}

/** The terms of a log's entries, one after the other. */
function termsText({ memory }: Node): string {
  return memory.entries.length === 0 ? "-" : memory.entries.map(({ head }) => head.term).join(",");
}

function configurationOf(named: ReadonlyMap<string, string>): Configuration {
  return {
    voters: ids(named.get("voters")),
    votersOutgoing: [],
    learners: ids(named.get("learners")),
    revision: numberOf(named, "revision") ?? 0,
  };
}

function parse(line: string): Command {
  const [name = "", ...rest] = line.trim().split(/\s+/);
  const named = rest.filter((word) => word.includes("="));
  return {
    name,
    words: rest.filter((word) => !word.includes("=")),
    named: new Map(named.map((word) => word.split("=") as [string, string])),
  };
}

function id(word: string | undefined): ReplicaId {
  return Number(word) as ReplicaId;
}

function ids(list: string | undefined): ReplicaId[] {
  return list === undefined || list === "" ? [] : list.split(",").map(id);
}

function numberOf(named: ReadonlyMap<string, string>, name: string): number | null {
  const text = named.get(name);
  return text === undefined ? null : Number(text);
}
