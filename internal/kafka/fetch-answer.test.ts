import { expect, test } from "vitest";
import type { BrokerId, Offset, Term, TopicId } from "../model/ids.ts";
import { encodeBatch } from "../model/encode-batch.ts";
import type { FetchResponse } from "./api/01-fetch.ts";
import type { ClusterService } from "../service/cluster-service.ts";
import type { FetchedPartition } from "../service/log-service.ts";
import type { CallOf } from "./call.ts";
import { FetchAnswer } from "./fetch-answer.ts";

const cluster = {
  brokers: () => [{ broker: 3 as BrokerId, host: "h", port: 9, rack: null, fenced: false }],
} as unknown as ClusterService;

function answer(version: number, results: readonly Partial<FetchedPartition>[]): FetchResponse {
  const call = { version, refused: (code: number) => code } as unknown as CallOf<FetchResponse>;
  const building = new FetchAnswer(call, false);
  results.forEach((result, index) => {
    const asked = {
      name: index < 2 ? "a" : "b",
      topicId: null as TopicId | null,
      partition: index,
      fetchOffset: 0 as Offset,
      leaderEpoch: -1,
      lastFetchedEpoch: -1,
      bytesMax: 1,
    };
    building.add(asked, {
      fault: null,
      highWatermark: 4 as Offset,
      lastStableOffset: 4 as Offset,
      logStart: 0 as Offset,
      diverging: null,
      slices: [],
      bytes: 0,
      ...result,
    });
  });
  return building.body(7, cluster, "kafka");
}

test("neighbours of one topic share an entry", () => {
  const { responses, sessionId } = answer(12, [{}, {}, {}]);
  expect(responses.map(({ topic, partitions }) => [topic, partitions.length])).toEqual([
    ["a", 2],
    ["b", 1],
  ]);
  expect(sessionId).toBe(7);
});

test("a diverging log is told with no error", () => {
  const diverging = { epoch: 2, endOffset: 9 as Offset };
  const [partition] = answer(12, [{ diverging }]).responses[0]?.partitions ?? [];
  expect([partition?.errorCode, partition?.divergingEpoch]).toEqual([0, diverging]);
});

test("a fenced epoch points to the leader from version 16 on", () => {
  const hint = { leader: 3 as BrokerId, leaderEpoch: 8 as Term };
  const fault = { kind: "fenced-epoch", hint } as const;
  expect(answer(15, [{ fault }]).nodeEndpoints).toBeUndefined();
  const young = answer(16, [{ fault }]);
  const [partition] = young.responses[0]?.partitions ?? [];
  expect([partition?.errorCode, partition?.currentLeader]).toEqual([
    74,
    { leaderId: 3, leaderEpoch: 8 },
  ]);
  expect(young.nodeEndpoints).toEqual([{ nodeId: 3, host: "h", port: 9, rack: null }]);
});

test("zstd is seen in any batch, wherever the slices are cut", () => {
  const one = { key: null, value: new Uint8Array(50), timestampMs: 5 };
  const parts = ([0, 1, 4] as const).map((codec) => encodeBatch([one], { codec }));
  const all = new Uint8Array(Buffer.concat(parts));
  const plain = all.subarray(0, all.length - (parts[2]?.length ?? 0));
  for (let cut = 1; cut < plain.length; cut++) {
    const codeOf = (version: number, bytes: Uint8Array) =>
      answer(version, [
        { slices: [bytes.subarray(0, cut), bytes.subarray(cut)], bytes: bytes.length },
      ]).responses[0]?.partitions[0]?.errorCode;
    expect([codeOf(9, plain), codeOf(9, all), codeOf(10, all)]).toEqual([0, 76, 0]);
  }
});
