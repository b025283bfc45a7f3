// A whole cluster layer on one thread: brokers 1-3 are the voters of group 0, broker 4 is none. Messages take a turn or
// longer, sessions can be cut, leaders of all groups are what the test says.
import { assert } from "../../internal/base/assert.ts";
import type { Result } from "../../internal/base/result.ts";
import type {
  ControllerFault,
  ControllerKind,
  ControllerReply,
  ControllerRequest,
} from "../../internal/cluster/controller-requests.ts";
import type { Contact } from "../../internal/cluster/fencing.ts";
import type { BrokerRegistration } from "../../internal/cluster/records.ts";
import { Registration } from "../../internal/cluster/registration.ts";
import type { BrokerId, DirectoryId, Incarnation, Term } from "../../internal/model/ids.ts";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import { CommandGroup, seededEntropy, StepClock } from "./controller-group.ts";
import type { ClusterMessage } from "./controller-node.ts";
import { ClusterNode } from "./controller-node.ts";
import { TOPIC_RULES } from "./controller-rules.ts";

export const VOTERS = 3;
export const BROKERS = 4;

interface Seat {
  node: ClusterNode;
  registration: Registration | null;
  directory: DirectoryId;
  incarnation: Incarnation;
  /** Others hear nothing of it. */
  isCut: boolean;
}

export interface Asked<K extends ControllerKind> {
  readonly request: ControllerRequest<K>;
  /** Null until it is answered. */
  outcome: Result<ControllerReply<K>, ControllerFault> | null;
}

export class Fleet {
  readonly clock = new StepClock();
  readonly group = new CommandGroup();
  readonly seats: Seat[] = [];
  readonly refused: ControllerFault[] = [];
  #version = 0;
  readonly #entropy = seededEntropy(11);

  constructor() {
    for (let at = 0; at < BROKERS; at++) {
      const directory = `d${at + 1}`.padEnd(22, "A") as DirectoryId;
      const incarnation = 1 as Incarnation;
      const node = this.#newNode(at, directory, incarnation);
      this.seats.push({ node, registration: null, directory, incarnation, isCut: false });
      if (at < VOTERS) node.lead(this.group.log(at));
      else node.follow();
    }
  }

  #newNode(at: number, directory: DirectoryId, incarnation: Incarnation): ClusterNode {
    const self = { broker: (at + 1) as BrokerId, directory, incarnation };
    const ports = {
      clock: this.clock,
      entropy: this.#entropy,
      send: (to: BrokerId, message: ClusterMessage, bytes: Uint8Array): boolean =>
        this.#send(at, to - 1, message, bytes),
      contact: (broker: BrokerId): Contact | null =>
        this.#isLinked(at, broker - 1) ? this.seats[broker - 1]! : null,
      imageSources: (): readonly BrokerId[] =>
        ([1, 2, 3] as BrokerId[]).filter((id) => this.#isLinked(at, id - 1)),
      undecodable: (detail: string): void => assert(detail === "", "everything can be decoded"),
    };
    const environment = {
      settings: () => ({
        partitionsDefault: 1,
        factorDefault: 3,
        topicPartitionsMax: 50,
        clusterPartitionsMax: 200,
      }),
      topicConfigs: TOPIC_RULES,
      brokerConfigs: { refusal: () => null, listDefault: () => null },
    };
    return new ClusterNode(ports, self, { environment });
  }

