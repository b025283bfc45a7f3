// The contract of elections that operators ask for, where the only broker leads everything.
import { describe, expect, test } from "vitest";
import type { ServiceStage } from "./service-stages.ts";

const WITHIN_MS = 5_000;

export function describeElectionService(name: string, open: () => Promise<ServiceStage>): void {
  describe(`election service of ${name}`, () => {
    test.each(["preferred", "any"] as const)("%s: each partition is told of once", async (how) => {
      const { elections, settle } = await open();
      const asked = [
        { topic: "t", partitions: [1, 1, 9] },
        { topic: "nobody", partitions: [0] },
      ];
      const outcomes = await settle(elections.elect(how, asked, WITHIN_MS));
      const told = outcomes.map(({ topic, partition, outcome }) => {
        if (outcome.ok) return `${topic} ${partition}: ok`;
        expect(outcome.fault.detail).not.toBe("");
        return `${topic} ${partition}: ${outcome.fault.kind}`;
      });
      expect(told).toEqual([
        "t 1: not-needed",
        "t 9: unknown-partition",
        "nobody 0: unknown-topic",
      ]);
    });

    test("of all partitions, those that need no election are not told of", async () => {
      const { elections, settle } = await open();
      expect(await settle(elections.elect("preferred", null, WITHIN_MS))).toEqual([]);
    });
  });
}
