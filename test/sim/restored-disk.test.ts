// A disk that comes back old (D3): the broker's own journal looks whole, and only its peers can tell that it once held
// more. Until they have, it neither votes nor leads; when they have, it never will again.
import { afterEach, expect, test } from "vitest";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import type { BrokerId } from "../../internal/model/ids.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

const OLD = 3;
/** `link.silence.ms`. */
const SILENCE_MS = 400;

let simulation: Simulation;
let cluster: SimCluster;

afterEach(() => {
  expect(simulation.fatals).toEqual([]);
});

function replica(broker: number): Replica | undefined {
  const replicas = [...(cluster.at(broker).broker?.raft.replicas() ?? [])];
  return replicas.find(({ group }) => group !== CONTROLLER_GROUP);
}

/** A cluster with one partition, led by the first broker. */
async function start(): Promise<void> {
  simulation = new Simulation({ seed: 29 });
  cluster = new SimCluster(simulation, { brokers: 3 });
  cluster.startAll();
  await simulation.until("the cluster is ready", () => cluster.isReady);
  const assignments = [{ partition: 0, brokers: [1, 2, 3] as BrokerId[] }];
  const topic = { name: "t", partitions: -1, factor: -1, assignments, configs: [] };
  const services = cluster.at(1).broker?.services;
  await simulation.settle(
    services?.cluster.createTopics([topic], false, 10_000) ?? Promise.reject(),
  );
  await simulation.until("it is led", () => replica(1)?.serves === true);
}

/** Appends a record through the first broker; resolves when it is committed. */
async function append(): Promise<void> {
  const bytes = encodeBatch([{ key: null, value: Uint8Array.of(1), timestampMs: 1_000 }]);
  const batch = { bytes, start: 0, end: bytes.length };
  const record = { name: "t", topicId: null, partition: 0, batch, acks: -1 };
  const appended = new Promise<boolean>((resolve) => {
    cluster
      .at(1)
      .broker?.services.log.append({ ...record, timeoutMs: 5_000, allowsZstd: true }, (outcome) =>
        resolve(outcome.ok),
      );
  });
  expect(await simulation.settle(appended)).toBe(true);
}

/** Powers a broker off, and gives it the disk that it had before some records. */
async function rollBack(): Promise<void> {
  const { node } = cluster.at(OLD);
  await append();
  await simulation.runForMs(500);
  const image = node.disk.snapshot();
  for (let k = 0; k < 5; k++) await append();
  await simulation.runForMs(500);
  cluster.at(OLD).crash("power");
  node.disk.restore(image);
}

test("a disk that went back in time is found out by its peers, and never counts again", async () => {
  await start();
  await rollBack();
  cluster.at(OLD).start(simulation.scheduler.nowUs);
  await simulation.until("it is known", () => replica(OLD)?.machine.standing === "suspect");
  // It does not help those who would lose a record by its vote, not even the only one who has everything.
  cluster.at(1).crash("power");
  await simulation.runForMs(5_000);
  expect(replica(OLD)?.machine.standing).toBe("suspect");
  expect([replica(2)?.serves, replica(OLD)?.serves]).toEqual([false, false]);
  cluster.at(1).start(simulation.scheduler.nowUs);
  await simulation.until(
    "the sound ones go on",
    () => replica(1)?.serves === true || replica(2)?.serves === true,
  );
});

test("before anybody could tell, it keeps quiet", async () => {
  await start();
  await rollBack();
  const second = cluster.at(2);
  cluster.at(1).crash("power");
  second.crash("power");
  // Nobody is there who could say what the old disk held.
  cluster.at(OLD).start(simulation.scheduler.nowUs);
  await simulation.until("it is up", () => replica(OLD) !== undefined);
  await simulation.runForMs(5_000);
  expect(replica(OLD)?.machine.standing).toBe("quiet");
  second.start(simulation.scheduler.nowUs);
  await simulation.until("it is known", () => replica(OLD)?.machine.standing === "suspect");
});

test("a disk that lost nothing counts again when most have said so and the first silence is over", async () => {
  await start();
  await append();
  cluster.at(OLD).crash("power");
  await append();
  cluster.at(OLD).start(simulation.scheduler.nowUs);
  await simulation.until("it is up", () => replica(OLD) !== undefined);
  // Within the first silence period it may have promised a leader that it is loyal, and does not know (L5).
  await simulation.runForMs(SILENCE_MS - 50);
  expect(replica(OLD)?.machine.standing).toBe("quiet");
  await simulation.until("it counts", () => replica(OLD)?.machine.standing === "full");
});

test("a disk that went back stays suspect, also when its journal has overtaken what its peers saw", async () => {
  await start();
  await rollBack();
  const old = cluster.at(OLD);
  old.start(simulation.scheduler.nowUs);
  await simulation.until("it is known", () => replica(OLD)?.machine.standing === "suspect");
  expect(simulation.logs.find("journal-rolled-back")).not.toEqual([]);

  const { journal } = old.broker!;
  const seen = cluster.at(1).broker!.journal.peerDurable(journal.recovered.directory);
  while (journal.durableTicket <= seen) await simulation.settle(journal.checkpoint());
  await simulation.runForMs(1_000);
  old.crash("power");
  old.start(simulation.scheduler.nowUs);
  await simulation.until("it is up", () => replica(OLD) !== undefined);
  await simulation.runForMs(5_000);
  expect(replica(OLD)?.machine.standing).toBe("suspect");
});
