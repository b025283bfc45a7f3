// The journal's writes never wait for libuv's pool (J9): here every thread of it is stuck opening pipes that nobody writes
// to, as it is when files, hashes or names take long, and a write of the journal is durable nevertheless.
import { execFileSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { HostDisk } from "../../internal/host/disk.ts";
import { valueOf } from "./stage.ts";

/** More than the pool may have. */
const PIPES = Number(process.env["UV_THREADPOOL_SIZE"] ?? 4) + 4;

const RESCUE_MS = 2_000;

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "flotilla-own-thread-"));
});

afterEach(() => {
  rmSync(directory, { recursive: true });
});

it("a journal write is done while no thread of the pool is free", async () => {
  const disk = new HostDisk();
  const file = valueOf(await disk.journal.open(join(directory, "0"), true));
  const memory = disk.journal.allocate(4096).fill(7);
  const pipes = Array.from({ length: PIPES }, (_, k) => join(directory, `pipe-${k}`));
  execFileSync("mkfifo", pipes);
  const order: string[] = [];
  const stuck = pipes.map(async (path) => {
    const handle = await open(path, "r");
    order.push("pipe");
    await handle.close();
  });
  // Somebody at the other end of each pipe: this needs no thread of the pool, and never waits.
  const ends: number[] = [];
  const free = (): void => {
    const flags = constants.O_RDWR | constants.O_NONBLOCK;
    if (ends.length === 0) for (const path of pipes) ends.push(openSync(path, flags));
  };
  // A journal that does wait for the pool comes last, instead of holding up this process for ever.
  const rescue = setTimeout(free, RESCUE_MS);
  const fault = await new Promise((resolve) => file.write(0, [memory], resolve));
  order.push("journal");
  clearTimeout(rescue);
  free();
  await Promise.all(stuck);
  for (const end of ends) closeSync(end);
  expect(fault).toBe(null);
  expect(order).toEqual(["journal", ...pipes.map(() => "pipe")]);
  await file.close();
  await disk.stop();
});
