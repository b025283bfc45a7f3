import { expect, it } from "vitest";
import { decodeBatch } from "../model/decode-batch.ts";
import type { BrokerId, Term } from "../model/ids.ts";
import { RecordBatchView } from "../model/record-batch.ts";
import {
  appendOf,
  GrpcStage,
  Incoming,
  LOG,
  openBidiStream,
  refusalOf,
  refused,
} from "../../test/wire/grpc-stage.ts";
import type { AppendStreamResponse } from "./generated/log.ts";

const text = (bytes: Uint8Array | null | undefined): string | null =>
  bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString();

it("Append stores one batch that Kafka clients read, and tells where", async () => {
  await using stage = await GrpcStage.open();
  stage.cluster.addTopic("t", 1);
  const records = [
    { key: Buffer.from("k"), value: Buffer.from("one"), headers: [], timestampMs: 1_000 },
    { headers: [{ key: "h", value: Buffer.from("x") }, { key: "n" }], timestampMs: 1_500 },
    { key: Buffer.alloc(0), value: Buffer.alloc(0), headers: [] },
  ];
  const first = await stage.call(LOG.Append, { topic: "t", partition: 0, records });
  expect(first).toEqual({ baseOffset: 0, endOffset: 3, logStartOffset: 0 });
  expect((await stage.append(["more"])).baseOffset).toBe(3);
  const bytes = stage.log.partition("t", 0).batches[0]?.bytes as Uint8Array;
  const decoded = decodeBatch({ bytes, start: 0, end: bytes.length });
  if (!decoded.ok) throw new Error(decoded.fault.kind);
  expect(decoded.value.map(({ key, value }) => [text(key), text(value)])).toEqual([
    ["k", "one"],
    [null, null],
    ["", ""],
  ]);
  expect(decoded.value[1]?.headers.map(({ key, value }) => [key, text(value)])).toEqual([
    ["h", "x"],
    ["n", null],
  ]);
  expect(decoded.value[1]?.timestampMs).toBe(1_500);
  expect(decoded.value[2]?.timestampMs).toBeGreaterThan(1_600_000_000_000);
});

it("Append carries the producer's identity into the batch", async () => {
  await using stage = await GrpcStage.open();
  stage.cluster.addTopic("t", 1);
  const { id, epoch } = await stage.call(LOG.InitProducer, {});
  await stage.append(["a", "b"], { producer: { id, epoch, baseSequence: 7 } });
  const view = new RecordBatchView(stage.log.partition("t", 0).batches[0]!.bytes, 0);
  expect([view.producerId, view.producerEpoch, view.baseSequence]).toEqual([id, 0, 7]);
  const producer = { id, epoch: 40_000, baseSequence: 0 };
  expect(await refused(stage.append(["a"], { producer }))).toMatchObject({
    code: "INVALID_ARGUMENT",
  });
});

it("a conditional Append is refused with the actual end, and succeeds there", async () => {
  await using stage = await GrpcStage.open();
  stage.cluster.addTopic("t", 1);
  await stage.append(["a", "b"], { expectedEndOffset: 0 });
  expect(await refused(stage.append(["c"], { expectedEndOffset: 0 }))).toEqual({
    code: "ABORTED",
    fault: "unexpected-end",
    "end-offset": "2",
  });
  const appended = await stage.append(["c"], { expectedEndOffset: 2 });
  expect(appended.baseOffset).toBe(2);
});

it("Append refuses what it cannot do, each with its own status", async () => {
  await using stage = await GrpcStage.open({ log: { batchBytesMax: 1_000 } });
  stage.cluster.addTopic("t", 1);
  expect(await refused(stage.append(["a"], { topic: "none" }))).toEqual({
    code: "NOT_FOUND",
    fault: "unknown-topic",
  });
  expect(await refused(stage.append(["a"], { partition: 5 }))).toEqual({
    code: "NOT_FOUND",
    fault: "unknown-partition",
  });
  expect(await refused(stage.append(["x".repeat(2_000)]))).toEqual({
    code: "INVALID_ARGUMENT",
    fault: "batch",
  });
  for (const wrong of [
    { records: [] },
    { topic: "" },
    { partition: 2 ** 32 - 1 },
    { records: [{ value: Buffer.from("v"), headers: [], timestampMs: -5 }] },
    { records: [{ value: Buffer.from("v"), headers: [], timestampMs: 2 ** 60 }] },
    { expectedEndOffset: 2 ** 60 },
    { producer: { id: 2 ** 60, epoch: 0, baseSequence: 0 } },
  ]) {
    expect(await refused(stage.append(["a"], wrong))).toEqual({
      code: "INVALID_ARGUMENT",
      fault: "invalid-argument",
    });
  }
  expect(stage.log.partition("t", 0).logEnd).toBe(0);
});

