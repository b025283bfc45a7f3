import { readFileSync } from "node:fs";
import { join } from "node:path";
import { connect as connectHttp2 } from "node:http2";
import { connect as connectTcp } from "node:net";
import type { Socket } from "node:net";
import { status } from "@grpc/grpc-js";
import { expect, it } from "vitest";
import { AssertionFailed } from "../base/assert.ts";
import { openHostWorld } from "../host/host-world.ts";
import { GENERATED, grpcTypes } from "../../tools/grpc-types.ts";
import {
  ADMIN,
  appendOf,
  connect,
  GrpcStage,
  Incoming,
  LOG,
  openBidiStream,
  openServerStream,
  refusalOf,
  refused,
} from "../../test/wire/grpc-stage.ts";
import type { AppendStreamResponse } from "./generated/log.ts";
import { MessageCodec, PARTS_MAX } from "./message-codec.ts";
import { loadProto } from "./proto-files.ts";
import { GrpcServer } from "./server.ts";
import { ADMIN_STATUS, LOG_STATUS } from "./status-table.ts";

const ROOT = join(import.meta.dirname, "..", "..");

async function openWithTopic(options = {}): Promise<GrpcStage> {
  const stage = await GrpcStage.open(options);
  stage.cluster.addTopic("t", 1);
  return stage;
}

function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once("close", () => resolve()));
}

it("listen says why it cannot", async () => {
  await using stage = await GrpcStage.open();
  const { log, cluster, at } = stage;
  const world = openHostWorld({ log: { level: "silent" }, processMetrics: false });
  const second = new GrpcServer(world, { log, cluster }, { ready: () => true });
  const listening = await second.listen(at);
  expect(listening).toEqual({ ok: false, fault: { kind: "listen", code: "EADDRINUSE", at } });
  await second.close();
  await world.close();
});

it("bytes that are no HTTP/2, and HTTP/2 that is no gRPC, end their connection or call and nothing else", async () => {
  await using stage = await openWithTopic();
  const noise = Buffer.alloc(8_192, 0x5a);
  const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  const hugeFrame = Buffer.from([0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1]);
  for (const bytes of [
    noise,
    Buffer.concat([preface, noise]),
    Buffer.concat([preface, hugeFrame]),
  ]) {
    const socket = connectTcp(stage.at.port, stage.at.host);
    socket.on("error", () => {});
    socket.resume();
    socket.write(bytes);
    await closed(socket);
  }
  const session = connectHttp2(`http://${stage.at.host}:${stage.at.port}`);
  const responseOf = (headers: Record<string, string>, body: Buffer | null) =>
    new Promise<Record<string, unknown>>((resolve) => {
      const stream = session.request(headers);
      stream.on("response", (answer) => resolve(answer));
      stream.on("error", () => {});
      stream.resume();
      if (body === null) stream.end();
      else stream.end(body);
    });
  const post = { ":method": "POST", ":path": LOG.Append.path, "content-type": "application/grpc" };
  expect((await responseOf({ ":path": "/", ":method": "GET" }, null))[":status"]).toBe(415);
  const nowhere = await responseOf({ ...post, ":path": "/no.Such/Thing" }, null);
  expect(nowhere["grpc-status"]).toBe(String(status.UNIMPLEMENTED));
  const malformed = Buffer.concat([Buffer.from([0, 0, 0, 0, 4]), Buffer.from([0x0a, 0xff, 1, 2])]);
  const refusal = await responseOf(post, malformed);
  expect(refusal["grpc-status"]).toBe(String(status.INVALID_ARGUMENT));
  expect(refusal["flotilla-fault"]).toBe("invalid-argument");
  session.destroy();
  expect((await stage.append(["still here"])).baseOffset).toBe(0);
});

it("a request beyond the size limit is refused, in a stream too", async () => {
  await using stage = await openWithTopic({ limits: { messageBytesMax: 64 * 1024 } });
  const big = "x".repeat(65 * 1024);
  expect((await refused(stage.append([big])))["code"]).toBe("RESOURCE_EXHAUSTED");
  const call = openBidiStream(stage.client, LOG.AppendStream);
  const answers = new Incoming<AppendStreamResponse>(call);
  call.write(appendOf([big]));
  expect(refusalOf(await answers.end())["code"]).toBe("RESOURCE_EXHAUSTED");
  expect(stage.log.partition("t", 0).logEnd).toBe(0);
  await stage.until(() => stage.server.calls === 0);
});

it("a small request with too many records in it is refused", async () => {
  await using stage = await openWithTopic();
  const records = Array.from({ length: PARTS_MAX + 1 }, () => ({ headers: [] }));
  expect(await refused(stage.append([], { records }))).toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  const fits = await stage.append([], { records: records.slice(1) });
  expect(fits.endOffset).toBe(PARTS_MAX);
});

