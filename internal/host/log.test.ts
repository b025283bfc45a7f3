// What becomes of the log when nobody takes its lines: a broker goes on, stops and fails as if they had been written.
import { execFileSync, spawnSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { LogSink } from "./log-sink.ts";
import { HANG_MS } from "../../test/until.ts";
import { openLog } from "./log.ts";

const MODULE = join(import.meta.dirname, "log.ts");

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "flotilla-log-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Runs `body` with a `log` in a process of its own, since a log that hangs takes its process with it. */
function inOwnProcess(to: string, body: string) {
  const program =
    `import { openLog } from ${JSON.stringify(MODULE)};` +
    `const log = openLog({ level: "info", to: ${to} });${body}`;
  return spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    timeout: HANG_MS,
    encoding: "utf8",
  });
}

function eventsIn(path: string): unknown[] {
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line) => (JSON.parse(line) as { event: unknown }).event);
}

test("a full disk holds up neither the end nor the work", () => {
  const ended = inOwnProcess(
    `"/dev/full"`,
    `log.info({}, "one"); log.flush();
     for (let line = 0; line < 100; line++) { log.info({ line }, "more"); await new Promise(setImmediate); }
     log.info({}, "last"); log.flush(); process.exit(7);`,
  );
  expect(ended).toMatchObject({ status: 7, signal: null, stderr: "" });
});

test("what was said right before the end is written", () => {
  const path = join(temporaryDirectory(), "deep", "broker.log");
  // A line that is being written at the moment of a flush may come behind what is flushed.
  const ended = inOwnProcess(
    JSON.stringify(path),
    `const { statSync } = await import("node:fs"); log.info({}, "first");
     while (statSync(${JSON.stringify(path)}).size === 0) await new Promise(setImmediate);
     log.error({}, "fatal"); log.flush(); process.exit(70);`,
  );
  expect(ended.status).toBe(70);
  expect(eventsIn(path)).toEqual(["first", "fatal"]);
});

test("no line is lost or written twice around a flush", async () => {
  const path = join(temporaryDirectory(), "broker.log");
  const log = openLog({ level: "info", to: path });
  const said: string[] = [];
  for (let line = 0; line < 500; line++) {
    said.push(`line ${line}`);
    log.info({}, `line ${line}`);
    if (line % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (line % 97 === 0) log.flush();
  }
  await expect.poll(() => eventsIn(path).length).toBe(500);
  expect(eventsIn(path).toSorted()).toEqual(said.toSorted());
});

test("a reader that stands still costs lines, not memory, and is told how many", async () => {
  const pipe = join(temporaryDirectory(), "pipe");
  execFileSync("mkfifo", [pipe]);
  const reader = openSync(pipe, constants.O_RDONLY | constants.O_NONBLOCK);
  const writer = openSync(pipe, constants.O_WRONLY | constants.O_NONBLOCK);
  onTestFinished(() => closeSync(reader));
  onTestFinished(() => closeSync(writer));
  const sink = new LogSink(writer, 256 * 1024);
  const line = `${"x".repeat(1_023)}\n`;
  for (let count = 0; count < 2_000; count++) sink.write(line);
  expect(sink.waitingBytes).toBeLessThanOrEqual(256 * 1024);
  const bytes = new Uint8Array(1 << 20);
  let read = "";
  await expect
    .poll(() => {
      try {
        read += Buffer.from(bytes.subarray(0, readSync(reader, bytes))).toString();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      }
      return sink.waitingBytes;
    })
    .toBe(0);
  sink.write("the next\n");
  await expect
    .poll(() => {
      try {
        read += Buffer.from(bytes.subarray(0, readSync(reader, bytes))).toString();
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
      }
      return read.endsWith("the next\n");
    })
    .toBe(true);
  const lost = /"lines":(\d+),"event":"log-lines-lost"/.exec(read);
  expect(read.split(line).length - 1 + Number(lost?.[1])).toBe(2_000);
});
