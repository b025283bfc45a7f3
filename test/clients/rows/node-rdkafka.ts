// node-rdkafka: a recent librdkafka, compiled on the spot, which takes minutes.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Client, Surroundings } from "../client.ts";
import { numbered, sameValues } from "../expect.ts";
import { need, run } from "../programs.ts";
import { createTopic, storedInOrder } from "../stored.ts";

const VERSION = "3.6.1";
const COMPILE_MS_MAX = 900_000;

export const nodeRdkafka: Client = {
  name: "node-rdkafka",
  source: "npm package node-rdkafka",
  isSlow: true,
  async reach(around) {
    const folder = join(around.cache, `node-rdkafka-${VERSION}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), "{}");
    const environment = { PATH: systemPath() };
    const install = ["install", "--no-audit", "--no-fund", `node-rdkafka@${VERSION}`];
    await need("npm", install, { cwd: folder, environment, withinMs: COMPILE_MS_MAX });
    const ask = 'console.log(require("node-rdkafka").librdkafkaVersion, process.version)';
    const told = await need("node", ["-e", ask], { cwd: folder, environment });
    const [library = "?", node = "?"] = told.trim().split(" ");
    const version = `${VERSION} with librdkafka ${library} on Node ${node}`;
    return { version, checks: [producerAndConsumer(around, folder)] };
  },
};

/**
 * npm runs on the system's Node and compiles for that one, so this client runs on it too, and not on the one that is
 * pinned for the project.
 */
function systemPath(): string {
  const own = join("node_modules", ".bin");
  const path = process.env["PATH"] ?? "";
  return path
    .split(":")
    .filter((folder) => !folder.endsWith(own))
    .join(":");
}

/** In a process of its own: native code may take it along. */
const PROGRAM = `
const kafka = require("node-rdkafka");
const [brokers, topic, count] = process.argv.slice(2);
const producer = new kafka.Producer({
  "metadata.broker.list": brokers, "enable.idempotence": true, dr_cb: true, "linger.ms": 5,
});
let delivered = 0;
producer.on("event.error", (error) => { console.error(error.message); });
producer.on("delivery-report", (error) => {
  if (error) { console.error(error.message); process.exit(1); }
  if (++delivered === Number(count)) producer.disconnect(consume);
});
producer.setPollInterval(10);
producer.connect({}, (error) => {
  if (error) { console.error(error.message); process.exit(1); }
  let next = 0;
  const more = () => {
    try {
      for (; next < Number(count); next++) {
        const value = "value-" + String(next).padStart(6, "0");
        producer.produce(topic, null, Buffer.from(value), value);
      }
    } catch { setTimeout(more, 20); }
  };
  more();
});
function consume() {
  const consumer = new kafka.KafkaConsumer(
    { "metadata.broker.list": brokers, "group.id": topic, "enable.auto.commit": true },
    { "auto.offset.reset": "earliest" },
  );
  const values = [];
  consumer.on("ready", () => { consumer.subscribe([topic]); consumer.consume(); });
  consumer.on("data", ({ value }) => {
    values.push(value.toString());
    if (values.length === Number(count)) {
      process.stdout.write(values.join("\\n") + "\\n", () => consumer.disconnect(() => process.exit(0)));
    }
  });
  consumer.connect();
}
`;

function producerAndConsumer(around: Surroundings, folder: string) {
  const sent = numbered(around.records);
  return {
    does: `produces, idempotently, and consumes ${sent.length.toLocaleString("en")} records as a group`,
    run: async () => {
      const topic = "node-rdkafka-many";
      await createTopic(around, topic);
      writeFileSync(join(folder, "program.cjs"), PROGRAM);
      const words = ["program.cjs", around.bootstrap.join(","), topic, String(sent.length)];
      const options = { cwd: folder, environment: { PATH: systemPath() }, withinMs: 120_000 };
      const text = await run("node", words, options);
      sameValues(text.split("\n").slice(0, -1), sent);
      await storedInOrder(around, topic, sent);
    },
  };
}
