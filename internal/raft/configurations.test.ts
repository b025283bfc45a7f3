import { describe, expect, it } from "vitest";
import type { LogIndex, ReplicaId, Term } from "../model/ids.ts";
import type { Configuration } from "./configuration.ts";
import { Configurations } from "./configurations.ts";
import { ENTRY_BATCH, ENTRY_CONFIGURATION } from "./entry.ts";
import type { EntryHead } from "./entry.ts";

const index = (value: number) => value as LogIndex;
const id = (value: number) => value as ReplicaId;

function of(revision: number, voters: number[], votersOutgoing: number[] = []): Configuration {
  const learners = [id(8), id(9)];
  return {
    voters: voters as ReplicaId[],
    votersOutgoing: votersOutgoing as ReplicaId[],
    learners,
    revision,
  };
}

const entry = (configuration: Configuration | null): EntryHead => ({
  term: 1 as Term,
  kind: configuration === null ? ENTRY_BATCH : ENTRY_CONFIGURATION,
  configuration,
});

const first = of(0, [1, 2, 3]);
const joint = of(1, [2, 3], [1, 2, 3]);
const last = of(1, [2, 3]);

describe("Configurations", () => {
  it("the newest is in force as soon as it is appended, and no longer when truncated", () => {
    const configurations = new Configurations([{ index: index(0), configuration: first }]);
    expect(configurations.append(index(4), [entry(null), entry(null)], 0)).toBe(false);
    expect(configurations.append(index(6), [entry(null), entry(null), entry(joint)], 1)).toBe(true);
    expect([configurations.inForce, configurations.index]).toEqual([joint, 7]);
    expect(configurations.truncate(index(8))).toBe(false);
    expect(configurations.truncate(index(7))).toBe(true);
    expect(configurations.inForce).toBe(first);
    expect(() => configurations.truncate(index(0))).toThrow("never truncated");
  });

  it("a checkpoint and an install keep the one at the base and those above", () => {
    const configurations = new Configurations([
      { index: index(0), configuration: first },
      { index: index(5), configuration: joint },
      { index: index(8), configuration: last },
    ]);
    expect(configurations.at(index(7))).toBe(joint);
    configurations.checkpoint(index(6));
    expect(configurations.at(index(6))).toBe(joint);
    expect(() => configurations.at(index(5))).toThrow("the configuration at the base is known");
    expect(configurations.inForce).toBe(last);
    const installed = of(7, [4]);
    configurations.install(index(7), installed);
    expect([configurations.at(index(7)), configurations.inForce]).toEqual([installed, last]);
    configurations.install(index(9), installed);
    expect(configurations.inForce).toBe(installed);
  });

  it("isVoter counts both halves, isLearner only those that are in neither", () => {
    const configurations = new Configurations([
      { index: index(0), configuration: { ...of(1, [2, 8], [1, 2, 3]) } },
    ]);
    expect([1, 2, 3, 8, 9, 7].map((it) => configurations.isVoter(id(it)))).toEqual([
      true,
      true,
      true,
      true,
      false,
      false,
    ]);
    expect([8, 9, 7].map((it) => configurations.isLearner(id(it)))).toEqual([false, true, false]);
  });
});
