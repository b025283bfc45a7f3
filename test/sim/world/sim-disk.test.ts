// What survives on a simulated disk. Each property is looked for over many seeds, and each legal outcome of
// a crash must be seen at least once: a disk that never tears a write would prove nothing.
import { describe, expect, it } from "vitest";
import type { DiskFault, JournalFile } from "../../../internal/ports/disk.ts";
import { Simulation } from "./sim-world.ts";
import type { SimNode, SimWorld } from "./sim-world.ts";

const SEEDS = 200;

interface Machine {
  readonly simulation: Simulation;
  readonly node: SimNode;
  readonly world: SimWorld;
}

async function machine(seed: number): Promise<Machine> {
  const simulation = new Simulation({ seed });
  const node = simulation.node("a");
  const world = node.boot();
  await simulation.settle(world.disk.bulk.makeDirectory("/d"));
  return { simulation, node, world };
}

async function journalOf({ simulation, world }: Machine): Promise<JournalFile> {
  const opened = await simulation.settle(world.disk.journal.open("/d/journal", true));
  if (!opened.ok) throw new Error(opened.fault.code);
  return opened.value;
}

function filled(world: SimWorld, bytes: number, value: number): Uint8Array {
  const memory = world.disk.journal.allocate(bytes);
  memory.fill(value);
  return memory;
}

function write(file: JournalFile, at: number, bytes: Uint8Array): Promise<DiskFault | null> {
  return new Promise((resolve) => file.write(at, [bytes], resolve));
}

/** How much of a range has the value, sector by sector: "all", "none", "prefix" or "torn". */
function shapeOf(bytes: Uint8Array, length: number, value: number): string {
  const sectors: boolean[] = [];
  for (let at = 0; at < length; at += 512) sectors.push(bytes[at] === value);
  const last = sectors.lastIndexOf(true);
  if (last === -1) return "none";
  if (sectors.every(Boolean)) return "all";
  return sectors.slice(0, last + 1).every(Boolean) ? "prefix" : "torn";
}

