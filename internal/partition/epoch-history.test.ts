import { expect, test } from "vitest";
import type { LogIndex, Offset, Term } from "../model/ids.ts";
import { EpochHistory } from "./epoch-history.ts";

function history(...starts: readonly (readonly [number, number, number])[]): EpochHistory {
  const epochs = new EpochHistory();
  for (const [epoch, offset, index] of starts) {
    epochs.appended(epoch as Term, offset as Offset, index as LogIndex);
  }
  return epochs;
}

const end = 100 as Offset;

test("endOf: the largest epoch not above the one asked for ends where the next begins", () => {
  const epochs = history([1, 0, 1], [1, 5, 2], [4, 10, 3], [6, 20, 4]);
  expect(epochs.endOf(1, end)).toEqual({ epoch: 1, endOffset: 10 });
  expect(epochs.endOf(3, end)).toEqual({ epoch: 1, endOffset: 10 });
  expect(epochs.endOf(4, end)).toEqual({ epoch: 4, endOffset: 20 });
  expect(epochs.endOf(9, end)).toEqual({ epoch: 6, endOffset: 100 });
  expect(epochs.endOf(0, end)).toEqual({ epoch: -1, endOffset: -1 });
});

test("truncation forgets epochs that began in the tail", () => {
  const epochs = history([1, 0, 1], [4, 10, 3], [6, 20, 4]);
  epochs.truncated(4 as LogIndex);
  expect(epochs.endOf(6, end)).toEqual({ epoch: 4, endOffset: 100 });
  expect(epochs.epochAt(15 as Offset)).toBe(4);
  expect(epochs.epochAt(9 as Offset)).toBe(1);
});
