// What every Wire keeps: order, back-pressure, and one ending for every connection.
import { describe, expect, it } from "vitest";
import type {
  CloseReason,
  Connection,
  ConnectionEvents,
  Listener,
} from "../../internal/ports/wire.ts";
import { eventually, patternOf, sleepMs, stageOf, valueOf } from "./stage.ts";
import type { OpenStage, Stage } from "./stage.ts";

export function describeWire(name: string, open: OpenStage): void {
  describe(`Wire of the ${name}: bytes`, () => describeBytes(stageOf(open)));
  describe(`Wire of the ${name}: endings`, () => describeEndings(stageOf(open)));
}

/** One side of a connection with all that happened to it. */
class Side implements ConnectionEvents {
  connection: Connection | null = null;
  readonly seen: string[] = [];
  readonly endings: CloseReason[] = [];
  bytes = 0;
  drains = 0;
  /** Set while the test is inside a call, to notice calls that come back at once. */
  inside = false;
  reentered = 0;
  readonly #chunks: Uint8Array[] = [];

  get io(): Connection {
    if (this.connection === null) throw new Error("not connected");
    return this.connection;
  }

  opened(): void {
    this.#note("opened");
  }

  received(bytes: Uint8Array): void {
    this.#note("received");
    this.bytes += bytes.length;
    this.#chunks.push(bytes.slice());
  }

  drained(): void {
    this.#note("drained");
    this.drains++;
  }

  closed(reason: CloseReason): void {
    this.#note("closed");
    this.endings.push(reason);
  }

