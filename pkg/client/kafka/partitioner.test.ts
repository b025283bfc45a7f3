import { expect, it } from "vitest";
import { murmur2, partitionOfKey } from "./partitioner.ts";

// Hashes that other clients compute for these keys.
it.each<[string, number]>([
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["abc", 479470107],
])("hashes %s as Kafka's clients do", (key, hash) => {
  expect(murmur2(Buffer.from(key))).toBe(hash);
});

it("gives every partition its share, and never one that does not exist", () => {
  const counts = new Array<number>(12).fill(0);
  for (let index = 0; index < 12_000; index++) {
    const partition = partitionOfKey(Buffer.from(`key ${index}`), counts.length);
    counts[partition] = (counts[partition] ?? Number.NaN) + 1;
  }
  expect(counts).toHaveLength(12);
  expect(Math.min(...counts)).toBeGreaterThan(800);
  expect(Math.max(...counts)).toBeLessThan(1_200);
});
