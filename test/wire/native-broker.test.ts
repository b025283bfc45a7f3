// The native API of a whole broker on this machine's disk: what its front end promises is kept by the log behind it.
import type { Client } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AppendStreamResponse } from "../../internal/grpc/generated/log.ts";
import { startBroker } from "../../pkg/flotilla/start-broker.ts";
import type { EmbeddedBroker } from "../../pkg/flotilla/start-broker.ts";
import {
  ADMIN,
  appendOf,
  callUnary,
  connect,
  Incoming,
  LOG,
  openBidiStream,
} from "./grpc-stage.ts";
import { openServerStream, refused } from "./grpc-stage.ts";

let broker: EmbeddedBroker;
let client: Client;
let topics = 0;
let topic: string;

beforeAll(async () => {
  broker = await startBroker();
  client = connect(broker.grpc);
});

afterAll(async () => {
  client.close();
  await broker.stop();
});

async function newTopic(): Promise<void> {
  topic = `t${topics++}`;
  await callUnary(client, ADMIN.CreateTopic, {
    name: topic,
    partitions: 1,
    assignments: [],
    configs: [],
    validateOnly: false,
  });
}

function append(values: readonly string[], more: object = {}) {
  return callUnary(client, LOG.Append, { ...appendOf(values), topic, ...more });
}

async function ends(): Promise<readonly [number, number]> {
  const at = await callUnary(client, LOG.Offsets, { topic, partition: 0 });
  return [at.logStartOffset, at.highWatermark];
}

test("a conditional append is for one end of the log and for no other", async () => {
  await newTopic();
  expect(await append(["a", "b"], { expectedEndOffset: 0 })).toMatchObject({ baseOffset: 0 });
  for (const expectedEndOffset of [0, 1, 3]) {
    expect(await refused(append(["c"], { expectedEndOffset }))).toEqual({
      code: "ABORTED",
      fault: "unexpected-end",
      "end-offset": "2",
    });
  }
  expect(await append(["c"], { expectedEndOffset: 2 })).toMatchObject({ baseOffset: 2 });
  expect(await ends()).toEqual([0, 3]);
});

test("of many who append on the same condition one succeeds", async () => {
  await newTopic();
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, (_, k) => append([`writer ${k}`], { expectedEndOffset: 0 })),
  );
  expect(outcomes.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  expect(await ends()).toEqual([0, 1]);
});

test("a stream of conditional appends is stopped by the first that does not hold", async () => {
  await newTopic();
  const call = openBidiStream(client, LOG.AppendStream);
  const answers = new Incoming<AppendStreamResponse>(call);
  for (const expectedEndOffset of [0, 1, 1, 2]) {
    call.write({ ...appendOf(["x"]), topic, expectedEndOffset });
  }
  call.end();
  await answers.end();
  const told = answers.responses.map(
    ({ appended, refused: no }) => appended?.baseOffset ?? no?.kind,
  );
  expect(told.slice(0, 3)).toEqual([0, 1, "unexpected-end"]);
  expect(await ends()).toEqual([0, 2]);
});

test("what was appended is read, in order and whole", async () => {
  await newTopic();
  const values = Array.from({ length: 50 }, (_, k) => `value ${k}`);
  for (let at = 0; at < values.length; at += 5) await append(values.slice(at, at + 5));
  const request = { topic, partition: 0, responseBytesMax: 0, stopAtEnd: true };
  const read = new Incoming(openServerStream(client, LOG.Tail, { ...request, offset: 7 }));
  await read.end();
  const records = read.responses.flatMap((response) => response.records);
  expect(records.map(({ value }) => Buffer.from(value ?? []).toString())).toEqual(values.slice(7));
});
