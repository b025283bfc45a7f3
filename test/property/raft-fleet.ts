// A group of machines with simulated disks and a network that does as it is told: nothing is
// delivered, synced or timed out by itself. The golden transcripts and the random schedules both
// drive it.
import { assert } from "../../internal/base/assert.ts";
import type { LogIndex, ReplicaId } from "../../internal/model/ids.ts";
import type { Configuration } from "../../internal/raft/configuration.ts";
import type { Effect } from "../../internal/raft/effect.ts";
import type { Event, Standing } from "../../internal/raft/event.ts";
import { Machine } from "../../internal/raft/machine.ts";
import type { MachineOptions } from "../../internal/raft/machine.ts";
import type { Message } from "../../internal/raft/message.ts";
import { Store } from "./raft-store.ts";
import type { Write } from "./raft-store.ts";

const HISTORY_MAX = 256;

export interface Packet {
  readonly from: ReplicaId;
  readonly to: ReplicaId;
  readonly message: Message;
  /** Those of an append request's entries. */
  readonly payloads: readonly number[];
}

export interface Node {
  readonly id: ReplicaId;
  /** null while it is down. */
  machine: Machine | null;
  memory: Store;
  disk: Store;
  /** Writes that are not durable yet, oldest first. */
  pending: Write[];
  /** Peers that were said to be ready and have not been asked to the end. */
  ready: Set<ReplicaId>;
}

/** Sees everything that happens, and throws when it must not. */
export interface Observer {
  /** Before the effect is carried out. */
  effect?(node: Node, effect: Effect, event: Event): void;
  /** Before a message leaves, whether or not it will arrive. */
  packet?(node: Node, packet: Packet): void;
  /** After all effects of a step. */
  stepped?(node: Node, event: Event): void;
  restarted?(node: Node): void;
  /** Its disk has lost something. */
  rolledBack?(node: Node): void;
}

export class Fleet {
  readonly nodes = new Map<ReplicaId, Node>();
  /** What is on its way, oldest first. */
  readonly wire: Packet[] = [];
  /** What was sent lately, whatever became of it: a network may repeat it much later. */
  readonly history: Packet[] = [];
  readonly #options: MachineOptions;
  readonly #observer: Observer;
  readonly #cut = new Set<string>();
  #payload = 0;

  constructor(options: MachineOptions, observer: Observer) {
    this.#options = options;
    this.#observer = observer;
  }

  add(
    id: ReplicaId,
    configuration: Configuration,
    standing: Standing,
    prepare?: (disk: Store) => void,
  ): Node {
    const disk = new Store(configuration);
    prepare?.(disk);
    const memory = copyOf(disk);
    const node: Node = { id, machine: null, memory, disk, pending: [], ready: new Set() };
    this.nodes.set(id, node);
    this.restart(node, standing);
    return node;
  }

  node(id: ReplicaId): Node {
    const node = this.nodes.get(id);
    assert(node !== undefined, "the replica exists");
    return node;
  }

  step(node: Node, event: Event, payloads: readonly number[] = []): void {
    const { machine } = node;
    assert(machine !== null, "only a running replica is stepped");
    for (const effect of machine.step(event)) {
      this.#observer.effect?.(node, effect, event);
      this.#carryOut(node, effect, payloads);
    }
    this.#observer.stepped?.(node, event);
  }

  /** Makes the oldest `count` writes durable and says so. */
  sync(node: Node, count = node.pending.length): void {
    const done = this.#flush(node, count);
    if (done > 0) this.step(node, { on: "durable", write: done });
  }

  /**
   * Loses the memory, and all writes under way but the oldest `kept`, which reached the disk
   * unsaid.
   */
  crash(node: Node, kept = 0): void {
    this.#flush(node, kept);
    node.machine = null;
    node.pending = [];
    node.ready.clear();
  }

