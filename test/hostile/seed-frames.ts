// Well-formed requests of every API and version that a broker advertises: arbitrary messages of the schema, and
// requests that make sense for a topic that exists. What damages frames begins with these.
import fc from "fast-check";
import { Writer } from "../../internal/bytes/writer.ts";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { fetch } from "../../internal/kafka/api/01-fetch.ts";
import { listOffsets } from "../../internal/kafka/api/02-list-offsets.ts";
import { metadata } from "../../internal/kafka/api/03-metadata.ts";
import { apiVersions } from "../../internal/kafka/api/18-api-versions.ts";
import type { ApiVersionsResponseApiKeys } from "../../internal/kafka/api/18-api-versions.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import type { Api } from "../../internal/kafka/api/api.ts";
import { apiOf } from "../../internal/kafka/api/registry.ts";
import { encodeRequest } from "../../internal/kafka/codec/request.ts";
import type { TopicId } from "../../internal/model/ids.ts";
import type { Draft } from "../../internal/schema/message.ts";
import { arbitraryMessage } from "../wire/arbitrary.ts";
import { bomb } from "./bad-batches.ts";

const CLIENT_ID = "hostile";
const SAMPLES = 4;
const PRODUCE_VERSION_MIN = 3;
const PRODUCE_BY_ID_FROM = 13;
const MANY = 20_000;
const writer = new Writer();

/** The topic that the hostile clients write to. Its leaders are those of one broker. */
export interface Victim {
  readonly name: string;
  readonly id: TopicId;
  readonly partitions: readonly number[];
}

export function frameOf<Req, Res>(
  api: Api<Req, Res>,
  version: number,
  body: Draft<Req>,
  correlationId = 3,
): Uint8Array {
  const header = { apiVersion: version, correlationId, clientId: CLIENT_ID };
  const frame = encodeRequest(writer, api, header, body);
  if (!frame.ok) throw new Error(`${api.name} ${version}: ${frame.fault.kind}`);
  return new Uint8Array(Buffer.concat(frame.value));
}

export interface Advertised {
  readonly frames: readonly Uint8Array[];
  readonly apis: number;
  readonly versions: number;
}

export function advertisedFrames(
  advertised: readonly ApiVersionsResponseApiKeys[],
  victim: Victim,
  seed: number,
): Advertised {
  const frames: Uint8Array[] = [];
  let versions = 0;
  for (const { apiKey, minVersion, maxVersion } of advertised) {
    const api = apiOf(apiKey);
    if (api === undefined) throw new Error(`the broker advertises API ${apiKey}`);
    for (let version = minVersion; version <= maxVersion; version++) {
      versions++;
      const bodies = fc.sample(arbitraryMessage(api.request.fields, version), {
        numRuns: SAMPLES,
        seed: seed + apiKey * 100 + version,
      });
      for (const body of bodies) frames.push(frameOf(api, version, body as Draft<unknown>));
    }
  }
  frames.push(...sensibleFrames(victim));
  return { frames, apis: advertised.length, versions };
}

/** Requests that reach into the services behind the codec. */
function sensibleFrames(victim: Victim): Uint8Array[] {
  const frames: Uint8Array[] = [];
  const [partition = 0] = victim.partitions;
  for (const version of [4, 7, 11, 12, 13, 15]) {
    const topic = { topic: victim.name, topicId: victim.id };
    const partitions = [{ partition, fetchOffset: 0, partitionMaxBytes: 4096 }];
    const common = { maxWaitMs: 5, minBytes: 1, maxBytes: 65_536 };
    frames.push(frameOf(fetch, version, { ...common, topics: [{ ...topic, partitions }] }));
    const session = { sessionId: 0, sessionEpoch: 0 };
    frames.push(
      frameOf(fetch, version, { ...common, ...session, topics: [{ ...topic, partitions }] }),
    );
  }
  for (const version of [1, 4, 9, 12]) {
    const topics = [{ name: victim.name }];
    frames.push(frameOf(metadata, version, { topics, allowAutoTopicCreation: false }));
    frames.push(frameOf(metadata, version, { topics: null, allowAutoTopicCreation: false }));
  }
  for (const version of [1, 4, 6, 8]) {
    const partitions = [-1, -2, -3, 0, 12_345].map((timestamp) => ({
      partitionIndex: partition,
      timestamp,
    }));
    frames.push(frameOf(listOffsets, version, { topics: [{ name: victim.name, partitions }] }));
  }
  return frames;
}

/** A Produce request for one partition, by name or by id as the version has it. */
export function produceFrame(
  victim: Victim,
  version: number,
  partition: number,
  acks: number,
  records: Uint8Array | null,
): Uint8Array {
  const range = records === null ? null : { bytes: records, start: 0, end: records.length };
  return frameOf(produce, version, {
    transactionalId: null,
    acks,
    timeoutMs: 1_000,
    topicData: [
      {
        ...(version >= PRODUCE_BY_ID_FROM ? { topicId: victim.id } : { name: victim.name }),
        partitionData: [{ index: partition, records: range }],
      },
    ],
  });
}

export const PRODUCE_VERSIONS: readonly number[] = Array.from(
  { length: produce.versionMax - PRODUCE_VERSION_MIN + 1 },
  (_, k) => PRODUCE_VERSION_MIN + k,
);

/** Legal requests that ask for as much work or memory as a request can. None may take effect. */
export function greedyFrames(victim: Victim): Uint8Array[] {
  const [partition = 0] = victim.partitions;
  const names = Array.from({ length: MANY }, (_, k) => ({ name: `nowhere-${k}` }));
  const partitions = Array.from({ length: MANY }, () => {
    return { partition, fetchOffset: 0, partitionMaxBytes: 1 << 30 };
  });
  const others = partitions.map((one, k) => ({ ...one, partition: k }));
  const lookups = Array.from({ length: MANY }, (_, timestamp) => {
    return { partitionIndex: partition, timestamp };
  });
  const grand = { name: "grand", replicationFactor: 3, assignments: [], configs: [] };
  const assignments = Array.from({ length: MANY }, (_, partitionIndex) => {
    return { partitionIndex, brokerIds: [1, 2, 3] };
  });
  const creation = { timeoutMs: 1_000, validateOnly: true };
  return [
    frameOf(metadata, 9, { topics: names, allowAutoTopicCreation: false }),
    frameOf(fetch, 11, {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 1 << 30,
      topics: [{ topic: victim.name, partitions }],
    }),
    frameOf(fetch, 11, {
      maxWaitMs: 0,
      minBytes: 1,
      maxBytes: 1 << 30,
      topics: [{ topic: victim.name, partitions: others }],
    }),
    frameOf(listOffsets, 6, { topics: [{ name: victim.name, partitions: lookups }] }),
    frameOf(createTopics, 5, {
      ...creation,
      topics: [{ ...grand, numPartitions: 2_000_000_000 }],
    }),
    frameOf(createTopics, 5, {
      ...creation,
      topics: [{ ...grand, numPartitions: -1, replicationFactor: -1, assignments }],
    }),
    frameOf(createTopics, 5, {
      ...creation,
      topics: names.map(({ name }) => ({ ...grand, name, numPartitions: 1 })),
    }),
    produceFrame(victim, 9, partition, -1, bomb()),
  ];
}

/** Any broker answers this one, whatever came before it on the connection. */
export function sentinelFrame(): Uint8Array {
  return frameOf(apiVersions, 0, {}, SENTINEL);
}

export const SENTINEL = 0x5e47_1e57;
