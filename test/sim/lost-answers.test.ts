// Changes whose answers are lost on the way: the client asks again, and what it then hears of its own first try is no
// failure. What somebody else did is one.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Wire } from "../../internal/ports/wire.ts";
import { Admin, LATEST } from "../../pkg/client/kafka/admin.ts";
import { Groups } from "../../pkg/client/kafka/groups.ts";
import { KafkaClient } from "../../pkg/client/kafka/kafka-client.ts";
import { Producer } from "../../pkg/client/kafka/producer.ts";
import { KAFKA_PORT } from "./cluster/sim-cluster.ts";
import { GroupStage } from "./group-stage.ts";

const TOPIC = "orders";
const NEW = { name: "new", partitions: 2, replicationFactor: 3, configs: { "retention.ms": "77" } };

let stage: GroupStage;
let client: KafkaClient;
let admin: Admin;
/** Which of the next answers breaks its connection instead of coming; 0: none. */
let lostAnswer = 0;

beforeEach(async () => {
  stage = new GroupStage(4712);
  await stage.open(TOPIC, 1);
  const bootstrap = [{ host: "broker-1", port: KAFKA_PORT }];
  client = new KafkaClient(
    { clock: stage.peer.clock, wire: leaky(stage.peer.wire) },
    { bootstrap },
  );
  admin = new Admin(client);
  // Connections to all brokers are open: what is lost from now on is no answer to ApiVersions.
  for (let k = 0; k < 6; k++) await stage.simulation.settle(client.topic(TOPIC));
  for (let k = 0; k < 6; k++) await stage.simulation.settle(client.refresh([TOPIC]));
});

afterEach(() => {
  expect([stage.simulation.fatals, lostAnswer]).toEqual([[], 0]);
});

function leaky(wire: Wire): Wire {
  return {
    listen: (at, accept) => wire.listen(at, accept),
    connect: (to, events) => {
      const connection = wire.connect(to, {
        ...events,
        received: (bytes) => {
          if (lostAnswer > 0 && --lostAnswer === 0) return connection.destroy();
          events.received(bytes);
        },
      });
      return connection;
    },
  };
}

/** Does it with one of its answers lost. */
function losing<T>(work: () => Promise<T>, answer = 1): Promise<T> {
  lostAnswer = answer;
  return stage.simulation.settle(work());
}

test("a topic that the lost try has made counts as made", async () => {
  await losing(() => admin.createTopic(NEW));
  await expect(stage.simulation.settle(admin.createTopic(NEW))).rejects.toThrow("already exists");
});

test("a topic of another shape was made by somebody else", async () => {
  await stage.simulation.settle(admin.createTopic({ ...NEW, configs: {} }));
  await expect(losing(() => admin.createTopic(NEW))).rejects.toThrow("already exists");
});

test("a topic that the lost try has deleted counts as deleted", async () => {
  await losing(() => admin.deleteTopic(TOPIC));
  await expect(stage.simulation.settle(admin.deleteTopic(TOPIC))).rejects.toThrow("no topic");
});

test("partitions that the lost try has added count as added", async () => {
  await losing(() => admin.addPartitions(TOPIC, 3));
  await expect(stage.simulation.settle(admin.addPartitions(TOPIC, 3))).rejects.toThrow("INVALID");
});

test("a group that the lost try has deleted counts as deleted", async () => {
  const groups = new Groups(client);
  await stage.simulation.settle(
    groups.setOffsets("g", [{ topic: TOPIC, partition: 0, offset: 0 }]),
  );
  // The first two say who coordinates it.
  await losing(() => groups.remove("g"), 3);
  await expect(stage.simulation.settle(groups.remove("g"))).rejects.toThrow("no group");
});

test("a batch whose acknowledgement is lost is stored once", async () => {
  const producer = new Producer(client, { lingerMs: 0 });
  const record = { topic: TOPIC, partition: 0, key: null, value: null };
  const send = async (): Promise<void> => {
    await producer.push(record);
    await producer.flush();
  };
  await stage.simulation.settle(send());
  await losing(send);
  expect(await stage.simulation.settle(admin.offsetAt(TOPIC, 0, LATEST))).toBe(2);
});
