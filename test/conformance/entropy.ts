// What every Entropy keeps: the range, and every value of it.
import { describe, expect, it } from "vitest";
import { stageOf } from "./stage.ts";
import type { OpenStage } from "./stage.ts";

export function describeEntropy(name: string, open: OpenStage): void {
  describe(`Entropy of the ${name}`, () => {
    const stage = stageOf(open);

    it("below stays in range, reaches every value, and favours none", () => {
      const { entropy } = stage().world;
      const counts = new Array<number>(6).fill(0);
      for (let draw = 0; draw < 60_000; draw++) {
        const drawn = entropy.below(6);
        counts[drawn] = (counts[drawn] ?? NaN) + 1;
      }
      expect(counts).toHaveLength(6);
      // 10,000 expected each; 600 is more than six standard deviations.
      for (const count of counts) expect(Math.abs(count - 10_000)).toBeLessThan(600);
    });

    it("below works at both ends of its limits", () => {
      const { entropy } = stage().world;
      expect(entropy.below(1)).toBe(0);
      const draws = Array.from({ length: 200 }, () => entropy.below(Number.MAX_SAFE_INTEGER));
      expect(draws.every((draw) => Number.isSafeInteger(draw) && draw >= 0)).toBe(true);
      expect(Math.max(...draws)).toBeGreaterThan(2 ** 52);
      expect(() => entropy.below(0)).toThrow("1 or more");
    });

    it("fill leaves no run of equal fills and no byte untouched", () => {
      const { entropy } = stage().world;
      const first = new Uint8Array(64);
      const second = new Uint8Array(64);
      entropy.fill(first);
      entropy.fill(second);
      expect(first).not.toEqual(second);
      const touched = new Uint8Array(7);
      for (let round = 0; round < 50; round++) {
        const bytes = new Uint8Array(7);
        entropy.fill(bytes);
        for (const [at, byte] of bytes.entries()) touched[at] = (touched[at] as number) | byte;
      }
      expect([...touched].every((byte) => byte > 0)).toBe(true);
    });
  });
}
