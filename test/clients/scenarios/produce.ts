// Producing: every codec, and many records, idempotently and not, with brokers that die meanwhile. What was acknowledged must be
// stored: exactly once from an idempotent producer, in the order sent; at least once from another. Nothing else may be stored.
import { setTimeout as pause } from "node:timers/promises";
import { eventually } from "../../../jepsen-like/cluster/cluster.ts";
import { CODECS, codecOf } from "../../../jepsen-like/wire/record-batch.ts";
import type { Codec } from "../../../jepsen-like/wire/record-batch.ts";
import { act, DriverProcess, Unsupported } from "../driver.ts";
import type { Action, Line } from "../driver.ts";
import { same } from "../expect.ts";
import { bootstrapOf, errorsRemark } from "../scenario.ts";
import type { Remark, Scenario, Stage } from "../scenario.ts";
import { createTopic, endsOf, readStored } from "../stored.ts";
import type { Stored } from "../stored.ts";

const PARTITIONS = 3;
const CODEC_RECORDS = 100;
const MANY_MS_MAX = 60_000;
const CODEC_MS_MAX = 30_000;
/** Enough for brokers to die and come back, one after the other. */
const UNDER_KILLS = { perSecond: 300, count: 6_000 };
const UNDER_QUICK_KILLS = { perSecond: 300, count: 3_000 };
const BEFORE_KILL_MS = 500;
const PROGRESS = 100;
const PROGRESS_MS_MAX = 30_000;
/** A client may go on trying for two minutes, which is the delivery time-out of most. */
const UNDER_KILLS_MS_MAX = 150_000;

/** What a producer was told. */
interface Told {
  readonly acked: Set<number>;
  readonly errors: string[];
  isDone: boolean;
}

function listen(told: Told, line: Line): void {
  if (line.error !== undefined) told.errors.push(line.error);
  if (line.done === true) told.isDone = true;
  if (line.acked === undefined) return;
  const [from, to] = typeof line.acked === "number" ? [line.acked, line.acked] : line.acked;
  for (let n = from; n <= to; n++) told.acked.add(n);
}

function produce(stage: Stage, topic: string, options: Record<string, string | number | boolean>) {
  return {
    ...{ action: "produce", bootstrap: bootstrapOf(stage), topic, partitions: PARTITIONS },
    ...{ first: 0, count: 0, codec: "none", idempotent: false, ...options },
  } as const satisfies Action;
}

export const codecs: Scenario = {
  columns: ["codecs"],
  async run(stage) {
    const remarks: Remark[] = [];
    let first = 0;
    const topic = stage.name;
    await createTopic(stage.around, topic, PARTITIONS);
    const before = new Map<Codec, number>();
    for (const codec of CODECS) {
      const told: Told = { acked: new Set(), errors: [], isDone: false };
      const action = produce(stage, topic, { first, count: CODEC_RECORDS, codec });
      try {
        await act(stage.driver, action, CODEC_MS_MAX, (line) => listen(told, line));
      } catch (error) {
        if (!(error instanceof Unsupported)) throw new Error(`${codec}: ${String(error)}`);
        remarks.push({ kind: "lacks", text: `${codec}: ${error.message}` });
        continue;
      }
      same(`errors with ${codec}`, told.errors, []);
      same(`records acknowledged with ${codec}`, told.acked.size, CODEC_RECORDS);
      before.set(codec, CODEC_RECORDS);
      first += CODEC_RECORDS;
    }
    const stored = await readStored(stage.around, topic);
    for (const codec of CODECS) {
      const batches = stored.headers.filter((header) => codecOf(header) === codec);
      const records = batches.reduce((sum, { recordCount }) => sum + recordCount, 0);
      same(`records stored as ${codec}`, records, before.get(codec) ?? 0);
    }
    return remarks;
  },
};

/** Where nobody dies only idempotent producing is tried, with many records; where brokers die, both are. */
export const idempotent: Scenario = {
  columns: ["idempotent", "idempotent, kills"],
  run: (stage) => produceMany(stage, true),
};