describe("journal of a simulated disk", () => {
  it("survives power loss wholly once done has run, and before that in any legal part", async () => {
    const shapes = new Map<string, number>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const here = await machine(seed);
      const file = await journalOf(here);
      const done = write(file, 0, filled(here.world, 8192, 1));
      expect(await here.simulation.settle(done)).toBeNull();
      file.write(8192, [filled(here.world, 16384, 2)], () => {
        throw new Error("the process is dead");
      });
      await here.simulation.runForMs(0.02); // shorter than any write takes
      here.node.crash("power");
      await here.simulation.runForMs(50);
      const bytes = here.node.disk.peek("/d/journal");
      expect(shapeOf(bytes, 8192, 1)).toBe("all");
      const shape = shapeOf(bytes.subarray(8192), 16384, 2);
      shapes.set(shape, (shapes.get(shape) ?? 0) + 1);
    }
    expect([...shapes.keys()].toSorted()).toEqual(["all", "none", "prefix", "torn"]);
  });

  it("after kill -9 what was in flight may be read, and then still be lost with the power", async () => {
    let read = 0;
    let lost = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const here = await machine(seed);
      const file = await journalOf(here);
      file.write(0, [filled(here.world, 4096, 3)], () => undefined);
      here.node.crash("kill");
      const before = here.node.disk.peek("/d/journal");
      here.node.boot();
      here.node.crash("power");
      const after = here.node.disk.peek("/d/journal");
      if (before.length === 4096) read++;
      if (before.length === 4096 && shapeOf(after, 4096, 3) !== "all") lost++;
    }
    expect(read).toBeGreaterThan(SEEDS / 10);
    expect(lost).toBeGreaterThan(SEEDS / 20);
  });

  it("what was read after kill -9 and synced is there for good", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const here = await machine(seed);
      const file = await journalOf(here);
      file.write(0, [filled(here.world, 4096, 3)], () => undefined);
      here.node.crash("kill");
      const before = here.node.disk.peek("/d/journal");
      const world = here.node.boot();
      await here.simulation.settle(world.disk.bulk.sync("/d/journal"));
      here.node.crash("power");
      expect(Buffer.compare(here.node.disk.peek("/d/journal"), before)).toBe(0);
    }
  });

  it("fails as ordered, and refuses another write of the file (J8)", async () => {
    const here = await machine(1);
    const file = await journalOf(here);
    here.node.disk.failNext("journal", "EIO", 1);
    const memory = filled(here.world, 4096, 4);
    expect(await here.simulation.settle(write(file, 0, memory))).toBeNull();
    const fault = await here.simulation.settle(write(file, 4096, memory));
    expect(fault).toMatchObject({ kind: "disk", code: "EIO", path: "/d/journal" });
    expect(() => file.write(0, [memory], () => undefined)).toThrow("not written after a fault");
  });

  it("runs out of space when the disk is full", async () => {
    const here = await machine(1);
    const file = await journalOf(here);
    here.node.disk.options = { ...here.node.disk.options, capacityBytes: 6000 };
    const memory = filled(here.world, 4096, 5);
    expect(await here.simulation.settle(write(file, 0, memory))).toBeNull();
    expect(await here.simulation.settle(write(file, 0, memory))).toBeNull();
    const fault = await here.simulation.settle(write(file, 4096, memory));
    expect(fault?.code).toBe("ENOSPC");
  });

  it("a hung disk delays what is in flight, and a crash meanwhile is still a crash in flight", async () => {
    const here = await machine(1);
    const file = await journalOf(here);
    const memory = filled(here.world, 4096, 6);
    here.node.disk.stall("journal", 2_000_000);
    let done = false;
    file.write(0, [memory], () => {
      done = true;
    });
    await here.simulation.runForMs(1_900);
    expect(done).toBe(false);
    expect(here.node.disk.inFlight).not.toBeNull();
    await here.simulation.runForMs(200);
    expect(done).toBe(true);
  });

  it("notices bytes that change before done", async () => {
    const here = await machine(1);
    const file = await journalOf(here);
    const memory = filled(here.world, 4096, 7);
    file.write(0, [memory], () => undefined);
    memory[100] = 8;
    await expect(here.simulation.runForMs(100)).rejects.toThrow("unchanged until done");
  });

  it("tells its observer what was issued and what became durable", async () => {
    const here = await machine(1);
    const file = await journalOf(here);
    const seen: string[] = [];
    here.node.disk.observer = {
      journalIssued: (each) => seen.push(`issued ${each.position} ${each.bytes.length}`),
      journalDurable: (each) => seen.push(`durable ${each.position} ${each.bytes.length}`),
    };
    await here.simulation.settle(write(file, 4096, filled(here.world, 512, 9)));
    expect(seen).toEqual(["issued 4096 512", "durable 4096 512"]);
    expect(here.node.disk.durable("/d/journal")).toHaveLength(4608);
  });
});

