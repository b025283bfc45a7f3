// The same treatment, smaller, for the gRPC, HTTP and broker-link ports.
import { connect as connectHttp2 } from "node:http2";
import { request } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { readUuid } from "../../internal/bytes/uuid.ts";
import type { BrokerId, ClusterId, DirectoryId, Incarnation } from "../../internal/model/ids.ts";
import type { Address } from "../../internal/ports/wire.ts";
import { PREAMBLE, wholeFrame } from "../../internal/transport/frame.ts";
import { FRAME_TYPE, encodeHello, encodeJoin } from "../../internal/transport/handshake.ts";
import { isHungUpOn, open } from "./nuisances.ts";
import type { Random } from "./random.ts";

const TEXT = new TextEncoder();
const PREFACE = TEXT.encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const SEND_MS = 40;

/** Sends bytes, waits a moment, and resets. */
async function poke(to: Address, bytes: Uint8Array): Promise<void> {
  const socket = await open(to);
  if (socket === null) return;
  socket.resume();
  socket.write(bytes);
  await pause(SEND_MS);
  socket.resetAndDestroy();
}

function http2Frame(type: number, flags: number, stream: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(9 + body.length);
  const view = new DataView(frame.buffer);
  view.setUint16(0, body.length >>> 8);
  frame[2] = body.length & 0xff;
  frame[3] = type;
  frame[4] = flags;
  view.setUint32(5, stream);
  frame.set(body, 9);
  return frame;
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function grpcBytes(random: Random): Uint8Array {
  const settings = http2Frame(4, 0, 0, new Uint8Array(0));
  const nonsense = http2Frame(
    random.below(256),
    random.below(256),
    random.below(9),
    random.bytes(random.below(200)),
  );
  return random.of([
    random.bytes(1 + random.below(300)),
    TEXT.encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    PREFACE.subarray(0, 1 + random.below(PREFACE.length)),
    joined(PREFACE, random.bytes(random.below(300))),
    joined(PREFACE, settings, nonsense),
    joined(PREFACE, settings, http2Frame(1, 4, 1, random.bytes(100))), // headers that do not decode
    joined(PREFACE, settings, http2Frame(0, 0, 1, new Uint8Array(16_384))), // data of no stream
    joined(PREFACE, settings, http2Frame(1, 0, 1, new Uint8Array(50)).subarray(0, 30)),
    joined(PREFACE, http2Frame(4, 0, 0, new Uint8Array(6 * 2_000))), // thousands of settings
  ]);
}

/** Calls that are cancelled as soon as they are made, many of them on one connection. */
async function rapidResets(to: Address, calls: number): Promise<void> {
  const session = connectHttp2(`http://${to.host}:${to.port}`);
  session.on("error", () => {});
  for (let call = 0; call < calls && !session.destroyed; call++) {
    const stream = session.request({ ":method": "POST", ":path": "/flotilla.v1.Log/Append" });
    stream.on("error", () => {});
    stream.close(8);
  }
  await pause(SEND_MS * 5);
  session.destroy();
}

/** Well-formed HTTP/2 whose gRPC message is none. */
async function badMessages(to: Address, random: Random, calls: number): Promise<void> {
  const session = connectHttp2(`http://${to.host}:${to.port}`);
  session.on("error", () => {});
  const paths = ["/flotilla.v1.Log/Append", "/flotilla.v1.Log/Tail", "/no.such/Method", "/"];
  for (let call = 0; call < calls && !session.destroyed; call++) {
    const stream = session.request({
      ":method": "POST",
      ":path": random.of(paths),
      "content-type": random.of(["application/grpc", "text/plain", "application/grpc+json"]),
      "grpc-timeout": random.of(["1S", "99999999H", "x", "-1m"]),
    });
    stream.on("error", () => {});
    stream.resume();
    stream.end(
      Buffer.from(random.of([random.bytes(40), halfMessage(0x7fff_ffff), halfMessage(20)])),
    );
  }
  await pause(SEND_MS * 5);
  session.destroy();
}

function halfMessage(claimed: number): Uint8Array {
  const bytes = new Uint8Array(15);
  new DataView(bytes.buffer).setUint32(1, claimed);
  return bytes;
}

export async function tormentGrpc(to: Address, random: Random, count: number): Promise<number> {
  for (let done = 0; done < count; done += 10) {
    await Promise.all(Array.from({ length: 10 }, () => poke(to, grpcBytes(random))));
  }
  await rapidResets(to, count);
  await badMessages(to, random, Math.min(200, count));
  return count * 2 + Math.min(200, count);
}

/** Whether the standard health service of gRPC answers SERVING. */
export function isGrpcServing(to: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const session = connectHttp2(`http://${to.host}:${to.port}`);
    const end = (isServing: boolean): void => {
      session.destroy();
      resolve(isServing);
    };
    const late = setTimeout(() => end(false), 5_000);
    session.on("error", () => end(false));
    session.on("close", () => clearTimeout(late));
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
    });
    const chunks: Buffer[] = [];
    stream.on("data", (bytes: Buffer) => chunks.push(bytes));
    stream.on("error", () => end(false));
    // A message of two bytes: field 1, SERVING.
    stream.on("end", () => end(Buffer.concat(chunks).toString("hex") === "00000000020801"));
    stream.end(Buffer.alloc(5));
  });
}

