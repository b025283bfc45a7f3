// The table of what brokers do with right and wrong batches, on a whole broker.
import { afterEach, expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import { whole } from "../wire/front-stage.ts";
import { complaints, createRecordTopics, playRecordCases } from "../wire/record-table.ts";
import { KafkaStage } from "./kafka-stage.ts";

let stage: KafkaStage;

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

async function start() {
  stage = new KafkaStage(31, 1);
  await stage.start();
  const client = await stage.client(1);
  const made = await stage.simulation.settle(createRecordTopics(client, 1));
  expect(new Set(made)).toEqual(new Set([0]));
  await stage.leaderOf("small", 0);
  return client;
}

test("every case of the table ends as it says, and what is taken can be read", async () => {
  const client = await start();
  const nowMs = (): number => stage.peer.clock.nowMs();
  const leader = (): Promise<typeof client> => Promise.resolve(client);
  const played = await stage.simulation.settle(playRecordCases(leader, nowMs));
  expect(played.length).toBeGreaterThan(250);
  expect(complaints(played, "ours")).toEqual([]);
});

test("a batch that found no room comes again as it was sent, stamp and all", async () => {
  const client = await start();
  const records = [{ key: null, value: new Uint8Array(40_000), timestampMs: 1 }];
  const asked = Array.from({ length: 60 }, () => {
    const partitionData = [{ index: 0, records: whole(encodeBatch(records)) }];
    const topicData = [{ name: "stamped", partitionData }];
    return client.request(produce, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 10_000,
      topicData,
    });
  });
  const answers = await stage.simulation.settle(Promise.all(asked));
  const codes = answers.map((answer) => answer.responses[0]?.partitionResponses[0]?.errorCode);
  expect(new Set(codes)).toEqual(new Set([0]));
});
