// The table of right and wrong batches, against three real brokers with real threads and sockets.
import { afterAll, beforeAll, expect, it } from "vitest";
import { HostClock } from "../../internal/host/clock.ts";
import { HostWire } from "../../internal/host/wire.ts";
import { metadata } from "../../internal/kafka/api/03-metadata.ts";
import { KafkaClient } from "../wire/kafka-client.ts";
import { RECORD_TOPICS } from "../wire/record-cases.ts";
import { complaints, createRecordTopics, playRecordCases } from "../wire/record-table.ts";
import { LocalCluster } from "./local-cluster.ts";

const world = { wire: new HostWire(), clock: new HostClock() };
const names = Object.keys(RECORD_TOPICS);
const clients = new Map<number, KafkaClient>();
let cluster: LocalCluster;

beforeAll(async () => {
  cluster = await LocalCluster.start();
  for (const { id, kafka } of cluster.brokers) {
    const client = new KafkaClient(world, kafka);
    await client.opened;
    clients.set(id, client);
  }
});

afterAll(async () => {
  for (const client of clients.values()) client.close();
  await cluster.stop();
});

/** The leader of each topic's only partition, once all have one. */
async function leaders(): Promise<ReadonlyMap<string, number>> {
  for (;;) {
    const body = { topics: names.map((name) => ({ name })) };
    const answer = await clientOf(1).request(metadata, 9, body);
    const found = answer.topics.map(
      (of) => [of.name ?? "", of.partitions[0]?.leaderId ?? -1] as const,
    );
    if (found.every(([, leader]) => clients.has(leader))) return new Map(found);
    await new Promise<void>((resolve) => world.clock.after(20, resolve));
  }
}

function clientOf(broker: number | undefined): KafkaClient {
  const client = clients.get(broker ?? -1);
  if (client === undefined) throw new Error("every leader has a client");
  return client;
}

it("every case of the table ends as it says, and what is taken can be read", async () => {
  expect(new Set(await createRecordTopics(clientOf(1), 3))).toEqual(new Set([0]));
  const led = await leaders();
  const leaderOf = (topic: string): Promise<KafkaClient> =>
    Promise.resolve(clientOf(led.get(topic)));
  const played = await playRecordCases(leaderOf, () => Date.now());
  expect(complaints(played, "ours")).toEqual([]);
});
