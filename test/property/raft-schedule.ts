// Turns a list of numbers into the life of a group: messages lost, repeated, delayed and reordered,
// writes that become durable late, crashes that lose them, partitions, transfers, changes of
// membership, checkpoints. Every number is one event; what it stands for depends on the state, so
// that rare moments (a write under way, a leader that has just acted) are met often.
import type { LogIndex, ReplicaId } from "../../internal/model/ids.ts";
import type { Configuration } from "../../internal/raft/configuration.ts";
import { ENTRY_BATCH, ENTRY_COMMAND } from "../../internal/raft/entry.ts";
import type { MachineOptions } from "../../internal/raft/machine.ts";
import { Fleet, copyOf } from "./raft-fleet.ts";
import type { Node } from "./raft-fleet.ts";
import { Oracle } from "./raft-oracle.ts";
import type { Store } from "./raft-store.ts";

export interface Plan {
  readonly voters: number;
  readonly learners: number;
  readonly options: MachineOptions;
  readonly events: readonly number[];
  /** One disk may go back in time (D3): its replica recalls after that, or goes on as if nothing had been lost. */
  readonly rollBacks?: "recalled" | "unnoticed";
}

type Act = (schedule: Schedule, node: Node, dice: Dice) => void;

/** Spreads one number over the choices of an event. */
class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  pick<T>(items: readonly T[]): T | undefined {
    return items[this.below(Math.max(items.length, 1))];
  }
}

const ACTS: readonly (readonly [weight: number, act: Act])[] = [
  [110, (schedule, _node, dice) => schedule.deliver(dice)],
  [4, (schedule, _node, dice) => schedule.lose(dice)],
  [4, (schedule, _node, dice) => schedule.repeat(dice)],
  [50, (schedule, node, dice) => schedule.sync(node, dice)],
  [60, (schedule, node, dice) => schedule.pump(node, dice)],
  [24, (schedule, node, dice) => schedule.propose(node, dice)],
  [6, (schedule, node, dice) => schedule.expire(node, dice)],
  [2, (schedule, node, dice) => schedule.crash(node, dice)],
  [5, (schedule) => schedule.restart()],
  [1, (schedule, _node, dice) => schedule.partition(dice)],
  [2, (schedule) => schedule.fleet.heal()],
  [1, (schedule, node, dice) => schedule.reach(node, dice, "peer-lost")],
  [12, (schedule, node, dice) => schedule.reach(node, dice, "peer-back")],
  [4, (schedule, node, dice) => schedule.assert(node, dice)],
  [2, (schedule, node, dice) => schedule.transfer(node, dice)],
  [1, (schedule, node) => schedule.step(node, { on: "transfer-timeout" })],
  [8, (schedule, node, dice) => schedule.change(node, dice)],
  [2, (schedule, node, dice) => schedule.checkpoint(node, dice)],
  [6, (schedule, node, dice) => schedule.copyBase(node, dice)],
  [1, (schedule, node, dice) => schedule.stand(node, dice)],
  [3, (schedule, node, dice) => schedule.hearOfResignation(node, dice)],
  [1, (schedule, node) => schedule.step(node, { on: "resign" })],
  [1, (schedule, node, dice) => schedule.remind(node, dice)],
  [2, (schedule, node, dice) => schedule.backUp(node, dice)],
  [2, (schedule) => schedule.rollBack()],
  [4, (schedule, node, dice) => schedule.countLate(node, dice)],
];

const ODDS = ACTS.flatMap(([weight, act]) => Array.from({ length: weight }, () => act));

export class Schedule {
  readonly oracle = new Oracle();
  readonly fleet: Fleet;
  readonly #ids: readonly ReplicaId[];
  readonly #events: readonly number[];

  readonly #rollBacks: Plan["rollBacks"];
  /** The replica whose disk goes back, always the same one, and what its disk held at some time. */
  #backup: { readonly of: Node; readonly disk: Store } | null = null;
  /** It has not made good yet what it has lost. */
  #isInDoubt = false;

