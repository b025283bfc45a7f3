import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { logLine } from "./sim-log.ts";
import { Simulation } from "./sim-world.ts";

describe("SimWorld", () => {
  it("fatal crashes the process: nothing of it runs any more", async () => {
    const simulation = new Simulation({ seed: 1 });
    const node = simulation.node("a");
    const world = node.boot();
    const seen: string[] = [];
    world.clock.after(5, () => seen.push("timer"));
    world.clock.after(1, () => {
      world.clock.turnEnd(() => seen.push("turn end"));
      void world.disk.bulk.list("/").then(() => seen.push("disk"));
      world.fatal("planned", { kind: "disk" });
      world.clock.after(0, () => seen.push("last words"));
      world.log.info({}, "last-words");
    });
    await simulation.runForMs(100);
    expect(seen).toEqual([]);
    expect(node.alive).toBe(false);
    expect(simulation.fatals).toMatchObject([{ node: "a", incarnation: 1, reason: "planned" }]);
    expect(simulation.logs.find("last-words")).toEqual([]);
    world.fatal("again", null);
    expect(simulation.fatals).toHaveLength(1);
  });

  it("a rejection that escapes a task crashes the process, one after the stop does not", async () => {
    const simulation = new Simulation({ seed: 1 });
    const world = simulation.node("a").boot();
    world.tasks.spawn("doomed", async () => {
      throw new Error("planned");
    });
    await simulation.runForMs(1);
    expect(simulation.fatals).toMatchObject([{ reason: "task-failed" }]);
    expect(simulation.logs.find("task-failed")[0]?.fields).toMatchObject({ task: "doomed" });
    const next = simulation.node("a").boot();
    next.tasks.spawn("patient", async (stop) => {
      await new Promise((resolve) => stop.addEventListener("abort", resolve));
      throw new Error("stopped");
    });
    expect(next.tasks.running).toEqual(["patient"]);
    await simulation.settle(next.tasks.stop());
    expect([next.tasks.running, simulation.fatals.length]).toEqual([[], 1]);
  });

  it("each incarnation draws other random numbers, and keeps the disk and the wall clock", async () => {
    const simulation = new Simulation({ seed: 1 });
    const node = simulation.node("a");
    const first = node.boot();
    node.wall.offsetMs = 3_600_000;
    const drawn = Array.from({ length: 20 }, () => first.entropy.below(1_000_000));
    const wallMs = first.clock.nowMs();
    await simulation.settle(first.disk.bulk.replaceWhole("/f", Uint8Array.of(1)));
    node.crash("power");
    const second = node.boot();
    expect(second.life.incarnation).toBe(2);
    expect(Array.from({ length: 20 }, () => second.entropy.below(1_000_000))).not.toEqual(drawn);
    expect(second.clock.nowMs() - wallMs).toBeLessThan(1_000);
    expect(node.disk.paths()).toEqual(["/f"]);
  });

  it("collects the logs of all machines in the order of events", async () => {
    const simulation = new Simulation({ seed: 1 });
    const printed: string[] = [];
    simulation.logs.print = (entry) => void printed.push(logLine(entry));
    for (const name of ["a", "b"]) {
      const log = simulation.node(name).boot().log.child({ mod: "test" });
      log.info({ count: 2 }, "started");
    }
    expect(simulation.logs.find("started").map((entry) => entry.node)).toEqual(["a", "b"]);
    expect(printed[1]?.trim()).toBe("0.000 b#1 info started mod=test count=2");
  });
});

interface Surroundings {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly flags: readonly string[];
}

function digestOf(seed: number, { cwd, env, flags }: Surroundings): Promise<string> {
  const program = fileURLToPath(new URL("./determinism-program.ts", import.meta.url));
  return new Promise((resolve, reject) => {
    const args = [...flags, program, String(seed)];
    execFile(process.execPath, args, { cwd, env: { ...process.env, ...env } }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(error);
    });
  });
}

describe("determinism", () => {
  it("one seed gives one trace, in any time zone, directory and heap", async () => {
    const here = { cwd: process.cwd(), env: { TZ: "UTC", LANG: "C" }, flags: [] };
    const there = {
      cwd: tmpdir(),
      env: { TZ: "Pacific/Kiritimati", LANG: "tr_TR.UTF-8" },
      flags: ["--max-semi-space-size=1", "--no-opt"],
    };
    for (const seed of [1, 2, 3]) {
      const first = await digestOf(seed, here);
      expect(first).toMatch(/^[0-9a-f]{16} [0-9]{4,} /);
      expect(await digestOf(seed, there)).toBe(first);
    }
    expect(await digestOf(1, here)).not.toBe(await digestOf(2, here));
  });
});
