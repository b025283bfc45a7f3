import { describe, expect, it } from "vitest";
import {
  defaultReplicationFactor,
  describeTopicConfigFault,
  isCompacted,
  isDeleted,
  minInsyncReplicas,
  TOPIC_CONFIG_NAMES,
  TOPIC_CONFIGS,
  topicNumber,
  validateTopicConfig,
} from "./topic-configs.ts";

const limits = { messageBytesMax: 4_000_000 };

function refusal(name: string, value: string): string | null {
  const result = validateTopicConfig(name, value, limits);
  return result.ok ? null : describeTopicConfigFault(result.fault);
}

describe("validateTopicConfig", () => {
  it("accepts every default that a client may set", () => {
    for (const name of TOPIC_CONFIG_NAMES) {
      // Its default, the majority, depends on the factor and has no number.
      if (name !== "min.insync.replicas")
        expect(refusal(name, TOPIC_CONFIGS[name].fallback)).toBe(null);
    }
  });

  it("accepts values in range and refuses the others with the range", () => {
    expect(refusal("retention.ms", "-1")).toBe(null);
    expect(refusal("retention.ms", "9223372036854775807")).toBe(null);
    expect(refusal("retention.ms", "9223372036854775808")).toBe(
      "retention.ms must be between -1 and 9223372036854775807",
    );
    expect(refusal("retention.ms", "1e3")).toBe("retention.ms must be a whole number");
    expect(refusal("min.insync.replicas", "0")).toMatch(/between 1 and/);
    expect(refusal("max.message.bytes", "4000000")).toBe(null);
    expect(refusal("max.message.bytes", "4000001")).toMatch(/one journal write/);
  });

  it("refuses a value that would be ignored, P9", () => {
    expect(refusal("unclean.leader.election.enable", "true")).toBe(
      "unclean.leader.election.enable must be false: other values have no meaning here",
    );
    expect(refusal("flush.messages", "1")).toBe(null);
    expect(refusal("flush.messages", "1000")).toMatch(/must be 1/);
    expect(refusal("leader.replication.throttled.replicas", "*")).toMatch(/must be empty/);
  });

  it("refuses what needs a step that does not exist yet, P5", () => {
    expect(refusal("compression.type", "gzip")).toMatch(/must be producer/);
    expect(refusal("compression.type", "zstd")).toMatch(/must be producer/);
  });

  it("accepts compaction, alone or with retention, and what belongs to it", () => {
    for (const policy of ["delete", "compact", "compact,delete", "delete,compact"]) {
      expect(refusal("cleanup.policy", policy)).toBe(null);
    }
    for (const policy of ["", "compact,compact", "compact, delete", "none"]) {
      expect(refusal("cleanup.policy", policy)).toMatch(/must be delete, compact/);
    }
    expect(refusal("min.cleanable.dirty.ratio", "0.01")).toBe(null);
    expect(refusal("min.cleanable.dirty.ratio", "1.01")).toMatch(/between 0 and 1/);
    expect(refusal("max.compaction.lag.ms", "0")).toMatch(/between 1 and/);
    expect(refusal("segment.bytes", "52428800")).toBe(null);
    const both = new Map([["cleanup.policy", "compact,delete"]]);
    expect([isCompacted(both), isDeleted(both), isCompacted(new Map())]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it("accepts both meanings of acks=1 and no other, P4", () => {
    expect(refusal("acks.one", "leader")).toBe(null);
    expect(refusal("acks.one", "none")).toBe("acks.one must be one of all, leader");
  });

  it("refuses an unknown name and says which it may mean", () => {
    expect(refusal("retention.msec", "1")).toBe(
      "unknown topic config retention.msec; did you mean retention.ms?",
    );
  });
});

it("topicNumber reads an override or the default, and 'for ever' as Infinity", () => {
  expect(topicNumber(new Map([["retention.ms", "5"]]), "retention.ms")).toBe(5);
  expect(topicNumber(new Map(), "retention.ms")).toBe(604_800_000);
  expect(topicNumber(new Map(), "message.timestamp.before.max.ms")).toBe(Infinity);
  expect(topicNumber(new Map(), "retention.bytes")).toBe(-1);
});

it("minInsyncReplicas is the majority, and a topic may only raise it, P3", () => {
  const asking = (replicas: string): Map<string, string> =>
    new Map([["min.insync.replicas", replicas]]);
  expect([1, 2, 3, 4, 5].map((factor) => minInsyncReplicas(new Map(), factor))).toEqual([
    1, 2, 2, 3, 3,
  ]);
  expect(minInsyncReplicas(asking("1"), 3)).toBe(2);
  expect(minInsyncReplicas(asking("3"), 3)).toBe(3);
});

it("defaultReplicationFactor is at most three and never above the founders, P3", () => {
  expect([0, 1, 2, 3, 5].map((size) => defaultReplicationFactor(0, size))).toEqual([1, 1, 2, 3, 3]);
  expect(defaultReplicationFactor(5, 3)).toBe(5);
});
