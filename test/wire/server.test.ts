// The front end as producers and consumers see it: conversations for every API and version, and order. Administration is
// in server-admin.test.ts, what hostile and slow clients meet in server-limits.test.ts, sessions in server-fetch.test.ts.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import type { ProduceRequest } from "../../internal/kafka/api/00-produce.ts";
import { fetch } from "../../internal/kafka/api/01-fetch.ts";
import { listOffsets } from "../../internal/kafka/api/02-list-offsets.ts";
import { metadata } from "../../internal/kafka/api/03-metadata.ts";
import { apiVersions } from "../../internal/kafka/api/18-api-versions.ts";
import { offsetForLeaderEpoch } from "../../internal/kafka/api/23-offset-for-leader-epoch.ts";
import { ErrorCode } from "../../internal/kafka/codec/errors.ts";
import { RecordBatchView } from "../../internal/model/record-batch.ts";
import type { BrokerId, Term, TopicId } from "../../internal/model/ids.ts";
import type { ByteRange } from "../../internal/bytes/byte-range.ts";
import type { Draft } from "../../internal/schema/message.ts";
import { fromHex, toHex } from "../../internal/bytes/hex.ts";
import { batchOf, openFrontStage, RawClient, versionsOf, whole } from "./front-stage.ts";
import type { FrontStage } from "./front-stage.ts";
import type { KafkaClient } from "./kafka-client.ts";

let stage: FrontStage;
let client: KafkaClient;
let topicId: TopicId;

beforeEach(async () => {
  stage = await openFrontStage();
  topicId = stage.cluster.addTopic("orders", 3);
  client = stage.client();
  await stage.play(() => client.opened);
});

afterEach(async () => {
  await stage.play(() => stage.server.close());
  await stage.play(async () => stage.sleepMs(50));
  expect(stage.log.lent).toBe(0);
  expect(stage.simulation.fatals).toEqual([]);
});

function toOne(partition: number, records: ByteRange | null, acks = -1): Draft<ProduceRequest> {
  return {
    transactionalId: null,
    acks,
    timeoutMs: 1000,
    topicData: [{ name: "orders", topicId, partitionData: [{ index: partition, records }] }],
  };
}

async function produced(version: number, body: Draft<ProduceRequest>) {
  const answer = await stage.play(() => client.request(produce, version, body));
  const [topic] = answer.responses;
  expect([topic?.name, topic?.topicId]).toEqual(version >= 13 ? ["", topicId] : ["orders", ""]);
  return topic?.partitionResponses[0];
}

function fetchOne(partition: number, fetchOffset: number, waitMs = 0) {
  const partitions = [{ partition, fetchOffset, partitionMaxBytes: 1 << 20 }];
  return {
    maxWaitMs: waitMs,
    minBytes: 1,
    maxBytes: 1 << 20,
    topics: [{ topic: "orders", topicId, partitions }],
  };
}

describe("ApiVersions", () => {
  test.each(versionsOf(apiVersions))("version %i lists exactly what is served", async (version) => {
    const body = { clientSoftwareName: "test-1", clientSoftwareVersion: "1.0" };
    const answer = await stage.play(() => client.request(apiVersions, version, body));
    expect(answer.errorCode).toBe(0);
    const ranges = answer.apiKeys.map(
      ({ apiKey, minVersion, maxVersion }) => `${apiKey}:${minVersion}-${maxVersion}`,
    );
    expect(ranges.join(" ")).toBe(
      "0:0-13 1:4-18 2:1-11 3:0-13 8:2-10 9:1-10 10:0-6 11:0-9 12:0-4 13:0-5 14:0-5 15:0-6 16:0-5 18:0-4 " +
        "19:2-7 20:1-6 21:0-2 22:0-5 23:2-4 32:1-4 33:0-2 35:1-4 37:0-3 42:0-2 43:0-2 44:0-1 47:0-0 " +
        "55:0-2 60:0-2 61:0-0 68:0-1 69:0-1 74:0-1 75:0-0",
    );
    const hasFeatures = version >= 3;
    expect(answer.supportedFeatures.map(({ name }) => name)).toEqual(
      hasFeatures ? ["group.version"] : [],
    );
    expect(answer.finalizedFeaturesEpoch).toBe(hasFeatures ? 0 : -1);
    expect(answer.finalizedFeatures).toEqual(
      hasFeatures ? [{ name: "group.version", maxVersionLevel: 1, minVersionLevel: 1 }] : [],
    );
  });

  test("a version nobody knows is answered in version 0 with this API alone, and the connection goes on", async () => {
    const raw = new RawClient(stage);
    raw.send(fromHex("0000000a 0012 0063 00000001 ffff 0000000a 0012 0000 00000002 ffff"));
    await stage.play(() => stage.sleepMs(50));
    const answers = toHex(Uint8Array.from(raw.received));
    expect(answers.slice(0, 40)).toBe("0000001000000001002300000001001200000004");
    expect(answers.slice(40 + 8, 40 + 20)).toBe("000000020000");
    expect([raw.isOver, stage.refusals()]).toEqual([false, []]);
  });

  test.each(["", "-x", "a b", "ü"])("a client called %j is told INVALID_REQUEST", async (name) => {
    const body = { clientSoftwareName: name, clientSoftwareVersion: "1" };
    const answer = await stage.play(() => client.request(apiVersions, 3, body));
    expect([answer.errorCode, answer.apiKeys]).toEqual([ErrorCode.INVALID_REQUEST, []]);
  });
});

