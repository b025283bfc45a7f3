// Offsets that were committed for a topic that was deleted are not those of a new topic of its name: whatever the clocks of
// the machines say, and whoever coordinates the group in that moment.
import { beforeEach, expect, test } from "vitest";
import { groupPartition } from "../../internal/coordinator/group-partition.ts";
import type { FetchedOffset } from "../../internal/service/group-service.ts";
import type { Broker } from "../../internal/server/broker.ts";
import { CONSUMER_OFFSETS } from "../../internal/model/internal-topics.ts";
import { GroupStage } from "./group-stage.ts";

const TOPIC = "orders";
const ALL = [1, 2, 3];
let stage: GroupStage;

beforeEach(async () => {
  stage = new GroupStage(77);
  await stage.open(TOPIC, 1);
  await stage.coordinator("g", 1);
  await stage.simulation.until("it serves", () => coordinating().id !== 0);
});

function broker(id: number): Broker {
  const { broker: running } = stage.cluster.at(id);
  if (running === null) throw new Error(`broker ${id} is down`);
  return running;
}

/** The broker that coordinates the group, with its replica. */
function coordinating() {
  const placed = broker(1).controller.image.topicNamed(CONSUMER_OFFSETS)!.partitions;
  const { group } = placed[groupPartition("g", placed.length)]!;
  const id = ALL.find((one) => broker(one).raft.replica(group)?.serves) ?? 0;
  return { id, replica: id === 0 ? null : broker(id).raft.replica(group) };
}

async function commit(offset: number): Promise<void> {
  await stage.simulation.until("a coordinator", () => coordinating().id !== 0);
  const one = { name: TOPIC, topicId: null, partition: 0, offset, leaderEpoch: -1, metadata: "" };
  const claim = { group: "g", memberId: "", instanceId: null, generation: -1, retentionMs: -1 };
  const { groups } = broker(coordinating().id).services;
  let isDone = false;
  groups.commit({ ...claim, offsets: [one] } as never, ([fault]) => {
    isDone = fault === null;
  });
  await stage.simulation.until("it is committed", () => isDone);
}

async function committed(): Promise<number | null> {
  let found: readonly FetchedOffset[] | null = null;
  await stage.simulation.until("an answer", () => {
    const { id } = coordinating();
    if (id === 0) return false;
    const topics = [{ name: TOPIC, topicId: null, partitions: [0] }];
    broker(id).services.groups.fetch("g", topics, (outcome) => {
      if (outcome.ok) found = outcome.value;
    });
    return found !== null;
  });
  return (found as readonly FetchedOffset[] | null)?.[0]?.committed?.offset ?? null;
}

function remove(): Promise<unknown> {
  const { cluster } = broker(1).services;
  return stage.simulation.settle(cluster.deleteTopics([{ name: TOPIC, topicId: null }], 5_000));
}

function make(): Promise<unknown> {
  const { cluster } = broker(1).services;
  const topic = { name: TOPIC, partitions: 1, factor: 3, assignments: [], configs: [] };
  return stage.simulation.settle(cluster.createTopics([topic], false, 5_000));
}

test("an offset of a coordinator whose clock was ahead does not outlive its topic", async () => {
  const { id, replica } = coordinating();
  stage.cluster.at(id).node.wall.offsetMs = 3_600_000;
  await commit(42);
  const heir = [...replica!.members()].find((one) => one.broker !== id)!;
  broker(id).raft.transfer(replica!, heir.replica);
  await stage.simulation.until("another coordinates", () => coordinating().id === heir.broker);
  expect(await committed()).toBe(42);
  await remove();
  await make();
  expect(await committed()).toBeNull();
  await commit(1);
  expect(await committed()).toBe(1);
});

test("nor does one of a topic that was deleted while nobody coordinated the group", async () => {
  await commit(42);
  const { replica } = coordinating();
  const held = ALL.map((one) => broker(one).raft.replica(replica!.group)!);
  // Nobody of them leads for as long as this takes.
  for (const one of held) one.handle({ on: "standing", standing: "quiet" });
  expect(coordinating().id).toBe(0);
  await remove();
  await make();
  for (const one of held) one.handle({ on: "standing", standing: "full" });
  expect(await committed()).toBeNull();
});
