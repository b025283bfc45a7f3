// How a client under load speaks to the program that rolls the brokers: arguments in, one JSON array per line out, and lines
// "stop" (send no more) and "end" in. Clients of other languages speak the same; see ../README.md.
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

export interface RollingClient {
  readonly bootstrap: readonly string[];
  readonly topic: string;
  readonly partitions: number;
  /** Between two records of a partition. */
  readonly intervalMs: number;
  /** False after "stop". */
  readonly isSending: boolean;
  /** Resolves after "end". */
  readonly ended: Promise<void>;
  ready(): void;
  /** Begins to measure a record, and returns its value. */
  sends(partition: number, number: number): string;
  acked(value: string): void;
  failed(who: "producer" | "consumer", what: string): void;
  /** Something that the client library logs and handles by itself. */
  notice(what: string): void;
  read(partition: number, offset: number, value: string): void;
  sentAll(): void;
  finish(): void;
  pause(durationMs: number): Promise<void>;
}

export function clientOf(): RollingClient {
  const [bootstrap = "", topic = "", partitions = "1", intervalMs = "20"] = process.argv.slice(2);
  const say = (line: readonly unknown[]): void => {
    process.stdout.write(`${JSON.stringify(line)}\n`);
  };
  const startedMs = new Map<string, number>();
  let isSending = true;
  let end: () => void = () => {};
  const ended = new Promise<void>((resolve) => (end = resolve));
  createInterface({ input: process.stdin }).on("line", (line) => {
    isSending = false;
    if (line === "end") end();
  });
  process.on("uncaughtException", (error) => {
    say(["failed", "producer", `crash: ${error.message}`]);
    process.exit(1);
  });
  return {
    bootstrap: bootstrap.split(","),
    topic,
    partitions: Number(partitions),
    intervalMs: Number(intervalMs),
    get isSending() {
      return isSending;
    },
    ended,
    ready: () => say(["ready"]),
    sends: (partition, number) => {
      const value = `${partition}-${number}`;
      startedMs.set(value, performance.now());
      return value;
    },
    acked: (value) => {
      const tookMs = performance.now() - (startedMs.get(value) ?? 0);
      startedMs.delete(value);
      say(["acked", value, Math.round(tookMs)]);
    },
    failed: (who, what) => say(["failed", who, what]),
    notice: (what) => say(["notice", what]),
    read: (partition, offset, value) => say(["read", partition, offset, value]),
    sentAll: () => say(["sent-all"]),
    finish: () => process.exit(0),
    pause: (durationMs) => pause(durationMs),
  };
}