export const plain: Scenario = {
  columns: ["plain, kills"],
  run: (stage) => produceMany(stage, false),
};

async function produceMany(stage: Stage, idempotent: boolean): Promise<Remark[]> {
  const { around, name: topic, withKills } = stage;
  await createTopic(around, topic, PARTITIONS);
  const underKills = around.isQuick ? UNDER_QUICK_KILLS : UNDER_KILLS;
  const size = withKills ? underKills : { count: around.records };
  const victims = around.isQuick ? [0] : [0, 1];
  const told: Told = { acked: new Set(), errors: [], isDone: false };
  const action = produce(stage, topic, { ...size, idempotent });
  const driver = new DriverProcess(stage.driver, action, (line) => listen(told, line));
  const kills = around.faults.kills;
  try {
    if (withKills) await killLeaders(stage, driver, told, victims);
    await driver.ended(withKills ? UNDER_KILLS_MS_MAX : MANY_MS_MAX);
  } finally {
    await driver.killed();
  }
  if (withKills) same("brokers killed", around.faults.kills - kills, victims.length);
  if (!told.isDone) throw new Error("the producer never said that it was done");
  const remarks = judge(await readStored(around, topic), told, size.count, idempotent);
  if (told.errors.length > 0) {
    const remark = errorsRemark(told.errors);
    if (!withKills) throw new Error(remark.text);
    remarks.push(remark);
  }
  return remarks;
}

async function killLeaders(
  { around, name }: Stage,
  driver: DriverProcess,
  told: Told,
  partitions: readonly number[],
): Promise<void> {
  for (const partition of partitions) {
    // Not every client tells of each record, so the brokers are asked how far it is.
    let before = -1;
    await eventually("the producer makes no progress", PROGRESS_MS_MAX, async () => {
      driver.check();
      const now = (await endsOf(around, name)).reduce((sum, end) => sum + end, 0);
      if (before < 0) before = now;
      if (now < before + PROGRESS) throw new Error(`${now - before} records more`);
    });
    await pause(BEFORE_KILL_MS);
    if (told.isDone) throw new Error("the producer was done before its leader was killed");
    await around.faults.killLeader(name, partition);
  }
}

function judge(stored: Stored, told: Told, count: number, idempotent: boolean): Remark[] {
  const times = new Map<number, number>();
  for (const [partition, values] of stored.values.entries()) {
    let before = -1;
    for (const value of values) {
      const n = numberOf(value);
      if (n >= count) throw new Error(`${value} was never sent`);
      times.set(n, (times.get(n) ?? 0) + 1);
      if (idempotent && n < before) {
        throw new Error(`partition ${partition}: record ${n} follows record ${before}`);
      }
      before = n;
    }
  }
  const lost = [...told.acked].filter((n) => !times.has(n));
  if (lost.length > 0) throw new Error(`acknowledged and not stored: ${some(lost)}`);
  const twice = [...times].filter(([, seen]) => seen > 1).map(([n]) => n);
  if (idempotent && twice.length > 0) throw new Error(`stored twice: ${some(twice)}`);
  if (idempotent && stored.headers.some(({ producerId }) => producerId < 0)) {
    throw new Error("a batch without a producer id was stored");
  }
  if (told.acked.size === count || told.errors.length > 0) {
    if (twice.length === 0) return [];
    return [{ kind: "seen", text: `stored more than once: ${twice.length} of ${count}` }];
  }
  throw new Error(`${count - told.acked.size} records were neither acknowledged nor refused`);
}

/** The number in `v17:xxx`. */
export function numberOf(value: string): number {
  const [, digits] = /^v(\d+)(?::|$)/.exec(value) ?? [];
  if (digits === undefined) throw new Error(`${value.slice(0, 40)} is no value of this test`);
  return Number(digits);
}

function some(numbers: readonly number[]): string {
  const shown = numbers.slice(0, 10).join(", ");
  return numbers.length > 10 ? `${shown}, … (${numbers.length})` : shown;
}
