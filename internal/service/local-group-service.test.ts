import { expect, test } from "vitest";
import type { OffsetsCommit } from "../coordinator/group-offsets.ts";
import { LocalGroupService } from "./local-group-service.ts";

test("a commit is for the topic that has its name when the coordinator takes it", () => {
  const partitions = [{ group: 5 }];
  const internal = { name: "__consumer_offsets", partitions };
  let topic: object | null = { name: "t", partitions: [{ group: 7 }] };
  const waiting: (() => void)[] = [];
  const taken: OffsetsCommit[] = [];
  const parts = {
    image: { topicNamed: (name: string) => (name === "t" ? topic : internal) },
    coordinators: {
      whenSettled: (_index: number, _withinMs: number, then: () => void) => waiting.push(then),
      at: () => ({
        commit: (commit: OffsetsCommit, done: (fault: null) => void) => {
          taken.push(commit);
          done(null);
        },
      }),
    },
    limits: { offsetMetadataBytesMax: 10 },
  };
  const service = new LocalGroupService(parts as never);
  const answers: unknown[] = [];
  const commit = (): void => {
    const offset = { name: "t", topicId: null, partition: 0, offset: 3 };
    const offsets = [{ ...offset, leaderEpoch: -1, metadata: "" }];
    const who = { group: "g", memberId: "", instanceId: null, generation: -1, retentionMs: -1 };
    service.commit({ ...who, offsets }, (faults) => answers.push(faults));
  };
  commit();
  topic = { name: "t", partitions: [{ group: 8 }] };
  waiting.shift()?.();
  commit();
  topic = null;
  waiting.shift()?.();
  expect(answers).toEqual([[null], ["unknown-topic"]]);
  expect(taken.map(({ offsets }) => offsets.map(({ log }) => log))).toEqual([[8]]);
});
