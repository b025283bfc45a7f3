// The driver for node-rdkafka. It stands alone and is plain JavaScript, because it runs on the Node that npm compiled the
// library for, which may be too old for types. NODE_PATH says where the library is.
"use strict";

const { createInterface } = require("node:readline");
const { setTimeout: pause } = require("node:timers/promises");
const kafka = require("node-rdkafka");

const PADDING = "x".repeat(100);
const LEAVE_MS = 1_000;
const REQUEST_MS_MAX = 10_000;
const SHOWN_MS_MAX = 5_000;
const INSIST_MS_MAX = 20_000;

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Calls a function whose last argument is a callback. */
function call(use) {
  return new Promise((resolve, reject) => {
    use((error, value) => (error ? reject(error) : resolve(value)));
  });
}

async function insist(use, isDone = () => false) {
  const giveUpAt = Date.now() + INSIST_MS_MAX;
  for (let tries = 0; ; tries++) {
    try {
      return await use();
    } catch (error) {
      if (tries > 0 && isDone(error)) return null;
      if (Date.now() > giveUpAt) throw error;
      say({ error: error.message });
      await pause(200);
    }
  }
}

async function version() {
  const own = require("node-rdkafka/package.json").version;
  const library = kafka.librdkafkaVersion;
  say({ version: `node-rdkafka ${own} with librdkafka ${library} on Node ${process.version}` });
}

/** librdkafka may have been compiled where a codec was missing. */
function openProducer(settings) {
  try {
    return new kafka.Producer(settings);
  } catch (error) {
    if (!/not available at build time/.test(error.message)) throw error;
    throw new Unsupported(error.message);
  }
}

class Unsupported extends Error {}

async function produce(asked) {
  const producer = openProducer({
    "metadata.broker.list": asked.bootstrap,
    "enable.idempotence": asked.idempotent,
    acks: -1,
    "compression.codec": asked.codec,
    ...(asked.codec === "none" ? {} : { "linger.ms": 50 }),
    dr_cb: true,
  });
  producer.on("event.error", (error) => console.error(error.message));
  let open = 0;
  producer.on("delivery-report", (error, { opaque: n }) => {
    open--;
    if (error) say({ error: error.message, n });
    else say({ acked: n });
  });
  await call((done) => producer.connect({}, done));
  producer.setPollInterval(10);
  const beganMs = Date.now();
  const end = asked.first + asked.count;
  for (let n = asked.first; n < end; n++) {
    if (asked.perSecond !== undefined) {
      const dueMs = beganMs + ((n - asked.first) / asked.perSecond) * 1_000;
      if (dueMs > Date.now()) await pause(20);
    }
    for (;;) {
      try {
        const value = Buffer.from(`v${n}:${PADDING}`);
        producer.produce(asked.topic, n % asked.partitions, value, `k${n}`, null, n);
        open++;
        break;
      } catch (error) {
        // The queue is full.
        if (error.code !== kafka.CODES.ERRORS.ERR__QUEUE_FULL) throw error;
        await pause(20);
      }
    }
  }
  while (open > 0) await pause(20);
  say({ done: true });
  await call((done) => producer.disconnect(done));
}

function settingsOf(asked, group) {
  return {
    "metadata.broker.list": asked.bootstrap,
    "group.id": group,
    "enable.auto.commit": false,
    ...(asked.protocol === "consumer"
      ? { "group.protocol": "consumer" }
      : { "session.timeout.ms": 10_000, "heartbeat.interval.ms": 500 }),
    ...(asked.instanceId === undefined ? {} : { "group.instance.id": asked.instanceId }),
  };
}

