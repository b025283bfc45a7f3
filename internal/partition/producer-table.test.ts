import fc from "fast-check";
import { expect, test } from "vitest";
import type { LogIndex, Offset } from "../model/ids.ts";
import { ProducerTable } from "./producer-table.ts";
import type { ProducerBatch } from "./producer-table.ts";

function batch(index: number, epoch: number, first: number, count = 1): ProducerBatch {
  return {
    producerId: 1,
    epoch,
    firstSequence: first,
    lastSequence: first + count - 1,
    baseOffset: (index * 10) as Offset,
    index: index as LogIndex,
    timestampMs: index,
  };
}

const at = (index: number): LogIndex => index as LogIndex;

test("judge: next sequence is accepted, a gap is refused, a repeat is the original", () => {
  const table = new ProducerTable();
  expect(table.judge(1, 0, 5, 5).verdict).toBe("accept");
  table.appended(batch(1, 0, 0, 3));
  expect(table.judge(1, 0, 3, 4).verdict).toBe("accept");
  expect(table.judge(1, 0, 4, 4)).toEqual({ verdict: "out-of-order", expected: 3 });
  const repeat = table.judge(1, 0, 0, 2);
  expect(repeat).toMatchObject({ verdict: "duplicate", original: { index: 1, baseOffset: 10 } });
  expect(table.judge(1, 0, 0, 1).verdict).toBe("out-of-order");
});

test("judge: a new epoch begins at 0, an old one is refused", () => {
  const table = new ProducerTable();
  table.appended(batch(1, 3, 0));
  expect(table.judge(1, 2, 1, 1).verdict).toBe("old-epoch");
  expect(table.judge(1, 4, 1, 1)).toEqual({ verdict: "out-of-order", expected: 0 });
  expect(table.judge(1, 4, 0, 0).verdict).toBe("accept");
});

test("judge: the sixth batch back is no longer recognised", () => {
  const table = new ProducerTable();
  for (let k = 0; k < 6; k++) table.appended(batch(k + 1, 0, k));
  expect(table.judge(1, 0, 0, 0).verdict).toBe("out-of-order");
  expect(table.judge(1, 0, 1, 1).verdict).toBe("duplicate");
});

test("judge: sequences wrap after 2147483647", () => {
  const table = new ProducerTable();
  table.appended(batch(1, 0, 0x7fff_ffff));
  expect(table.judge(1, 0, 0, 0).verdict).toBe("accept");
});

test("truncation takes back exactly the tail (F8)", () => {
  const table = new ProducerTable();
  table.appended(batch(1, 0, 0));
  table.appended(batch(2, 0, 1));
  table.committed(at(1));
  table.truncated(at(2));
  expect(table.judge(1, 0, 1, 1).verdict).toBe("accept");
  expect(table.judge(1, 0, 0, 0).verdict).toBe("duplicate");
});

test("expire forgets silent producers, but never one with an uncommitted batch", () => {
  const table = new ProducerTable();
  table.appended(batch(1, 0, 0));
  table.expire(100);
  expect(table.judge(1, 0, 5, 5).verdict).toBe("out-of-order");
  table.committed(at(1));
  table.expire(100);
  expect(table.judge(1, 0, 5, 5).verdict).toBe("accept");
});

test("any mix of commits and truncations judges like a replay of what is left in the log", () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ append: fc.nat(2) }) },
    { weight: 2, arbitrary: fc.record({ commit: fc.nat(20) }) },
    { weight: 1, arbitrary: fc.record({ truncate: fc.nat(20) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const table = new ProducerTable();
      let log: ProducerBatch[] = [];
      let commit = 0;
      for (const one of steps) {
        if ("append" in one) {
          const last = log.at(-1);
          const isNewEpoch = one.append === 0 && last !== undefined;
          const epoch = (last?.epoch ?? 0) + (isNewEpoch ? 1 : 0);
          const first = last === undefined || isNewEpoch ? 0 : last.lastSequence + 1;
          const next = batch(log.length + 1, epoch, first, 1 + (one.append % 2));
          log.push(next);
          table.appended(next);
        } else if ("commit" in one) {
          commit = Math.max(commit, Math.min(log.length, one.commit));
          table.committed(at(commit));
        } else if (one.truncate > commit) {
          log = log.slice(0, one.truncate - 1);
          table.truncated(at(one.truncate));
        }
      }
      const replay = new ProducerTable();
      for (const one of log) replay.appended(one);
      for (let epoch = 0; epoch < 4; epoch++) {
        for (let first = 0; first < 12; first++) {
          for (let last = first; last < first + 2; last++) {
            expect(table.judge(1, epoch, first, last)).toEqual(replay.judge(1, epoch, first, last));
          }
        }
      }
    }),
  );
});