  restart(node: Node, standing: Standing): void {
    node.memory = copyOf(node.disk);
    const isRecalling = standing === "recalling";
    const boot = node.disk.boot(node.id, isRecalling ? "quiet" : standing);
    node.machine = new Machine(boot, this.#options);
    this.#observer.restarted?.(node);
    if (isRecalling) this.step(node, { on: "standing", standing });
  }

  /** A dead replica's disk is what it was at some time before, and the sessions of its process are over (D3). */
  rollBack(node: Node, earlier: Store): void {
    assert(node.machine === null, "the replica is dead");
    node.disk = copyOf(earlier);
    for (const packets of [this.wire, this.history]) {
      const kept = packets.filter(({ from, to }) => from !== node.id && to !== node.id);
      packets.splice(0, packets.length, ...kept);
    }
    this.#observer.rolledBack?.(node);
  }

  /** Asks for what ready peers should get, up to `count` requests of up to `entries` entries. */
  pump(node: Node, peer: ReplicaId, count = Infinity, entries = Infinity): void {
    const { machine } = node;
    if (machine === null || !node.ready.has(peer)) return;
    for (let i = 0; i < count; i++) {
      const out = machine.outgoing(peer);
      if (out === null) {
        node.ready.delete(peer);
        return;
      }
      const last = Math.min(out.last, out.first + entries - 1);
      const stored = node.memory.entries.slice(
        out.first - node.memory.base.index - 1,
        Math.max(last - node.memory.base.index, 0),
      );
      const { term, prevIndex, prevTerm, commit } = out;
      this.#post(node, {
        from: node.id,
        to: peer,
        message: {
          say: "append-request",
          term,
          prevIndex,
          prevTerm,
          entries: stored.map(({ head }) => head),
          commit,
        },
        payloads: stored.map(({ payload }) => payload),
      });
      machine.sent(peer, last as LogIndex, commit);
    }
  }

  /** Says "I lead" to a peer, as the link's assertion table does. */
  assertTo(node: Node, peer: ReplicaId): void {
    const { machine } = node;
    if (machine === null || machine.role !== "leader") return;
    const commit = machine.commitFor(peer);
    const message: Message = { say: "assert", term: machine.term, commit };
    this.#post(node, { from: node.id, to: peer, message, payloads: [] });
  }

  /** Delivers a packet that was taken off the wire. */
  deliver({ from, to, message, payloads }: Packet): void {
    const node = this.nodes.get(to);
    if (node === undefined || node.machine === null || this.isCut(from, to)) return;
    this.step(node, { on: "message", from, message }, payloads);
  }

  take(at: number): Packet {
    const [packet] = this.wire.splice(at, 1);
    assert(packet !== undefined, "the packet is on the wire");
    return packet;
  }

  cut(from: ReplicaId, to: ReplicaId): void {
    this.#cut.add(`${from}>${to}`);
  }

  heal(): void {
    this.#cut.clear();
  }

  isCut(from: ReplicaId, to: ReplicaId): boolean {
    return this.#cut.has(`${from}>${to}`);
  }

  #flush(node: Node, count: number): number {
    let done = 0;
    for (const write of node.pending.splice(0, count)) {
      node.disk.apply(write);
      done = write.effect.write;
    }
    return done;
  }

  #carryOut(node: Node, effect: Effect, requested: readonly number[]): void {
    switch (effect.do) {
      case "append":
      case "truncate":
      case "hard-state":
      case "install-base": {
        const write: Write = { effect, payloads: this.#payloadsOf(effect, requested) };
        node.memory.apply(write);
        node.pending.push(write);
        break;
      }
      case "send":
        this.#post(node, { from: node.id, to: effect.to, message: effect.message, payloads: [] });
        break;
      case "ready":
        node.ready.add(effect.to);
        break;
      default:
        break;
    }
  }

  #payloadsOf(effect: Effect, requested: readonly number[]): readonly number[] {
    if (effect.do !== "append") return [];
    return effect.from === "request"
      ? requested.slice(effect.skip)
      : effect.entries.map(() => ++this.#payload);
  }

  #post(node: Node, packet: Packet): void {
    this.#observer.packet?.(node, packet);
    if (this.isCut(packet.from, packet.to)) return;
    this.wire.push(packet);
    if (this.history.push(packet) > HISTORY_MAX) this.history.shift();
  }
}

export function copyOf(store: Store): Store {
  const copy = new Store(store.baseConfiguration);
  copy.term = store.term;
  copy.vote = store.vote;
  copy.base = store.base;
  copy.entries = [...store.entries];
  return copy;
}
