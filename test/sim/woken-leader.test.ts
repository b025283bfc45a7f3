// A leader that slept through its succession (L5): whatever the links tell it when it wakes up, and however fast, it answers
// no reader, and tells no writer what its log lacks, before it has learnt that it leads no more.
import { expect, test } from "vitest";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { Offset } from "../../internal/model/ids.ts";
import type { Partition } from "../../internal/partition/partition.ts";
import type { AppendRequest } from "../../internal/service/log-service.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import type { SimBroker } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

const SEEDS = 40;
const PARTITIONS = 30;
const SLEEP_MS = 1_500;
const WATCHED_MS = 300;

test.each(["wakes up on the old links", "wakes up to new links"])(
  "a leader that %s is silent",
  async (how) => {
    let succeeded = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const simulation = new Simulation({ seed });
      const cluster = new SimCluster(simulation, { brokers: 3 });
      cluster.startAll();
      await simulation.run({ until: () => cluster.isReady, untilUs: 20_000_000 });
      const [sleeper, ...others] = cluster.brokers;
      const services = sleeper!.broker!.services;
      const topic = { name: "t", partitions: PARTITIONS, factor: 3, assignments: [], configs: [] };
      await simulation.settle(services.cluster.createTopics([topic], false, 5_000));
      await simulation.runForMs(1_000);
      const partitionsOf = (at: typeof sleeper): Partition[] => [...at!.broker!.partitions.all()];
      const led = partitionsOf(sleeper).filter(({ mayServe }) => mayServe);
      expect(led.length).toBeGreaterThan(0);

      sleeper!.node.freeze();
      await simulation.runForMs(SLEEP_MS);
      const terms = new Map(
        others.flatMap((at) =>
          partitionsOf(at).flatMap(({ group, term, mayServe }) =>
            mayServe ? [[group, term]] : [],
          ),
        ),
      );
      if (how === "wakes up to new links") {
        for (const { node } of others)
          simulation.network.resetBetween(sleeper!.node.name, node.name);
      }
      sleeper!.node.thaw();
      for (let ms = 0; ms < WATCHED_MS; ms++) {
        for (const partition of led) {
          const successor = terms.get(partition.group);
          if (successor === undefined || partition.term >= successor) continue;
          succeeded++;
          expect({ seed, ms, serves: partition.mayServe }).toEqual({ seed, ms, serves: false });
        }
        await simulation.runForMs(1);
      }
      expect(simulation.fatals).toEqual([]);
    }
    expect(succeeded).toBeGreaterThan(SEEDS);
  },
);

test("a leader that wakes up does not say that what its successor acknowledged is missing", async () => {
  const simulation = new Simulation({ seed: 3 });
  const cluster = new SimCluster(simulation, { brokers: 3 });
  cluster.startAll();
  await simulation.run({ until: () => cluster.isReady, untilUs: 20_000_000 });
  const topic = { name: "t", partitions: 1, factor: 3, assignments: [], configs: [] };
  const services = cluster.at(1).broker!.services;
  await simulation.settle(services.cluster.createTopics([topic], false, 5_000));
  await simulation.runForMs(1_000);
  const partitionAt = ({ broker }: SimBroker): Partition => [...broker!.partitions.all()][0]!;
  const leader = (): SimBroker => cluster.brokers.find((at) => partitionAt(at).mayServe)!;
  const outcomes: unknown[] = [];
  const send = (
    at: SimBroker,
    baseSequence: number,
    producerEpoch = 1,
    more: Partial<AppendRequest> = {},
  ): void => {
    const record = { key: null, value: new Uint8Array(3), timestampMs: simulation.nowMs };
    const bytes = encodeBatch([record], { producerId: 7, producerEpoch, baseSequence });
    const batch = { bytes, start: 0, end: bytes.length };
    const address = { name: "t", topicId: null, partition: 0 };
    const request = { ...address, batch, acks: -1, timeoutMs: 5_000, allowsZstd: true, ...more };
    at.broker!.services.log.append(request, (outcome) => outcomes.push(outcome));
  };

  const sleeper = leader();
  send(sleeper, 0);
  await simulation.runForMs(100);
  sleeper.node.freeze();
  await simulation.runForMs(1_500);
  const successor = leader();
  send(successor, 1);
  await simulation.runForMs(100);
  expect(outcomes).toMatchObject([{ ok: true }, { ok: true, value: { baseOffset: 1 } }]);

  // It runs again, and has heard nothing yet.
  sleeper.node.thaw();
  expect(partitionAt(sleeper).leads).toBe(true);
  for (const at of [sleeper, successor]) {
    outcomes.length = 0;
    send(at, 3);
    send(at, 2, 0);
    send(at, 2, 1, { expectedEnd: 9 as Offset });
    const kinds = outcomes.map((outcome) => (outcome as { fault: { kind: string } }).fault.kind);
    const known = ["out-of-order-sequence", "invalid-producer-epoch", "unexpected-end"];
    expect(kinds).toEqual(at === successor ? known : known.map(() => "not-leader"));
  }
  expect(simulation.fatals).toEqual([]);
});
