// A broker inside the test's own process, seen by a client that knows nothing of this project.
import { mkdtempSync, rmSync } from "node:fs";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { afterEach, expect, it } from "vitest";
import { HostClock } from "../../internal/host/clock.ts";
import { HostWire } from "../../internal/host/wire.ts";
import { KafkaClient } from "../client/kafka/kafka-client.ts";
import { Reader } from "../client/kafka/reader.ts";
import { startBroker } from "./start-broker.ts";
import type { EmbeddedBroker } from "./start-broker.ts";

const directories: string[] = [];

afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "flotilla-test-"));
  directories.push(directory);
  return directory;
}

async function produceWithKafkajs({ kafka }: EmbeddedBroker, values: readonly string[]) {
  const brokers = [`${kafka.host}:${kafka.port}`];
  const producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer({
    idempotent: true,
  });
  await producer.connect();
  await producer.send({ topic: "kept", messages: values.map((value) => ({ key: "k", value })) });
  await producer.disconnect();
}

/** The first `count` values of partition 0. */
async function readValues({ kafka }: EmbeddedBroker, count: number): Promise<readonly string[]> {
  const world = { wire: new HostWire(), clock: new HostClock() };
  using client = new KafkaClient(world, { bootstrap: [kafka] });
  const reader = new Reader(client);
  reader.add("kept", 0, 0);
  const values: string[] = [];
  while (values.length < count) {
    for (const { value } of await reader.poll()) values.push(Buffer.from(value ?? []).toString());
  }
  return values;
}

it("stores what kafkajs produces, and finds it after a restart on the same directory", async () => {
  const directory = newDirectory();
  {
    await using broker = await startBroker({ directory });
    await produceWithKafkajs(broker, ["one", "two"]);
    expect(await readValues(broker, 2)).toEqual(["one", "two"]);
  }
  await using broker = await startBroker({ directory });
  await produceWithKafkajs(broker, ["three"]);
  expect(await readValues(broker, 3)).toEqual(["one", "two", "three"]);
});

it("leaves nothing behind when it was given no directory", async () => {
  const broker = await startBroker();
  expect(existsSync(broker.directory)).toBe(true);
  await broker.stop();
  expect(existsSync(broker.directory)).toBe(false);
  await broker.stop();
});

it("gives every listener a port of its own", async () => {
  await using broker = await startBroker();
  const ports = [broker.kafka.port, broker.grpc.port, broker.http.port];
  expect(ports.every((port) => port > 0)).toBe(true);
  expect(new Set(ports).size).toBe(3);
});

it("refuses a directory that another broker uses", async () => {
  await using broker = await startBroker();
  await expect(startBroker({ directory: broker.directory })).rejects.toThrow(
    "another broker uses the directory",
  );
});

it("says which setting is wrong", async () => {
  await expect(
    startBroker({ settings: { "link.ping.ms": 500, "link.silence.ms": 600 } }),
  ).rejects.toThrow("link.silence.ms must be at least twice link.ping.ms");
});
