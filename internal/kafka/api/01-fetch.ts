// Fetch (key 1) reads record batches. Topics are named up to version 12 and identified from 13 on.
// replicaId or replicaState of 0 or more is a follower of Kafka's own replication, which this
// broker refuses. Records are answered as lent ranges and never null.
import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { TopicId } from "../../model/ids.ts";
import { readCount } from "../../schema/decode.ts";
import { writeCount, writeRecords } from "../../schema/encode.ts";
import type { LentRecords } from "../../schema/message.ts";
import { defineApi } from "./api.ts";

export const fetch = defineApi<FetchRequest, FetchResponse>({
  key: 1,
  name: "Fetch",
  versions: [4, 18],
  flexibleFrom: 12,
  // More than one broker leads.
  itemsMax: 1 << 16,
  readRequest,
  writeResponse,
  request: `
    clusterId str?@12+#0, replicaId i32=-1@≤14,
    replicaState@15+#1{replicaId i32=-1, replicaEpoch i64=-1}, maxWaitMs i32, minBytes i32,
    maxBytes i32, isolationLevel i8, sessionId i32@7+, sessionEpoch i32=-1@7+,
    topics[]{
      topic str@≤12, topicId uuid@13+,
      partitions[]{
        partition i32, currentLeaderEpoch i32=-1@9+, fetchOffset i64,
        lastFetchedEpoch i32=-1@12+, logStartOffset i64=-1@5+, partitionMaxBytes i32,
        replicaDirectoryId uuid@17+#0, highWatermark i64@18+#1
      }
    },
    forgottenTopicsData[]@7+{topic str@≤12, topicId uuid@13+, partitions[] i32}, rackId str@11+
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16=0@7+, sessionId i32=0@7+,
    responses[]{
      topic str@≤12, topicId uuid@13+,
      partitions[]{
        partitionIndex i32, errorCode i16, highWatermark i64, lastStableOffset i64=-1,
        logStartOffset i64=-1@5+, divergingEpoch@12+#0{epoch i32=-1, endOffset i64=-1},
        currentLeader@12+#1{leaderId i32=-1, leaderEpoch i32=-1},
        snapshotId@12+#2{endOffset i64=-1, epoch i32=-1},
        abortedTransactions[]?=null{producerId i64, firstOffset i64},
        preferredReadReplica i32=-1@11+, records records?
      }
    },
    nodeEndpoints[]@16+#0{nodeId i32, host str, port i32, rack str?}
  `,
});

// Consumers without fetch sessions name all their partitions in every request, so both directions are written out
// below: the same results as the schema's code, which a property test compares, without loops over field names. What
// is rare, tags above all, is left to the schema.

const FLEXIBLE_FROM = 12;
const IDENTIFIED_FROM = 13;
const LOG_START_FROM = 5;
const SESSION_FROM = 7;
const EPOCH_FROM = 9;
const RACK_FROM = 11;
const REPLICA_ID_LAST = 14;
/** The fewest bytes of a topic (an empty name and a count) and of a partition in version 4. */
const TOPIC_BYTES_MIN = 2;
const PARTITION_BYTES_MIN = 16;
const NO_REPLICA = { replicaId: -1, replicaEpoch: -1 };

function readRequest(reader: Reader, version: number): FetchRequest {
  const start = reader.at;
  const isFlexible = version >= FLEXIBLE_FROM;
  const replicaId = version <= REPLICA_ID_LAST ? reader.i32() : -1;
  const maxWaitMs = reader.i32();
  const minBytes = reader.i32();
  const maxBytes = reader.i32();
  const isolationLevel = reader.i8();
  const sessionId = version >= SESSION_FROM ? reader.i32() : 0;
  const sessionEpoch = version >= SESSION_FROM ? reader.i32() : -1;
  const topics: FetchRequestTopics[] = [];
  const count = readCount(reader, isFlexible, TOPIC_BYTES_MIN);
  let hasTags = false;
  for (let read = 0; read < count && reader.fault === null; read++) {
    const { topic, topicId } = readTopic(reader, version);
    const partitions: FetchRequestPartitions[] = [];
    const partitionCount = readCount(reader, isFlexible, PARTITION_BYTES_MIN);
    for (let each = 0; each < partitionCount && reader.fault === null; each++) {
      partitions.push(readPartition(reader, version));
      if (isFlexible && reader.u8() !== 0) hasTags = true;
    }
    if (isFlexible && reader.u8() !== 0) hasTags = true;
    topics.push({ topic, topicId, partitions });
  }
  const forgottenTopicsData: FetchRequestForgottenTopicsData[] = [];
  const forgottenCount =
    version >= SESSION_FROM ? readCount(reader, isFlexible, TOPIC_BYTES_MIN) : 0;
  for (let read = 0; read < forgottenCount && reader.fault === null; read++) {
    const { topic, topicId } = readTopic(reader, version);
    const partitions: number[] = [];
    const partitionCount = readCount(reader, isFlexible, 4);
    for (let each = 0; each < partitionCount; each++) partitions.push(reader.i32());
    if (isFlexible && reader.u8() !== 0) hasTags = true;
    forgottenTopicsData.push({ topic, topicId, partitions });
  }
  let rackId = "";
  if (version >= RACK_FROM) rackId = isFlexible ? reader.compactString() : reader.string();
  if (isFlexible && reader.u8() !== 0) hasTags = true;
  if (hasTags) {
    reader.rebind(reader.bytes, start, reader.end);
    return fetch.request.read(reader, version);
  }
  return {
    clusterId: null,
    replicaId,
    replicaState: NO_REPLICA,
    maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel,
    sessionId,
    sessionEpoch,
    topics,
    forgottenTopicsData,
    rackId,
  };
}

