import fc from "fast-check";
import { expect, test } from "vitest";
import type { LogIndex, Offset, PayloadPosition } from "../model/ids.ts";
import { ENTRY_BATCH, ENTRY_NO_OP } from "../raft/entry.ts";
import { EntryTable } from "./entry-table.ts";

interface Model {
  readonly base: number;
  readonly records: number;
}

function push(table: EntryTable, model: Model[], records: number): void {
  const last = model.at(-1);
  const base = last === undefined ? 0 : last.base + last.records;
  const index = (table.last + 1) as LogIndex;
  table.push(index, {
    kind: records === 0 ? ENTRY_NO_OP : ENTRY_BATCH,
    position: (base * 7) as PayloadPosition,
    length: records * 10,
    baseOffset: base as Offset,
    recordCount: records,
    timestampMax: base,
    checksum: 0xffff_fff0 + (records % 10),
    headSum: records,
  });
  model.push({ base, records });
}

test("EntryTable finds the entry of every offset, whatever was pushed and truncated", () => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ records: fc.nat(3) }) },
    { weight: 1, arbitrary: fc.record({ keep: fc.nat(100) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const table = new EntryTable(1 as LogIndex);
      const model: Model[] = [];
      for (const one of steps) {
        if ("records" in one) push(table, model, one.records);
        else {
          const keep = one.keep % (model.length + 1);
          table.truncate((keep + 1) as LogIndex);
          model.length = Math.min(model.length, keep);
        }
      }
      const end = model.at(-1) === undefined ? 0 : model.at(-1)!.base + model.at(-1)!.records;
      for (let offset = 0; offset < end; offset++) {
        const at = model.findIndex(
          (m) => m.records > 0 && m.base <= offset && offset < m.base + m.records,
        );
        expect(table.find(offset as Offset)).toBe(at + 1);
      }
      expect(table.find(end as Offset)).toBeNull();
      expect(table.last).toBe(model.length);
      expect(table.bytes).toBe(model.reduce((sum, { records }) => sum + records * 10, 0));
    }),
  );
});

test("EntryTable keeps every column apart and starts over after a base", () => {
  const table = new EntryTable(1 as LogIndex);
  const model: Model[] = [];
  for (const records of [2, 0, 5]) push(table, model, records);
  const third = 3 as LogIndex;
  expect(table.kind(third)).toBe(ENTRY_BATCH);
  expect(table.position(third)).toBe(14);
  expect(table.checksum(third)).toBe(0xffff_fff5);
  expect(table.headSum(third)).toBe(5);
  expect(table.offsetAfter(third)).toBe(7);
  table.relocate(third, 99 as PayloadPosition);
  expect(table.position(third)).toBe(99);
  table.reset(10 as LogIndex);
  expect(table.first).toBe(10);
  expect(table.last).toBe(9);
  expect(table.has(10 as LogIndex)).toBe(false);
  expect(() => table.position(third)).toThrow("the entry is in the table");
});