describe("Produce and Fetch", () => {
  test.each(versionsOf(produce))("Produce %i appends and answers", async (version) => {
    const first = await produced(version, toOne(1, batchOf(["a", "b"])));
    expect(first).toMatchObject({ index: 1, errorCode: 0, baseOffset: 0, logAppendTimeMs: -1 });
    const second = await produced(version, toOne(1, batchOf(["c"])));
    expect(second).toMatchObject({ errorCode: 0, baseOffset: 2 });
    expect(second?.logStartOffset).toBe(version >= 5 ? 0 : -1);
  });

  test.each(versionsOf(fetch))("Fetch %i returns the batches byte for byte", async (version) => {
    const batches = [batchOf(["a", "b"]), batchOf(["x".repeat(3000)])];
    for (const batch of batches) await produced(9, toOne(0, batch));
    const answer = await stage.play(() => client.request(fetch, version, fetchOne(0, 0)));
    expect([answer.errorCode, answer.sessionId]).toEqual([0, 0]);
    const [topic] = answer.responses;
    expect([topic?.topic, topic?.topicId]).toEqual(version >= 13 ? ["", topicId] : ["orders", ""]);
    const partition = topic?.partitions[0];
    expect(partition).toMatchObject({ partitionIndex: 0, errorCode: 0, highWatermark: 3 });
    const { bytes, start, end } = partition!.records as ByteRange;
    const first = new RecordBatchView(bytes, start);
    const second = new RecordBatchView(bytes, first.end);
    expect([first.baseOffset, second.baseOffset, second.end]).toEqual([0, 2, end]);
    // From the CRC on a stored batch is what the client sent.
    const sent = (batches[1] as ByteRange).bytes;
    expect(Buffer.compare(bytes.subarray(first.end + 16, end), sent.subarray(16))).toBe(0);
  });

  test("a fetch waits for records, and answers empty when its time is over", async () => {
    const reader = stage.client();
    const waiting = reader.request(fetch, 12, fetchOne(2, 0, 5_000));
    await stage.play(() => stage.sleepMs(100));
    expect(stage.log.waiting).toBe(1);
    await produced(9, toOne(2, batchOf(["late"])));
    const answer = await stage.play(() => waiting);
    expect(answer.responses[0]?.partitions[0]?.highWatermark).toBe(1);
    const startMs = stage.simulation.nowMs;
    const empty = await stage.play(() => reader.request(fetch, 12, fetchOne(2, 1, 700)));
    const records = empty.responses[0]?.partitions[0]?.records;
    expect((records?.end ?? -1) - (records?.start ?? 0)).toBe(0);
    expect(stage.simulation.nowMs - startMs).toBeGreaterThan(699);
  });

  test("a fetch whose client is gone is cancelled", async () => {
    const reader = stage.client();
    reader.request(fetch, 12, fetchOne(2, 0, 60_000)).catch(() => {});
    await stage.play(() => stage.sleepMs(100));
    reader.close();
    await stage.play(() => stage.sleepMs(100));
    expect(stage.log.waiting).toBe(0);
    expect(stage.server.connectionCount).toBe(1);
  });

  test("read_committed gets a list of aborted transactions, read_uncommitted null", async () => {
    for (const isolationLevel of [0, 1]) {
      const body = { ...fetchOne(0, 0), isolationLevel };
      const answer = await stage.play(() => client.request(fetch, 11, body));
      const aborted = answer.responses[0]?.partitions[0]?.abortedTransactions;
      expect(aborted).toEqual(isolationLevel === 1 ? [] : null);
    }
  });

  test("zstd is refused to readers and writers whose version does not know it", async () => {
    const zstd = () => batchOf(["z".repeat(100)], { codec: 4 });
    expect((await produced(6, toOne(0, zstd())))?.errorCode).toBe(76);
    expect((await produced(7, toOne(0, zstd())))?.errorCode).toBe(0);
    for (const [version, code] of [
      [9, 76],
      [10, 0],
    ] as const) {
      const answer = await stage.play(() => client.request(fetch, version, fetchOne(0, 0)));
      expect(answer.responses[0]?.partitions[0]?.errorCode).toBe(code);
    }
  });

  test("a follower of Kafka's own replication is refused", async () => {
    const old = await stage.play(() =>
      client.request(fetch, 4, { ...fetchOne(0, 0), replicaId: 3 }),
    );
    const replicaState = { replicaId: 3, replicaEpoch: 1 };
    const young = await stage.play(() =>
      client.request(fetch, 15, { ...fetchOne(0, 0), replicaState }),
    );
    for (const answer of [old, young]) {
      expect(answer.responses[0]?.partitions[0]?.errorCode).toBe(29);
    }
  });

  test("a refused batch has its code, and a text where the version has one", async () => {
    const damaged = batchOf(["a"]);
    damaged.bytes[damaged.end - 1] = (damaged.bytes[damaged.end - 1] as number) ^ 1;
    const cases: [ByteRange | null, number][] = [
      [null, 87],
      [whole(new Uint8Array(0)), 87],
      [whole(new Uint8Array(5)), 87],
      [damaged, 2],
      [batchOf(["a"], { isControl: true }), 87],
      [batchOf(["a"], { isLogAppendTime: true }), 32],
      [
        batchOf(["a"], { isTransactional: true, producerId: 7, producerEpoch: 0, baseSequence: 0 }),
        48,
      ],
    ];
    for (const [records, code] of cases) {
      const young = await produced(8, toOne(0, records));
      expect(young).toMatchObject({ errorCode: code, baseOffset: -1, logStartOffset: -1 });
      expect(young?.errorMessage).toMatch(/\.$/);
      const old = await produced(7, toOne(0, records));
      expect(old).toMatchObject({ errorCode: code, errorMessage: null });
    }
    const late = await produced(8, toOne(0, batchOf(["a"], { isLogAppendTime: true })));
    expect(late?.recordErrors.map(({ batchIndex }) => batchIndex)).toEqual([0]);
  });

  test("one answer names a thousand records at fault, however many partitions have some", async () => {
    const records = batchOf(new Array<string>(600).fill("a"), { isLogAppendTime: true });
    const partitionData = [0, 1].map((index) => ({ index, records }));
    const answer = await stage.play(() =>
      client.request(produce, 9, {
        transactionalId: null,
        acks: -1,
        timeoutMs: 1000,
        topicData: [{ name: "orders", topicId, partitionData }],
      }),
    );
    const partitions = answer.responses[0]?.partitionResponses ?? [];
    expect(partitions.map(({ errorCode }) => errorCode)).toEqual([32, 32]);
    expect(partitions.map(({ recordErrors }) => recordErrors.length)).toEqual([600, 400]);
  });

  test("partitions fail on their own, and a partition named twice refuses everything", async () => {
    const partitionData = [
      { index: 0, records: batchOf(["a"]) },
      { index: 9, records: batchOf(["b"]) },
      { index: 1, records: batchOf(["c"]) },
    ];
    const topic = { name: "orders", topicId, partitionData };
    const nobody = {
      name: "nobody",
      topicId: "AAAAAAAAAAAAAAAAAAAAZQ" as TopicId,
      partitionData: [{ index: 0, records: batchOf(["d"]) }],
    };
    const base = { transactionalId: null, acks: -1, timeoutMs: 100 };
    for (const version of [9, 13]) {
      const body = { ...base, topicData: [topic, nobody] };
      const answer = await stage.play(() => client.request(produce, version, body));
      const codes = answer.responses.map((one) =>
        one.partitionResponses.map(({ errorCode }) => errorCode),
      );
      expect(codes).toEqual([[0, 3, 0], [version === 13 ? 100 : 3]]);
    }
    const before = stage.log.proposed.length;
    const twice = { ...base, topicData: [topic, topic] };
    const answer = await stage.play(() => client.request(produce, 9, twice));
    for (const { partitionResponses } of answer.responses) {
      expect(partitionResponses.map(({ errorCode }) => errorCode)).toEqual([42, 42, 42]);
    }
    expect(stage.log.proposed.length).toBe(before);
  });

  test("a broker that does not lead says who does, to versions that can hear it", async () => {
    const leader = 2 as BrokerId;
    stage.cluster.brokerViews = [
      ...stage.cluster.brokerViews,
      { broker: leader, host: "broker-2", port: 9093, rack: "r", fenced: false },
    ];
    const hint = { leader, leaderEpoch: 5 as Term };
    stage.log.partition("orders", 0).fault = { kind: "not-leader", hint };
    const node = { nodeId: 2, host: "broker-2", port: 9093, rack: "r" };
    for (const version of [9, 10, 13]) {
      const answer = await stage.play(() =>
        client.request(produce, version, toOne(0, batchOf(["a"]))),
      );
      const [one] = answer.responses[0]?.partitionResponses ?? [];
      const knows = version >= 10;
      const told = knows ? { leaderId: 2, leaderEpoch: 5 } : { leaderId: -1, leaderEpoch: -1 };
      expect([one?.errorCode, one?.currentLeader]).toEqual([6, told]);
      expect(answer.nodeEndpoints).toEqual(knows ? [node] : []);
    }
    for (const version of [12, 16, 18]) {
      const answer = await stage.play(() => client.request(fetch, version, fetchOne(0, 0)));
      const one = answer.responses[0]?.partitions[0];
      const knows = version >= 16;
      expect([one?.errorCode, one?.currentLeader.leaderId]).toEqual([6, knows ? 2 : -1]);
      expect(answer.nodeEndpoints).toEqual(knows ? [node] : []);
    }
  });

  test("acks other than -1, 0 and 1, and transactional ids, are refused", async () => {
    expect((await produced(9, toOne(0, batchOf(["a"]), 2)))?.errorCode).toBe(21);
    const body = { ...toOne(0, batchOf(["a"])), transactionalId: "t" };
    expect((await produced(9, body))?.errorCode).toBe(48);
    expect(stage.log.proposed).toEqual([]);
  });

  test("a request without topics is answered", async () => {
    const body = { transactionalId: null, acks: -1, timeoutMs: 5, topicData: [] };
    const answer = await stage.play(() => client.request(produce, 9, body));
    expect(answer.responses).toEqual([]);
  });
});