describe("files of a simulated disk", () => {
  it("bytes that were not synced survive power loss wholly, partly or not at all", async () => {
    const lengths = new Set<number>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const here = await machine(seed);
      const { bulk } = here.world.disk;
      await here.simulation.settle(bulk.write("/d/f", 0, Uint8Array.of(1)));
      await here.simulation.settle(bulk.sync("/d/f"));
      await here.simulation.settle(bulk.write("/d/f", 1, new Uint8Array(20_000).fill(2)));
      expect(here.node.disk.durable("/d/f")).toHaveLength(1);
      here.node.crash("power");
      const bytes = here.node.disk.peek("/d/f");
      expect(bytes[0]).toBe(1);
      lengths.add(bytes.length);
    }
    expect(lengths.has(1)).toBe(true);
    expect(lengths.has(20_001)).toBe(true);
    expect(lengths.size).toBeGreaterThan(10);
  });

  it("kill -9 loses nothing that was written", async () => {
    const here = await machine(1);
    await here.simulation.settle(
      here.world.disk.bulk.write("/d/f", 0, new Uint8Array(9000).fill(3)),
    );
    here.node.crash("kill");
    expect(here.node.disk.peek("/d/f")).toEqual(new Uint8Array(9000).fill(3));
  });

  it("names that were not synced may be lost: creations, renames and removals", async () => {
    const outcomes = new Set<string>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const here = await machine(seed);
      const { bulk } = here.world.disk;
      for (const path of ["/d/renamed", "/d/removed"]) {
        await here.simulation.settle(bulk.write(path, 0, Uint8Array.of(1)));
        await here.simulation.settle(bulk.sync(path));
      }
      await here.simulation.settle(bulk.write("/d/made", 0, Uint8Array.of(1)));
      await here.simulation.settle(bulk.rename("/d/renamed", "/d/target"));
      await here.simulation.settle(bulk.remove("/d/removed"));
      here.node.crash("power");
      const left = here.node.disk.paths();
      // A rename is one change: the file has exactly one of its names.
      expect(left.filter((path) => path === "/d/renamed" || path === "/d/target")).toHaveLength(1);
      outcomes.add(left.join(" "));
    }
    expect(outcomes.size).toBe(8);
  });

  it("sync of the target makes a rename durable", async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const here = await machine(seed);
      const { bulk } = here.world.disk;
      await here.simulation.settle(bulk.write("/d/from", 0, Uint8Array.of(1, 2)));
      await here.simulation.settle(bulk.rename("/d/from", "/d/to"));
      await here.simulation.settle(bulk.sync("/d/to"));
      here.node.crash("power");
      expect(here.node.disk.paths()).toEqual(["/d/to"]);
      expect([...here.node.disk.peek("/d/to")]).toEqual([1, 2]);
    }
  });

  it("replaceWhole leaves the old or the new bytes, whole, whenever the power goes", async () => {
    const seen = new Set<number>();
    for (let seed = 1; seed <= SEEDS; seed++) {
      const here = await machine(seed);
      const { bulk } = here.world.disk;
      await here.simulation.settle(bulk.replaceWhole("/d/f", new Uint8Array(3000).fill(1)));
      let finished = false;
      void bulk.replaceWhole("/d/f", new Uint8Array(5000).fill(2)).then(() => {
        finished = true;
      });
      await here.simulation.runForMs((seed % 25) / 15);
      here.node.crash("power");
      const bytes = here.node.disk.peek("/d/f");
      const value = bytes[0] as number;
      expect(bytes).toEqual(new Uint8Array(value === 1 ? 3000 : 5000).fill(value));
      if (finished) expect(value).toBe(2);
      seen.add(value);
    }
    expect([...seen].toSorted()).toEqual([1, 2]);
  });

  it("can be damaged, backed up, restored and wiped", async () => {
    const here = await machine(1);
    const { bulk } = here.world.disk;
    const { disk } = here.node;
    await here.simulation.settle(bulk.replaceWhole("/d/f", new Uint8Array(100).fill(0xf0)));
    const backup = disk.snapshot();
    disk.flipBit("/d/f", 8 * 7 + 1);
    expect(disk.peek("/d/f")[7]).toBe(0xf2);
    expect(disk.durable("/d/f")?.[7]).toBe(0xf2);
    disk.truncate("/d/f", 50);
    disk.restore(backup);
    disk.overwrite("/d/f", 0, Uint8Array.of(1));
    disk.restore(backup);
    expect(disk.peek("/d/f")).toEqual(new Uint8Array(100).fill(0xf0));
    disk.erase("/d/f");
    expect(disk.paths()).toEqual([]);
    here.node.crash("power");
    disk.wipe();
    const world = here.node.boot();
    expect(await here.simulation.settle(world.disk.bulk.list("/"))).toEqual({
      ok: true,
      value: [],
    });
  });

  it("drops the directory lock with the process", async () => {
    const here = await machine(1);
    expect((await here.simulation.settle(here.world.disk.lock("/d"))).ok).toBe(true);
    here.node.crash("kill");
    const world = here.node.boot();
    expect((await here.simulation.settle(world.disk.lock("/d"))).ok).toBe(true);
    expect(await here.simulation.settle(world.disk.lock("/d"))).toMatchObject({
      fault: { kind: "held" },
    });
  });
});
