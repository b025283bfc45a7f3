// Changes whose answers are lost on the way: the client looks whether they were carried out, and repeats none that could undo
// what somebody else did meanwhile.
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
/** Hosts that were connected with. */
let reached: Set<string>;
/** What somebody else does between the lost answer and the client's next step. */
let meanwhile: (() => Promise<unknown>) | null = null;

beforeEach(async () => {
  stage = new GroupStage(4712);
  await stage.open(TOPIC, 1);
  reached = new Set();
  const bootstrap = [{ host: "broker-1", port: KAFKA_PORT }];
  client = new KafkaClient(
    { clock: stage.peer.clock, wire: leaky(stage.peer.wire) },
    { bootstrap },
  );
  admin = new Admin(client);
  // Connections to all brokers are open: what is lost from now on is no answer to ApiVersions.
  while (reached.size < stage.cluster.brokers.length) {
    await stage.simulation.settle(client.refresh([TOPIC]));
  }
});

afterEach(() => {
  expect([stage.simulation.fatals, lostAnswer]).toEqual([[], 0]);
});

function leaky(wire: Wire): Wire {
  return {
    listen: (at, accept) => wire.listen(at, accept),
    connect: (to, events) => {
      reached.add(to.host);
      let isCut = false;
      const connection = wire.connect(to, {
        ...events,
        received: (bytes) => {
          if (isCut) return;
          if (lostAnswer > 0 && --lostAnswer === 0) {
            isCut = true;
            const act = meanwhile;
            meanwhile = null;
            if (act === null) return connection.destroy();
            return void act().then(() => connection.destroy());
          }
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
  await losing(() => admin.deleteTopic(TOPIC), 2);
  await expect(stage.simulation.settle(admin.deleteTopic(TOPIC))).rejects.toThrow("no topic");
});

test("partitions that the lost try has added count as added", async () => {
  await losing(() => admin.addPartitions(TOPIC, 3));
  await expect(stage.simulation.settle(admin.addPartitions(TOPIC, 3))).rejects.toThrow("INVALID");
});

/** Another client, whose answers all come. */
function somebody(): Admin {
  const bootstrap = [{ host: "broker-2", port: KAFKA_PORT }];
  return new Admin(new KafkaClient(stage.peer, { bootstrap }));
}

/** It was done, as a broker says that has not heard of anything later yet; or nobody can tell. */
async function doneOrUnknown(change: Promise<void>): Promise<void> {
  const failure = await change.catch((error: unknown) => error);
  if (failure !== undefined) expect(String(failure)).toContain("look before you repeat it");
  await stage.simulation.runForMs(2_000);
}

async function retention(topic: string): Promise<string | null | undefined> {
  const configs = await stage.simulation.settle(somebody().topicConfigs(topic));
  return configs.find(({ name }) => name === "retention.ms")?.value;
}

test("a config that was set by a lost try is not set again over what somebody else set since", async () => {
  meanwhile = () => somebody().alterTopicConfigs(TOPIC, { "retention.ms": "2" });
  await doneOrUnknown(losing(() => admin.alterTopicConfigs(TOPIC, { "retention.ms": "1" })));
  expect(await retention(TOPIC)).toBe("2");
});

test("a config that the lost try has set counts as set", async () => {
  await losing(() => admin.alterTopicConfigs(TOPIC, { "retention.ms": "1" }));
  expect(await retention(TOPIC)).toBe("1");
});

test("a topic that a lost try has made, and somebody deleted since, is not made again", async () => {
  meanwhile = () => somebody().deleteTopic(NEW.name);
  await doneOrUnknown(losing(() => admin.createTopic(NEW)));
  await expect(stage.simulation.settle(somebody().topicConfigs(NEW.name))).rejects.toThrow(
    "no topic",
  );
});

test("a topic that somebody made under the name of one that a lost try has deleted stays", async () => {
  meanwhile = () => somebody().createTopic({ name: TOPIC, partitions: 2 });
  // The first one says which topic it is.
  await losing(() => admin.deleteTopic(TOPIC), 2);
  const { partitions } = await stage.simulation.settle(client.lookUp(TOPIC));
  expect(partitions).toHaveLength(2);
});

test("partitions are not added to a topic that was made anew since", async () => {
  meanwhile = async () => {
    await somebody().deleteTopic(TOPIC);
    await somebody().createTopic({ name: TOPIC, partitions: 1 });
  };
  await doneOrUnknown(losing(() => admin.addPartitions(TOPIC, 3)));
  expect((await stage.simulation.settle(client.lookUp(TOPIC))).partitions).toHaveLength(1);
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
