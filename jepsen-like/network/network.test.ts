// Each kind of weather bites, and only where it is: real sockets through a passage, whose other side is an echo.
import { connect, createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { diallerOf } from "./dialler.ts";
import { openPassage } from "./proxy.ts";
import { CLIENTS, CUT, FAIR, Sky } from "./weather.ts";
import type { Rule, Weather } from "./weather.ts";

const BROKER = 2;
const CUT_THERE: Rule = { from: CLIENTS, to: BROKER, weather: CUT };
const CUT_BACK: Rule = { from: BROKER, to: CLIENTS, weather: CUT };

let sky: Sky;
let echo: Server;
let passage: Server;
/** What the broker's side received. */
let arrived: string;
let hasClosed: boolean;

beforeEach(async () => {
  sky = new Sky();
  arrived = "";
  hasClosed = false;
  echo = createServer((socket) => {
    socket.on("data", (bytes) => {
      arrived += bytes.toString();
      socket.write(bytes);
    });
    socket.on("error", () => {});
    socket.on("close", () => (hasClosed = true));
  });
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  const { port: to } = echo.address() as AddressInfo;
  passage = await openPassage({ broker: BROKER, port: "kafka", from: 0, to }, sky);
});

afterEach(() => {
  echo.close();
  passage.close();
});

class Client {
  received = "";
  isClosed = false;
  readonly socket: Socket;

  constructor() {
    this.socket = connect((passage.address() as AddressInfo).port, "127.0.0.1");
    this.socket.on("data", (bytes) => (this.received += bytes.toString()));
    this.socket.on("error", () => {});
    this.socket.on("close", () => (this.isClosed = true));
  }

  say(text: string): void {
    this.socket.write(text);
  }
}

function raining(weather: Partial<Weather>): void {
  sky.set([{ ...CUT_THERE, weather: { ...FAIR, ...weather } }]);
}

async function greeted(): Promise<Client> {
  const client = new Client();
  client.say("a");
  await expect.poll(() => client.received).toBe("a");
  return client;
}

test("in fair weather all comes and goes, and the end too", async () => {
  const client = await greeted();
  client.socket.end();
  await expect.poll(() => hasClosed).toBe(true);
  expect(Object.values(sky.effects).every((count) => count === 0)).toBe(true);
});

test("a cut lets nothing through, not even the end, and loses nothing", async () => {
  const client = await greeted();
  sky.set([CUT_THERE, CUT_BACK]);
  client.say("b");
  client.socket.end();
  await expect.poll(() => sky.effects.cutBytes).toBe(1);
  expect([arrived, hasClosed]).toEqual(["a", false]);
  sky.set([]);
  await expect.poll(() => [arrived, hasClosed]).toEqual(["ab", true]);
});

test("of a cut in one direction the other one notices nothing", async () => {
  const client = await greeted();
  sky.set([CUT_BACK]);
  client.say("b");
  await expect.poll(() => [arrived, sky.effects.cutBytes]).toEqual(["ab", 1]);
  expect(client.received).toBe("a");
  sky.set([]);
  await expect.poll(() => client.received).toBe("ab");
});

test("nobody connects through a cut, in whichever direction it is", async () => {
  for (const rule of [CUT_THERE, CUT_BACK]) {
    arrived = "";
    sky.set([rule]);
    const client = new Client();
    client.say("c");
    await expect.poll(() => sky.effects.cutConnections).toBe(1);
    expect(arrived).toBe("");
    sky.set([]);
    await expect.poll(() => client.received).toBe("c");
  }
});

test("slow, lossy: late but whole and in order", async () => {
  for (const weather of [{ delayMs: 20 }, { bytesPerS: 2_000 }, { lostPermille: 500 }]) {
    arrived = "";
    raining({});
    const client = await greeted();
    raining(weather);
    const sinceMs = performance.now();
    for (let k = 0; k < 10; k++) client.say(String(k).repeat(10));
    const all = Array.from({ length: 10 }, (_, k) => String(k).repeat(10)).join("");
    await expect.poll(() => arrived).toBe(`a${all}`);
    expect(performance.now() - sinceMs).toBeGreaterThan(weather.lostPermille ? 0 : 20);
    client.socket.destroy();
  }
});

test("resets end both sides; swallowed directions go on in silence", async () => {
  const reset = await greeted();
  raining({ resetPermille: 1_000 });
  reset.say("d");
  await expect.poll(() => [reset.isClosed, sky.effects.resetConnections]).toEqual([true, 1]);
  raining({});
  const swallowed = await greeted();
  raining({ swallowedPermille: 1_000 });
  swallowed.say("e");
  await expect.poll(() => sky.effects.swallowedDirections).toBe(1);
  raining({});
  swallowed.say("f");
  const other = await greeted();
  other.say("g");
  await expect.poll(() => other.received).toBe("ag");
  expect([swallowed.isClosed, swallowed.received]).toEqual([false, "a"]);
});

test("brokers say who they are in the first frame of a link", () => {
  const hello = (host: string): Buffer => {
    const body = Buffer.alloc(13 + 2 + host.length + 2 + 4);
    body.writeUInt16BE(host.length, 13);
    body.write(host, 15);
    body.writeUInt32BE(3, body.length - 4);
    return frame(1, body);
  };
  const frame = (type: number, body: Buffer): Buffer => {
    const head = Buffer.alloc(24);
    head[20] = type;
    return Buffer.concat([head, body]);
  };
  expect(diallerOf("link", hello("127.0.0.1"))).toBe(3);
  expect(diallerOf("link", hello(""))).toBe(3);
  expect(diallerOf("link", hello("127.0.0.1").subarray(0, -1))).toBe(undefined);
  expect(diallerOf("link", frame(4, Buffer.from([0, 0, 0, 2, 1])))).toBe(2);
  expect(diallerOf("link", frame(6, Buffer.alloc(57)))).toBe(null);
  expect(diallerOf("kafka", Buffer.alloc(1))).toBe(CLIENTS);
});
