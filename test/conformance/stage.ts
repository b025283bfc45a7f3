// Where a conformance suite plays: a World to use, one to talk to, and a way to let time pass. The suites
// are functions of a stage, so that the host and the simulator are held to the same contract.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach } from "vitest";
import { openHostWorld } from "../../internal/host/host-world.ts";
import type { World } from "../../internal/ports/world.ts";
import { Simulation } from "../sim/world/sim-world.ts";

export interface Stage {
  readonly world: World;
  /** Another process where there are several; on the host the same one. */
  readonly peer: World;
  /** What `peer` connects to in order to reach `world`. */
  readonly hostName: string;
  /** An empty directory on the disk of `world`. */
  readonly directory: string;
  /** Runs a script that awaits the ports of the stage. */
  play<T>(script: () => Promise<T>): Promise<T>;
  /** Calls `begin`, then keeps the event loop of `world` from going on, so that timers and input pile up. */
  stall(durationMs: number, begin: () => void): Promise<void>;
  close(): Promise<void>;
}

export type OpenStage = () => Promise<Stage>;

/** The real ports, on loopback and in a temporary directory. */
export async function openHostStage(): Promise<Stage> {
  const world = openHostWorld({ log: { level: "silent" }, processMetrics: false });
  const directory = await mkdtemp(join(tmpdir(), "flotilla-conformance-"));
  return {
    world,
    peer: world,
    hostName: "127.0.0.1",
    directory,
    play: (script) => script(),
    stall: (durationMs, begin) =>
      new Promise((resolve) => {
        // From the check phase, so that the timers phase is the first to follow.
        setImmediate(() => {
          begin();
          const endMs = performance.now() + durationMs;
          while (performance.now() < endMs);
          resolve();
        });
      }),
    close: async () => {
      await world.close();
      await rm(directory, { recursive: true });
    },
  };
}

let nextSeed = 1;

/** The simulated ports. Each stage has another seed, the same ones in every run. */
export async function openSimStage(): Promise<Stage> {
  const simulation = new Simulation({ seed: nextSeed++ });
  const world = simulation.node("here").boot();
  const peer = simulation.node("there").boot();
  const directory = "/stage";
  const made = await simulation.settle(world.disk.bulk.makeDirectory(directory));
  if (!made.ok) throw new Error(made.fault.code);
  return {
    world,
    peer,
    hostName: "here",
    directory,
    play: (script) => simulation.settle(script()),
    stall: async (durationMs, begin) => {
      begin();
      simulation.node("here").freeze();
      await simulation.sleepMs(durationMs);
      simulation.node("here").thaw();
    },
    close: async () => undefined,
  };
}

/** Opens a stage for each test of the calling `describe` and closes it afterwards. */
export function stageOf(open: OpenStage): () => Stage {
  let stage: Stage | null = null;
  beforeEach(async () => {
    stage = await open();
  });
  afterEach(async () => {
    await stage?.close();
    stage = null;
  });
  return () => {
    if (stage === null) throw new Error("no test is running");
    return stage;
  };
}

export function sleepMs(world: World, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    world.clock.after(delayMs, resolve);
  });
}

/** Waits until `holds`, looking once a turn or so. */
export async function eventually(world: World, holds: () => boolean): Promise<void> {
  while (!holds()) await sleepMs(world, 1);
}

/** The value of a result that must be good. */
export function valueOf<T>(result: { ok: true; value: T } | { ok: false; fault: unknown }): T {
  if (!result.ok) throw new Error(`unexpected fault ${JSON.stringify(result.fault)}`);
  return result.value;
}

/** Bytes in which every position is recognisable. */
export function patternOf(length: number, salt = 0): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 31 + (at >> 8) * 7 + salt) & 0xff;
  return bytes;
}
