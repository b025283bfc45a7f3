// Leadership in clusters of whole brokers on simulated machines: it goes back to the preferred replicas after a failover, in
// bounded time and at no more than the rate; operators move it; and a broker that stops in order hands everything over
// while producers go on.
import { afterEach, beforeEach, expect, test } from "vitest";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import { groupPartition } from "../../internal/coordinator/group-partition.ts";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import type { BrokerId, GroupId, LogIndex } from "../../internal/model/ids.ts";
import type { Broker } from "../../internal/server/broker.ts";
import { CONSUMER_OFFSETS } from "../../internal/model/internal-topics.ts";
import type { CommitRequest, GroupFault } from "../../internal/service/group-service.ts";
import type { PartitionElection } from "../../internal/service/election-service.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { TIMER } from "./world/scheduler.ts";
import { Simulation } from "./world/sim-world.ts";

const TOPIC = "t";
const PARTITIONS = 12;
const RATE = 3;
const CHECK_S = 2;
const ALL = [1, 2, 3];

let simulation: Simulation;
let cluster: SimCluster;

beforeEach(async () => {
  simulation = new Simulation({ seed: 23 });
  cluster = new SimCluster(simulation, {
    brokers: 3,
    settings: {
      "leader.imbalance.check.interval.seconds": CHECK_S,
      "leader.rebalance.transfers.per.second": RATE,
    },
  });
  cluster.startAll();
  await simulation.until("the cluster is ready", () => cluster.isReady);
  const [topic] = await simulation.settle(
    broker(1).services.cluster.createTopics(
      [{ name: TOPIC, partitions: PARTITIONS, factor: 3, assignments: [], configs: [] }],
      false,
      10_000,
    ),
  );
  expect(topic?.outcome.ok).toBe(true);
  await simulation.until("all lead where they should", isBalanced);
});

afterEach(() => {
  expect(simulation.fatals).toEqual([]);
});

function broker(id: number): Broker {
  const { broker: running } = cluster.at(id);
  if (running === null) throw new Error(`broker ${id} is not up`);
  return running;
}

function running(): Broker[] {
  return cluster.brokers.flatMap(({ broker: one }) => (one === null ? [] : [one]));
}

function start(id: number): void {
  cluster.at(id).start(simulation.scheduler.nowUs);
}

/** The partitions whose leader, as every broker up sees it, is the first of the placement. */
function balanced(): number {
  const views = running().map((one) => one.services.cluster.topicNamed(TOPIC));
  let count = 0;
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const isRight = views.every((view) => {
      const of = view?.partitions[partition];
      return of !== undefined && of.leader !== null && of.leader === of.replicas[0];
    });
    if (isRight) count++;
  }
  return count;
}

const isBalanced = (): boolean => balanced() === PARTITIONS;

function leaderOf(partition: number): number {
  const found = running().find((one) => {
    const placement = one.controller.image.partition(TOPIC, partition);
    const replica = placement === null ? null : one.raft.replica(placement.group);
    return replica?.serves === true;
  });
  return found?.id ?? 0;
}

/**
 * An idempotent producer for each partition: sends a record to the leader, waits, sends the next. What is refused, or not
 * answered for a while, is sent again with its sequence, as clients do.
 */
class Producers {
  readonly acked: number[] = Array.from({ length: PARTITIONS }, () => 0);
  readonly refusals = new Map<string, number>();
  /** The longest time that a record took since `forget`. */
  gapMsMax = 0;
  #isOver = false;
  #running = PARTITIONS;

  start(): void {
    for (let partition = 0; partition < PARTITIONS; partition++) this.#next(partition);
  }

