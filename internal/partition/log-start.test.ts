import fc from "fast-check";
import { expect, test } from "vitest";
import type { LogIndex, Offset } from "../model/ids.ts";
import { decodeLogStart, encodeLogStart, LogStart } from "./log-start.ts";

test("a command comes out as it went in, and what a newer version wrote is told", () => {
  const bytes = encodeLogStart(1_234_567_890_123 as Offset);
  expect(decodeLogStart(bytes, 0, bytes.length)).toBe(1_234_567_890_123);
  const around = new Uint8Array(14).fill(9);
  around.set(bytes, 2);
  expect(decodeLogStart(around, 2, 12)).toBe(1_234_567_890_123);
  for (const [at, value] of [
    [0, 2],
    [1, 1],
    [2, 0xff],
    [3, 0x40],
  ] as const) {
    const other = bytes.slice();
    other[at] = value;
    expect(decodeLogStart(other, 0, other.length)).toBeNull();
  }
  expect(decodeLogStart(bytes, 0, bytes.length - 1)).toBeNull();
});

/** What happens to one log: entries of two records, or commands, join it; its tail is truncated; its head is committed. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ records: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ deleteTo: fc.nat(60) }) },
  { weight: 1, arbitrary: fc.record({ truncate: fc.nat(10) }) },
  { weight: 3, arbitrary: fc.record({ commit: fc.nat(10) }) },
);

interface Entry {
  readonly end: number;
  readonly deleteTo: number | null;
}

test("the log start never goes back, never passes what is committed, and follows from the committed log alone", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const live = new LogStart();
      const log: Entry[] = [];
      let commit = 0;
      let before = 0;
      for (const one of steps) {
        const end = log.at(-1)?.end ?? 0;
        const index = (log.length + 1) as LogIndex;
        if ("records" in one) log.push({ end: end + one.records, deleteTo: null });
        else if ("deleteTo" in one) {
          log.push({ end, deleteTo: one.deleteTo });
          live.appended(index, one.deleteTo as Offset, end as Offset);
        } else if ("truncate" in one) {
          log.length = Math.max(commit, log.length - one.truncate);
          live.truncated((log.length + 1) as LogIndex);
        } else {
          commit = Math.min(log.length, commit + one.commit);
          live.committed(commit as LogIndex);
        }
        const highWatermark = log[commit - 1]?.end ?? 0;
        expect(live.offset).toBeGreaterThanOrEqual(before);
        expect(live.offset).toBeLessThanOrEqual(highWatermark);
        before = live.offset;
        expect(replayed(log, commit)).toBe(live.offset);
      }
    }),
  );
});

/** As a restart would: the whole log first, its commit afterwards; and a damaged command is repaired in between. */
function replayed(log: readonly Entry[], commit: number): Offset {
  const start = new LogStart();
  const damaged: (() => void)[] = [];
  log.forEach(({ end, deleteTo }, at) => {
    if (deleteTo === null) return;
    const index = (at + 1) as LogIndex;
    const place = [index, deleteTo as Offset, end as Offset] as const;
    if (at % 3 === 0) damaged.push(() => start.repaired(...place, commit as LogIndex));
    else start.appended(...place);
  });
  start.committed(commit as LogIndex);
  for (const repair of damaged) repair();
  return start.offset;
}
