// kafkajs under load: an idempotent producer that sends one record per call, each to one partition, and a group of two.
//
// A call that carries several partitions is no fair usage: when one of them answers with an error that kafkajs may retry,
// it sends the whole call again and forgets what became of the others. What counts as an error is what the application
// sees: a rejected `send`, and a consumer that crashes.
import { Kafka, logLevel } from "kafkajs";
import { clientOf } from "./protocol.ts";

const client = clientOf();
const { bootstrap, topic, partitions, intervalMs } = client;
const kafka = new Kafka({
  clientId: "rolling",
  brokers: [...bootstrap],
  logLevel: logLevel.ERROR,
  logCreator: () => (entry) => client.notice(String(entry.log["error"] ?? entry.log.message)),
});

const members = [1, 2].map(() => kafka.consumer({ groupId: topic }));
for (const member of members) {
  member.on(member.events.CRASH, ({ payload }) => client.failed("consumer", payload.error.message));
  await member.connect();
  await member.subscribe({ topic, fromBeginning: true });
  await member.run({
    eachMessage: async ({ partition, message }) =>
      client.read(partition, Number(message.offset), String(message.value)),
  });
}

const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 });
await producer.connect();
client.ready();
await Promise.all(
  Array.from({ length: partitions }, async (_, partition) => {
    for (let number = 0; client.isSending; number++) {
      const value = client.sends(partition, number);
      try {
        await producer.send({ topic, acks: -1, messages: [{ partition, value }] });
        client.acked(value);
      } catch (error) {
        client.failed("producer", (error as Error).message);
      }
      await client.pause(intervalMs);
    }
  }),
);
await producer.disconnect();
client.sentAll();
await client.ended;
await Promise.all(members.map((member) => member.disconnect()));
client.finish();
