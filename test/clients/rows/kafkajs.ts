// kafkajs: pure JavaScript, no longer maintained and in use everywhere; it speaks old versions of the protocol.
import { CompressionTypes, Kafka, logLevel } from "kafkajs";
import { codecOf } from "../../../jepsen-like/wire/record-batch.ts";
import type { Client, Surroundings } from "../client.ts";
import { numbered, same, sameValues } from "../expect.ts";
import { packageVersion } from "../package-version.ts";
import { createTopic, isGone, readStored, storedInOrder } from "../stored.ts";

const CHUNK = 1_000;

export const kafkajs: Client = {
  name: "kafkajs",
  source: "npm package kafkajs",
  isSlow: false,
  async reach(around) {
    const kafka = new Kafka({
      clientId: "clients-test",
      brokers: [...around.bootstrap],
      logLevel: logLevel.NOTHING,
    });
    const checks = [
      admin(kafka, around),
      producer(kafka, around),
      gzip(kafka, around),
      group(kafka, around),
    ];
    return { version: packageVersion("kafkajs"), checks };
  },
};

function admin(kafka: Kafka, around: Surroundings) {
  return {
    does: "creates, describes and deletes a topic",
    run: async () => {
      const client = kafka.admin();
      await client.connect();
      try {
        const topic = "kafkajs-admin";
        await client.createTopics({ topics: [{ topic, numPartitions: 2, replicationFactor: 3 }] });
        const { topics } = await client.fetchTopicMetadata({ topics: [topic] });
        same("partitions", topics[0]?.partitions.length, 2);
        const ends = await client.fetchTopicOffsets(topic);
        same(
          "ends",
          ends.map(({ high }) => high),
          ["0", "0"],
        );
        const { brokers } = await client.describeCluster();
        same("brokers", brokers.length, 3);
        await client.deleteTopics({ topics: [topic] });
        await isGone(around, topic);
      } finally {
        await client.disconnect();
      }
    },
  };
}

function producer(kafka: Kafka, around: Surroundings) {
  const sent = numbered(around.records);
  return {
    does: `produces ${sent.length.toLocaleString("en")} records, idempotently`,
    run: async () => {
      await createTopic(around, "kafkajs-many");
      const client = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
      await client.connect();
      try {
        for (let at = 0; at < sent.length; at += CHUNK) {
          const messages = sent.slice(at, at + CHUNK).map((value) => ({ key: value, value }));
          await client.send({ topic: "kafkajs-many", messages, acks: -1 });
        }
      } finally {
        await client.disconnect();
      }
      await storedInOrder(around, "kafkajs-many", sent);
    },
  };
}

function gzip(kafka: Kafka, around: Surroundings) {
  const sent = numbered(200);
  return {
    does: "produces gzip, stored as gzip",
    run: async () => {
      await createTopic(around, "kafkajs-gzip", 1);
      const client = kafka.producer();
      await client.connect();
      try {
        const messages = sent.map((value) => ({ value }));
        const compression = CompressionTypes.GZIP;
        await client.send({ topic: "kafkajs-gzip", messages, compression });
      } finally {
        await client.disconnect();
      }
      const { headers, values } = await readStored(around, "kafkajs-gzip");
      same("codecs", [...new Set(headers.map(codecOf))], ["gzip"]);
      same("values", values[0], sent);
    },
  };
}

function group(kafka: Kafka, around: Surroundings) {
  const sent = numbered(2_000);
  return {
    does: "consumes as a group of two members",
    run: async () => {
      const topic = "kafkajs-group";
      await createTopic(around, topic, 4);
      const client = kafka.producer();
      await client.connect();
      const messages = sent.map((value) => ({ key: value, value }));
      await client.send({ topic, messages });
      await client.disconnect();
      const members = [1, 2].map(() => kafka.consumer({ groupId: "kafkajs-readers" }));
      const seen: string[] = [];
      try {
        await new Promise<void>((resolve, reject) => {
          const timer = setTimeout(
            () => reject(new Error(`${seen.length} values in 30 s`)),
            30_000,
          );
          const eachMessage = async ({ message }: { message: { value: Buffer | null } }) => {
            seen.push(String(message.value));
            if (seen.length < sent.length) return;
            clearTimeout(timer);
            resolve();
          };
          for (const member of members) {
            member
              .connect()
              .then(() => member.subscribe({ topic, fromBeginning: true }))
              .then(() => member.run({ eachMessage }))
              .catch(reject);
          }
        });
      } finally {
        await Promise.all(members.map((member) => member.disconnect()));
      }
      // A rebalance may bring records again, but none may be missing.
      sameValues([...new Set(seen)], sent);
    },
  };
}
