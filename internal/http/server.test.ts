import { request as requestHttp } from "node:http";
import { connect } from "node:net";
import { expect, it } from "vitest";
import { AssertionFailed } from "../base/assert.ts";
import { openHostWorld } from "../host/host-world.ts";
import type { HostWorld } from "../host/host-world.ts";
import type { Address } from "../ports/wire.ts";
import type { HttpLimits } from "./limits.ts";
import type { Readiness } from "./pages.ts";
import { HttpServer } from "./server.ts";

const READY: Readiness = {
  isReady: true,
  checks: [{ name: "founded", isMet: true, detail: "The cluster is x." }],
};

class HttpStage implements AsyncDisposable {
  readonly world: HostWorld;
  readonly server: HttpServer;
  readonly at: Address;
  readonly sources: { ready: () => Readiness; status: () => object };
  readonly fatal: string[];

  private constructor(
    world: HostWorld,
    server: HttpServer,
    at: Address,
    sources: HttpStage["sources"],
    fatal: string[],
  ) {
    this.world = world;
    this.server = server;
    this.at = at;
    this.sources = sources;
    this.fatal = fatal;
  }

  static async open(limits: Partial<HttpLimits> = {}): Promise<HttpStage> {
    const fatal: string[] = [];
    const host = openHostWorld({ log: { level: "silent" }, processMetrics: false });
    const world = { ...host, fatal: (reason: string) => void fatal.push(reason) };
    const sources = { ready: () => READY, status: (): object => ({ brokers: [1, 2] }) };
    const server = new HttpServer(world, {
      ready: () => sources.ready(),
      status: () => sources.status(),
      limits,
    });
    const listening = await server.listen({ host: "127.0.0.1", port: 0 });
    if (!listening.ok) throw new Error(listening.fault.code);
    return new HttpStage(world, server, listening.value.address, sources, fatal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
    await this.world.close();
  }

  ask(path: string, method = "GET", body = ""): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const { host, port } = this.at;
      const request = requestHttp({ host, port, path, method, agent: false }, (response) => {
        let text = "";
        response.setEncoding("utf8");
        response.on("data", (part: string) => (text += part));
        response.on("end", () => {
          resolve({ code: response.statusCode ?? 0, headers: response.headers, text });
        });
      });
      request.on("error", reject);
      request.end(body);
    });
  }

  /** Sends raw bytes and resolves with all that comes back, when the connection is closed. */
  raw(bytes: string): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(this.at.port, this.at.host);
      let text = "";
      socket.setEncoding("utf8");
      socket.on("error", () => {});
      socket.on("data", (part: string) => (text += part));
      socket.on("close", () => resolve(text));
      socket.write(bytes);
    });
  }
}

interface Answer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

it("/metrics renders the meter's page", async () => {
  await using stage = await HttpStage.open();
  stage.world.meter.counter("flotilla_test_things_total", "Things.").add(3);
  const { code, headers, text } = await stage.ask("/metrics");
  expect(code).toBe(200);
  expect(headers["content-type"]).toContain("text/plain; version=0.0.4");
  expect(text).toContain("flotilla_test_things_total 3");
  const pages = await Promise.all([1, 2, 3].map(() => stage.ask("/metrics?name[]=x")));
  for (const page of pages) expect(page.text).toContain("flotilla_http_requests_total");
});

it("/healthz tells that the process lives, /readyz what the broker waits for", async () => {
  await using stage = await HttpStage.open();
  const health = await stage.ask("/healthz");
  expect(health.code).toBe(200);
  expect(JSON.parse(health.text)).toMatchObject({ status: "alive" });
  const ready = await stage.ask("/readyz");
  expect(ready.code).toBe(200);
  expect(JSON.parse(ready.text)).toEqual({
    ready: true,
    checks: [{ name: "founded", met: true, detail: "The cluster is x." }],
  });
  const check = { name: "caught-up", isMet: false, detail: "4 of 9 records applied." };
  stage.sources.ready = () => ({ isReady: false, checks: [...READY.checks, check] });
  const waiting = await stage.ask("/readyz");
  expect(waiting.code).toBe(503);
  expect(JSON.parse(waiting.text)).toMatchObject({ ready: false, checks: [{}, { met: false }] });
});

