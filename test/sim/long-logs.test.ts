// A log of many entries: who looks for a time or reads them does not keep the broker from everything else (L7).
import { afterEach, expect, test } from "vitest";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { readI64 } from "../../internal/bytes/integers.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import { MAX_TIMESTAMP } from "../../internal/service/log-service.ts";
import type { Offset } from "../../internal/model/ids.ts";
import { TURN_STEPS_MAX } from "../../internal/service/time-search.ts";
import type { Fetched, LogService } from "../../internal/service/log-service.ts";
import { KafkaStage } from "./kafka-stage.ts";

const ENTRIES = 20_000;
const SEARCHES = 20;
/** A header, and a record of nothing. */
const BATCH_BYTES = 61 + 7;
const PLACE = { name: "t", topicId: null, partition: 0 };
const START_MS = 1_735_689_600_000;

const stage = new KafkaStage(3, 1);

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

test("a time is looked for in several turns, and found at both ends of the log", async () => {
  await stage.start();
  const topic = { name: "t", numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] };
  await stage.ask(1, createTopics, 7, { topics: [topic], timeoutMs: 10_000, validateOnly: false });
  await stage.leaderOf("t", 0);
  const log = stage.cluster.at(1).broker?.services.log as LogService;
  for (let sent = 0; sent < ENTRIES; sent++) {
    expect(append(log, START_MS + sent)).toBe("taken");
    if (sent % 200 === 199) await stage.simulation.runForMs(20);
  }
  await stage.simulation.runForMs(1_000);
  let found = 0;
  const futures = Array.from({ length: SEARCHES }, () =>
    log.offset(PLACE, -1, START_MS + ENTRIES, false).finally(() => found++),
  );
  // All of them together look at so much in a turn.
  for (let step = 0; step < 1_000; step++) await Promise.resolve();
  expect(found * ENTRIES).toBeLessThanOrEqual(TURN_STEPS_MAX);
  for (const future of futures) {
    expect(await stage.simulation.settle(future)).toMatchObject({ value: { offset: -1 } });
  }
  for (const [asked, offset] of [
    [0, 0],
    [START_MS + 5, 5],
    [START_MS + ENTRIES - 2, ENTRIES - 2],
    [MAX_TIMESTAMP, ENTRIES - 1],
  ] as const) {
    const found = await stage.simulation.settle(log.offset(PLACE, -1, asked, false));
    expect(found).toMatchObject({ ok: true, value: { offset } });
  }
});

test("small batches are read so many at a time, from disk and from memory, and none is left out", async () => {
  const log = stage.cluster.at(1).broker?.services.log as LogService;
  const asks = { waitMsMax: 0, bytesMin: 1, bytesMax: 64 << 20, readCommitted: false };
  let offset = 0;
  const reads: number[] = [];
  while (offset < ENTRIES) {
    const wanted = { ...PLACE, leaderEpoch: -1, lastFetchedEpoch: -1, bytesMax: 64 << 20 };
    const partitions = [{ ...wanted, fetchOffset: offset as Offset }];
    const request = { ...asks, partitions, allowsFollower: false };
    const answer = new Promise<Fetched>((done) => log.fetch(request, done));
    const { partitions: read, release } = await stage.simulation.settle(answer);
    const bytes = Buffer.concat(read[0]?.slices ?? []);
    expect(readI64(bytes, 0)).toBe(offset);
    reads.push(bytes.length / BATCH_BYTES);
    offset += bytes.length / BATCH_BYTES;
    release();
  }
  expect(offset).toBe(ENTRIES);
  expect(Math.max(...reads)).toBe(8_192);
});

function append(log: LogService, timestampMs: number): "taken" | "busy" {
  const bytes = encodeBatch([{ key: null, value: null, timestampMs }]);
  const batch = { bytes, start: 0, end: bytes.length };
  const request = { ...PLACE, batch, acks: 1, timeoutMs: 1_000, allowsZstd: true };
  return log.append(request, () => {});
}
