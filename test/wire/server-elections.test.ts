// ElectLeaders as clients see it: every version, every outcome.
import { afterEach, beforeEach, expect, test } from "vitest";
import { failed, ok } from "../../internal/base/result.ts";
import { electLeaders } from "../../internal/kafka/api/43-elect-leaders.ts";
import { openFrontStage } from "./front-stage.ts";
import type { FrontStage } from "./front-stage.ts";
import type { KafkaClient } from "./kafka-client.ts";

let stage: FrontStage;
let client: KafkaClient;

beforeEach(async () => {
  stage = await openFrontStage();
  stage.cluster.addTopic("orders", 6);
  client = stage.client();
  await stage.play(() => client.opened);
});

afterEach(async () => {
  await stage.play(() => stage.server.close());
  expect(stage.simulation.fatals).toEqual([]);
});

const [PREFERRED, UNCLEAN] = [0, 1];

test.each([0, 1, 2])("version %i tells what became of each partition", async (version) => {
  const { outcomes } = stage.elections;
  outcomes.set("orders-0", ok(null));
  outcomes.set("orders-2", failed({ kind: "preferred-unavailable", detail: "It is behind." }));
  outcomes.set("orders-3", failed({ kind: "timed-out", detail: "Late." }));
  outcomes.set("orders-9", failed({ kind: "unknown-partition", detail: "No." }));
  const topicPartitions = [{ topic: "orders", partitions: [0, 1, 2, 3, 9] }];
  const answer = await stage.play(() =>
    client.request(electLeaders, version, {
      electionType: PREFERRED,
      topicPartitions,
      timeoutMs: 3_000,
    }),
  );
  expect(stage.elections.asked).toEqual([{ wanted: "preferred", withinMs: 3_000 }]);
  expect(answer.errorCode).toBe(0);
  const [orders] = answer.replicaElectionResults;
  expect(orders?.topic).toBe("orders");
  expect(
    orders?.partitionResult.map(({ partitionId, errorCode }) => [partitionId, errorCode]),
  ).toEqual([
    [0, 0],
    [1, 84],
    [2, 80],
    [3, 7],
    [9, 3],
  ]);
  expect(orders?.partitionResult[2]?.errorMessage).toBe("It is behind.");
});

test("null means every partition", async () => {
  stage.elections.outcomes.set("orders-4", ok(null));
  const answer = await stage.play(() =>
    client.request(electLeaders, 2, {
      electionType: PREFERRED,
      topicPartitions: null,
      timeoutMs: 1_000,
    }),
  );
  expect(answer.replicaElectionResults).toEqual([
    {
      topic: "orders",
      partitionResult: [{ partitionId: 4, errorCode: 0, errorMessage: null }],
    },
  ]);
});

test.each([1, 2])(
  "version %i: an unclean election is refused, an unknown type is",
  async (version) => {
    const why = "Only a majority elects.";
    stage.elections.outcomes.set("orders-0", failed({ kind: "no-eligible-leader", detail: why }));
    const topicPartitions = [{ topic: "orders", partitions: [0, 1] }];
    const unclean = await stage.play(() =>
      client.request(electLeaders, version, { electionType: UNCLEAN, topicPartitions }),
    );
    expect(stage.elections.asked.map(({ wanted }) => wanted)).toEqual(["any"]);
    expect(unclean.replicaElectionResults[0]?.partitionResult).toEqual([
      { partitionId: 0, errorCode: 83, errorMessage: why },
      { partitionId: 1, errorCode: 84, errorMessage: "It leads." },
    ]);
    const unknown = await stage.play(() =>
      client.request(electLeaders, version, { electionType: 7, topicPartitions }),
    );
    expect(unknown.errorCode).toBe(42);
    const codes = unknown.replicaElectionResults[0]?.partitionResult.map((one) => one.errorCode);
    expect(codes).toEqual([42, 42]);
  },
);