  constructor({ voters, learners, options, events, rollBacks }: Plan) {
    this.#events = events;
    this.#rollBacks = rollBacks;
    this.#ids = Array.from({ length: voters + learners }, (_, at) => (at + 1) as ReplicaId);
    this.fleet = new Fleet(options, this.oracle);
    this.oracle.fleet = this.fleet;
    const configuration: Configuration = {
      voters: this.#ids.slice(0, voters),
      votersOutgoing: [],
      learners: this.#ids.slice(voters),
      revision: 0,
    };
    for (const id of this.#ids) this.fleet.add(id, configuration, "full");
  }

  run(): void {
    for (const event of this.#events) {
      const dice = new Dice(event);
      const act = dice.pick(ODDS) as Act;
      // Half of the time it happens to a leader, if there is one: that is where it hurts.
      const leaders = this.#running().filter(({ machine }) => machine?.role === "leader");
      const node =
        (dice.below(2) === 0 && dice.pick(leaders)) || dice.pick([...this.fleet.nodes.values()]);
      act(this, node as Node, dice);
    }
  }

  /**
   * Faults end: everybody is up and connected, and elections go on. Says whether a leader has
   * committed an entry of its own and every member of its configuration has all that it has.
   */
  converge(): boolean {
    this.fleet.heal();
    for (const node of this.fleet.nodes.values()) {
      if (node.machine === null) this.#start(node);
      this.fleet.step(node, { on: "standing", standing: this.#standingOf(node) });
      this.fleet.step(node, { on: "transfer-timeout" });
    }
    for (const node of this.#running()) {
      for (const peer of this.#ids) this.fleet.step(node, { on: "peer-back", peer });
    }
    for (let round = 0; round < 40; round++) {
      // Nobody asserts the leadership of a leader that is gone (L1).
      for (const node of this.#running()) {
        if (!this.#knowsLiveLeader(node)) this.fleet.step(node, { on: "leader-lost" });
        this.#leave(node, round);
      }
      // One campaigner at a time, as random pauses would have it.
      const campaigner = this.fleet.node(this.#ids[round % this.#ids.length] as ReplicaId);
      this.#endDoubt();
      this.fleet.step(campaigner, { on: "election-timeout" });
      this.#settle();
      if (this.#isDone()) return true;
      for (const node of this.#running()) {
        for (const peer of this.#ids) this.assertTo(node, peer);
        for (const peer of this.#ids) this.copyBaseTo(node, peer);
      }
      this.#settle();
      if (this.#isDone()) return true;
    }
    return false;
  }

  #settle(): void {
    for (let turn = 0; turn < 10_000; turn++) {
      let idle = true;
      while (this.fleet.wire.length > 0) {
        this.fleet.deliver(this.fleet.take(0));
        idle = false;
      }
      for (const node of this.#running()) {
        if (node.pending.length > 0 || node.ready.size > 0) idle = false;
        this.fleet.sync(node);
        for (const peer of [...node.ready]) this.fleet.pump(node, peer);
      }
      if (idle) return;
    }
    throw new Error("the group never comes to rest");
  }

  #isDone(): boolean {
    const leader = this.#running()
      .filter(({ machine }) => machine?.role === "leader")
      .sort((a, b) => (b.machine?.term ?? 0) - (a.machine?.term ?? 0))[0]?.machine;
    if (!leader || !leader.termStartCommitted || leader.commit < leader.lastIndex) return false;
    const { voters, votersOutgoing, learners } = leader.configuration;
    if (votersOutgoing.length > 0) return false;
    return [...voters, ...learners].every((id) => {
      const { machine } = this.fleet.node(id);
      return machine?.commit === leader.commit && machine.leader === leader.self;
    });
  }

  /** A leader that a change leaves out hands over, each time to another one, as a driver would. */
  #leave(node: Node, round: number): void {
    if (node.machine?.mustLeave !== true) return;
    const { voters } = node.machine.configuration;
    this.fleet.step(node, { on: "transfer-timeout" });
    this.step(node, { on: "transfer", to: voters[round % voters.length] as ReplicaId });
  }

  deliver(dice: Dice): void {
    const { wire } = this.fleet;
    if (wire.length === 0) return;
    // Mostly in order, sometimes whatever was delayed longest or sent last.
    const at = dice.below(4) === 0 ? dice.below(wire.length) : dice.below(Math.min(wire.length, 3));
    this.fleet.deliver(this.fleet.take(at));
  }

  lose(dice: Dice): void {
    if (this.fleet.wire.length > 0) this.fleet.take(dice.below(this.fleet.wire.length));
  }

  repeat(dice: Dice): void {
    const packet = dice.pick(this.fleet.history);
    if (packet !== undefined && this.fleet.wire.length < 200) this.fleet.wire.push(packet);
  }

  sync(node: Node, dice: Dice): void {
    if (node.machine === null) return;
    this.fleet.sync(node, dice.below(2) === 0 ? node.pending.length : 1);
  }

  pump(node: Node, dice: Dice): void {
    const peer = dice.pick([...node.ready]);
    if (peer !== undefined) this.fleet.pump(node, peer, 1 + dice.below(3), dice.below(4));
  }

  propose(node: Node, dice: Dice): void {
    if (node.machine === null || node.machine.proposeRefusal() !== null) return;
    const kind = dice.below(4) === 0 ? ENTRY_COMMAND : ENTRY_BATCH;
    for (let i = dice.below(3); i >= 0; i--) this.fleet.step(node, { on: "propose", kind });
  }

  /** A leader that is alive is seldom held for dead. */
  expire(node: Node, dice: Dice): void {
    if (!this.#knowsLiveLeader(node) || dice.below(6) === 0) this.step(node, { on: "leader-lost" });
    this.step(node, { on: "election-timeout" });
  }

  step(node: Node, event: Parameters<Fleet["step"]>[1]): void {
    if (node.machine !== null) this.fleet.step(node, event);
  }

  crash(node: Node, dice: Dice): void {
    this.#isDoubted(node);
    if (node.machine !== null) this.fleet.crash(node, dice.below(node.pending.length + 1));
  }

  restart(): void {
    const down = [...this.fleet.nodes.values()].find(({ machine }) => machine === null);
    if (down !== undefined) this.#start(down);
  }

  /** The first replica that is asked to is the one whose disk will go back. */
  backUp(node: Node, dice: Dice): void {
    if (this.#rollBacks === undefined || (this.#backup !== null && this.#backup.of !== node))
      return;
    if (this.#ids.length < 3 || (this.#backup !== null && dice.below(3) > 0)) return;
    this.#backup = { of: node, disk: copyOf(node.disk) };
  }

  rollBack(): void {
    if (this.#backup === null) return;
    const { of: node, disk } = this.#backup;
    if (node.machine !== null) this.fleet.crash(node);
    this.fleet.rollBack(node, disk);
    this.#isInDoubt = this.#rollBacks === "recalled";
    this.#start(node);
    // New sessions with everybody.
    for (const peer of this.#ids) {
      this.step(node, { on: "peer-back", peer });
      this.step(this.fleet.node(peer), { on: "peer-back", peer: node.id });
    }
  }

  /**
   * A leader whose disk hangs counts what a follower acknowledged and has forgotten, together with somebody who has
   * answered that follower before, and then forgets the entry itself (ADR 0010). Draws meet this hardly ever.
   */
  countLate(leader: Node, dice: Dice): void {
    const { machine } = leader;
    if (this.#rollBacks !== "recalled" || machine?.proposeRefusal() !== null) return;
    const { voters, votersOutgoing } = machine.configuration;
    const others = voters.filter((id) => id !== leader.id).map((id) => this.fleet.node(id));
    const isChosen = this.#backup === null ? dice.below(2) === 0 : this.#backup.of === others[1];
    if (isChosen) others.reverse();
    const [forgetful, late] = others;
    const isSmall = voters.length === 3 && others.length === 2 && votersOutgoing.length === 0;
    if (!isSmall || forgetful?.machine?.standing !== "full" || late?.machine?.standing !== "full")
      return;
    if (this.#backup !== null && this.#backup.of !== forgetful) return;
    this.fleet.heal();
    for (const node of [leader, ...others]) this.fleet.sync(node);
    this.#talk(leader, forgetful);
    this.#talk(leader, late);
    if (machine.role !== "leader" || machine.commit < machine.lastIndex) return;
    this.#backup = { of: forgetful, disk: copyOf(forgetful.disk) };
    this.fleet.step(leader, { on: "propose", kind: ENTRY_BATCH });
    this.#talk(leader, forgetful, false);
    this.rollBack();
    this.#talk(forgetful, late);
    this.#talk(leader, late, false);
    if (machine.commit < machine.lastIndex) return;
    this.oracle.reached.set("late count", (this.oracle.reached.get("late count") ?? 0) + 1);
    this.fleet.crash(leader);
    this.#start(leader);
    this.#talk(forgetful, leader);
    this.stand(forgetful, dice);
    this.fleet.step(leader, { on: "election-timeout" });
    this.#talk(leader, forgetful);
  }

  /** Two replicas have the network for themselves; the disk of the first one may hang. */
  #talk(one: Node, other: Node, isOneWriting = true): void {
    const { wire } = this.fleet;
    for (let turn = 0; turn < 40; turn++) {
      this.fleet.pump(one, other.id);
      this.fleet.pump(other, one.id);
      const isBetween = ({ from, to }: { from: ReplicaId; to: ReplicaId }): boolean =>
        (from === one.id && to === other.id) || (from === other.id && to === one.id);
      const at = wire.findIndex(isBetween);
      if (at >= 0) this.fleet.deliver(this.fleet.take(at));
      if (isOneWriting) this.fleet.sync(one);
      this.fleet.sync(other);
    }
  }

  #start(node: Node): void {
    this.fleet.restart(node, this.#isDoubted(node) ? "recalling" : "full");
  }

  /** What a replica did not take while it was recalling is offered again, as after any row that is not accepted. */
  #endDoubt(): void {
    const node = this.#backup?.of;
    if (node === undefined || node.machine?.standing !== "recalling") return;
    this.fleet.step(node, { on: "standing", standing: this.#standingOf(node) });
    for (const peer of this.#running()) this.fleet.step(peer, { on: "peer-back", peer: node.id });
  }

  #isDoubted(node: Node): boolean {
    if (this.#backup?.of !== node) return false;
    if (node.machine?.caughtUpWithRecall === true) this.#isInDoubt = false;
    return this.#isInDoubt;
  }

  #standingOf(node: Node): "full" | "recalling" {
    return this.#isDoubted(node) && node.machine?.recalled !== true ? "recalling" : "full";
  }

  partition(dice: Dice): void {
    const side = new Set(this.#ids.filter(() => dice.below(2) === 0));
    const oneWay = dice.below(3) === 0;
    for (const from of this.#ids) {
      for (const to of this.#ids) {
        if (side.has(from) === side.has(to)) continue;
        if (!oneWay || side.has(from)) this.fleet.cut(from, to);
      }
    }
  }

  reach(node: Node, dice: Dice, on: "peer-lost" | "peer-back"): void {
    this.step(node, { on, peer: dice.pick(this.#ids) as ReplicaId });
  }

  assert(node: Node, dice: Dice): void {
    this.assertTo(node, dice.pick(this.#ids) as ReplicaId);
  }

  assertTo(node: Node, peer: ReplicaId): void {
    if (peer !== node.id) this.fleet.assertTo(node, peer);
  }

  transfer(node: Node, dice: Dice): void {
    if (node.machine?.role !== "leader") return;
    this.step(node, { on: "transfer", to: dice.pick(this.#ids) as ReplicaId });
  }

  change(node: Node, dice: Dice): void {
    const { machine } = node;
    if (machine === null) return;
    const voters: ReplicaId[] = [];
    const learners: ReplicaId[] = [];
    // Half of the changes make learners, the other half make voters of those that can be.
    const adopting = dice.below(2) === 0;
    for (const id of this.#ids) {
      const draw = dice.below(4);
      if (adopting && !machine.isVoter(id)) learners.push(id);
      else if (machine.isVoter(id) ? draw > 0 : machine.match(id) > 0 && draw > 0) voters.push(id);
      else if (!machine.isVoter(id) && draw === 0 && dice.below(2) === 0) learners.push(id);
    }
    // What a sole voter has decided is lost with its disk.
    if (this.#rollBacks !== undefined && voters.length < 2) return;
    const target = { voters, learners, revision: machine.configuration.revision + 1 };
    const refusal = machine.changeRefusal(target);
    const { reached } = this.oracle;
    reached.set(`change: ${refusal}`, (reached.get(`change: ${refusal}`) ?? 0) + 1);
    if (refusal === null) this.fleet.step(node, { on: "change", target });
  }

  checkpoint(node: Node, dice: Dice): void {
    const { machine } = node;
    if (machine === null) return;
    const limit = Math.min(machine.commit, machine.durableIndex);
    const index = (machine.base.index + dice.below(limit - machine.base.index + 1)) as LogIndex;
    this.#checkpointAt(node, index);
  }

  #checkpointAt(node: Node, index: LogIndex): void {
    const term = node.machine?.termAt(index) ?? null;
    if (term === null || node.disk.termAt(index) !== term) return;
    const base = { index, term };
    node.memory.checkpoint(base);
    node.disk.checkpoint(base);
    this.fleet.step(node, { on: "checkpoint", base });
  }

  copyBase(node: Node, dice: Dice): void {
    this.copyBaseTo(node, dice.pick(this.#ids) as ReplicaId);
  }

  copyBaseTo(node: Node, peer: ReplicaId): void {
    const { machine } = node;
    if (machine !== null) this.step(node, { on: "base-copied", peer, base: machine.base });
  }

  /** The link's table says that somebody leads no more what it led. */
  hearOfResignation(node: Node, dice: Dice): void {
    const peer = dice.pick([...this.fleet.nodes.values()]) as Node;
    const term = this.oracle.loyalty.givenUp(peer);
    if (peer !== node && term > 0) this.step(node, { on: "resigned", peer: peer.id, term });
  }

  remind(node: Node, dice: Dice): void {
    const peer = dice.pick([...(node.machine?.unheard() ?? [])]);
    if (peer !== undefined) this.step(node, { on: "remind", peer });
  }

  stand(node: Node, dice: Dice): void {
    if (this.#isDoubted(node))
      return this.step(node, { on: "standing", standing: this.#standingOf(node) });
    // One disk of a group may have lost something; where one goes back, it is that one.
    const last = this.#rollBacks === undefined ? "suspect" : "quiet";
    const standing = dice.pick(["full", "full", "quiet", last] as const) ?? "full";
    this.step(node, { on: "standing", standing });
  }

  #knowsLiveLeader({ machine }: Node): boolean {
    const leader = machine === null ? null : machine.leader;
    if (machine === null || leader === null) return false;
    const other = this.fleet.node(leader).machine;
    return other?.role === "leader" && other.term === machine.term;
  }

  #running(): Node[] {
    return [...this.fleet.nodes.values()].filter(({ machine }) => machine !== null);
  }
}
