import { expect, it } from "vitest";
import type { BrokerId, Term } from "../model/ids.ts";
import { encodeBatch } from "../model/encode-batch.ts";
import { GrpcStage, LOG, RawCall, refusalOf } from "../../test/wire/grpc-stage.ts";
import type { Incoming } from "../../test/wire/grpc-stage.ts";
import type { StoredRecord, TailResponse } from "./generated/log.ts";

const KIB = 1024;

function recordsOf(responses: readonly TailResponse[]): readonly StoredRecord[] {
  return responses.flatMap(({ records }) => records);
}

function valuesOf(responses: readonly TailResponse[]): string[] {
  return recordsOf(responses).map(({ value }) => Buffer.from(value ?? []).toString());
}

async function valuesUntil(tail: Incoming<TailResponse>, count: number): Promise<string[]> {
  for (let responses = 1; tail.ended === null; responses++) {
    await tail.received(responses);
    if (valuesOf(tail.responses).length >= count) break;
  }
  return valuesOf(tail.responses);
}

async function openWithTopic(options = {}): Promise<GrpcStage> {
  const stage = await GrpcStage.open(options);
  stage.cluster.addTopic("t", 1);
  return stage;
}

it("Tail from the beginning sends whole records, then follows", async () => {
  await using stage = await openWithTopic();
  const headers = [{ key: "h", value: Buffer.from("1") }, { key: "n" }];
  const record = { key: Buffer.from("k"), value: Buffer.from("a"), headers, timestampMs: 42 };
  await stage.call(LOG.Append, { topic: "t", partition: 0, records: [record] });
  const tail = stage.tail({ earliest: true });
  await valuesUntil(tail, 1);
  expect(recordsOf(tail.responses)).toEqual([{ offset: 0, leaderEpoch: 1, ...record }]);
  expect(tail.responses[0]).toMatchObject({ nextOffset: 1, highWatermark: 1 });
  await stage.append(["b"]);
  await stage.append(["c", "d"]);
  expect(await valuesUntil(tail, 4)).toEqual(["a", "b", "c", "d"]);
  expect(recordsOf(tail.responses).map(({ offset }) => offset)).toEqual([0, 1, 2, 3]);
  tail.stream.cancel();
  await tail.end();
});

it("Tail starts at an offset, at a time, and at the end", async () => {
  await using stage = await openWithTopic();
  const at = (value: string, timestampMs: number) =>
    stage.append([], { records: [{ value: Buffer.from(value), headers: [], timestampMs }] });
  await at("a", 1_000);
  await at("b", 2_000);
  await at("c", 3_000);
  const tails = {
    offset: stage.tail({ offset: 1 }),
    time: stage.tail({ timestampMs: 2_500 }),
    future: stage.tail({ timestampMs: 9_000 }),
    end: stage.tail({ end: true }),
    nothing: stage.tail({}),
    atEnd: stage.tail({ offset: 3 }),
  };
  await stage.until(() => stage.log.waiting === 6);
  await at("d", 4_000);
  expect(await valuesUntil(tails.offset, 3)).toEqual(["b", "c", "d"]);
  expect(await valuesUntil(tails.time, 2)).toEqual(["c", "d"]);
  for (const tail of [tails.future, tails.end, tails.nothing, tails.atEnd]) {
    expect(await valuesUntil(tail, 1)).toEqual(["d"]);
  }
});

it("Tail with stop_at_end sends what is there and ends", async () => {
  await using stage = await openWithTopic();
  for (let index = 0; index < 20; index++) await stage.append([`${index}`]);
  const tail = stage.tail({ offset: 5, stopAtEnd: true });
  expect((await tail.end()).code).toBe(0);
  expect(valuesOf(tail.responses)).toEqual(
    Array.from({ length: 15 }, (_, index) => `${index + 5}`),
  );
  const empty = stage.tail({ offset: 20, stopAtEnd: true });
  expect((await empty.end()).code).toBe(0);
  expect(empty.responses).toEqual([]);
});

it("Tail refuses places that do not exist and says which do", async () => {
  await using stage = await openWithTopic();
  await stage.append(["a", "b"]);
  stage.log.partition("t", 0).logStart = 1;
  for (const offset of [0, 3, 2 ** 60]) {
    const ended = await stage.tail({ offset }).end();
    expect(refusalOf(ended)).toMatchObject({ code: "OUT_OF_RANGE", fault: "offset-out-of-range" });
    expect(ended.details).toContain("1 to 2");
  }
  const unknown = await stage.tail({ topic: "none" }).end();
  expect(refusalOf(unknown)).toEqual({ code: "NOT_FOUND", fault: "unknown-topic" });
});

it("Tail ends with a redirect when the leader changes, and with NOT_FOUND when the topic is made again", async () => {
  await using stage = await openWithTopic();
  stage.cluster.brokerViews = [
    { broker: 2 as BrokerId, host: "b2", port: 7093, rack: null, fenced: false },
  ];
  await stage.append(["a"]);
  const tail = stage.tail({ earliest: true });
  await valuesUntil(tail, 1);
  await stage.until(() => stage.log.waiting === 1);
  const partition = stage.log.partition("t", 0);
  const hint = { leader: 2 as BrokerId, leaderEpoch: 2 as Term };
  partition.fault = { kind: "not-leader", hint };
  for (const watch of partition.watchers) watch();
  expect(refusalOf(await tail.end())).toEqual({
    code: "FAILED_PRECONDITION",
    fault: "not-leader",
    leader: "2@b2:7093",
  });
  partition.fault = null;
  const second = stage.tail({ earliest: true });
  await valuesUntil(second, 1);
  await stage.until(() => stage.log.waiting === 1);
  await stage.cluster.deleteTopics([{ name: "t", topicId: null }]);
  stage.cluster.addTopic("t", 1);
  for (const watch of partition.watchers) watch();
  expect(refusalOf(await second.end())).toMatchObject({
    code: "NOT_FOUND",
    fault: "unknown-topic-id",
  });
});

