// A broker whose disk went back in time (D3): its replicas are suspect from the moment a peer proves it, and stay so.
import { afterEach, beforeEach, expect, test } from "vitest";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

const WAIT_MS_MAX = 30_000;

let simulation: Simulation;
let cluster: SimCluster;

beforeEach(async () => {
  simulation = new Simulation({ seed: 5 });
  cluster = new SimCluster(simulation, { brokers: 3 });
  cluster.startAll();
  await until("the cluster is ready", () => cluster.isReady);
  const wanted = { name: "t", partitions: 1, factor: 3, assignments: [], configs: [] };
  await simulation.settle(broker(1).services.cluster.createTopics([wanted], false, 10_000));
});

afterEach(() => {
  expect(simulation.fatals).toEqual([]);
});

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += 20) {
    if (holds()) return;
    await simulation.runForMs(20);
  }
  throw new Error(`not within ${WAIT_MS_MAX} ms: ${what}`);
}

function broker(id: number) {
  const { broker: running } = cluster.at(id);
  if (running === null) throw new Error(`broker ${id} is not up`);
  return running;
}

function standing(id: number): string | null {
  const replicas = [...(cluster.at(id).broker?.raft.replicas() ?? [])];
  return replicas.find(({ group }) => group !== CONTROLLER_GROUP)?.machine.standing ?? null;
}

/** Appends one batch after another, wherever the leader is. */
async function append(count: number): Promise<void> {
  for (let k = 0; k < count; k++) {
    let isDone = false;
    await until("an append", () => {
      for (const id of [1, 2, 3]) offer(id, () => (isDone = true));
      return isDone;
    });
  }
}

function offer(id: number, done: () => void): void {
  const running = cluster.at(id).broker;
  if (running === null) return;
  const timestampMs = running.world.clock.nowMs();
  const bytes = encodeBatch([{ key: null, value: new Uint8Array(100), timestampMs }]);
  const batch = { bytes, start: 0, end: bytes.length };
  const at = { name: "t", topicId: null, partition: 0 };
  running.services.log.append(
    { ...at, batch, acks: -1, timeoutMs: 5_000, allowsZstd: true },
    (outcome) => {
      if (outcome.ok) done();
    },
  );
}

async function restart(id: number): Promise<void> {
  cluster.at(id).start(simulation.scheduler.nowUs);
  await until("the broker is up", () => standing(id) !== null);
}

test("replicas of a disk that went back in time are never trusted again, also when its journal has overtaken the proof", async () => {
  await append(3);
  const { disk } = cluster.at(3).node;
  const image = disk.snapshot();
  await append(30);
  cluster.at(3).crash("power");
  disk.restore(image);
  await restart(3);
  await until("the rollback is noticed", () => standing(3) === "suspect");
  expect(simulation.logs.find("journal-rolled-back")).not.toEqual([]);

  const seen = broker(1).journal.peerDurable(broker(3).journal.recovered.directory);
  while (broker(3).journal.durableTicket <= seen) {
    await simulation.settle(broker(3).journal.checkpoint());
  }
  await simulation.runForMs(1_000);
  cluster.at(3).crash("power");
  await restart(3);
  await simulation.runForMs(5_000);
  expect(standing(3)).toBe("suspect");
});
