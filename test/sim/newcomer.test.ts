// A replica that moves to another broker, which loses power before its log reaches the entry that makes it a member (F9): what
// it has by then names others only. It is the replica that was placed there all the same, and goes on.
import { expect, test } from "vitest";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { BrokerId, TopicId } from "../../internal/model/ids.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

const NEWCOMER = 4;
const STEP_MS = 0.1;

test("a newcomer that dies before its log names it catches up when it is back", async () => {
  const simulation = new Simulation({ seed: 3 });
  const cluster = new SimCluster(simulation, { brokers: 4 });
  cluster.startAll();
  await simulation.until("the cluster is ready", () => cluster.isReady);
  const services = () => cluster.at(1).broker!.services;
  const brokers = [1, 2, 3] as BrokerId[];
  const topic = {
    ...{ name: "t", partitions: -1, factor: -1, configs: [] },
    assignments: [{ partition: 0, brokers }],
  };
  await simulation.settle(services().cluster.createTopics([topic], false, 5_000));
  const placement = () => cluster.at(1).broker!.controller.image.partition("t", 0)!;
  const replicaAt = (id: number): Replica | null =>
    cluster.at(id).broker?.raft.replica(placement().group) ?? null;
  const leader = (): Replica => brokers.map(replicaAt).find((one) => one?.serves === true)!;
  await simulation.until("it is led by the first", () => replicaAt(1)?.serves === true);
  const bytes = encodeBatch([{ key: null, value: new Uint8Array(900), timestampMs: 1 }]);
  let acknowledged = 0;
  for (let k = 0; k < 400; k++) {
    const batch = { bytes: Uint8Array.from(bytes), start: 0, end: bytes.length };
    const append = { name: "t", topicId: null, partition: 0, batch, acks: -1, timeoutMs: 9_000 };
    services().log.append(
      { ...append, allowsZstd: true },
      ({ ok }) => (acknowledged += Number(ok)),
    );
  }
  await simulation.until("all is acknowledged", () => acknowledged === 400);

  const { topicId } = cluster.at(1).broker!.controller.image.topicNamed("t")!;
  const change = {
    ...{ topicId: topicId as TopicId, partition: 0, revision: placement().revision },
    brokers: [1, 2, NEWCOMER] as BrokerId[],
  };
  const { client } = cluster.at(1).broker!.controller;
  void client.request({ kind: "place-replicas", changes: [change] }, 1_000);
  const isAtSea = (): boolean => (replicaAt(NEWCOMER)?.acceptedMatch ?? 0) > 0;
  await simulation.until("the newcomer has a part of the log", isAtSea, STEP_MS);
  const { self, machine } = replicaAt(NEWCOMER)!;
  expect([machine.isVoter(self), machine.isLearner(self)]).toEqual([false, false]);
  cluster.at(NEWCOMER).crash("power");
  await simulation.runForMs(500);
  cluster.at(NEWCOMER).start(simulation.scheduler.nowUs);

  await simulation.until("it is a voter that has everything", () => {
    const back = replicaAt(NEWCOMER);
    return (
      back?.self === self &&
      back.machine.isVoter(self) &&
      back.entries.last === leader().entries.last
    );
  });
  expect(replicaAt(NEWCOMER)?.machine.standing).toBe("full");
  expect(simulation.fatals).toEqual([]);
});