it("/healthz says so when the event loop does not respond", async () => {
  await using stage = await HttpStage.open({ loopDelayMsMax: 20 });
  const { clock } = stage.world;
  const asked = stage.ask("/healthz");
  // Holds every turn behind its input, so also the turn in which the request is read.
  let isAnswered = false;
  const hold = (): void => {
    const endUpMs = clock.upMs() + 30;
    while (clock.upMs() < endUpMs);
    if (!isAnswered) clock.turnEnd(hold);
  };
  clock.turnEnd(hold);
  const { code, text } = await asked;
  isAnswered = true;
  expect(code).toBe(503);
  expect(JSON.parse(text)).toMatchObject({ status: "unresponsive" });
});

it("/status is the broker's own account, and / leads to every page", async () => {
  await using stage = await HttpStage.open();
  const { headers, text } = await stage.ask("/status");
  expect(headers["content-type"]).toContain("application/json");
  expect(headers["cache-control"]).toBe("no-store");
  expect(JSON.parse(text)).toEqual({ brokers: [1, 2] });
  const links = (await stage.ask("/")).text.match(/href="([^"]+)"/g) ?? [];
  expect(links).toHaveLength(4);
  for (const link of links) expect((await stage.ask(link.slice(6, -1))).code).toBe(200);
});

it("HEAD has the headers of GET, other methods and paths are refused", async () => {
  await using stage = await HttpStage.open();
  const head = await stage.ask("/status", "HEAD");
  const get = await stage.ask("/status");
  expect(head.text).toBe("");
  expect(head.headers["content-length"]).toBe(String(get.text.length));
  const missing = await stage.ask("/../etc/passwd");
  expect(missing.code).toBe(404);
  expect(JSON.parse(missing.text)).toMatchObject({ error: "not-found" });
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
    const body = method.startsWith("P") ? "a body" : "";
    const refused = await stage.ask("/status", method, body);
    expect(refused.code).toBe(405);
    expect(refused.headers["allow"]).toBe("GET, HEAD");
    expect(JSON.parse(refused.text)).toMatchObject({ error: "method-not-allowed" });
  }
});

it("a page that fails is told as 500, and a broken invariant ends the broker", async () => {
  await using stage = await HttpStage.open();
  stage.sources.status = () => {
    throw new Error("a bug");
  };
  const failure = await stage.ask("/status");
  expect(failure.code).toBe(500);
  expect(JSON.parse(failure.text)).toMatchObject({ error: "internal" });
  expect(failure.text).not.toContain("a bug");
  expect(stage.fatal).toEqual([]);
  stage.sources.status = () => {
    throw new AssertionFailed("an invariant");
  };
  await stage.ask("/status");
  expect(stage.fatal).toEqual(["http-page-asserted"]);
});

it("garbage, endless headers and trickling requests end their connection and nothing else", async () => {
  await using stage = await HttpStage.open({ requestMsMax: 100, headerBytesMax: 1_024 });
  expect(await stage.raw("\u0000\u0001 nonsense\r\n\r\n")).toMatch(/^HTTP\/1.1 400 /);
  const headers = `GET / HTTP/1.1\r\nX: ${"y".repeat(5_000)}\r\n\r\n`;
  expect(await stage.raw(headers)).toMatch(/^HTTP\/1.1 4\d\d /);
  expect(await stage.raw("GET / HTTP/1.1\r\nHost: x\r\n")).toMatch(/^(HTTP\/1.1 4|$)/);
  expect((await stage.ask("/healthz")).code).toBe(200);
});

it("connections beyond the limit are closed", async () => {
  await using stage = await HttpStage.open({ connectionsMax: 2 });
  const held = [1, 2].map(() => connect(stage.at.port, stage.at.host));
  await Promise.all(held.map((socket) => new Promise((open) => socket.once("connect", open))));
  expect(await stage.raw("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).toBe("");
  for (const socket of held) socket.destroy();
  await Promise.all(held.map((socket) => new Promise((over) => socket.once("close", over))));
});

it("listen says why it cannot, and close ends connections that are open", async () => {
  await using stage = await HttpStage.open();
  const world = openHostWorld({ log: { level: "silent" }, processMetrics: false });
  const second = new HttpServer(world, { ready: () => READY, status: () => ({}) });
  expect(await second.listen(stage.at)).toEqual({
    ok: false,
    fault: { kind: "listen", code: "EADDRINUSE", at: stage.at },
  });
  await second.close();
  await world.close();
  const open = stage.raw("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  await stage.ask("/healthz");
  await stage.server.drain(50);
  expect(await open).toContain("200 OK");
});
