// A replica that was alone when its machine had lost power, and gets others: whatever it has to ask of anybody about what
// its disk may have forgotten is asked at its start (D3). One that began when others joined asked none of them, and its group
// had no leader for ever.
import { expect, test } from "vitest";
import type { BrokerId, TopicId } from "../../internal/model/ids.ts";
import type { PartitionPlacement } from "../../internal/cluster/records.ts";
import { ServiceStage } from "./service-stage.ts";
import { GroupView } from "./watch/group-view.ts";

test.each([
  ["grows to three", [1, 2, 3]],
  ["moves to another broker", [2]],
])("a single replica that was without power %s", async (_, wanted) => {
  const stage = new ServiceStage(5, { brokers: 3 });
  const { simulation, cluster } = stage;
  await stage.start();
  expect(await stage.create(1, "t", { on: [1] })).toBe("ok");
  expect(await stage.append(1, "t", 100)).toBe("ok");
  cluster.at(1).crash("power");
  stage.startBroker(1);
  await simulation.until("broker 1 serves", () => stage.isReady(1));

  const { client, image } = cluster.at(1).broker!.controller;
  const { topicId, partitions } = image.topicNamed("t")!;
  const { group, revision } = partitions[0]!;
  const brokers = wanted as BrokerId[];
  const change = { topicId: topicId as TopicId, partition: 0, revision, brokers };
  void client.request({ kind: "place-replicas", changes: [change] }, 1_000);
  const view = (): GroupView => new GroupView(cluster, group);
  await simulation.until("its replicas are where they should be", () => {
    const leader = view().leader?.replica;
    if (leader === undefined || view().halves.length !== 1) return false;
    const { voters } = leader.machine.configuration;
    return String(voters.map((id) => leader.member(id)?.broker)) === String(wanted);
  });
  const { id } = view().leader!.at;
  expect(await stage.append(id, "t", 100)).toBe("ok");
});

test("a single replica does not wait for what a move placed on a broker that was down until the move was taken back", async () => {
  const stage = new ServiceStage(5, { brokers: 3 });
  const { simulation, cluster } = stage;
  await stage.start();
  expect(await stage.create(1, "t", { on: [1] })).toBe("ok");
  expect(await stage.append(1, "t", 100)).toBe("ok");
  const { client, image } = cluster.at(1).broker!.controller;
  const placement = (): PartitionPlacement => image.topicNamed("t")!.partitions[0]!;
  cluster.at(2).crash("kill");
  for (const brokers of [[2], [1]] as BrokerId[][]) {
    const { revision } = placement();
    const topicId = image.topicNamed("t")!.topicId as TopicId;
    const change = { topicId, partition: 0, revision, brokers };
    void client.request({ kind: "place-replicas", changes: [change] }, 5_000);
    await simulation.until("it is placed", () => placement().revision > revision, 1);
  }
  expect(placement().leaving).toHaveLength(1);
  cluster.at(1).crash("power");
  for (const id of [1, 2]) stage.startBroker(id);
  await simulation.until("broker 1 serves", () => stage.hosted(1)[0]?.serves === true);
  expect(await stage.append(1, "t", 100)).toBe("ok");
});