async function consume(asked) {
  const { topic } = asked;
  const next = new Map();
  const committed = new Map();
  function rebalance(error, places) {
    const partitions = places.map(({ partition }) => partition);
    if (error.code === kafka.CODES.ERRORS.ERR__ASSIGN_PARTITIONS) {
      say({ assigned: partitions });
      this.assign(places);
      return;
    }
    if (error.code !== kafka.CODES.ERRORS.ERR__REVOKE_PARTITIONS) say({ error: error.message });
    commit();
    for (const partition of partitions) {
      next.delete(partition);
      committed.delete(partition);
    }
    say({ revoked: partitions });
    this.unassign();
  }
  const consumer = new kafka.KafkaConsumer(
    { ...settingsOf(asked, asked.group), rebalance_cb: rebalance },
    { "auto.offset.reset": asked.fromStart ? "earliest" : "latest" },
  );
  function commit() {
    const due = [...next].filter(([partition, offset]) => committed.get(partition) !== offset);
    if (due.length === 0) return;
    try {
      consumer.commitSync(due.map(([partition, offset]) => ({ topic, partition, offset })));
      for (const [partition, offset] of due) {
        committed.set(partition, offset);
        say({ committed: [partition, offset] });
      }
    } catch (error) {
      say({ error: `commit: ${error.message}` });
    }
  }
  consumer.on("event.error", (error) => console.error(error.message));
  consumer.on("data", ({ partition, offset, value }) => {
    say({ record: [partition, offset, value.toString().split(":", 1)[0]] });
    next.set(partition, offset + 1);
  });
  let isStopped = false;
  const lines = createInterface({ input: process.stdin });
  lines.on("line", (line) => (isStopped ||= line.trim() === "stop"));
  lines.on("close", () => (isStopped = true));
  await call((done) => consumer.connect({}, done));
  consumer.subscribe([topic]);
  consumer.consume();
  while (!isStopped) {
    await pause(200);
    commit();
  }
  consumer.removeAllListeners("data");
  commit();
  // Disconnecting while records come does not end (seen with 3.6.1), so the partitions are given up first.
  consumer.unsubscribe();
  await pause(LEAVE_MS);
  await call((done) => consumer.disconnect(done));
}

async function seek(asked) {
  const { topic, timestampMs } = asked;
  const consumer = new kafka.KafkaConsumer(settingsOf(asked, `${topic}-seek`), {});
  await call((done) => consumer.connect({}, done));
  const ask = { topic, timeout: REQUEST_MS_MAX };
  const { topics } = await insist(() => call((done) => consumer.getMetadata(ask, done)));
  const { partitions } = topics.find(({ name }) => name === topic);
  const times = partitions.map(({ id }) => ({ topic, partition: id, offset: timestampMs }));
  const found = await insist(() =>
    call((done) => consumer.offsetsForTimes(times, REQUEST_MS_MAX, done)),
  );
  const wanted = new Map();
  for (const { partition, offset } of found) {
    say({ found: [partition, offset >= 0 ? offset : -1] });
    if (offset >= 0) wanted.set(partition, offset);
  }
  consumer.on("data", ({ partition, offset, value }) => {
    if (wanted.get(partition) !== offset) return;
    say({ record: [partition, offset, value.toString().split(":", 1)[0]] });
    wanted.delete(partition);
  });
  consumer.assign([...wanted].map(([partition, offset]) => ({ topic, partition, offset })));
  consumer.consume();
  while (wanted.size > 0) await pause(20);
  await call((done) => consumer.disconnect(done));
}

async function administer(asked) {
  const { topic } = asked;
  const settings = { "metadata.broker.list": asked.bootstrap };
  const admin = kafka.AdminClient.create(settings);
  const producer = new kafka.Producer(settings);
  await call((done) => producer.connect({}, done));
  const described = async (expected) => {
    const giveUpAt = Date.now() + SHOWN_MS_MAX;
    for (;;) {
      const ask = { topic, timeout: REQUEST_MS_MAX };
      const { topics } = await call((done) => producer.getMetadata(ask, done));
      const partitions = topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
      if (partitions === expected || Date.now() > giveUpAt) return { partitions };
      await pause(100);
    }
  };
  const says = (code) => (error) => error.code === code;
  const { ERRORS } = kafka.CODES;
  const new_ = {
    topic,
    num_partitions: 3,
    replication_factor: 3,
    config: { "retention.ms": "60000" },
  };
  await insist(
    () => call((done) => admin.createTopic(new_, REQUEST_MS_MAX, done)),
    says(ERRORS.ERR_TOPIC_ALREADY_EXISTS),
  );
  say({ created: true });
  say({ lacks: "describing and altering configs" });
  say({ described: await insist(() => described(3)) });
  await insist(
    () => call((done) => admin.createPartitions(topic, 5, REQUEST_MS_MAX, done)),
    says(ERRORS.ERR_INVALID_PARTITIONS),
  );
  say({ altered: await insist(() => described(5)) });
  await insist(
    () => call((done) => admin.deleteTopic(topic, REQUEST_MS_MAX, done)),
    says(ERRORS.ERR_UNKNOWN_TOPIC_OR_PART),
  );
  say({ deleted: true });
  await call((done) => producer.disconnect(done));
  admin.disconnect();
}

const asked = JSON.parse(process.argv.at(-1));
const actions = { version, produce, consume, seek, admin: administer };
// The process ends when its lines are out: a pipe may be full.
const leave = (code) => process.stdout.write("", () => process.exit(code));
actions[asked.action](asked).then(
  () => leave(0),
  (error) => {
    if (error instanceof Unsupported) {
      say({ unsupported: error.message });
      return leave(0);
    }
    say({ error: error.message });
    console.error(error);
    return leave(1);
  },
);
