// The contract of the log service, as front ends rely on it: for the real one, and for the one in memory that tests of the
// front ends use.
import { beforeEach, describe, expect, test } from "vitest";
import type { Result } from "../../internal/base/result.ts";
import type { Offset, TopicId } from "../../internal/model/ids.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import { RecordBatchView, sealCrc } from "../../internal/model/record-batch.ts";
import type { AppendFault } from "../../internal/service/faults.ts";
import {
  EARLIEST,
  LATEST,
  LATEST_TIERED,
  MAX_TIMESTAMP,
} from "../../internal/service/log-service.ts";
import type { Appended, AppendRequest, Fetched } from "../../internal/service/log-service.ts";
import type {
  FetchPartition,
  FetchRequest,
  LogService,
} from "../../internal/service/log-service.ts";
import type { ServiceStage } from "./service-stages.ts";

type Outcome = Result<Appended, AppendFault>;

const TOPIC = { name: "t", topicId: null, partition: 0 };
const NOW_MS = 1_700_000_000_000;
const SETTLED_MS = 200;

/** Record `k` has the time `atMs[k]`. */
function batchAt(...atMs: readonly number[]): Uint8Array {
  const value = new Uint8Array([1, 2, 3]);
  return encodeBatch(atMs.map((ms) => ({ key: null, value, timestampMs: NOW_MS + ms })));
}