function readTopic(
  reader: Reader,
  version: number,
): { readonly topic: string; readonly topicId: TopicId } {
  if (version >= IDENTIFIED_FROM) return { topic: "", topicId: reader.uuid() as TopicId };
  const topic = version >= FLEXIBLE_FROM ? reader.compactString() : reader.string();
  return { topic, topicId: "" as TopicId };
}

function readPartition(reader: Reader, version: number): FetchRequestPartitions {
  return {
    partition: reader.i32(),
    currentLeaderEpoch: version >= EPOCH_FROM ? reader.i32() : -1,
    fetchOffset: reader.i64(),
    lastFetchedEpoch: version >= FLEXIBLE_FROM ? reader.i32() : -1,
    logStartOffset: version >= LOG_START_FROM ? reader.i64() : -1,
    partitionMaxBytes: reader.i32(),
    replicaDirectoryId: "",
    highWatermark: 0,
  };
}

function writeResponse(writer: Writer, version: number, response: FetchResponse): void {
  if (!isPlain(response)) {
    fetch.response.write(writer, version, response);
    return;
  }
  const isFlexible = version >= FLEXIBLE_FROM;
  writer.i32(response.throttleTimeMs ?? 0);
  if (version >= SESSION_FROM) {
    writer.i16(response.errorCode ?? 0);
    writer.i32(response.sessionId ?? 0);
  }
  writeCount(writer, isFlexible, response.responses.length);
  for (const { topic, topicId, partitions } of response.responses) {
    if (version >= IDENTIFIED_FROM) writer.uuid(topicId);
    else if (isFlexible) writer.compactString(topic);
    else writer.string(topic);
    writeCount(writer, isFlexible, partitions.length);
    for (const partition of partitions) writePartition(writer, version, partition);
    if (isFlexible) writer.u8(0);
  }
  if (isFlexible) writer.u8(0);
}

function writePartition(writer: Writer, version: number, partition: FetchResponsePartitions): void {
  const isFlexible = version >= FLEXIBLE_FROM;
  writer.i32(partition.partitionIndex);
  writer.i16(partition.errorCode);
  writer.i64(partition.highWatermark);
  writer.i64(partition.lastStableOffset ?? -1);
  if (version >= LOG_START_FROM) writer.i64(partition.logStartOffset ?? -1);
  const aborted = partition.abortedTransactions ?? null;
  if (aborted === null) writeCount(writer, isFlexible, -1);
  else writeAborted(writer, isFlexible, aborted);
  if (version >= RACK_FROM) writer.i32(partition.preferredReadReplica ?? -1);
  if (partition.records === null) writeCount(writer, isFlexible, -1);
  else writeRecords(writer, partition.records, isFlexible);
  if (isFlexible) writer.u8(0);
}

function writeAborted(
  writer: Writer,
  isFlexible: boolean,
  aborted: readonly FetchResponseAbortedTransactions[],
): void {
  writeCount(writer, isFlexible, aborted.length);
  for (const { producerId, firstOffset } of aborted) {
    writer.i64(producerId);
    writer.i64(firstOffset);
    if (isFlexible) writer.u8(0);
  }
}

/** Whether nothing needs a tag. */
function isPlain(response: FetchResponse): boolean {
  if (response.nodeEndpoints !== undefined) return false;
  for (const { partitions } of response.responses) {
    for (const { divergingEpoch, currentLeader, snapshotId } of partitions) {
      const isTagged = divergingEpoch ?? currentLeader ?? snapshotId;
      if (isTagged !== undefined) return false;
    }
  }
  return true;
}

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface FetchRequest {
  readonly clusterId: string | null;
  readonly replicaId: number;
  readonly replicaState: FetchRequestReplicaState;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly isolationLevel: number;
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly topics: readonly FetchRequestTopics[];
  readonly forgottenTopicsData: readonly FetchRequestForgottenTopicsData[];
  readonly rackId: string;
}

export interface FetchRequestReplicaState {
  readonly replicaId: number;
  readonly replicaEpoch: number;
}

export interface FetchRequestTopics {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly partitions: readonly FetchRequestPartitions[];
}

export interface FetchRequestPartitions {
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
  readonly partitionMaxBytes: number;
  readonly replicaDirectoryId: string;
  readonly highWatermark: number;
}

export interface FetchRequestForgottenTopicsData {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly partitions: readonly number[];
}

export interface FetchResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode?: number;
  readonly sessionId?: number;
  readonly responses: readonly FetchResponseResponses[];
  readonly nodeEndpoints?: readonly FetchResponseNodeEndpoints[];
}

export interface FetchResponseResponses {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly partitions: readonly FetchResponsePartitions[];
}

export interface FetchResponsePartitions {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset?: number;
  readonly logStartOffset?: number;
  readonly divergingEpoch?: FetchResponseDivergingEpoch;
  readonly currentLeader?: FetchResponseCurrentLeader;
  readonly snapshotId?: FetchResponseSnapshotId;
  readonly abortedTransactions?: readonly FetchResponseAbortedTransactions[] | null;
  readonly preferredReadReplica?: number;
  readonly records: LentRecords | null;
}

export interface FetchResponseDivergingEpoch {
  readonly epoch?: number;
  readonly endOffset?: number;
}

export interface FetchResponseCurrentLeader {
  readonly leaderId?: number;
  readonly leaderEpoch?: number;
}

export interface FetchResponseSnapshotId {
  readonly endOffset?: number;
  readonly epoch?: number;
}

export interface FetchResponseAbortedTransactions {
  readonly producerId: number;
  readonly firstOffset: number;
}

export interface FetchResponseNodeEndpoints {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}
