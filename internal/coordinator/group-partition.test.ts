import { expect, test } from "vitest";
import { groupPartition } from "./group-partition.ts";

/** The hashes are Java's: 96354, 2112 twice, the least integer, and one that wraps. */
test.each([
  ["", 50, 0],
  ["abc", 50, 96_354 % 50],
  ["Aa", 1_000, 112],
  ["BB", 1_000, 112],
  ["polygenelubricants", 50, 0],
  ["hello", 50, 99_162_322 % 50],
  ["hello world", 1_000, 1_794_106_052 % 1_000],
])("%s of %i lies in %i", (group, partitions, expected) => {
  expect(groupPartition(group, partitions)).toBe(expected);
});