it("a cancelled Tail gives up its fetch at once", async () => {
  await using stage = await openWithTopic();
  const tails = Array.from({ length: 5 }, () => stage.tail({ end: true }));
  await stage.until(() => stage.log.waiting === 5);
  tails[0]?.stream.cancel();
  await stage.until(() => stage.log.waiting === 4);
  // The connection goes, and with it everything on it.
  stage.client.close();
  for (const tail of tails.slice(1)) tail.stream.cancel();
  await stage.until(() => stage.log.waiting === 0 && stage.server.calls === 0);
  expect(stage.log.partition("t", 0).watchers.size).toBe(0);
});

it("a Tail past its deadline gives up its fetch", async () => {
  await using stage = await openWithTopic();
  // However slow this machine is, some deadline is long enough for the request to come to the log.
  for (let withinMs = 100; stage.log.waitedEver === 0; withinMs *= 2) {
    const deadline = stage.world.clock.nowMs() + withinMs;
    const tail = stage.tail({ end: true }, { deadline });
    expect(refusalOf(await tail.end())["code"]).toBe("DEADLINE_EXCEEDED");
  }
  await stage.until(() => stage.log.waiting === 0 && stage.server.calls === 0);
});

it("a slow reader holds no more than its budget, and loses nothing", async () => {
  const limits = { streamBytesMax: 64 * KIB, tailFetchBytesMax: 64 * KIB };
  await using stage = await openWithTopic({
    limits: { ...limits, tailResponseBytesMax: 16 * KIB },
  });
  const payload = "x".repeat(10 * KIB);
  for (let index = 0; index < 200; index++) await stage.append([`${index} ${payload}`]);
  const request = { topic: "t", partition: 0, responseBytesMax: 0, stopAtEnd: true };
  // Plain HTTP/2, because the gRPC library's client takes everything before its user asks for anything.
  await using call = new RawCall(stage.at, LOG.Tail, { ...request, earliest: true });
  await stage.until(() => stage.server.unsentBytes >= limits.streamBytesMax);
  await stage.roundTrips();
  // The budget, and the response that used it up.
  expect(stage.server.unsentBytes).toBeLessThanOrEqual((64 + 16 + 1) * KIB);
  // What was read is copied, so the log has its bytes back; most of it was not read yet.
  expect(stage.log.lent).toBe(0);
  expect(stage.log.lentEver).toBeLessThanOrEqual(4);
  const numbers = valuesOf(await call.readAll()).map((value) => Number(value.split(" ")[0]));
  expect(numbers).toEqual(Array.from({ length: 200 }, (_, index) => index));
  expect(stage.server.unsentBytes).toBe(0);
});

it("a slow reader that goes away costs nothing any more", async () => {
  await using stage = await openWithTopic({ limits: { streamBytesMax: 64 * KIB } });
  for (let index = 0; index < 30; index++) await stage.append(["x".repeat(10 * KIB)]);
  const request = { topic: "t", partition: 0, responseBytesMax: 0, stopAtEnd: false };
  const call = new RawCall(stage.at, LOG.Tail, { ...request, earliest: true });
  await stage.until(() => stage.server.unsentBytes >= 64 * KIB);
  await call[Symbol.asyncDispose]();
  await stage.until(() => stage.server.unsentBytes === 0 && stage.server.calls === 0);
});

it("Tail opens compressed batches, and refuses those that grow beyond the limit", async () => {
  await using stage = await openWithTopic({ limits: { decompressedBytesMax: 64 * KIB } });
  const put = (value: string, codec: 1 | 3 | 4) => {
    const records = [{ key: null, value: Buffer.from(value), timestampMs: 5 }];
    const batch = encodeBatch(records, { codec });
    const request = { name: "t", topicId: null, partition: 0, acks: -1, timeoutMs: 1_000 };
    const range = { bytes: batch, start: 0, end: batch.length };
    stage.log.append({ ...request, batch: range, allowsZstd: true }, () => {});
  };
  put("gzip", 1);
  put("lz4", 3);
  put("zstd", 4);
  put("x".repeat(100 * KIB), 1);
  const tail = stage.tail({ earliest: true });
  await valuesUntil(tail, 3);
  expect(refusalOf(await tail.end())).toMatchObject({ code: "DATA_LOSS" });
  expect(valuesOf(tail.responses)).toEqual(["gzip", "lz4", "zstd"]);
});

it("Offsets tells the ends and finds a record by time", async () => {
  await using stage = await openWithTopic();
  const ask = { topic: "t", partition: 0 };
  expect(await stage.call(LOG.Offsets, ask)).toEqual({
    logStartOffset: 0,
    highWatermark: 0,
    leaderEpoch: 1,
    found: null,
  });
  const records = [{ value: Buffer.from("v"), headers: [], timestampMs: 5_000 }];
  await stage.call(LOG.Append, { ...ask, records });
  const found = await stage.call(LOG.Offsets, { ...ask, timestampMs: 4_000 });
  expect(found).toMatchObject({ highWatermark: 1, found: { offset: 0, timestampMs: 5_000 } });
  const later = await stage.call(LOG.Offsets, { ...ask, timestampMs: 6_000 });
  expect(later.found).toBeNull();
});