function httpBytes(random: Random): Uint8Array {
  const long = "x".repeat(100_000);
  const many = Array.from({ length: 3_000 }, (_, k) => `h${k}: 1\r\n`).join("");
  return random.of([
    random.bytes(1 + random.below(300)),
    TEXT.encode(`GET /metrics HTTP/1.1\r\nlong: ${long}\r\n\r\n`),
    TEXT.encode(`GET /${long} HTTP/1.1\r\n\r\n`),
    TEXT.encode(`GET /metrics HTTP/1.1\r\n${many}\r\n`),
    TEXT.encode("FETCH / HTTP/9.9\r\n\r\n"),
    TEXT.encode("DELETE /metrics HTTP/1.1\r\nHost: a\r\n\r\n"),
    TEXT.encode("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\nhalf"),
    TEXT.encode("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    TEXT.encode("GET /../../../../etc/passwd HTTP/1.1\r\nHost: a\r\n\r\n"),
    TEXT.encode("GET /%00%ff%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
    TEXT.encode("GET /metr"),
  ]);
}

export async function tormentHttp(to: Address, random: Random, count: number): Promise<number> {
  for (let done = 0; done < count; done += 10) {
    await Promise.all(Array.from({ length: 10 }, () => poke(to, httpBytes(random))));
  }
  return count;
}

/** The page of metrics; empty when there is none. */
export function metricsPage(to: Address): Promise<string> {
  return new Promise((resolve) => {
    const asked = request({ host: to.host, port: to.port, path: "/metrics", timeout: 5_000 });
    asked.on("error", () => resolve(""));
    asked.on("timeout", () => asked.destroy());
    asked.on("response", (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (bytes: Buffer) => chunks.push(bytes));
      answer.on("end", () => resolve(Buffer.concat(chunks).toString()));
    });
    asked.end();
  });
}

function uuid(random: Random): string {
  const bytes = random.bytes(16);
  return readUuid(new DataView(bytes.buffer), 0);
}

function hello(random: Random): Uint8Array {
  return encodeHello({
    purpose: random.of(["session", "knock"]),
    target: random.of([1, 2, 3, 77]) as BrokerId,
    attempt: random.below(1_000),
    reachable: {
      host: random.of(["", "127.0.0.1", "nowhere.invalid"]),
      port: random.of([0, 1, 9]),
    },
    identity: {
      broker: random.of([1, 2, 3, 4, 99, 0xffff_ffff]) as BrokerId,
      directory: uuid(random) as DirectoryId,
      incarnation: random.of([0, 1, 5, 2 ** 53 - 1]) as Incarnation,
      cluster: random.of([null, uuid(random) as ClusterId]),
      foundingState: random.bytes(random.of([0, 10, 4_000])),
      silenceMs: 400,
      payloadBytesMax: 1 << 20,
    },
  });
}

function linkBytes(random: Random): Uint8Array {
  const claimed = wholeFrame(FRAME_TYPE.hello, new Uint8Array(8));
  new DataView(claimed.buffer).setUint32(4, random.of([0x7fff_ffff, 0xffff_ffff, 9_000]));
  const lane = random.of(["data", "bulk"] as const);
  const join = encodeJoin({ broker: 2 as BrokerId, lane, token: uuid(random) });
  const bits = Uint8Array.from(hello(random));
  const at = random.below(bits.length);
  bits[at] = (bits[at] as number) ^ (1 << random.below(8));
  return random.of([
    random.bytes(1 + random.below(300)),
    PREAMBLE.subarray(0, 1 + random.below(PREAMBLE.length)),
    joined(Uint8Array.of(0x46, 0x4c, 0x4f, 0x54, 0, 9, 0, 0), hello(random)),
    joined(PREAMBLE, hello(random)),
    joined(PREAMBLE, hello(random), hello(random)),
    joined(PREAMBLE, hello(random).subarray(0, 40)),
    joined(PREAMBLE, bits),
    joined(PREAMBLE, claimed),
    joined(PREAMBLE, join),
    joined(PREAMBLE, wholeFrame(random.below(256), random.bytes(random.below(500)))),
    joined(PREAMBLE, hello(random), wholeFrame(FRAME_TYPE.ping, random.bytes(60))),
  ]);
}

export async function tormentLink(to: Address, random: Random, count: number): Promise<number> {
  for (let done = 0; done < count; done += 10) {
    await Promise.all(Array.from({ length: 10 }, () => poke(to, linkBytes(random))));
  }
  return count;
}

/** Strangers that say nothing are sent away. */
export async function isSilenceRefused(to: Address): Promise<boolean> {
  return isHungUpOn(to, PREAMBLE, 8_000);
}
