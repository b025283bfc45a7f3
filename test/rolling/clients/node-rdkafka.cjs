// node-rdkafka (librdkafka) under load: an idempotent producer and a group of two, with the library's defaults. It runs on
// the Node that npm compiled it for; NODE_PATH says where it is. librdkafka reports every lost connection as
// an error event and says that such events are for information (it reconnects by itself); they are notices here. What
// counts: failed delivery reports, errors of other kinds, fatal ones, and failed commits.
"use strict";
const kafka = require("node-rdkafka");

const [bootstrap, topic, partitions, intervalMs] = process.argv.slice(2);
const say = (...line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const { ERR__TRANSPORT, ERR__ALL_BROKERS_DOWN } = kafka.CODES.ERRORS;
const heard = (who) => (error) => {
  const isConnection = error.code === ERR__TRANSPORT || error.code === ERR__ALL_BROKERS_DOWN;
  if (isConnection && !error.isFatal) say("notice", error.message);
  else say("failed", who, `${error.code} ${error.message}`);
};
process.on("uncaughtException", (error) => {
  say("failed", "producer", `crash: ${error.message}`);
  process.exit(1);
});

const members = [1, 2].map(() => {
  const member = new kafka.KafkaConsumer(
    { "metadata.broker.list": bootstrap, "group.id": topic, offset_commit_cb: true },
    { "auto.offset.reset": "earliest" },
  );
  member.on("event.error", heard("consumer"));
  member.on("offset.commit", (error) => {
    if (error && error.code !== kafka.CODES.ERRORS.ERR__NO_OFFSET) heard("consumer")(error);
  });
  member.on("data", ({ partition, offset, value }) =>
    say("read", partition, offset, value.toString()),
  );
  member.on("ready", () => {
    member.subscribe([topic]);
    member.consume();
  });
  member.connect();
  return member;
});

const producer = new kafka.Producer({
  "metadata.broker.list": bootstrap,
  "enable.idempotence": true,
  dr_cb: true,
});
const startedMs = new Map();
let isSending = true;
let pending = 0;
producer.on("event.error", heard("producer"));
producer.on("delivery-report", (error, { opaque }) => {
  pending--;
  if (error) say("failed", "producer", `${error.code} ${error.message}`);
  else say("acked", opaque, Math.round(performance.now() - startedMs.get(opaque)));
  startedMs.delete(opaque);
});
producer.setPollInterval(5);
producer.connect({}, (error) => {
  if (error) return say("failed", "producer", error.message);
  say("ready");
  const next = Array.from({ length: Number(partitions) }, () => 0);
  const timer = setInterval(() => {
    if (!isSending) {
      if (pending > 0) return;
      clearInterval(timer);
      return say("sent-all");
    }
    next.forEach((number, partition) => {
      const value = `${partition}-${number}`;
      startedMs.set(value, performance.now());
      producer.produce(topic, partition, Buffer.from(value), null, undefined, value);
      pending++;
      next[partition]++;
    });
  }, Number(intervalMs));
});

require("node:readline")
  .createInterface({ input: process.stdin })
  .on("line", (line) => {
    isSending = false;
    if (line !== "end") return;
    for (const member of members) member.disconnect();
    producer.disconnect(() => process.exit(0));
    setTimeout(() => process.exit(0), 3_000);
  });