describe("acks 0", () => {
  test("has no answer, and what follows is answered", async () => {
    client.tell(produce, 9, toOne(0, batchOf(["a"]), 0));
    client.tell(produce, 9, toOne(0, batchOf(["b"]), 0));
    const answer = await stage.play(() => client.request(produce, 9, toOne(0, batchOf(["c"]))));
    expect(answer.responses[0]?.partitionResponses[0]?.baseOffset).toBe(2);
  });

  test("an error closes the connection", async () => {
    client.tell(produce, 9, toOne(7, batchOf(["a"]), 0));
    await stage.play(() => client.closed);
    expect(
      stage.world.meter.value("flotilla_kafka_connections_closed_total", {
        cause: "refused-without-acks",
      }),
    ).toBe(1);
  });
});

describe("order", () => {
  test("appends of a connection are proposed in order, and answers leave in order", async () => {
    const answers: Promise<unknown>[] = [];
    const order: string[] = [];
    for (let k = 0; k < 200; k++) {
      const note = (): void => {
        order.push(String(k));
      };
      const kind = k % 4;
      if (kind === 0) {
        answers.push(client.request(metadata, 9, { topics: [{ name: `new-${k}` }] }).then(note));
      } else if (kind === 1) {
        answers.push(client.request(fetch, 12, fetchOne(2, 0, k)).then(note));
      } else {
        answers.push(client.request(produce, 9, toOne(k % 2, batchOf([`m${k}`]))).then(note));
      }
    }
    await stage.play(() => Promise.all(answers));
    expect(order).toEqual(Array.from({ length: 200 }, (_, k) => String(k)));
    for (const partition of [0, 1]) {
      const offsets = stage.log.proposed
        .filter(({ key }) => key === `orders-${partition}`)
        .map(({ baseOffset }) => baseOffset);
      expect(offsets).toEqual(offsets.map((_, index) => index));
      expect(offsets.length).toBe(50);
    }
  });
});