  #isLinked(a: number, b: number): boolean {
    return a !== b && !this.seats[a]!.isCut && !this.seats[b]!.isCut;
  }

  #send(from: number, to: number, message: ClusterMessage, bytes: Uint8Array): boolean {
    if (!this.#isLinked(from, to)) return false;
    const [sender, receiver] = [this.seats[from]!.node, this.seats[to]!.node];
    this.clock.after(1 + this.#entropy.below(15), () => {
      const isSame = this.seats[from]!.node === sender && this.seats[to]!.node === receiver;
      if (!isSame || !this.#isLinked(from, to)) return; // the session ended
      const lent = bytes.slice();
      receiver.received((from + 1) as BrokerId, message, lent);
      lent.fill(0xee);
    });
    return true;
  }

  /** Group 0 is led by this seat; everyone hears of it. */
  lead(seat: number, survivors = 0): void {
    this.group.elect(seat, survivors);
    this.sayLeader(CONTROLLER_GROUP, (seat + 1) as BrokerId, this.group.term);
  }

  /** Nobody knows any more who leads group 0. */
  silence(): void {
    this.sayLeader(CONTROLLER_GROUP, null, this.group.term);
  }

  sayLeader(group: typeof CONTROLLER_GROUP, leader: BrokerId | null, term: number): void {
    const row = { group, leader, term: term as Term, isr: [], version: ++this.#version };
    for (const { node } of this.seats) node.leaders.accept(row);
  }

  /** Every partition that the leader of group 0 knows gets its first replica as leader. */
  leadAll(): void {
    for (const topic of this.leaderNode().image.topics()) {
      for (const { group, replicas } of topic.partitions)
        this.sayLeader(group, replicas[0]!.broker, 1);
    }
  }

  leaderNode(): ClusterNode {
    return this.seats[Math.max(0, this.group.leader)]!.node;
  }

  registerAll(): void {
    for (let at = 0; at < BROKERS; at++) this.register(at);
  }

  register(at: number): void {
    const seat = this.seats[at]!;
    const { clusterId } = this.leaderNode().image;
    assert(clusterId !== null, "the cluster has an id");
    const self: BrokerRegistration = {
      broker: (at + 1) as BrokerId,
      directory: seat.directory,
      incarnation: seat.incarnation,
      rack: null,
      host: null,
      endpoints: [],
    };
    const { image, client } = seat.node;
    const ports = { clock: this.clock, image, client };
    seat.registration?.stop();
    seat.registration = new Registration(ports, self, clusterId, {
      refused: (fault) => void this.refused.push(fault),
    });
    seat.registration.start();
  }

  cut(at: number): void {
    this.seats[at]!.isCut = true;
    for (let other = 0; other < BROKERS; other++) {
      if (other === at) continue;
      this.seats[other]!.node.sessionEnded((at + 1) as BrokerId);
      this.seats[at]!.node.sessionEnded((other + 1) as BrokerId);
    }
  }

  heal(at: number): void {
    this.seats[at]!.isCut = false;
    for (let other = 0; other < BROKERS; other++) {
      if (!this.#isLinked(at, other)) continue;
      this.seats[other]!.node.sessionBegan((at + 1) as BrokerId);
      this.seats[at]!.node.sessionBegan((other + 1) as BrokerId);
    }
  }

  /** Only broker 4: it has nothing but its image, which it loses. */
  restartLast(directory?: DirectoryId): void {
    const at = BROKERS - 1;
    const seat = this.seats[at]!;
    this.cut(at);
    seat.registration?.stop();
    seat.node.stop();
    if (directory !== undefined) seat.directory = directory;
    seat.incarnation = (directory === undefined ? seat.incarnation + 1 : 1) as Incarnation;
    seat.node = this.#newNode(at, seat.directory, seat.incarnation);
    const rows = [...this.leaderNode().leaders.rows()];
    for (const row of rows) seat.node.leaders.accept(row);
    seat.node.follow();
    this.heal(at);
    this.register(at);
  }

  ask<K extends ControllerKind>(
    at: number,
    request: ControllerRequest<K>,
    withinMs: number,
  ): Asked<K> {
    const asked: Asked<K> = { request, outcome: null };
    void this.seats[at]!.node.client.request<K>(request, withinMs).then((outcome) => {
      asked.outcome = outcome;
    });
    return asked;
  }

  /** Time passes, commits happen, replicas apply, promises are kept. */
  async pass(ms: number, commits = true): Promise<void> {
    for (let passed = 0; passed < ms; passed += 10) {
      this.clock.pass(10);
      if (commits) this.group.commit(Number.MAX_SAFE_INTEGER);
      for (let at = 0; at < VOTERS; at++) this.group.deliver(at, Number.MAX_SAFE_INTEGER);
      this.clock.endTurn();
      // Promise chains of the clients are a few links long.
      for (let link = 0; link < 6; link++) await Promise.resolve();
    }
  }

  fencedBrokers(): BrokerId[] {
    const all = [...this.leaderNode().image.brokers()];
    return all.filter((broker) => broker.fenced).map((broker) => broker.broker);
  }
}
