import { describe, expect, it } from "vitest";
import { SeededEntropy } from "./seeded-entropy.ts";

function drawn(seed: number, stream: string, count: number): number[] {
  const entropy = new SeededEntropy(seed, stream);
  return Array.from({ length: count }, () => entropy.bits());
}

describe("SeededEntropy", () => {
  it("is a function of seed and stream", () => {
    expect(drawn(7, "disk a", 50)).toEqual(drawn(7, "disk a", 50));
    expect(drawn(7, "disk a", 50)).not.toEqual(drawn(7, "disk b", 50));
    expect(drawn(7, "disk a", 50)).not.toEqual(drawn(8, "disk a", 50));
    expect(drawn(7, "disk a", 50)).not.toEqual(drawn(7 + 2 ** 32, "disk a", 50));
  });

  it("gives neighbouring seeds and streams nothing in common", () => {
    const all = new Set<number>();
    for (let seed = 0; seed < 50; seed++) {
      for (const stream of ["a", "b", "c"])
        for (const bits of drawn(seed, stream, 20)) all.add(bits);
    }
    expect(all.size).toBeGreaterThan(2_995); // of 3,000; a birthday or two is by chance
  });

  it("sets every bit about half of the time", () => {
    const entropy = new SeededEntropy(1, "bits");
    const ones = new Array<number>(32).fill(0);
    for (let draw = 0; draw < 10_000; draw++) {
      const bits = entropy.bits();
      for (let bit = 0; bit < 32; bit++) ones[bit] = (ones[bit] as number) + ((bits >>> bit) & 1);
    }
    for (const count of ones) expect(Math.abs(count - 5_000)).toBeLessThan(300);
  });

  it("chance draws also when it cannot happen, so that rates do not shift what follows", () => {
    const never = new SeededEntropy(5, "x");
    const always = new SeededEntropy(5, "x");
    expect(never.chance(0)).toBe(false);
    expect(always.chance(1000)).toBe(true);
    expect(never.bits()).toBe(always.bits());
  });
});