it("Append at a broker that does not lead names the leader's gRPC endpoint", async () => {
  await using stage = await GrpcStage.open();
  stage.cluster.addTopic("t", 1);
  const view = { broker: 3 as BrokerId, host: "fe80::3", port: 7094, rack: null, fenced: false };
  stage.cluster.brokerViews = [view];
  const hint = { leader: 3 as BrokerId, leaderEpoch: 2 as Term };
  stage.log.partition("t", 0).fault = { kind: "not-leader", hint };
  expect(await refused(stage.append(["a"]))).toEqual({
    code: "FAILED_PRECONDITION",
    fault: "not-leader",
    leader: "3@[fe80::3]:7094",
  });
  stage.log.partition("t", 0).fault = { kind: "not-leader", hint: { ...hint, leader: null } };
  expect(await refused(stage.append(["a"]))).toEqual({ code: "UNAVAILABLE", fault: "not-leader" });
});

it("Append never waits longer than the caller's deadline", async () => {
  const appendWaitMsMax = 1_000_000;
  await using stage = await GrpcStage.open({
    log: { commitMs: 60_000 },
    limits: { appendWaitMsMax },
  });
  stage.cluster.addTopic("t", 1);
  // However slow this machine is, some deadline is long enough for the request to come to the log.
  let withinMs = 100;
  while (stage.log.timeoutsMs.length === 0) {
    withinMs *= 2;
    const deadline = stage.world.clock.nowMs() + withinMs;
    const refusal = await refused(stage.append(["a"], {}, { deadline }));
    expect(refusal["code"]).toBe("DEADLINE_EXCEEDED");
  }
  expect(stage.log.timeoutsMs[0]).toBeGreaterThan(0);
  expect(stage.log.timeoutsMs[0]).toBeLessThanOrEqual(withinMs);
  void stage.append(["b"]).catch(() => {});
  await stage.until(() => stage.log.timeoutsMs.length === 2);
  expect(stage.log.timeoutsMs[1]).toBeGreaterThan(appendWaitMsMax / 2);
  expect(stage.log.timeoutsMs[1]).toBeLessThanOrEqual(appendWaitMsMax);
  await stage.until(() => stage.server.calls === 1);
});

it("Append waits for room, within its deadline and not after it", async () => {
  await using stage = await GrpcStage.open({ log: { roomBytes: 200, commitMs: 30 } });
  stage.cluster.addTopic("t", 1);
  const values = Array.from({ length: 12 }, (_, index) => `value ${index} ${"x".repeat(40)}`);
  const appended = await Promise.all(values.map((value) => stage.append([value])));
  expect(appended.map(({ baseOffset }) => baseOffset).toSorted((a, b) => a - b)).toEqual(
    values.map((_, index) => index),
  );
  const deadline = stage.world.clock.nowMs() + 60;
  const tooBig = stage.append(["y".repeat(400)], {}, { deadline });
  expect(["DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"]).toContain((await refused(tooBig))["code"]);
  await stage.append(["z"]);
  expect(stage.log.partition("t", 0).logEnd).toBe(13);
});

function outcomes(responses: readonly AppendStreamResponse[]): (number | string)[] {
  return responses.map(({ appended, refused: fault }) => appended?.baseOffset ?? fault?.kind ?? "");
}

it("AppendStream appends in order, many under way at once, and answers in order", async () => {
  await using stage = await GrpcStage.open({ log: { commitMs: 10 } });
  stage.cluster.addTopic("t", 1);
  const call = openBidiStream(stage.client, LOG.AppendStream);
  const answers = new Incoming<AppendStreamResponse>(call);
  for (let index = 0; index < 200; index++) call.write(appendOf([`value ${index}`]));
  call.end();
  expect((await answers.end()).code).toBe(0);
  expect(outcomes(answers.responses)).toEqual(Array.from({ length: 200 }, (_, index) => index));
  const { batches } = stage.log.partition("t", 0);
  const values = batches.map(({ bytes }) => {
    const decoded = decodeBatch({ bytes, start: 0, end: bytes.length });
    return decoded.ok ? text(decoded.value[0]?.value) : null;
  });
  expect(values).toEqual(Array.from({ length: 200 }, (_, index) => `value ${index}`));
});

