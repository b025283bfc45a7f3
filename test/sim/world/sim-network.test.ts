// What the simulated network does to connections that the contract of the Wire port does not cover: faults, and
// the enforcement of the rules about lent bytes.
import { describe, expect, it } from "vitest";
import type { CloseReason, Connection, ConnectionEvents } from "../../../internal/ports/wire.ts";
import { Simulation } from "./sim-world.ts";

class Side implements ConnectionEvents {
  connection: Connection | null = null;
  readonly values: number[] = [];
  readonly arrivalsMs: number[] = [];
  readonly endings: CloseReason[] = [];
  readonly endingsMs: number[] = [];
  readonly #simulation: Simulation;

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  get io(): Connection {
    if (this.connection === null) throw new Error("not connected");
    return this.connection;
  }

  received(bytes: Uint8Array): void {
    for (const value of bytes) this.values.push(value);
    this.arrivalsMs.push(this.#simulation.nowMs);
  }

  closed(reason: CloseReason): void {
    this.endings.push(reason);
    this.endingsMs.push(this.#simulation.nowMs);
  }

  send(...values: number[]): void {
    this.io.write(Uint8Array.from(values));
    this.io.flush();
  }
}

interface Pair {
  readonly simulation: Simulation;
  /** On machine "a", which connected. */
  readonly a: Side;
  /** On machine "b", which accepted. */
  readonly b: Side;
}

async function pair(seed: number): Promise<Pair> {
  const simulation = new Simulation({ seed });
  const a = new Side(simulation);
  const b = new Side(simulation);
  const left = simulation.node("a").boot();
  const right = simulation.node("b").boot();
  const listening = right.wire.listen({ host: "b", port: 9000 }, (connection) => {
    b.connection = connection;
    return b;
  });
  await simulation.settle(listening);
  a.connection = left.wire.connect({ host: "b", port: 9000 }, a);
  await simulation.runForMs(20);
  expect(b.connection?.peer.host).toBe("a");
  return { simulation, a, b };
}

describe("cuts of the simulated network", () => {
  it("bytes stall while the way is cut and arrive in order after it heals", async () => {
    const { simulation, a, b } = await pair(1);
    simulation.network.links.cut("a", "b");
    a.send(1, 2);
    b.send(9);
    await simulation.runForMs(2_000);
    a.send(3);
    expect([a.values, b.values]).toEqual([[], []]);
    simulation.network.links.healAll();
    await simulation.runForMs(6_000);
    expect([a.values, b.values]).toEqual([[9], [1, 2, 3]]);
    expect(a.endings).toEqual([]);
  });

  it("a cut in one direction leaves the other", async () => {
    const { simulation, a, b } = await pair(2);
    simulation.network.links.cutOneWay("a", "b");
    a.send(1);
    b.send(9);
    await simulation.runForMs(1_000);
    expect([a.values, b.values]).toEqual([[9], []]);
  });

  it("a connection that stalls too long times out where bytes wait, and only there", async () => {
    const { simulation, a, b } = await pair(3);
    simulation.network.links.cut("a", "b");
    a.send(1);
    await simulation.runForMs(60_000);
    expect([a.endings, b.endings]).toEqual([["timed-out"], []]);
    simulation.network.links.healAll();
    b.send(9); // nobody is there any more
    await simulation.runForMs(100);
    expect(b.endings).toEqual(["reset"]);
  });

  it("a connect over a cut way times out, one to a machine without power too", async () => {
    const { simulation } = await pair(4);
    const cut = new Side(simulation);
    const dark = new Side(simulation);
    simulation.node("c");
    const world = simulation.node("c").boot();
    simulation.network.links.cut("c", "b");
    simulation.node("a").crash("power");
    const startMs = simulation.nowMs;
    world.wire.connect({ host: "b", port: 9000 }, cut);
    world.wire.connect({ host: "a", port: 1 }, dark);
    await simulation.runForMs(10_000);
    expect([cut.endings, dark.endings]).toEqual([["timed-out"], ["timed-out"]]);
    expect((cut.endingsMs[0] ?? 0) - startMs).toBeCloseTo(3_000, -1);
  });

  it("a clog delays what is under way and what follows, in order", async () => {
    const { simulation, a, b } = await pair(5);
    const untilMs = simulation.nowMs + 4_000;
    a.send(1);
    simulation.network.links.clog("a", "b", untilMs * 1000);
    await simulation.runForMs(1_000);
    a.send(2);
    await simulation.runForMs(2_900);
    expect(b.values).toEqual([]);
    await simulation.runForMs(200);
    expect(b.values).toEqual([1, 2]);
    expect(b.arrivalsMs[0]).toBeGreaterThanOrEqual(untilMs);
  });

  it("bytes of two connections overtake each other", async () => {
    let overtaken = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const { simulation, a, b } = await pair(seed);
      const second = new Side(simulation);
      const world = simulation.node("a").world;
      if (world === null) throw new Error("not running");
      second.connection = world.wire.connect({ host: "b", port: 9000 }, second);
      await simulation.runForMs(20);
      a.send(1);
      second.send(2);
      await simulation.runForMs(20);
      expect(b.values.toSorted()).toEqual([1, 2]);
      if (b.values[0] === 2) overtaken++;
    }
    expect(overtaken).toBeGreaterThan(5);
    expect(overtaken).toBeLessThan(35);
  });

  it("cuts chunks at random places and joins others", async () => {
    const sizes = new Set<number>();
    for (let seed = 1; seed <= 40; seed++) {
      const { simulation, a, b } = await pair(seed);
      const lengths: number[] = [];
      b.received = (bytes) => void lengths.push(bytes.length);
      a.send(...new Array<number>(50).fill(1));
      a.send(...new Array<number>(50).fill(2));
      await simulation.runForMs(50);
      expect(lengths.reduce((sum, each) => sum + each, 0)).toBe(100);
      for (const length of lengths) sizes.add(length);
    }
    expect(sizes.size).toBeGreaterThan(10);
  });
});

describe("deaths on the simulated network", () => {
  it("a killed process ends its connections, after what it had sent or by a reset", async () => {
    const endings = new Set<CloseReason>();
    for (let seed = 1; seed <= 30; seed++) {
      const { simulation, a, b } = await pair(seed);
      b.send(7);
      simulation.node("b").crash("kill");
      await simulation.runForMs(100);
      expect(a.endings).toHaveLength(1);
      if (a.endings[0] === "ended") expect(a.values).toEqual([7]);
      for (const ending of a.endings) endings.add(ending);
      expect(b.endings).toEqual([]); // the dead hear nothing
    }
    expect([...endings].toSorted()).toEqual(["ended", "reset"]);
  });

  it("a machine without power is silent, and resets old connections once it is back", async () => {
    const { simulation, a } = await pair(1);
    simulation.node("b").crash("power");
    await simulation.runForMs(1_000);
    expect(a.endings).toEqual([]);
    simulation.node("b").boot();
    await simulation.runForMs(1_000);
    expect(a.endings).toEqual([]);
    a.send(1);
    await simulation.runForMs(100);
    expect(a.endings).toEqual(["reset"]);
  });

  it("a frozen process takes connects and bytes, and hears of them when it goes on", async () => {
    const { simulation, a, b } = await pair(1);
    simulation.node("b").freeze();
    const second = new Side(simulation);
    let opened = 0;
    const events = {
      opened: () => void opened++,
      received: () => undefined,
      closed: () => undefined,
    };
    simulation.node("a").world?.wire.connect({ host: "b", port: 9000 }, events);
    a.send(1);
    await simulation.runForMs(500);
    a.send(2);
    await simulation.runForMs(500);
    expect([opened, b.values.length, second.endings.length]).toEqual([1, 0, 0]);
    simulation.node("b").thaw();
    await simulation.runForMs(1);
    expect(b.values).toEqual([1, 2]);
  });

  it("a frozen process fills its window, and the sender keeps the rest", async () => {
    const { simulation, a, b } = await pair(1);
    simulation.node("b").freeze();
    a.io.write(new Uint8Array(1 << 20));
    a.io.flush();
    await simulation.runForMs(1_000);
    expect(a.io.bufferedBytes).toBe((1 << 20) - (256 << 10));
    simulation.node("b").thaw();
    await simulation.runForMs(1_000);
    expect([a.io.bufferedBytes, b.values.length]).toEqual([0, 1 << 20]);
  });

  it("resetBetween resets both sides, and a refusing machine refuses", async () => {
    const { simulation, a, b } = await pair(1);
    simulation.network.resetBetween("a", "b");
    await simulation.runForMs(10);
    expect([a.endings, b.endings]).toEqual([["reset"], ["reset"]]);
    simulation.network.refuse("b", true);
    const refused = new Side(simulation);
    simulation.node("a").world?.wire.connect({ host: "b", port: 9000 }, refused);
    await simulation.runForMs(10);
    expect(refused.endings).toEqual(["refused"]);
    expect(simulation.network.connectionCount("b")).toBe(0);
  });
});

describe("lent bytes on the simulated network", () => {
  it("are overwritten when the receiver returns", async () => {
    const { simulation, a, b } = await pair(1);
    const kept: Uint8Array[] = [];
    b.received = (bytes) => void kept.push(bytes);
    a.send(1, 2, 3);
    await simulation.runForMs(20);
    expect(kept.length).toBeGreaterThan(0);
    for (const bytes of kept) expect(new Set(bytes)).toEqual(new Set([0xdb]));
  });

  it("must not change before they are released", async () => {
    const { simulation, a } = await pair(1);
    const bytes = Uint8Array.of(1, 2, 3);
    a.io.write(bytes, () => undefined);
    a.io.flush();
    bytes[0] = 9;
    await expect(simulation.runForMs(20)).rejects.toThrow("unchanged until released");
  });

  it("must not change before they leave even when nobody asked for their release", async () => {
    const { simulation, a } = await pair(1);
    const bytes = Uint8Array.of(1, 2, 3);
    a.io.write(bytes);
    bytes[0] = 9;
    a.io.flush();
    await expect(simulation.runForMs(20)).rejects.toThrow("unchanged until released");
  });
});
