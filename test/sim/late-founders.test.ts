// Founders of a group whose brokers were down when it was placed, and that come back after it has got another target. If it has
// never had a leader it has one once most of them are up, whatever the target has become (N15, F9), and then moves. None
// of them leads without the others.
import { beforeEach, expect, test } from "vitest";
import type { PartitionPlacement } from "../../internal/cluster/records.ts";
import type { BrokerId } from "../../internal/model/ids.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { Broker } from "../../internal/server/broker.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

const BROKERS = [1, 2, 3, 4, 5];
const LEADERLESS_MS_MAX = 5_000;
/** A broker that starts needs so long until it has a current image. */
const START_MS_MAX = 5_000;
const STEP_MS = 0.1;
const ALONE_MS = 1_000;

interface Story {
  readonly founders: readonly number[];
  readonly targets: readonly (readonly number[])[];
  /** Founders that go for good before the others come back. */
  readonly lost?: readonly number[];
}

const STORIES: readonly (readonly [string, Story])[] = [
  ["the target excludes most of them", { founders: [1, 2, 3], targets: [[1, 4, 5]] }],
  ["the target excludes them all", { founders: [1, 2, 3], targets: [[4, 5]] }],
  ["there was one", { founders: [2], targets: [[4]] }],
  [
    "the target comes back to them",
    {
      founders: [2, 3],
      targets: [
        [4, 5],
        [3, 2],
      ],
    },
  ],
  [
    "the one that was up is lost, and the target adds another broker",
    {
      founders: [1, 2, 3],
      targets: [
        [1, 2, 3, 4],
        [4, 3, 2, 1],
      ],
      lost: [1],
    },
  ],
];

let simulation: Simulation;
let cluster: SimCluster;

beforeEach(async () => {
  simulation = new Simulation({ seed: 5 });
  cluster = new SimCluster(simulation, { brokers: BROKERS.length });
  cluster.startAll();
  await simulation.until("ready", () => cluster.isReady);
});

/** Some broker that can be asked. */
function running(): Broker {
  return cluster.brokers.find(({ reachable }) => reachable !== null)!.reachable!;
}

function placement(): PartitionPlacement | null {
  return running().controller.image.partition("t", 0);
}

function replicaAt(id: number): Replica | null {
  const group = placement()?.group;
  return group === undefined ? null : (cluster.at(id).broker?.raft.replica(group) ?? null);
}

function leaders(): number[] {
  return BROKERS.filter((id) => replicaAt(id)?.serves === true);
}

async function create(founders: readonly number[]): Promise<void> {
  const assignments = [{ partition: 0, brokers: founders as BrokerId[] }];
  const topic = { name: "t", partitions: -1, factor: -1, assignments, configs: [] };
  void running().services.cluster.createTopics([topic], false, 1_000);
  await simulation.until("it is placed", () => placement() !== null);
}

async function place(brokers: readonly number[]): Promise<void> {
  const { client, image } = running().controller;
  const { topicId } = image.topicNamed("t")!;
  const { revision } = placement()!;
  const change = { topicId, partition: 0, revision, brokers: brokers as BrokerId[] };
  void client.request({ kind: "place-replicas", changes: [change] }, 5_000);
  await simulation.until("it has another target", () => placement()!.revision > revision);
}

/** Nothing is left over of the moves. */
async function moved(target: readonly number[], lost: readonly number[] = []): Promise<void> {
  const isThere = (id: number): boolean => (replicaAt(id) !== null) === target.includes(id);
  const isSettled = (): boolean =>
    placement()!.leaving.length === 0 &&
    placement()!.founders.length === 0 &&
    BROKERS.every((id) => lost.includes(id) || isThere(id));
  await simulation.until("it has moved", isSettled);
  expect(simulation.fatals).toEqual([]);
}

test.each(STORIES)("founders that come late lead their group: %s", async (_, story) => {
  const { founders, targets, lost = [] } = story;
  const late = founders.filter((id) => id !== 1);
  for (const id of late) cluster.at(id).crash("kill");
  await create(founders);
  for (const target of targets) await place(target);
  await simulation.runForMs(3_000);
  expect(leaders()).toEqual([]);

  for (const id of lost) cluster.at(id).crash("kill");
  for (const id of late) cluster.at(id).start(simulation.scheduler.nowUs);
  await simulation.runForMs(START_MS_MAX + LEADERLESS_MS_MAX);
  expect(leaders().length).toBe(1);
  await moved(targets.at(-1)!, lost);
});

test("a founder that comes late leads nothing by itself where others found with it", async () => {
  cluster.at(3).crash("kill");
  await create([3, 4, 5]);
  await simulation.until("it is led", () => replicaAt(4)?.serves === true);
  // It is the only founder that the target keeps: if it knew of no others it would be a voter that needs nobody.
  await place([3, 2]);
  cluster.at(3).start(simulation.scheduler.nowUs);
  await simulation.until("it has begun", () => replicaAt(3) !== null, STEP_MS);
  const { links } = simulation.network;
  const nameOf = (id: number): string => cluster.at(id).node.name;
  for (const other of [2, 4, 5]) links.cut(nameOf(3), nameOf(other));
  for (let ms = 0; ms < ALONE_MS; ms += STEP_MS) {
    await simulation.runForMs(STEP_MS);
    expect(leaders()).not.toContain(3);
  }
  links.healAll();
  await moved([3, 2]);
});