it("AppendStream tries nothing behind the first refusal, and ends with its status", async () => {
  await using stage = await GrpcStage.open();
  stage.cluster.addTopic("t", 1);
  const call = openBidiStream(stage.client, LOG.AppendStream);
  const answers = new Incoming<AppendStreamResponse>(call);
  call.write({ ...appendOf(["a"]), expectedEndOffset: 0 });
  call.write({ ...appendOf(["b"]), expectedEndOffset: 1 });
  call.write({ ...appendOf(["c"]), expectedEndOffset: 7 });
  call.write({ ...appendOf(["d"]), expectedEndOffset: 2 });
  call.write(appendOf(["e"]));
  const ended = await answers.end();
  const expected = [0, 1, "unexpected-end", "not-tried", "not-tried"];
  // Requests that had not arrived when the stream ended have no answer; nothing behind the refusal was appended.
  expect(outcomes(answers.responses)).toEqual(expected.slice(0, answers.responses.length));
  expect(answers.responses.length).toBeGreaterThanOrEqual(3);
  expect(answers.responses[2]?.refused).toMatchObject({ endOffset: 2, code: 10 });
  expect(refusalOf(ended)).toEqual({
    code: "ABORTED",
    fault: "unexpected-end",
    "end-offset": "2",
  });
  expect(stage.log.partition("t", 0).logEnd).toBe(2);
});

it("AppendStream hands the next append to the log only after one that waited for room", async () => {
  await using stage = await GrpcStage.open({ log: { commitMs: 5 } });
  stage.cluster.addTopic("t", 1);
  // When its turn comes after the wait for room, the third append is refused: the fourth must not overtake it.
  stage.log.roomless.add(2);
  stage.log.refusals.set(2, { kind: "storage-full" });
  const call = openBidiStream(stage.client, LOG.AppendStream);
  const answers = new Incoming<AppendStreamResponse>(call);
  for (const letter of ["a", "b", "c", "d", "e"]) call.write(appendOf([letter.repeat(60)]));
  const ended = await answers.end();
  expect(refusalOf(ended)).toMatchObject({ code: "RESOURCE_EXHAUSTED", fault: "storage-full" });
  expect(outcomes(answers.responses).slice(0, 3)).toEqual([0, 1, "storage-full"]);
  expect((await stage.append(["behind all of them"])).baseOffset).toBe(2);
});

it("AppendStream keeps to one partition", async () => {
  await using stage = await GrpcStage.open();
  stage.cluster.addTopic("t", 2);
  const call = openBidiStream(stage.client, LOG.AppendStream);
  const answers = new Incoming<AppendStreamResponse>(call);
  call.write(appendOf(["a"]));
  call.write({ ...appendOf(["b"]), partition: 1 });
  expect(refusalOf(await answers.end())["code"]).toBe("INVALID_ARGUMENT");
  expect(outcomes(answers.responses)).toEqual([0, "invalid-argument"]);
});

it("AppendStream stops reading when a client sends much and waits for nothing", async () => {
  const streamBytesMax = 64 * 1024;
  await using stage = await GrpcStage.open({
    limits: { streamBytesMax, appendWaitMsMax: 60_000 },
    log: { commitMs: 60_000 },
  });
  stage.cluster.addTopic("t", 1);
  const call = openBidiStream(stage.client, LOG.AppendStream);
  const answers = new Incoming<AppendStreamResponse>(call);
  const bytes = 16 * 1024;
  for (let index = 0; index < 64; index++) call.write(appendOf(["x".repeat(bytes)]));
  await stage.until(() => stage.log.timeoutsMs.length >= 3);
  await stage.roundTrips();
  // One request beyond the budget, and one that was already read when it was used up.
  expect(stage.log.timeoutsMs.length).toBeLessThanOrEqual(streamBytesMax / bytes + 2);
  call.cancel();
  await answers.end();
  await stage.until(() => stage.server.calls === 0);
});