  forget(): void {
    this.gapMsMax = 0;
    this.refusals.clear();
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await simulation.until("the producers are done", () => this.#running === 0);
  }

  #next(partition: number): void {
    if (this.#isOver) this.#running--;
    else this.#send(partition, simulation.scheduler.nowUs);
  }

  #send(partition: number, sinceUs: number): void {
    const sequence = this.acked[partition] as number;
    let isOver = false;
    const again = (): void => {
      if (isOver) return;
      isOver = true;
      later(10, () => this.#send(partition, sinceUs));
    };
    later(ANSWER_MS_MAX, again);
    const at = running().find(({ id }) => id === leaderOf(partition));
    if (at === undefined) return again();
    const taken = at.services.log.append(appendOf(partition, sequence), (outcome) => {
      if (isOver) return;
      if (!outcome.ok) {
        const { kind } = outcome.fault;
        this.refusals.set(kind, (this.refusals.get(kind) ?? 0) + 1);
        return again();
      }
      isOver = true;
      expect(outcome.value.baseOffset).toBe(sequence);
      this.acked[partition] = sequence + 1;
      this.gapMsMax = Math.max(this.gapMsMax, (simulation.scheduler.nowUs - sinceUs) / 1_000);
      later(40, () => this.#next(partition));
    });
    if (taken === "busy") again();
  }
}

const ANSWER_MS_MAX = 1_500;

function later(delayMs: number, run: () => void): void {
  simulation.scheduler.at(delayMs * 1_000, null, TIMER, "client", run);
}

function appendOf(partition: number, sequence: number) {
  const record = {
    key: null,
    value: Buffer.from(`${partition}-${sequence}`),
    timestampMs: nowMs(),
  };
  const producer = { producerId: 1_000 + partition, producerEpoch: 0, baseSequence: sequence };
  const bytes = encodeBatch([record], producer);
  const batch = { bytes, start: 0, end: bytes.length };
  const address = { name: TOPIC, topicId: null, partition };
  return { ...address, batch, acks: -1, timeoutMs: 1_000, allowsZstd: true };
}

function nowMs(): number {
  return running()[0]?.world.clock.nowMs() ?? 0;
}

/** Nothing acknowledged is missing, and nothing is there twice. */
function expectAll(producers: Producers): void {
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const leader = broker(leaderOf(partition));
    const placement = leader.controller.image.partition(TOPIC, partition);
    const { highWatermark } = leader.partitions.of(placement?.group as GroupId);
    expect([partition, highWatermark]).toEqual([partition, producers.acked[partition]]);
  }
}

/** Transfers for balance that each broker began, since its start. */
function transfersOf(id: number): number {
  const { world } = cluster.at(id).node;
  return world?.meter.value("flotilla_replica_transfers_total", { reason: "balance" }) ?? 0;
}

test("after a kill and a restart of each broker, leadership goes back, in bounded time and paced", async () => {
  const producers = new Producers();
  producers.start();
  for (const id of ALL) {
    cluster.at(id).crash("power");
    await simulation.until("others lead", () => {
      const leaders = Array.from({ length: PARTITIONS }, (_, partition) => leaderOf(partition));
      return leaders.every((leader) => leader !== 0 && leader !== id);
    });
    await simulation.runForMs(500);
    expect(balanced()).toBeLessThan(PARTITIONS);
    start(id);
    // Two looks, and what is paced; before, the broker must be back and in step.
    const counts: number[][] = [];
    const tookMs = await simulation.until(
      "leadership is back",
      () => {
        counts.push(ALL.map(transfersOf));
        return isBalanced();
      },
      100,
    );
    expect(tookMs).toBeLessThan(12_000);
    const others = ALL.filter((other) => other !== id);
    for (const other of others) {
      const series = counts.map((all) => all[other - 1] as number);
      const seconds = series.map((count, at) => (series[at + 10] ?? count) - count);
      expect(Math.max(...seconds)).toBeLessThanOrEqual(RATE);
    }
  }
  await producers.stop();
  expectAll(producers);
});

test("a broker that stops in order hands everything over; producers hardly notice", async () => {
  const producers = new Producers();
  producers.start();
  for (const id of ALL) {
    await simulation.runForMs(1_000);
    producers.forget();
    const stopping = broker(id);
    let heirs = 0;
    const drained = stopping.drain(5_000).then((count) => {
      heirs = count;
    });
    expect(stopping.readiness()).toEqual(["stopping"]);
    await simulation.settle(drained);
    expect([heirs, stopping.raft.leaderCount]).toEqual([2, 0]);
    await simulation.runForMs(50);
    for (const one of running()) {
      const known = one.controller.image.broker(id as BrokerId);
      expect([known?.draining, known?.fenced]).toEqual([true, true]);
    }
    await simulation.runForMs(1_000);
    // It stays: neither the balance nor an operator gives it anything, and it takes nothing.
    expect(stopping.raft.leaderCount).toBe(0);
    await simulation.settle(stopping.stop());
    cluster.at(id).crash("kill");
    await simulation.runForMs(1_000);
    expect([...producers.refusals.keys()].filter((kind) => kind !== "not-leader")).toEqual([]);
    expect(producers.gapMsMax).toBeLessThan(150);
    start(id);
    await simulation.until("it is back", () => cluster.isReady);
    expect(broker(id).controller.image.broker(id as BrokerId)?.draining).toBe(false);
    await simulation.until("it has caught up", () => broker(id).hasCaughtUp);
  }
  await simulation.until("leadership is back", isBalanced);
  await producers.stop();
  expectAll(producers);
});

test("the controller's own group is handed over too, and new topics avoid who stops", async () => {
  const leads = (id: number): boolean => broker(id).raft.replica(CONTROLLER_GROUP)?.serves === true;
  const id = ALL.find(leads) as number;
  await simulation.settle(broker(id).drain(5_000));
  await simulation.until("another controller", () =>
    ALL.some((other) => other !== id && leads(other)),
  );
  const asked = ALL.find((other) => other !== id) as number;
  const made = broker(asked).services.cluster.createTopics(
    [{ name: "new", partitions: 8, factor: 2, assignments: [], configs: [] }],
    false,
    10_000,
  );
  expect((await simulation.settle(made))[0]?.outcome.ok).toBe(true);
  const { partitions = [] } = broker(asked).services.cluster.topicNamed("new") ?? {};
  expect(partitions.some(({ replicas }) => replicas.includes(id as BrokerId))).toBe(false);
});

test("operators elect preferred leaders from any broker; what is not possible is said, and harms nobody", async () => {
  const elect = (by: number, partitions: readonly number[] | null) =>
    simulation.settle(
      broker(by).services.elections.elect(
        "preferred",
        partitions === null ? null : [{ topic: TOPIC, partitions }],
        3_000,
      ),
    );
  const told = (elections: readonly PartitionElection[]): string[] =>
    elections.map(({ partition, outcome }) => {
      return `${partition} ${outcome.ok ? "moved" : outcome.fault.kind}`;
    });
  expect(told(await elect(1, [0, 99]))).toEqual(["0 not-needed", "99 unknown-partition"]);
  const group = broker(1).controller.image.partition(TOPIC, 0)?.group as GroupId;
  const [first, second] =
    broker(1).services.cluster.topicNamed(TOPIC)?.partitions[0]?.replicas ?? [];
  const replica = broker(first as number).raft.replica(group);
  const heir = [...(replica?.members() ?? [])].find((member) => member.broker === second);
  if (replica === null || heir === undefined) throw new Error("no replica");
  broker(first as number).raft.transfer(replica, heir.replica);
  await simulation.until("the second leads", () => leaderOf(0) === second);
  await simulation.runForMs(100);
  // Whoever is asked: the leader, the preferred one, somebody else.
  const asked = ALL.find((id) => id !== first && id !== second) as number;
  expect(told(await elect(asked, [0, 0, 0]))).toEqual(["0 moved"]);
  await simulation.until("it serves", () => leaderOf(0) === first, 1);
  expect(told(await elect(asked, null))).toEqual([]);
  const unclean = await simulation.settle(
    broker(1).services.elections.elect("any", [{ topic: TOPIC, partitions: [0] }], 1_000),
  );
  expect(told(unclean)).toEqual(["0 not-needed"]);

  cluster.at(first as number).crash("power");
  await simulation.until("another leads", () => leaderOf(0) !== 0);
  await simulation.runForMs(3_000);
  expect(told(await elect(asked, [0]))).toEqual(["0 preferred-unavailable"]);
});

test("who refuses the leadership costs the leader a moment, not a second", async () => {
  const producers = new Producers();
  producers.start();
  await simulation.runForMs(500);
  const group = broker(1).controller.image.partition(TOPIC, 0)?.group as GroupId;
  const leader = broker(leaderOf(0));
  const replica = leader.raft.replica(group);
  const heir = [...(replica?.members() ?? [])].find((member) => member.broker !== leader.id);
  if (replica === null || heir === undefined) throw new Error("no replica");
  broker(heir.broker)
    .raft.replica(group)
    ?.damaged.add(1 as LogIndex);
  producers.forget();
  const ended: boolean[] = [];
  leader.raft.transfer(replica, heir.replica, "asked", (moved) => ended.push(moved));
  await simulation.until("it is refused", () => ended.length > 0, 1);
  await simulation.runForMs(200);
  expect([ended, leaderOf(0), producers.gapMsMax < 50]).toEqual([[false], leader.id, true]);
  broker(heir.broker).raft.replica(group)?.damaged.clear();
  await producers.stop();
  expectAll(producers);
});

test("who commits or asks for offsets while a coordinator moves is answered when it is known who leads", async () => {
  const { groups } = broker(1).services;
  let named = 0;
  await simulation.until("a coordinator", () => {
    void groups.coordinatorOf("g", 1_000).then((found) => {
      named = found.ok ? found.value : 0;
    });
    return named !== 0;
  });
  const placement = () => {
    const topic = broker(1).controller.image.topicNamed(CONSUMER_OFFSETS);
    return topic?.partitions[groupPartition("g", topic.partitions.length)];
  };
  const group = placement()?.group as GroupId;
  const serving = (): number => ALL.find((id) => broker(id).raft.replica(group)?.serves) ?? 0;
  await simulation.until("it serves", () => serving() === named);
  const offset = { name: TOPIC, topicId: null, partition: 0, offset: 7, leaderEpoch: -1 };
  const claim = { group: "g", memberId: "", instanceId: null, generation: -1, retentionMs: -1 };
  const faults: (GroupFault | null)[] = [];
  const commit = (id: number): void =>
    broker(id).services.groups.commit(
      { ...claim, offsets: [{ ...offset, metadata: "" }] } as unknown as CommitRequest,
      (answers) => faults.push(...answers),
    );
  for (let move = 0; move < 6; move++) {
    const leader = serving();
    const replica = broker(leader).raft.replica(group);
    const heir = [...(replica?.members() ?? [])].find((one) => one.broker !== leader);
    if (replica === null || heir === undefined) throw new Error("no replica");
    broker(leader).raft.transfer(replica, heir.replica);
    commit(leader); // It is on its way out: this one waits, and is sent on.
    await simulation.until(
      "the heir leads",
      () => broker(heir.broker).raft.replica(group)?.leads === true,
      0.1,
    );
    commit(heir.broker); // It does not know its high watermark yet (F7): this one waits, and is taken.
    await simulation.until("both are answered", () => faults.length === 2, 1);
    expect(faults.splice(0)).toEqual(["not-coordinator", null]);
  }
});