it("MessageCodec counts embedded messages at every depth", () => {
  const codec = new MessageCodec<object>(
    loadProto("flotilla/v1/log.proto").lookupType("flotilla.v1.AppendRequest"),
  );
  const headers = Array.from({ length: PARTS_MAX }, () => ({ key: "" }));
  const bytes = codec.encode({ topic: "t", partition: 0, records: [{ headers }] });
  expect(codec.decode(bytes)).toEqual({ ok: false, fault: { kind: "too-many-parts" } });
  const cut = bytes.subarray(0, bytes.length - 1);
  expect(codec.decode(cut)).toEqual({ ok: false, fault: { kind: "malformed" } });
});

it("calls beyond the limit are refused, and go through when there is room again", async () => {
  await using stage = await openWithTopic({ limits: { callsMax: 3 } });
  const tails = [1, 2, 3].map(() => stage.tail({ end: true }));
  await stage.until(() => stage.log.waiting === 3);
  expect(await refused(stage.append(["a"]))).toEqual({
    code: "RESOURCE_EXHAUSTED",
    fault: "overloaded",
  });
  tails[0]?.stream.cancel();
  await stage.until(() => stage.server.calls === 2);
  await stage.append(["b"]);
  const { body } = await stage.world.meter.render();
  expect(body).toMatch(/flotilla_grpc_calls_total\{.*Append".*code="RESOURCE_EXHAUSTED"\} 1/);
  expect(body).toMatch(/flotilla_grpc_calls_total\{.*Append".*code="OK"\} 1/);
  expect(body).toMatch(/flotilla_grpc_calls 2/);
});

it("drain answers what is under way, sends streams elsewhere and lets nobody new in", async () => {
  await using stage = await openWithTopic({ log: { commitMs: 80 } });
  const tail = stage.tail({ end: true });
  const call = openBidiStream(stage.client, LOG.AppendStream);
  const answers = new Incoming<AppendStreamResponse>(call);
  call.write(appendOf(["streamed"]));
  await stage.until(() => stage.log.timeoutsMs.length === 1 && stage.log.waiting === 1);
  const append = stage.append(["unary"]);
  await stage.until(() => stage.log.timeoutsMs.length === 2);
  const drained = stage.server.drain(5_000);
  expect(refusalOf(await tail.end())).toEqual({ code: "UNAVAILABLE", fault: "stopping" });
  expect((await append).baseOffset).toBe(1);
  expect(refusalOf(await answers.end())).toEqual({ code: "UNAVAILABLE", fault: "stopping" });
  expect(answers.responses[0]?.appended?.baseOffset).toBe(0);
  await drained;
  const late = connect(stage.at);
  const tail2 = new Incoming(openServerStream(late, ADMIN.ClusterStatus, {}));
  expect((await tail2.end()).code).toBe(status.UNAVAILABLE);
  late.close();
});

it("drain cuts off after its grace what does not end by itself", async () => {
  await using stage = await openWithTopic({ log: { commitMs: 60_000 } });
  const append = refused(stage.append(["a"]));
  await stage.until(() => stage.log.timeoutsMs.length === 1);
  await stage.server.drain(50);
  expect(["UNAVAILABLE", "CANCELLED"]).toContain((await append)["code"]);
});

it("a bug in a use case is told as INTERNAL, and a broken invariant ends the broker", async () => {
  await using stage = await openWithTopic();
  stage.cluster.topicCount = () => {
    throw new Error("a bug");
  };
  expect(await refused(stage.call(ADMIN.ClusterStatus, {}))).toEqual({
    code: "INTERNAL",
    fault: "internal",
  });
  stage.log.bounds = () => {
    throw new Error("another bug");
  };
  expect(refusalOf(await stage.tail({}).end())).toMatchObject({ code: "INTERNAL" });
  expect(stage.fatal).toEqual([]);
  stage.log.bounds = () => {
    throw new AssertionFailed("an invariant");
  };
  expect(refusalOf(await stage.tail({}).end())).toMatchObject({ code: "INTERNAL" });
  expect(stage.fatal.splice(0)).toMatchObject([{ message: "an invariant" }]);
});

it.each(Object.entries(GENERATED))("generated/%s is fresh (`make gen` writes it)", (name, file) => {
  const path = join(ROOT, "internal", "grpc", "generated", name);
  expect(readFileSync(path, "utf8")).toBe(grpcTypes(file));
});

it("docs/grpc.md lists every kind of refusal with its status", () => {
  const text = readFileSync(join(ROOT, "docs", "grpc.md"), "utf8");
  const rows = new Set(text.match(/^\| `[a-z-]+` \| [A-Z_]+/gm));
  for (const [kind, code] of [...Object.entries(LOG_STATUS), ...Object.entries(ADMIN_STATUS)]) {
    expect(rows).toContain(`| \`${kind}\` | ${status[code]}`);
  }
});
