// One request is carried out in one piece, so what it may create is limited. What it does otherwise is in
// test/golden/controller.
import { expect, test } from "vitest";
import type { TopicId } from "../model/ids.ts";
import { ClusterState } from "./cluster-state.ts";
import type { ControllerContext } from "./controller-context.ts";
import { createTopics } from "./controller-topics.ts";
import { CREATED_TOPICS_MAX } from "./limits.ts";
import { randomId } from "./random-id.ts";

let drawn = 0;
const entropy = {
  below: () => 0,
  fill: (into: Uint8Array) => {
    new DataView(into.buffer, into.byteOffset).setUint32(0, ++drawn);
  },
};
const context = {
  entropy,
  settings: () => ({
    partitionsDefault: 1,
    factorDefault: 1,
    topicPartitionsMax: 10,
    clusterPartitionsMax: 100_000,
  }),
  topicConfigs: { refusal: () => null, listDefault: () => null },
  brokerConfigs: { refusal: () => null, listDefault: () => null },
  highestTerm: () => 0,
} as unknown as ControllerContext;

function creation(names: readonly string[]) {
  const topics = names.map((name) => ({
    topicId: randomId(entropy) as TopicId,
    name,
    partitions: 1,
    factor: 1,
    assignments: [],
    configs: [],
  }));
  return { kind: "create-topics", topics, validateOnly: true, readyWithinMs: 0 } as const;
}

function outcomes(names: readonly string[]): string[] {
  const decided = createTopics(new ClusterState(), creation(names), context);
  if (!decided.ok) return [decided.fault.kind];
  return decided.value.reply.topics.map(({ outcome }) =>
    outcome.ok ? "created" : outcome.fault.kind,
  );
}

test("more topics than a request may create are refused as a whole", () => {
  const names = Array.from({ length: CREATED_TOPICS_MAX + 1 }, (_, k) => `t${k}`);
  expect(outcomes(names)).toEqual(["invalid-request"]);
  expect(outcomes(names.slice(1)).length).toBe(CREATED_TOPICS_MAX);
});
