// @platformatic/kafka: a current client in TypeScript, which speaks the newest versions of the protocol.
import {
  Admin,
  Consumer,
  FetchIsolationLevels,
  Producer,
  stringDeserializers,
  stringSerializers,
} from "@platformatic/kafka";
import { CODECS, codecOf } from "../../../jepsen-like/wire/record-batch.ts";
import type { Client, Surroundings } from "../client.ts";
import { holds, numbered, same, sameValues } from "../expect.ts";
import { packageVersion } from "../package-version.ts";
import { createTopic, isGone, readStored, storedInOrder } from "../stored.ts";

const CHUNK = 1_000;

export const platformatic: Client = {
  name: "@platformatic/kafka",
  source: "npm package @platformatic/kafka",
  isSlow: false,
  async reach(around) {
    const base = { clientId: "clients-test", bootstrapBrokers: [...around.bootstrap] };
    const checks = [
      admin(base, around),
      producer(base, around),
      codecs(base, around),
      fetch(base, around),
      group(base, around),
    ];
    return { version: packageVersion("@platformatic/kafka"), checks };
  },
};

interface Base {
  readonly clientId: string;
  readonly bootstrapBrokers: string[];
}

function admin(base: Base, around: Surroundings) {
  return {
    does: "creates, describes and deletes a topic",
    run: async () => {
      const client = new Admin(base);
      try {
        const topic = "platformatic-admin";
        await client.createTopics({ topics: [topic], partitions: 2, replicas: 3 });
        const described = await client.metadata({ topics: [topic] });
        same("partitions", described.topics.get(topic)?.partitions.length, 2);
        same("brokers", described.brokers.size, 3);
        await client.deleteTopics({ topics: [topic] });
        await isGone(around, topic);
      } finally {
        await client.close();
      }
    },
  };
}

async function send(base: Base, topic: string, values: readonly string[], options: object) {
  const client = new Producer({ ...base, serializers: stringSerializers });
  try {
    for (let at = 0; at < values.length; at += CHUNK) {
      const messages = values.slice(at, at + CHUNK).map((value) => ({ topic, key: value, value }));
      await client.send({ messages, acks: -1, ...options });
    }
  } finally {
    await client.close();
  }
}

function producer(base: Base, around: Surroundings) {
  const sent = numbered(around.records);
  return {
    does: `produces ${sent.length.toLocaleString("en")} records, idempotently`,
    run: async () => {
      await createTopic(around, "platformatic-many");
      await send(base, "platformatic-many", sent, { idempotent: true });
      await storedInOrder(around, "platformatic-many", sent);
    },
  };
}

function codecs(base: Base, around: Surroundings) {
  // snappy and lz4 need packages of their own there.
  const able = CODECS.filter((codec) => codec === "gzip" || codec === "zstd");
  return {
    does: `produces ${able.join(" and ")}, stored as such`,
    run: async () => {
      for (const compression of able) {
        const topic = `platformatic-${compression}`;
        await createTopic(around, topic, 1);
        await send(base, topic, numbered(200), { compression });
        const { headers, records } = await readStored(around, topic);
        same("records", records, 200);
        same("codecs", [...new Set(headers.map(codecOf))], [compression]);
      }
    },
  };
}

function fetch(base: Base, around: Surroundings) {
  const sent = numbered(500);
  return {
    does: "reads with a fetch of its own, by topic id",
    run: async () => {
      const topic = "platformatic-fetch";
      await createTopic(around, topic, 1);
      await send(base, topic, sent, {});
      const consumer = new Consumer({
        ...base,
        groupId: "unused",
        deserializers: stringDeserializers,
      });
      try {
        const described = await consumer.metadata({ topics: [topic] });
        const found = described.topics.get(topic);
        const node = found?.partitions[0]?.leader;
        if (found === undefined || node === undefined) throw new Error("the topic has no leader");
        const ends = await consumer.listOffsets({ topics: [topic] });
        same("the end", ends.get(topic)?.[0], BigInt(sent.length));
        const seen: string[] = [];
        while (seen.length < sent.length) {
          const partition = {
            partition: 0,
            currentLeaderEpoch: -1,
            fetchOffset: BigInt(seen.length),
            lastFetchedEpoch: -1,
            partitionMaxBytes: 1 << 20,
          };
          const answer = await consumer.fetch({
            node,
            topics: [{ topicId: found.id, partitions: [partition] }],
            isolationLevel: FetchIsolationLevels.READ_UNCOMMITTED,
          });
          const batches = answer.responses[0]?.partitions[0]?.records ?? [];
          holds("a fetch below the end brings something", batches.length > 0);
          for (const { firstOffset, records } of batches) {
            same("offsets", Number(firstOffset), seen.length);
            for (const { value } of records) seen.push(String(value));
          }
        }
        same("values", seen, sent);
      } finally {
        await consumer.close(true);
      }
    },
  };
}

function group(base: Base, around: Surroundings) {
  const sent = numbered(2_000);
  return {
    does: "consumes as a group",
    run: async () => {
      const topic = "platformatic-group";
      await createTopic(around, topic, 3);
      await send(base, topic, sent, {});
      const consumer = new Consumer({
        ...base,
        groupId: "platformatic-readers",
        deserializers: stringDeserializers,
      });
      const timer = setTimeout(() => void consumer.close(true), 30_000);
      const seen: string[] = [];
      try {
        const stream = await consumer.consume({
          topics: [topic],
          mode: "earliest",
          maxWaitTime: 200,
        });
        for await (const { value } of stream) {
          seen.push(String(value));
          if (seen.length >= sent.length) break;
        }
      } finally {
        clearTimeout(timer);
        await consumer.close(true);
      }
      sameValues(seen, sent);
    },
  };
}
