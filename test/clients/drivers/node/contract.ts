// What drivers in TypeScript share of the contract in ../README.md: the action, lines, pace, and the word to stop.
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

export interface Asked {
  readonly action: string;
  readonly bootstrap: string;
  readonly topic: string;
  readonly partitions: number;
  readonly first: number;
  readonly count: number;
  readonly codec: "none" | "gzip" | "snappy" | "lz4" | "zstd";
  readonly idempotent: boolean;
  readonly perSecond?: number;
  readonly group: string;
  readonly protocol: "classic" | "consumer";
  readonly fromStart: boolean;
  readonly instanceId?: string;
  readonly timestampMs: number;
}

export const SESSION_MS = 10_000;
export const HEARTBEAT_MS = 500;
export const COMMIT_EVERY_MS = 200;
const PADDING = "x".repeat(100);
const PORTION_EVERY_MS = 20;
const PORTION_MAX = 1_000;
const SHOWN_MS_MAX = 5_000;
const INSIST_MS_MAX = 20_000;

export type Actions = Readonly<Record<string, (asked: Asked) => Promise<void>>>;

/** Runs the action that the process was started for, and ends the process. */
export async function drive(actions: Actions): Promise<never> {
  const asked = JSON.parse(process.argv.at(-1) ?? "{}") as Asked;
  const act = actions[asked.action];
  if (act === undefined) {
    say({ unsupported: `there is no ${asked.action}` });
    return leave(0);
  }
  try {
    await act(asked);
  } catch (error) {
    say({ error: wordsOf(error) });
    console.error(error);
    return leave(1);
  }
  return leave(0);
}

/** Ends the process when its lines are out: a pipe may be full. */
async function leave(code: number): Promise<never> {
  await new Promise<void>((resolve) => process.stdout.write("", () => resolve()));
  process.exit(code);
}

export function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

export function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const inner = error instanceof AggregateError ? error.errors : cause === undefined ? [] : [cause];
  return [error.message, ...inner.map(wordsOf)].join(": ");
}

export function keyOf(n: number): string {
  return `k${n}`;
}

export function valueOf(n: number): string {
  return `v${n}:${PADDING}`;
}

/** `v17` of `v17:xxx`. */
export function nameOf(value: string): string {
  return value.slice(0, value.indexOf(":"));
}

/** The numbers to send next, at the pace that was asked for. */
export async function* portions({ first, count, perSecond }: Asked): AsyncGenerator<number[]> {
  const beganMs = performance.now();
  const end = first + count;
  for (let next = first; next < end;) {
    const dueMs = performance.now() - beganMs;
    const due = perSecond === undefined ? count : Math.floor((dueMs / 1_000) * perSecond);
    const until = Math.min(end, first + due, next + PORTION_MAX);
    if (until > next) yield Array.from({ length: until - next }, (_, k) => next + k);
    else await pause(PORTION_EVERY_MS);
    next = until;
  }
}

/** Resolves at a line `stop`, or when the other side is gone. */
export function stopAsked(): Promise<void> {
  return new Promise((resolve) => {
    const lines = createInterface({ input: process.stdin });
    lines.on("line", (line) => line.trim() === "stop" && resolve());
    lines.on("close", resolve);
  });
}

/** A topic as the brokers describe it to the action `admin`. */
export interface Described {
  readonly partitions: number;
  readonly retentionMs: number;
}

export function isCreated({ partitions }: Described): boolean {
  return partitions === 3;
}

export function isAltered({ partitions, retentionMs }: Described): boolean {
  return partitions === 5 && retentionMs === 120_000;
}

/** Asks until the answer is the one expected, or for five seconds; whatever was shown last. */
export async function shown<T>(ask: () => Promise<T>, isExpected: (seen: T) => boolean) {
  const giveUpAt = performance.now() + SHOWN_MS_MAX;
  for (;;) {
    const seen = await ask();
    if (isExpected(seen) || performance.now() > giveUpAt) return seen;
    await pause(100);
  }
}

/** Calls again what the client gives up, and tells of each failure. `isDone`: the last call had succeeded unseen. */
export async function insist<T>(
  call: () => Promise<T>,
  isDone: (error: unknown) => boolean = () => false,
): Promise<T | null> {
  const giveUpAt = performance.now() + INSIST_MS_MAX;
  for (let tries = 0; ; tries++) {
    try {
      return await call();
    } catch (error) {
      if (tries > 0 && isDone(error)) return null;
      if (performance.now() > giveUpAt) throw error;
      say({ error: wordsOf(error) });
      await pause(200);
    }
  }
}
