// Plays the cases of `record-cases.ts` against a broker and says what it answered. Whatever is accepted is read back and
// opened by a decoder that takes nothing on trust.
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { fetch } from "../../internal/kafka/api/01-fetch.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { decodeBatch, splitBatches } from "../../internal/model/decode-batch.ts";
import { RecordBatchView } from "../../internal/model/record-batch.ts";
import { ConnectionLost } from "./kafka-client.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { CLOSES, RECORD_CASES, RECORD_TOPICS } from "./record-cases.ts";
import type { RecordCase } from "./record-cases.ts";

export interface Played {
  readonly case: RecordCase;
  readonly code: number;
  readonly blamed: readonly number[];
  readonly message: string | null;
  /** Of what was accepted: what a reader makes of it, or why it cannot be read. */
  readonly read: ReadBack | string | null;
}

interface ReadBack {
  readonly records: number;
  /** Relative to the time of the case. */
  readonly times: readonly number[];
  readonly maxTime: number;
}

const WAIT_MS = 5_000;
const BYTES_MAX = 8 << 20;

export async function createRecordTopics(client: KafkaClient, replicas: number): Promise<number[]> {
  const topics = Object.entries(RECORD_TOPICS).map(([name, configs]) => {
    const list = Object.entries(configs).map(([key, value]) => ({ name: key, value }));
    return { name, numPartitions: 1, replicationFactor: replicas, assignments: [], configs: list };
  });
  const body = { topics, timeoutMs: 30_000, validateOnly: false };
  return (await client.request(createTopics, 5, body)).topics.map((made) => made.errorCode);
}

/** All cases, one after the other, on the connection to the broker that leads each topic. */
export async function playRecordCases(
  leaderOf: (topic: string) => Promise<KafkaClient>,
  nowMs: () => number,
): Promise<Played[]> {
  const played: Played[] = [];
  for (const one of RECORD_CASES) {
    played.push(await playRecordCase(await leaderOf(one.topic), one, nowMs()));
  }
  return played;
}

export async function playRecordCase(
  client: KafkaClient,
  one: RecordCase,
  nowMs: number,
): Promise<Played> {
  try {
    return await play(client, one, nowMs);
  } catch (error) {
    if (!(error instanceof ConnectionLost)) throw error;
    return { case: one, code: CLOSES, blamed: [], message: null, read: null };
  }
}

async function play(client: KafkaClient, one: RecordCase, nowMs: number): Promise<Played> {
  const bytes = one.batch(nowMs);
  const records = bytes === null ? null : { bytes, start: 0, end: bytes.length };
  const topicData = [{ name: one.topic, partitionData: [{ index: 0, records }] }];
  const body = { transactionalId: null, acks: -1, timeoutMs: WAIT_MS, topicData };
  const answer = await client.request(produce, one.version, body);
  const got = answer.responses[0]?.partitionResponses[0];
  const code = got?.errorCode ?? -99;
  return {
    case: one,
    code,
    blamed: got?.recordErrors?.map(({ batchIndex }) => batchIndex) ?? [],
    message: got?.errorMessage ?? null,
    read: code === 0 ? await readBack(client, one.topic, got?.baseOffset ?? -1, nowMs) : null,
  };
}

async function readBack(
  client: KafkaClient,
  topic: string,
  offset: number,
  nowMs: number,
): Promise<ReadBack | string> {
  const partitions = [{ partition: 0, fetchOffset: offset, partitionMaxBytes: BYTES_MAX }];
  const answer = await client.request(fetch, 12, {
    replicaId: -1,
    maxWaitMs: WAIT_MS,
    minBytes: 1,
    maxBytes: BYTES_MAX,
    isolationLevel: 0,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topic, partitions }],
    forgottenTopicsData: [],
    rackId: "",
  });
  const bytes = answer.responses[0]?.partitions[0]?.records ?? null;
  const range = bytes === null ? undefined : splitBatches(bytes)[0];
  if (range === undefined) return "nothing to read";
  const header = new RecordBatchView(range.bytes, range.start);
  const decoded = decodeBatch(range);
  if (!decoded.ok) return `unreadable: ${JSON.stringify(decoded.fault)}`;
  const isInOrder = decoded.value.every((record, place) => record.offset === offset + place);
  if (!isInOrder) return "offsets are not consecutive";
  return {
    records: decoded.value.length,
    times: decoded.value.slice(0, 5).map(({ timestampMs }) => timestampMs - nowMs),
    maxTime: header.maxTimestampMs - nowMs,
  };
}

/** Differences between what was played and what the table says, a line each. */
export function complaints(played: readonly Played[], whose: "ours" | "kafka"): string[] {
  return played.flatMap((one) => {
    const { name, code, kafka, blamed, times, maxTime } = one.case;
    const wanted = whose === "kafka" ? (kafka ?? code) : code;
    const found: string[] = [];
    if (one.code !== wanted) found.push(`${one.code} instead of ${wanted} (${one.message ?? ""})`);
    if (typeof one.read === "string" && whose === "ours") found.push(one.read);
    if (one.code === wanted && blamed !== undefined && String(one.blamed) !== String(blamed)) {
      found.push(`blames ${String(one.blamed)} instead of ${String(blamed)}`);
    }
    if (one.read !== null && typeof one.read !== "string") {
      if (times !== undefined && String(one.read.times) !== String(times)) {
        found.push(`times ${String(one.read.times)} instead of ${String(times)}`);
      }
      if (maxTime !== undefined && one.read.maxTime !== maxTime) {
        found.push(`latest time ${one.read.maxTime} instead of ${maxTime}`);
      }
    }
    return found.map((what) => `${name}: ${what}`);
  });
}
