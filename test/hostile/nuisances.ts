// Connections to the Kafka port that do wrong by how they behave rather than by what one request says: half-open ones,
// halves of frames, floods of connections, readers that do not read, and clients of other protocols.
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Address } from "../../internal/ports/wire.ts";
import { assault } from "./assault.ts";
import type { Random } from "./random.ts";
import { fetch } from "../../internal/kafka/api/01-fetch.ts";
import { frameOf, greedyFrames } from "./seed-frames.ts";
import type { Victim } from "./seed-frames.ts";

const CONNECT_MS_MAX = 5_000;
/** TCP_ESTABLISHED, as /proc/net/tcp writes it. */
const ESTABLISHED = "01";

/** An open connection whose end is seen; null when there is none. Errors are expected and end it. */
export function open(to: Address): Promise<Socket | null> {
  return new Promise((resolve) => {
    const socket = connect({ host: to.host, port: to.port, noDelay: true });
    const late = setTimeout(() => socket.destroy(), CONNECT_MS_MAX);
    socket.once("connect", () => {
      clearTimeout(late);
      resolve(socket);
    });
    socket.on("error", () => {});
    socket.once("close", () => {
      clearTimeout(late);
      resolve(null);
    });
  });
}

/** Sends bytes and waits for the other side to hang up. Answers whether it did. */
export async function isHungUpOn(
  to: Address,
  bytes: Uint8Array,
  withinMs: number,
): Promise<boolean> {
  const socket = await open(to);
  if (socket === null) return true;
  const gone = new Promise<boolean>((resolve) => socket.once("close", () => resolve(true)));
  socket.resume();
  socket.write(bytes);
  const late = pause(withinMs, false, { ref: false });
  const isGone = await Promise.race([gone, late]);
  socket.destroy();
  return isGone;
}

export class Idlers {
  readonly #sockets: Socket[] = [];

  get count(): number {
    return this.#sockets.length;
  }

  /** Opens connections that send `bytes` each, and nothing more. */
  async add(to: Address, count: number, bytes: Uint8Array | null): Promise<void> {
    const sockets = await Promise.all(Array.from({ length: count }, () => open(to)));
    for (const socket of sockets) {
      if (socket === null) continue;
      if (bytes !== null) socket.write(bytes);
      this.#sockets.push(socket);
    }
  }

  close(): void {
    for (const socket of this.#sockets.splice(0)) socket.resetAndDestroy();
  }
}

/** A frame whose size field claims `claimed` bytes, of which `sent` follow. */
export function halfFrame(claimed: number, sent: number): Uint8Array {
  const bytes = new Uint8Array(4 + sent);
  new DataView(bytes.buffer).setInt32(0, claimed);
  return bytes;
}

export interface FloodTotals {
  opened: number;
  refused: number;
}

/** Opens connections in waves and resets them: some at once, some after a byte, some after half a request. */
export async function flood(
  to: Address,
  random: Random,
  connections: number,
  wave: number,
  totals: FloodTotals,
): Promise<void> {
  for (let done = 0; done < connections; done += wave) {
    const sockets = await Promise.all(Array.from({ length: wave }, () => open(to)));
    for (const socket of sockets) {
      if (socket === null) {
        totals.refused++;
        continue;
      }
      totals.opened++;
      if (random.below(3) > 0) socket.write(random.bytes(1 + random.below(20)));
      if (random.below(2) === 0) socket.resetAndDestroy();
      else socket.destroy();
    }
  }
}

/**
 * Asks for far more than a client takes and does not read. Answers how many of the connections the broker gave up
 * within `withinMs`.
 */
export async function slowReaders(
  to: Address,
  big: Victim,
  count: number,
  withinMs: number,
): Promise<number> {
  const [partition = 0] = big.partitions;
  const partitions = [{ partition, fetchOffset: 0, partitionMaxBytes: 32 << 20 }];
  const request = frameOf(fetch, 11, {
    maxWaitMs: 0,
    minBytes: 1,
    maxBytes: 32 << 20,
    topics: [{ topic: big.name, partitions }],
  });
  const many = Buffer.concat(Array.from({ length: 40 }, () => request));
  const opened = await Promise.all(Array.from({ length: count }, () => open(to)));
  const sockets = opened.filter((socket) => socket !== null);
  for (const socket of sockets) {
    socket.pause();
    socket.write(many);
  }
  const ports = sockets.flatMap(({ localPort }) => localPort ?? []);
  const untilMs = performance.now() + withinMs;
  let kept = ports;
  while (kept.length > 0 && performance.now() < untilMs) {
    await pause(250);
    const established = establishedFrom(to.port);
    kept = ports.filter((port) => established.has(port));
  }
  for (const socket of sockets) socket.destroy();
  return ports.length - kept.length;
}

/**
 * The ports whose connections to a port of this machine are open at that port's side, as the kernel tells (proc(5)). Who
 * does not read cannot see the end: it stands behind what was not read.
 */
function establishedFrom(toPort: number): ReadonlySet<number> {
  const ports = new Set<number>();
  for (const row of readFileSync("/proc/net/tcp", "utf8").split("\n").slice(1)) {
    const [, local = "", remote = "", state] = row.trim().split(/\s+/);
    if (state !== ESTABLISHED || portOf(local) !== toPort) continue;
    ports.add(portOf(remote));
  }
  return ports;
}

const portOf = (address: string): number => Number.parseInt(address.split(":")[1] ?? "", 16);

export async function greed(to: Address, victim: Victim): Promise<string[]> {
  const wrong: string[] = [];
  for (const [k, frame] of greedyFrames(victim).entries()) {
    const { end } = await assault(to, [frame], 20_000);
    if (end !== "sentinel") wrong.push(`request ${k} of the greedy ones ended in ${end}`);
  }
  return wrong;
}

const TEXT = new TextEncoder();

/** What other protocols say first. */
export function strangers(random: Random): [string, Uint8Array][] {
  const hello = new Uint8Array(517);
  hello.set([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]);
  hello.set(random.bytes(506), 11);
  return [
    ["a TLS ClientHello", hello],
    ["an HTTP request", TEXT.encode("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")],
    ["an HTTP/2 preface", TEXT.encode("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")],
    ["an SSH banner", TEXT.encode("SSH-2.0-OpenSSH_9.6\r\n")],
    ["a Redis command", TEXT.encode("*1\r\n$4\r\nPING\r\n")],
    ["a broker's preamble", Uint8Array.of(0x46, 0x4c, 0x4f, 0x54, 0, 1, 0, 0)],
    ["the largest size", halfFrame(0x7fff_ffff, 100)],
    ["a size over the limit", halfFrame((100 << 20) + 1, 100)],
    ["a negative size", halfFrame(-1, 100)],
  ];
}