describe("ListOffsets", () => {
  const ask = (version: number, timestamps: number[], partitionIndex = 0) =>
    client.request(listOffsets, version, {
      replicaId: -1,
      topics: [
        {
          name: "orders",
          partitions: timestamps.map((timestamp, k) => ({
            partitionIndex: partitionIndex + k,
            timestamp,
          })),
        },
      ],
    });

  test.each(versionsOf(listOffsets))("version %i knows its special timestamps", async (version) => {
    await produced(9, toOne(0, batchOf(["a", "b"])));
    const from = new Map([
      [-1, 1],
      [-2, 1],
      [-3, 7],
      [-4, 8],
      [-5, 9],
      [-6, 11],
      [-7, 99],
    ]);
    const offsets = new Map([
      [-1, 2],
      [-2, 0],
      [-3, 0],
      [-4, 0],
      [-5, -1],
      [-6, -1],
    ]);
    for (const [timestamp, since] of from) {
      const answer = await stage.play(() => ask(version, [timestamp]));
      const one = answer.topics[0]?.partitions[0];
      const knows = version >= since;
      expect([timestamp, one?.errorCode]).toEqual([timestamp, knows ? 0 : 35]);
      if (knows) expect([timestamp, one?.offset]).toEqual([timestamp, offsets.get(timestamp)]);
    }
    const late = await stage.play(() => ask(version, [1_800_000_000_000]));
    expect(late.topics[0]?.partitions[0]).toMatchObject({
      errorCode: 0,
      offset: -1,
      timestamp: -1,
    });
  });

  test("a partition named twice is refused, unknown ones and others' epochs too", async () => {
    const partitions = [
      { partitionIndex: 0, timestamp: -1 },
      { partitionIndex: 1, timestamp: -1 },
      { partitionIndex: 0, timestamp: -2 },
      { partitionIndex: 8, timestamp: -2 },
      { partitionIndex: 2, timestamp: -2, currentLeaderEpoch: 0 },
    ];
    const body = { replicaId: -1, topics: [{ name: "orders", partitions }] };
    const answer = await stage.play(() => client.request(listOffsets, 5, body));
    const codes = answer.topics[0]?.partitions.map(({ errorCode }) => errorCode);
    expect(codes).toEqual([42, 0, 42, 3, 74]);
  });
});

test.each(versionsOf(offsetForLeaderEpoch))("OffsetForLeaderEpoch %i", async (version) => {
  await produced(9, toOne(0, batchOf(["a", "b"])));
  const partitions = [
    { partition: 0, leaderEpoch: 1 },
    { partition: 0, leaderEpoch: 0 },
    { partition: 5, leaderEpoch: 1 },
    { partition: 1, leaderEpoch: 1, currentLeaderEpoch: 9 },
  ];
  const body = { topics: [{ topic: "orders", partitions }] };
  const answer = await stage.play(() => client.request(offsetForLeaderEpoch, version, body));
  const found = answer.topics[0]?.partitions.map((one) => [
    one.errorCode,
    one.leaderEpoch,
    one.endOffset,
  ]);
  expect(found).toEqual([
    [0, 1, 2],
    [0, -1, -1],
    [3, -1, -1],
    [75, -1, -1],
  ]);
});
