// The host's wire against peers that do not behave: raw sockets and a stopped process.
import { spawn } from "node:child_process";
import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { withStaticRead } from "../../internal/host/static-read.ts";
import { HostWire } from "../../internal/host/wire.ts";
import type { Address, CloseReason, Connection } from "../../internal/ports/wire.ts";
import { patternOf } from "./stage.ts";

const wire = new HostWire({ openMsMax: 100, endMsMax: 100 });
const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A raw server with half-open sockets. */
function rawServer(onSocket: (socket: Socket) => void): Promise<Address> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, onSocket);
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
    });
  });
}

/** How a connection to `at` ends when `opened` is what this side does. */
function endingOf(at: Address, opened: (connection: Connection) => void): Promise<CloseReason> {
  return new Promise((resolve) => {
    const connection = wire.connect(at, {
      opened: () => opened(connection),
      received: () => undefined,
      closed: resolve,
    });
  });
}

describe("host wire against peers that do not behave", () => {
  it("an end is over after a while when the peer never ends its side", async () => {
    const held: Socket[] = [];
    const at = await rawServer((socket) => void held.push(socket));
    expect(await endingOf(at, (connection) => connection.end())).toBe("ended");
    for (const socket of held) socket.destroy();
  });

  it("a peer that ends and never reads does not hold the connection either", async () => {
    const held: Socket[] = [];
    const at = await rawServer((socket) => {
      held.push(socket);
      socket.end();
    });
    const stuck = await endingOf(at, (connection) => {
      for (let index = 0; index < 64; index++) connection.write(new Uint8Array(1 << 20));
      connection.flush();
    });
    expect(["ended", "reset"]).toContain(stuck);
    for (const socket of held) socket.destroy();
  });

  it("a reset by the peer is `reset`, and releases what was lent", async () => {
    const at = await rawServer((socket) => {
      socket.once("data", () => socket.resetAndDestroy()).resume();
    });
    let released = 0;
    const reason = await endingOf(at, (connection) => {
      for (let index = 0; index < 16; index++)
        connection.write(new Uint8Array(1 << 20), () => released++);
      connection.flush();
    });
    expect([reason, released]).toEqual(["reset", 16]);
  });

  it("a connect that gets no answer is `timed-out`", async () => {
    const script = `require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 },
      function () { console.log(this.address().port); })`;
    const child = spawn(process.execPath, ["-e", script]);
    const port = await new Promise<number>((resolve) => {
      child.stdout.once("data", (chunk: Buffer) => resolve(Number(chunk.toString())));
    });
    child.kill("SIGSTOP");
    // The kernel completes a few connects for the backlog; then it answers no more.
    const connections: Connection[] = [];
    const timedOut = await new Promise<CloseReason>((resolve) => {
      for (let index = 0; index < 8; index++) {
        connections.push(
          wire.connect({ host: "127.0.0.1", port }, { received: () => undefined, closed: resolve }),
        );
      }
    });
    expect(timedOut).toBe("timed-out");
    for (const connection of connections) connection.destroy();
    child.kill("SIGKILL");
  });

  it("reads through data events where a handle cannot read into the shared buffer", async () => {
    const chunks: Uint8Array[] = [];
    let same = false;
    const at = await rawServer((socket) => {
      (socket as unknown as { _handle: { useUserBuffer: unknown } })._handle.useUserBuffer = null;
      const reading = withStaticRead(socket, () => (bytes) => void chunks.push(bytes.slice()));
      same = reading === socket;
      reading.on("end", () => reading.end());
    });
    const reason = await endingOf(at, (connection) => {
      connection.write(patternOf(100_000));
      connection.end();
    });
    expect([reason, same]).toEqual(["ended", true]);
    expect(Buffer.compare(Buffer.concat(chunks), patternOf(100_000))).toBe(0);
  });
});
