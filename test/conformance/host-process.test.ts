// What only separate processes can show of the host's ports: locks that die with their owner, real
// write faults, the fatal end, and the threads of the compiled program.
import { execFile, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { HostDisk } from "../../internal/host/disk.ts";
import { openHostWorld } from "../../internal/host/host-world.ts";
import { valueOf } from "./stage.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "flotilla-host-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function programPath(name: string): string {
  return fileURLToPath(new URL(`./programs/${name}.ts`, import.meta.url));
}

interface Ending {
  readonly code: number | string | null;
  readonly lines: string[];
}

function run(file: string, args: readonly string[]): Promise<Ending> {
  return new Promise((resolve) => {
    execFile(file, args, (error, stdout, stderr) => {
      const code = error === null ? 0 : (error.code ?? error.signal ?? null);
      const lines = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
      resolve({ code, lines });
    });
  });
}

function entriesOf(lines: readonly string[]): Record<string, unknown>[] {
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** Starts the lock holder and waits for its answer. */
async function holder(): Promise<{ child: ChildProcess; answer: string }> {
  const child = spawn(process.execPath, [programPath("hold-lock"), directory]);
  const answer = await new Promise<string>((resolve) => {
    child.stdout.once("data", (chunk: Buffer) => resolve(chunk.toString().trim()));
  });
  return { child, answer };
}

describe("directory lock between processes (J10)", () => {
  it("refuses a second process, and is free again after kill -9", async () => {
    const first = await holder();
    expect(first.answer).toBe("taken");
    const second = await holder();
    expect(second.answer).toBe("held");
    const disk = new HostDisk();
    const refused = await disk.lock(directory);
    expect(refused.ok ? "taken" : refused.fault.kind).toBe("held");
    const gone = new Promise((resolve) => first.child.once("exit", resolve));
    first.child.kill("SIGKILL");
    await gone;
    await valueOf(await disk.lock(directory)).release();
    await disk.stop();
  });
});

describe("journal lane on a real file system", () => {
  it("opens its descriptor with O_DSYNC", async () => {
    const disk = new HostDisk();
    const file = valueOf(await disk.journal.open(join(directory, "0"), true));
    const descriptor = (file as unknown as { descriptor: number }).descriptor;
    const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8");
    const flags = Number.parseInt(/^flags:\s+([0-7]+)$/m.exec(info)?.[1] ?? "", 8);
    expect(flags & 0o10000).toBe(0o10000); // O_DSYNC on Linux
    await file.close();
    await disk.stop();
  });

  it("reports a full disk, and refuses another write of that file (J8)", async () => {
    const { lines } = await run(process.execPath, [programPath("write-journal"), "/dev/full"]);
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      kind: "disk",
      code: "ENOSPC",
      operation: "write",
      path: "/dev/full",
    });
    expect(lines[1]).toContain("not written after a fault");
  });

  it("reports a short write as a fault instead of going on (J8)", async () => {
    // A file size limit of 32 KiB cuts the 64 KiB write in the middle.
    const script = 'trap "" XFSZ; ulimit -f 32; exec "$0" "$1" "$2"';
    const args = [
      "-c",
      script,
      process.execPath,
      programPath("write-journal"),
      join(directory, "1"),
    ];
    const { lines } = await run("bash", args);
    expect(JSON.parse(lines[0] ?? "")).toMatchObject({ code: "SHORT", operation: "write" });
  });
});

describe("fatal end", () => {
  it("logs, flushes and exits with 70 at once", async () => {
    const { code, lines } = await run(process.execPath, [programPath("end-fatally"), "fatal"]);
    expect(code).toBe(70);
    const entries = entriesOf(lines);
    expect(entries.map((entry) => entry["event"]).toSorted()).toEqual(["fatal", "started"]);
    expect(entries.find((entry) => entry["event"] === "fatal")).toMatchObject({
      level: "error",
      reason: "journal-failed",
      fault: { kind: "disk", code: "EIO" },
    });
  });

  it("ends the broker when background work fails", async () => {
    const { code, lines } = await run(process.execPath, [programPath("end-fatally"), "task"]);
    expect(code).toBe(70);
    const failed = entriesOf(lines).find((entry) => entry["event"] === "task-failed");
    expect(failed).toMatchObject({ task: "doomed", fault: { message: "planned failure" } });
  });

  it("ends the broker when a rejection escapes", async () => {
    const { code, lines } = await run(process.execPath, [programPath("end-fatally"), "escape"]);
    expect(code).toBe(70);
    expect(entriesOf(lines).map((entry) => entry["reason"])).toContain("unhandled-rejection");
    expect(lines).toHaveLength(2);
  });

  it("an orderly close leaves nothing that keeps the process alive", async () => {
    const { code, lines } = await run(process.execPath, [programPath("end-fatally"), "close"]);
    expect(code).toBe(0);
    expect(lines).toHaveLength(1);
  });
});

