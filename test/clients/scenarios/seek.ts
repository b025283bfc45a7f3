// Seeking by time: the first record of each partition that is not older than a given moment; under kills the leader of the first
// partition dies just before it is asked. One partition has nothing that new.
import { setTimeout as pause } from "node:timers/promises";
import { act } from "../driver.ts";
import { same } from "../expect.ts";
import { Feed } from "../feed.ts";
import { bootstrapOf } from "../scenario.ts";
import type { Scenario } from "../scenario.ts";
import { numberOf } from "./produce.ts";
import { createTopic, readStored } from "../stored.ts";

const PARTITIONS = 3;
const BATCHES = 20;
const IN_A_BATCH = 3;
const STEP_MS = 1_000;
const SEEK_MS_MAX = 60_000;
const AFTER_KILL_MS = 200;

export const seek: Scenario = {
  columns: ["time", "time, kills"],
  async run(stage) {
    const { around, name: topic, withKills } = stage;
    await createTopic(around, topic, PARTITIONS);
    const feed = await Feed.open(around.kafka, topic, PARTITIONS);
    const baseMs = Date.now() - 3_600_000;
    for (let batch = 0; batch < BATCHES / 2; batch++) {
      await feed.more(PARTITIONS * IN_A_BATCH, baseMs + batch * STEP_MS);
    }
    // From here on the last partition gets nothing.
    const late = await Feed.open(around.kafka, topic, PARTITIONS - 1);
    late.stored = feed.stored;
    for (let batch = BATCHES / 2; batch < BATCHES; batch++) {
      await late.more((PARTITIONS - 1) * IN_A_BATCH, baseMs + batch * STEP_MS);
    }
    const timestampMs = baseMs + (BATCHES / 2 + 2) * STEP_MS - STEP_MS / 2;
    const killed = withKills
      ? around.faults.killLeader(topic).then(
          () => null,
          (error: unknown) => error,
        )
      : Promise.resolve(null);
    if (withKills) await pause(AFTER_KILL_MS);
    const action = { action: "seek", bootstrap: bootstrapOf(stage), topic, timestampMs } as const;
    const lines = await act(stage.driver, action, SEEK_MS_MAX);
    const fault = await killed;
    if (fault !== null) throw fault;
    const found = lines.flatMap((line) => (line.found === undefined ? [] : [line.found]));
    const offset = (BATCHES / 2 + 2) * IN_A_BATCH;
    const expected = [0, 1].map((partition) => [partition, offset]);
    same("offsets found", found.toSorted(byPartition), [...expected, [2, -1]]);
    const { values } = await readStored(around, topic);
    const read = lines.flatMap((line) => (line.record === undefined ? [] : [line.record]));
    same(
      "records read there",
      read.toSorted(byPartition),
      expected.map(([partition = 0, at = 0]) => {
        return [partition, at, `v${numberOf(values[partition]?.[at] ?? "")}`];
      }),
    );
    return [];
  },
};

function byPartition(a: readonly [number, ...unknown[]], b: readonly [number, ...unknown[]]) {
  return a[0] - b[0];
}