  all(): Uint8Array {
    return new Uint8Array(Buffer.concat(this.#chunks));
  }

  #note(what: string): void {
    if (this.inside) this.reentered++;
    if (this.endings.length > 0) this.seen.push(`${what} after closed`);
    if (this.seen.at(-1) !== what) this.seen.push(what);
  }
}

interface Pair {
  readonly client: Side;
  readonly server: Side;
  readonly listener: Listener;
}

/** A connection from `peer` to `world`, open on both sides. */
async function connected(stage: Stage): Promise<Pair> {
  const server = new Side();
  const client = new Side();
  const at = { host: stage.hostName, port: 0 };
  const listener = valueOf(
    await stage.world.wire.listen(at, (connection) => {
      server.connection = connection;
      return server;
    }),
  );
  client.connection = stage.peer.wire.connect(listener.address, client);
  await eventually(stage.world, () => server.connection !== null && client.seen.length > 0);
  return { client, server, listener };
}

async function finish(stage: Stage, pair: Pair): Promise<void> {
  pair.client.io.destroy();
  pair.server.io.destroy();
  await pair.listener.close();
  await eventually(stage.world, () => pair.client.endings.length + pair.server.endings.length >= 2);
}

function describeBytes(stage: () => Stage): void {
  it("carries bytes both ways in order, whatever the sizes of the writes", async () => {
    await stage().play(async () => {
      const pair = await connected(stage());
      const { client, server } = pair;
      const sent = patternOf(300_000);
      let at = 0;
      for (let size = 1; at < sent.length; size = (size * 7 + 3) % 9001) {
        client.io.write(sent.subarray(at, at + size));
        at += size;
        if (size % 3 === 0) client.io.flush();
        if (size % 5 === 0) await sleepMs(stage().world, 0.2);
      }
      client.io.flush();
      server.io.write(patternOf(1000, 5));
      server.io.write(patternOf(1000, 6));
      server.io.flush();
      await eventually(stage().world, () => server.bytes === sent.length && client.bytes === 2000);
      expect(Buffer.compare(server.all(), sent)).toBe(0);
      const back = Buffer.concat([patternOf(1000, 5), patternOf(1000, 6)]);
      expect(Buffer.compare(client.all(), back)).toBe(0);
      await finish(stage(), pair);
    });
  });

  it("sends nothing before a flush, and what was written before it opened once it is open", async () => {
    await stage().play(async () => {
      const { world, peer, hostName } = stage();
      const server = new Side();
      const at = { host: hostName, port: 0 };
      const listener = valueOf(await world.wire.listen(at, () => server));
      const client = new Side();
      const connection = peer.wire.connect(listener.address, client);
      client.connection = connection;
      connection.write(Uint8Array.of(1, 2));
      connection.flush();
      connection.write(Uint8Array.of(3));
      expect(connection.bufferedBytes).toBe(3);
      await eventually(world, () => server.bytes === 2);
      await sleepMs(world, 10);
      expect(server.bytes).toBe(2);
      connection.flush();
      await eventually(world, () => server.bytes === 3);
      expect([...server.all()]).toEqual([1, 2, 3]);
      expect(client.seen[0]).toBe("opened");
      connection.destroy();
      await listener.close();
      await eventually(world, () => server.endings.length === 1);
    });
  });

  it("takes views of shared memory", async () => {
    await stage().play(async () => {
      const pair = await connected(stage());
      const shared = new Uint8Array(new SharedArrayBuffer(5000)).subarray(100, 4100);
      shared.set(patternOf(4000));
      pair.client.io.write(shared);
      pair.client.io.flush();
      await eventually(stage().world, () => pair.server.bytes === 4000);
      expect(Buffer.compare(pair.server.all(), patternOf(4000))).toBe(0);
      await finish(stage(), pair);
    });
  });

  it("holds back what a paused receiver does not take, and says when it has drained", async () => {
    await stage().play(async () => {
      const { world } = stage();
      const pair = await connected(stage());
      const { client, server } = pair;
      server.io.pause();
      await sleepMs(world, 5);
      const piece = patternOf(1 << 20);
      for (let index = 0; index < 24; index++) client.io.write(piece);
      client.io.flush();
      await sleepMs(world, 50);
      expect(server.bytes).toBe(0);
      expect(client.io.bufferedBytes).toBeGreaterThan(1 << 20);
      expect(client.drains).toBe(0);
      server.io.resume();
      await eventually(world, () => server.bytes === 24 << 20);
      await eventually(world, () => client.drains === 1);
      expect(client.io.bufferedBytes).toBe(0);
      const all = server.all();
      for (let index = 0; index < 24; index++) {
        const part = all.subarray(index << 20, (index + 1) << 20);
        expect(Buffer.compare(part, piece)).toBe(0);
      }
      await finish(stage(), pair);
    });
  });

  it("pauses and resumes in the middle of a stream without losing or reordering", async () => {
    await stage().play(async () => {
      const { world } = stage();
      const pair = await connected(stage());
      const { client, server } = pair;
      const sent = patternOf(2 << 20);
      for (let at = 0; at < sent.length; at += 10_000) {
        client.io.write(sent.subarray(at, at + 10_000));
        client.io.flush();
      }
      for (let round = 0; server.bytes < sent.length; round++) {
        if (round % 2 === 0) server.io.resume();
        else server.io.pause();
        await sleepMs(world, 1);
      }
      expect(Buffer.compare(server.all(), sent)).toBe(0);
      server.io.resume();
      await finish(stage(), pair);
    });
  });

  it("releases every written buffer exactly once, in order, and never inside a call", async () => {
    await stage().play(async () => {
      const { world } = stage();
      const pair = await connected(stage());
      const { client, server } = pair;
      const released: number[] = [];
      let inside = 0;
      for (let index = 0; index < 200; index++) {
        const bytes = patternOf(1 + ((index * 977) % 40_000), index);
        client.inside = true;
        client.io.write(bytes, () => {
          if (client.inside) inside++;
          released.push(index);
          bytes.fill(0); // it is ours again
        });
        if (index % 7 === 0) client.io.flush();
        client.inside = false;
        if (index % 50 === 0) await sleepMs(world, 1);
      }
      client.io.flush();
      await eventually(world, () => released.length === 200);
      const total = Array.from({ length: 200 }, (_, index) => 1 + ((index * 977) % 40_000));
      const length = total.reduce((sum, each) => sum + each, 0);
      await eventually(world, () => server.bytes === length);
      const expected = Buffer.concat(total.map((each, index) => patternOf(each, index)));
      expect(Buffer.compare(server.all(), expected)).toBe(0);
      expect(released).toEqual(Array.from({ length: 200 }, (_, index) => index));
      expect(inside + client.reentered).toBe(0);
      await finish(stage(), pair);
    });
  });
}

function describeEndings(stage: () => Stage): void {
  it("end delivers everything first, then both sides hear `ended` once", async () => {
    await stage().play(async () => {
      const { client, server, listener } = await connected(stage());
      client.io.write(patternOf(500_000));
      client.io.end();
      await eventually(stage().world, () => client.endings.length + server.endings.length === 2);
      await sleepMs(stage().world, 20);
      expect(Buffer.compare(server.all(), patternOf(500_000))).toBe(0);
      expect([client.endings, server.endings]).toEqual([["ended"], ["ended"]]);
      expect(server.seen).toEqual(["received", "closed"]);
      await listener.close();
    });
  });

  it("an end answers what the other side has already flushed", async () => {
    await stage().play(async () => {
      const { client, server, listener } = await connected(stage());
      server.io.write(patternOf(200_000));
      server.io.flush();
      client.io.end();
      await eventually(stage().world, () => client.endings.length + server.endings.length === 2);
      expect(client.bytes).toBe(200_000);
      expect([client.endings, server.endings]).toEqual([["ended"], ["ended"]]);
      await listener.close();
    });
  });

  it("destroy says `destroyed` here, later and once, and ends the other side", async () => {
    await stage().play(async () => {
      const { client, server, listener } = await connected(stage());
      const released: string[] = [];
      client.io.write(patternOf(10), () => released.push("queued"));
      client.io.flush();
      client.io.write(patternOf(10), () => released.push("never flushed"));
      client.inside = true;
      client.io.destroy();
      client.io.destroy();
      client.inside = false;
      expect(released).toEqual([]);
      await eventually(stage().world, () => client.endings.length + server.endings.length === 2);
      await sleepMs(stage().world, 20);
      expect(client.endings).toEqual(["destroyed"]);
      expect(["ended", "reset"]).toContain(server.endings[0]);
      expect(released).toEqual(["queued", "never flushed"]);
      expect(client.reentered).toBe(0);
      await listener.close();
    });
  });

  it("releases what is written after the connection is over", async () => {
    await stage().play(async () => {
      const pair = await connected(stage());
      await finish(stage(), pair);
      let released = 0;
      pair.client.io.write(patternOf(5), () => released++);
      pair.client.io.flush();
      pair.client.io.end();
      pair.client.io.resume();
      expect(pair.client.io.bufferedBytes).toBe(0);
      await eventually(stage().world, () => released === 1);
      expect(pair.client.endings).toEqual(["destroyed"]);
    });
  });

  it("a connect to nobody is `refused`, and never inside the call", async () => {
    await stage().play(async () => {
      const { world, peer, hostName } = stage();
      const at = { host: hostName, port: 0 };
      const listener = valueOf(await world.wire.listen(at, () => new Side()));
      await listener.close();
      await sleepMs(world, 5);
      const side = new Side();
      side.inside = true;
      side.connection = peer.wire.connect(listener.address, side);
      side.inside = false;
      let released = 0;
      side.connection.write(patternOf(3), () => released++);
      side.connection.flush();
      await eventually(world, () => side.endings.length === 1);
      expect(side.endings).toEqual(["refused"]);
      expect(side.seen).toEqual(["closed"]);
      expect([released, side.reentered]).toEqual([1, 0]);
    });
  });

  it("a connect that is destroyed at once is over once", async () => {
    await stage().play(async () => {
      const { world, peer, hostName } = stage();
      const server = new Side();
      const at = { host: hostName, port: 0 };
      const listener = valueOf(await world.wire.listen(at, () => server));
      const side = new Side();
      peer.wire.connect(listener.address, side).destroy();
      await sleepMs(world, 30);
      expect(side.seen).toEqual(["closed"]);
      expect(side.endings).toEqual(["destroyed"]);
      await listener.close();
    });
  });

  it("a port is listened on once, and free again when the listener closes", async () => {
    await stage().play(async () => {
      const { world, hostName } = stage();
      const at = { host: hostName, port: 0 };
      const first = valueOf(await world.wire.listen(at, () => new Side()));
      expect(first.address.port).toBeGreaterThan(0);
      const second = await world.wire.listen(first.address, () => new Side());
      expect(second.ok ? "taken" : second.fault.code).toBe("EADDRINUSE");
      await first.close();
      await first.close();
      await sleepMs(world, 2);
      await valueOf(await world.wire.listen(first.address, () => new Side())).close();
    });
  });

  it("closing a listener leaves its connections open", async () => {
    await stage().play(async () => {
      const pair = await connected(stage());
      await pair.listener.close();
      pair.client.io.write(patternOf(100));
      pair.client.io.flush();
      await eventually(stage().world, () => pair.server.bytes === 100);
      await finish(stage(), pair);
      expect(pair.client.endings).toEqual(["destroyed"]);
    });
  });
}
