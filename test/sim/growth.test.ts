// A cluster of one broker that grows to three, all of them whole brokers on simulated machines: its internal topic gets the
// replicas that it could not have at first (C7), the offsets in it survive the first broker, and coordinators spread.
import { afterEach, expect, test } from "vitest";
import type { BrokerId } from "../../internal/model/ids.ts";
import { CONSUMER_OFFSETS } from "../../internal/model/internal-topics.ts";
import type { Broker } from "../../internal/server/broker.ts";
import type { FetchedOffset } from "../../internal/service/group-service.ts";
import type { PartitionView } from "../../internal/service/cluster-service.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

const PARTITIONS = 20;
const GROUPS = Array.from({ length: 12 }, (_, k) => `group-${k}`);

const simulation = new Simulation({ seed: 5 });
// Each broker that joins was told of those before it.
const cluster = new SimCluster(simulation, {
  brokers: 3,
  initial: (id) => id,
  settings: {
    "offsets.topic.num.partitions": PARTITIONS,
    "leader.imbalance.check.interval.seconds": 1,
  },
});

afterEach(() => {
  expect(simulation.fatals).toEqual([]);
});

function broker(id: number): Broker {
  const { broker: running } = cluster.at(id);
  if (running === null) throw new Error(`broker ${id} is not up`);
  return running;
}

async function join(id: number): Promise<void> {
  cluster.at(id).start(simulation.scheduler.nowUs);
  await simulation.until(
    `broker ${id} serves`,
    () => cluster.at(id).broker?.readiness().length === 0,
  );
}

function partitions(seenBy: number): readonly PartitionView[] {
  return broker(seenBy).services.cluster.topicNamed(CONSUMER_OFFSETS)?.partitions ?? [];
}

function factors(seenBy: number): number[] {
  return [...new Set(partitions(seenBy).map(({ replicas }) => replicas.length))];
}

async function coordinatorOf(group: string, by: number): Promise<Broker> {
  let found = 0;
  await simulation.until(`a coordinator of ${group}`, () => {
    void broker(by)
      .services.groups.coordinatorOf(group, 1_000)
      .then((answer) => {
        found = answer.ok ? answer.value : 0;
      });
    return found !== 0;
  });
  return broker(found);
}

async function committed(group: string, by: number): Promise<readonly FetchedOffset[]> {
  let offsets: readonly FetchedOffset[] | null = null;
  const coordinator = await coordinatorOf(group, by);
  await simulation.until(`offsets of ${group}`, () => {
    coordinator.services.groups.fetch(group, null, (outcome) => {
      if (outcome.ok) offsets = outcome.value;
    });
    return offsets !== null;
  });
  return offsets ?? [];
}

test("internal topics get their replicas when the cluster grows", async () => {
  await join(1);
  const topics = [{ name: "t", partitions: 1, factor: 1, assignments: [], configs: [] }];
  await simulation.settle(broker(1).services.cluster.createTopics(topics, false, 5_000));
  for (const [at, group] of GROUPS.entries()) {
    const coordinator = await coordinatorOf(group, 1);
    let isDone = false;
    const offset = { name: "t", topicId: null, partition: 0, offset: 100 + at, leaderEpoch: -1 };
    const claim = { group, memberId: "", instanceId: null, generation: -1, retentionMs: -1 };
    coordinator.services.groups.commit(
      { ...claim, offsets: [{ ...offset, metadata: "" }] } as never,
      (faults) => {
        isDone = faults.every((fault) => fault === null);
      },
    );
    await simulation.until("the commit", () => isDone);
  }
  expect(factors(1)).toEqual([1]);

  await join(2);
  await simulation.until("two replicas", () => factors(1).join() === "2");
  await join(3);
  await simulation.until("three replicas", () => factors(1).join() === "3");
  await simulation.until("all in sync", () => partitions(1).every(({ isr }) => isr.length === 3));
  await simulation.until("coordinators are spread", () => {
    const leaders = partitions(2).map(({ leader }) => leader);
    return [1, 2, 3].every(
      (id) => leaders.filter((one) => one === id).length >= PARTITIONS / 3 - 2,
    );
  });
  // What clients create keeps the factor that they asked for.
  expect(broker(1).services.cluster.topicNamed("t")?.partitions[0]?.replicas).toEqual([1]);

  // The first broker is the only voter of group 0 and the one that had everything: offsets outlive it.
  cluster.at(1).crash("power");
  await simulation.until("others lead", () =>
    partitions(2).every(({ leader }) => leader === (2 as BrokerId) || leader === (3 as BrokerId)),
  );
  for (const [at, group] of GROUPS.entries()) {
    const offsets = await committed(group, 3);
    expect(offsets.map((of) => of.committed?.offset)).toEqual([100 + at]);
  }
});
