import { describe, expect, it } from "vitest";
import { importCycles, layerViolations, MAY_IMPORT, ORDER } from "./layers.ts";
import { fixtureFiles, projectFiles } from "./project.ts";

describe("the order of folders", () => {
  it("holds in the project", () => {
    expect(layerViolations(projectFiles())).toEqual([]);
  });

  it("is complained about in a tree that breaks it, type-only imports included", () => {
    expect(layerViolations(fixtureFiles("broken"))).toEqual([
      "internal/base/result.ts:2 base must not import raft",
      "internal/host/real.ts:3 host must not import journal",
      "internal/kafka/front.ts:2 kafka must not import grpc",
      "internal/kafka/front.ts:3 internal must not import test",
      "internal/kafka/front.ts:4 internal/oddity has no place in the order of folders",
      "internal/kafka/front.ts:5 kafka must not import partition",
      "internal/raft/machine.ts:2 raft must not import journal",
      "internal/raft/machine.ts:3 raft must not import ports",
      "internal/raft/machine.ts:6 raft must not import server",
      "jepsen-like/nemesis.ts:2 jepsen-like talks to brokers through public protocols only, not through internal/journal/open.ts",
    ]);
  });

  it("lets a folder import only what stands below it, and keeps the front ends apart", () => {
    for (const [place, layer] of ORDER.entries()) {
      if (layer === "server") continue;
      const below = ORDER.slice(0, place);
      expect(MAY_IMPORT[layer].filter((other) => !below.includes(other))).toEqual([]);
    }
    const siblings = ["kafka", "grpc", "http"] as const;
    for (const one of siblings) {
      expect(siblings.filter((other) => MAY_IMPORT[one].includes(other))).toEqual([]);
    }
  });
});

describe("import cycles", () => {
  it("do not exist in the project", () => {
    expect(importCycles(projectFiles())).toEqual([]);
  });

  it("are found, a type-only one too", () => {
    expect(importCycles(fixtureFiles("broken"))).toEqual([
      "internal/journal/close.ts -> internal/journal/open.ts -> internal/journal/close.ts",
    ]);
  });
});