describe("host log and process metrics", () => {
  it("writes one JSON object per event with the bindings of its children", async () => {
    const path = join(directory, "logs", "broker.log");
    const world = openHostWorld({ log: { level: "info", to: path }, processMetrics: true });
    const child = world.log.child({ mod: "test" });
    child.debug({}, "hidden");
    child.warn({ fault: new Error("planned") }, "noticed");
    const { body } = await world.meter.render();
    await world.close();
    const lines = readFileSync(path, "utf8").trim().split("\n");
    expect(lines).toHaveLength(1);
    const entry = JSON.parse(lines[0] ?? "") as Record<string, unknown>;
    expect(entry).toMatchObject({ level: "warn", mod: "test", event: "noticed" });
    expect(entry["fault"]).toMatchObject({ type: "Error", message: "planned" });
    expect(Object.keys(entry).toSorted()).toEqual(["event", "fault", "level", "mod", "time"]);
    expect(body).toMatch(/^flotilla_process_resident_memory_bytes [0-9]+$/m);
    expect(body).toMatch(
      /^flotilla_process_event_loop_delay_seconds\{percentile="99"\} [0-9.e-]+$/m,
    );
    expect(body).toMatch(/^flotilla_process_gc_pause_seconds_count\{kind="minor"\} [0-9]+$/m);
    expect(body).toMatch(/^# TYPE flotilla_process_cpu_seconds_total counter$/m);
  });

  it("renders a histogram as cumulative buckets", async () => {
    const world = openHostWorld({ log: { level: "silent" }, processMetrics: false });
    const seconds = world.meter.histogram(
      "flotilla_test_sizes_bytes",
      "Sizes.",
      { kind: "x" },
      [1, 8],
    );
    for (const value of [0.5, 1, 3, 100]) seconds.observe(value);
    const { body } = await world.meter.render();
    await world.close();
    const lines = body.split("\n").filter((line) => line.startsWith("flotilla_test_sizes"));
    expect(lines).toEqual([
      'flotilla_test_sizes_bytes_bucket{kind="x",le="1"} 2',
      'flotilla_test_sizes_bytes_bucket{kind="x",le="8"} 3',
      'flotilla_test_sizes_bytes_bucket{kind="x",le="+Inf"} 4',
      'flotilla_test_sizes_bytes_sum{kind="x"} 104.5',
      'flotilla_test_sizes_bytes_count{kind="x"} 4',
    ]);
  });
});

describe("compiled program", () => {
  it("finds its threads beside the compiled files", async () => {
    const root = fileURLToPath(new URL("../..", import.meta.url));
    const compile = [
      "--outDir",
      directory,
      "--rootDir",
      root,
      "--noEmit",
      "false",
      "--declaration",
      "false",
    ];
    const options = [
      "--target",
      "es2024",
      "--module",
      "nodenext",
      "--types",
      "node",
      "--skipLibCheck",
    ];
    const rewrite = ["--allowImportingTsExtensions", "--rewriteRelativeImportExtensions"];
    const sources = ["host-world.ts", "journal-thread.ts", "compute-thread.ts"].map((file) =>
      join(root, "internal/host", file),
    );
    const tsc = join(root, "node_modules/.bin/tsc");
    const typeRoots = ["--typeRoots", join(root, "node_modules/@types")];
    const args = [...compile, ...options, ...rewrite, ...typeRoots, "--ignoreConfig", ...sources];
    const compiled = await run(tsc, args);
    expect(compiled).toEqual({ code: 0, lines: [] });
    const script = `
      import { symlinkSync, writeFileSync } from "node:fs";
      import { gzipSync } from "node:zlib";
      writeFileSync("${directory}/package.json", '{"type":"module"}');
      symlinkSync("${root}/node_modules", "${directory}/node_modules");
      const { openHostWorld } = await import("${directory}/internal/host/host-world.js");
      const world = openHostWorld({ log: { level: "silent" }, processMetrics: false });
      const memory = world.disk.journal.allocate(4096);
      const opened = await world.disk.journal.open("${directory}/0", true);
      const fault = await new Promise((done) => opened.value.write(0, [memory], done));
      const bytes = new Uint8Array(gzipSync("compiled"));
      const job = { job: "decompress", codec: 1, bytes, bytesMax: 100 };
      const text = await world.tasks.compute(job);
      await opened.value.close();
      await world.close();
      console.log(fault, new TextDecoder().decode(text.value));
    `;
    const ran = await run(process.execPath, ["--input-type=module", "-e", script]);
    expect(ran).toEqual({ code: 0, lines: ["null compiled"] });
  });
});