export function describeLogService(name: string, open: () => Promise<ServiceStage>): void {
  describe(`log service of ${name}`, () => {
    let stage: ServiceStage;
    let log: LogService;

    beforeEach(async () => {
      stage = await open();
      ({ log } = stage);
    });

    async function append(bytes = batchAt(0), more: Partial<AppendRequest> = {}): Promise<Outcome> {
      const batch = { bytes, start: 0, end: bytes.length };
      const request = { ...TOPIC, batch, acks: -1, timeoutMs: 5_000, allowsZstd: true, ...more };
      const outcomes: Outcome[] = [];
      expect(log.append(request, (outcome) => outcomes.push(outcome))).toBe("taken");
      await stage.runForMs(SETTLED_MS);
      expect(outcomes).toHaveLength(1);
      return outcomes[0] as Outcome;
    }

    async function appended(...atMs: readonly number[]): Promise<number> {
      const outcome = await append(batchAt(...atMs));
      if (!outcome.ok) throw new Error(outcome.fault.kind);
      return outcome.value.baseOffset;
    }

    function fetching(of: Partial<FetchPartition>, more: Partial<FetchRequest> = {}) {
      const unknown = { leaderEpoch: -1, lastFetchedEpoch: -1 };
      const partition = {
        ...TOPIC,
        fetchOffset: 0 as Offset,
        ...unknown,
        bytesMax: 1 << 20,
        ...of,
      };
      const bounds = { waitMsMax: 0, bytesMin: 1, bytesMax: 1 << 20 };
      const flags = { readCommitted: false, allowsFollower: true };
      const answers: Fetched[] = [];
      const request = { partitions: [partition], ...bounds, ...flags, ...more };
      const cancel = log.fetch(request, (fetched) => answers.push(fetched));
      return { answers, cancel };
    }

    async function fetched(of: Partial<FetchPartition>, more: Partial<FetchRequest> = {}) {
      const { answers } = fetching(of, more);
      await stage.runForMs(SETTLED_MS);
      expect(answers).toHaveLength(1);
      const { partitions, release } = answers[0] as Fetched;
      const { fault, highWatermark, logStart, slices, bytes } = partitions[0]!;
      const offsets = offsetsIn(slices);
      expect(slices.reduce((sum, slice) => sum + slice.length, 0)).toBe(bytes);
      release();
      return { fault: fault?.kind ?? null, highWatermark, logStart, offsets };
    }

    async function offsetAt(timestampMs: number): Promise<number> {
      const found = log.offset(TOPIC, -1, timestampMs, false);
      await stage.runForMs(SETTLED_MS);
      const answer = await found;
      if (!answer.ok) throw new Error(answer.fault.kind);
      return answer.value.offset;
    }

    async function removed(offset: number | null): Promise<number | string> {
      const done = log.deleteRecords(TOPIC, offset as Offset | null, 1_000);
      await stage.runForMs(SETTLED_MS);
      const outcome = await done;
      return outcome.ok ? outcome.value : outcome.fault.kind;
    }

    test("appends follow one another, each on its partition", async () => {
      expect([await appended(0, 0), await appended(0), await appended(0)]).toEqual([0, 2, 3]);
      const other = await append(batchAt(0), { partition: 1 });
      expect(other).toMatchObject({ ok: true, value: { baseOffset: 0, logStart: 0 } });
      const byId = await append(batchAt(0), { name: null, topicId: stage.topicId });
      expect(byId).toMatchObject({ ok: true, value: { baseOffset: 4 } });
    });

    test("an append on condition is for the end of the log, committed or not, and for no other", async () => {
      const outcomes: string[] = [];
      for (const expectedEnd of [0, 0, 1, 7]) {
        const bytes = batchAt(0);
        const batch = { bytes, start: 0, end: bytes.length };
        const request = { ...TOPIC, batch, acks: -1, timeoutMs: 5_000, allowsZstd: true };
        log.append({ ...request, expectedEnd: expectedEnd as Offset }, (outcome) => {
          const { ok } = outcome;
          const how = ok ? outcome.value.baseOffset : JSON.stringify(outcome.fault);
          outcomes.push(`${expectedEnd}: ${how}`);
        });
      }
      await stage.runForMs(SETTLED_MS);
      const refused = (end: number): string => `{"kind":"unexpected-end","end":${end}}`;
      const expected = ["0: 0", `0: ${refused(1)}`, "1: 1", `7: ${refused(2)}`];
      expect(outcomes.toSorted()).toEqual(expected);
      expect(await offsetAt(LATEST)).toBe(2);
    });

    test("appends that cannot be are refused, and leave nothing", async () => {
      const kind = async (bytes: Uint8Array, more: Partial<AppendRequest>): Promise<string> => {
        const outcome = await append(bytes, more);
        return outcome.ok ? "ok" : outcome.fault.kind;
      };
      const damaged = batchAt(0);
      damaged[damaged.length - 1]! ^= 1;
      const unreadable = batchAt(0);
      unreadable[unreadable.length - 1] = 53; // minus 27 headers
      sealCrc(unreadable, 0);
      expect([
        await kind(batchAt(0), { name: "nobody" }),
        await kind(batchAt(0), { name: null, topicId: "B".repeat(22) as TopicId }),
        await kind(batchAt(0), { partition: 9 }),
        await kind(batchAt(0), { acks: 2 }),
        await kind(batchAt(0), { batch: null }),
        await kind(damaged, {}),
        await kind(unreadable, {}),
      ]).toEqual([
        "unknown-topic",
        "unknown-topic-id",
        "unknown-partition",
        "invalid-acks",
        "batch",
        "batch",
        "batch",
      ]);
      expect(await offsetAt(LATEST)).toBe(0);
    });

    test("a fetch has whole batches, at least one, and no more than was asked for", async () => {
      for (let k = 0; k < 4; k++) await appended(0, 0);
      const length = batchAt(0, 0).length;
      expect((await fetched({})).offsets).toEqual([0, 2, 4, 6]);
      expect((await fetched({ fetchOffset: 3 as Offset })).offsets).toEqual([2, 4, 6]);
      expect((await fetched({ bytesMax: 2 * length + 1 })).offsets).toEqual([0, 2]);
      expect((await fetched({ bytesMax: 1 })).offsets).toEqual([0]);
      expect((await fetched({}, { bytesMax: 3 * length })).offsets).toEqual([0, 2, 4]);
      expect(await fetched({ fetchOffset: 8 as Offset })).toMatchObject({
        fault: null,
        offsets: [],
      });
      expect((await fetched({ fetchOffset: 9 as Offset })).fault).toBe("offset-out-of-range");
      expect((await fetched({ partition: 5 })).fault).toBe("unknown-partition");
    });

    test("a fetch waits for bytes, for no longer than it says, and not when it is cancelled", async () => {
      const waiting = fetching({}, { waitMsMax: 5_000 });
      const short = fetching({}, { waitMsMax: 50 });
      const cancelled = fetching({}, { waitMsMax: 5_000 });
      cancelled.cancel();
      await stage.runForMs(100);
      expect([waiting.answers.length, short.answers.length]).toEqual([0, 1]);
      expect(short.answers[0]?.partitions[0]).toMatchObject({ fault: null, bytes: 0 });
      await appended(0);
      expect(waiting.answers[0]?.partitions[0]?.highWatermark).toBe(1);
      expect(cancelled.answers).toEqual([]);
      for (const { answers } of [waiting, short]) for (const { release } of answers) release();
    });

    test("whoever knows another epoch is told so", async () => {
      await appended(0);
      const bounds = log.bounds(TOPIC);
      const epoch = bounds.ok ? bounds.value.leaderEpoch : -1;
      expect((await fetched({ leaderEpoch: epoch })).fault).toBe(null);
      expect((await fetched({ leaderEpoch: epoch - 1 })).fault).toBe("fenced-epoch");
      expect((await fetched({ leaderEpoch: epoch + 1 })).fault).toBe("unknown-epoch");
      expect(log.epochEnd(TOPIC, -1, epoch)).toEqual({ ok: true, value: { epoch, endOffset: 1 } });
      const unknown = { ok: true, value: { epoch: -1, endOffset: -1 } };
      expect(log.epochEnd(TOPIC, -1, epoch + 1)).toEqual(unknown);
      expect(log.epochEnd(TOPIC, epoch + 1, epoch)).toMatchObject({
        ok: false,
        fault: { kind: "unknown-epoch" },
      });
    });

    test("a time is found at the first record that is not before it, within a batch too", async () => {
      await appended(0, 10, 20);
      await appended(30, 40);
      const found = [];
      for (const ms of [-5, 0, 1, 10, 15, 21, 31, 41]) found.push(await offsetAt(NOW_MS + ms));
      expect(found).toEqual([0, 0, 1, 1, 2, 3, 4, -1]);
      expect(await offsetAt(MAX_TIMESTAMP)).toBe(4);
      expect([await offsetAt(EARLIEST), await offsetAt(LATEST)]).toEqual([0, 5]);
      expect(await offsetAt(LATEST_TIERED)).toBe(-1);
    });

    test("the log begins where records were deleted", async () => {
      await appended(0, 10, 20);
      await appended(30);
      expect([await removed(9), await removed(-7)]).toEqual([
        "offset-out-of-range",
        "offset-out-of-range",
      ]);
      expect([await removed(2), await removed(1)]).toEqual([2, 2]);
      expect(await offsetAt(EARLIEST)).toBe(2);
      expect(await offsetAt(NOW_MS)).toBe(2);
      expect((await fetched({ fetchOffset: 1 as Offset })).fault).toBe("offset-out-of-range");
      expect(await fetched({ fetchOffset: 2 as Offset })).toMatchObject({
        logStart: 2,
        offsets: [0, 3],
      });
      const after = await append();
      expect(after).toMatchObject({ ok: true, value: { baseOffset: 4, logStart: 2 } });
      expect(await removed(null)).toBe(5);
      const bounds = log.bounds(TOPIC);
      expect(bounds).toMatchObject({ ok: true, value: { logStart: 5, highWatermark: 5 } });
    });
  });
}

function offsetsIn(slices: readonly Uint8Array[]): number[] {
  const offsets: number[] = [];
  for (const bytes of slices) {
    for (let start = 0; start < bytes.length;) {
      const view = new RecordBatchView(bytes, start);
      offsets.push(view.baseOffset);
      start = view.end;
    }
  }
  return offsets;
}
