// Produce (key 0) appends one record batch to each named partition. acks is -1, 0 or 1; with 0
// there is no answer. Topics are named up to version 12 and identified from 13 on, and the answer
// mirrors that. The tags of version 10 are sent only with NOT_LEADER_OR_FOLLOWER. Versions 0-2
// carry older record formats and are refused, yet 0 must be offered: old librdkafka compresses
// only where it sees it.
import type { ByteRange } from "../../bytes/byte-range.ts";
import type { Reader } from "../../bytes/reader.ts";
import type { Writer } from "../../bytes/writer.ts";
import type { TopicId } from "../../model/ids.ts";
import { readCount, readRecords } from "../../schema/decode.ts";
import { writeCount } from "../../schema/encode.ts";
import { defineApi } from "./api.ts";

export const produce = defineApi<ProduceRequest, ProduceResponse>({
  key: 0,
  name: "Produce",
  versions: [3, 13],
  advertisedMin: 0,
  flexibleFrom: 9,
  // The batches of so many partitions would be two megabytes of headers.
  itemsMax: 1 << 15,
  readRequest,
  writeResponse,
  request: `
    transactionalId str?, acks i16, timeoutMs i32,
    topicData[]{
      name str@≤12, topicId uuid@13+, partitionData[]{index i32, records records?}
    }
  `,
  response: `
    responses[]{
      name str@≤12, topicId uuid@13+,
      partitionResponses[]{
        index i32, errorCode i16, baseOffset i64, logAppendTimeMs i64=-1,
        logStartOffset i64=-1@5+,
        recordErrors[]=[]@8+{batchIndex i32, batchIndexErrorMessage str?=null},
        errorMessage str?=null@8+, currentLeader@10+#0{leaderId i32=-1, leaderEpoch i32=-1}
      }
    },
    throttleTimeMs i32=0, nodeEndpoints[]@10+#0{nodeId i32, host str, port i32, rack str?}
  `,
});

// Produce is most of what a broker is asked, so its two directions are written out below: the same results as the
// schema's code, which a property test compares, without loops over field names. Whatever is rare, such as tags and
// record errors, is left to the schema.

const FLEXIBLE_FROM = 9;
const IDENTIFIED_FROM = 13;
const LOG_START_FROM = 5;
const MESSAGE_FROM = 8;
/** The fewest bytes of a topic (an empty name and a count) and of a partition (its index and a null). */
const TOPIC_BYTES_MIN = 2;
const PARTITION_BYTES_MIN = 5;

function readRequest(reader: Reader, version: number): ProduceRequest {
  const start = reader.at;
  const isFlexible = version >= FLEXIBLE_FROM;
  const transactionalId = isFlexible ? reader.compactStringOrNull() : reader.stringOrNull();
  const acks = reader.i16();
  const timeoutMs = reader.i32();
  const count = readCount(reader, isFlexible, TOPIC_BYTES_MIN);
  const topicData: ProduceRequestTopicData[] = [];
  let tagBits = 0;
  for (let topic = 0; topic < count && reader.fault === null; topic++) {
    let name = "";
    let topicId = "" as TopicId;
    if (version >= IDENTIFIED_FROM) topicId = reader.uuid() as TopicId;
    else name = isFlexible ? reader.compactString() : reader.string();
    const partitionCount = readCount(reader, isFlexible, PARTITION_BYTES_MIN);
    const partitionData: ProduceRequestPartitionData[] = [];
    for (let partition = 0; partition < partitionCount && reader.fault === null; partition++) {
      const index = reader.i32();
      const records = readRecords(reader, isFlexible);
      if (isFlexible) tagBits |= reader.u8();
      partitionData.push({ index, records });
    }
    if (isFlexible) tagBits |= reader.u8();
    topicData.push({ name, topicId, partitionData });
  }
  if (isFlexible) tagBits |= reader.u8();
  if (tagBits === 0) return { transactionalId, acks, timeoutMs, topicData };
  reader.rebind(reader.bytes, start, reader.end);
  return produce.request.read(reader, version);
}

function writeResponse(writer: Writer, version: number, response: ProduceResponse): void {
  if (!isPlain(response)) {
    produce.response.write(writer, version, response);
    return;
  }
  const isFlexible = version >= FLEXIBLE_FROM;
  writeCount(writer, isFlexible, response.responses.length);
  for (const { name, topicId, partitionResponses } of response.responses) {
    if (version >= IDENTIFIED_FROM) writer.uuid(topicId);
    else if (isFlexible) writer.compactString(name);
    else writer.string(name);
    writeCount(writer, isFlexible, partitionResponses.length);
    for (const partition of partitionResponses) writePartition(writer, version, partition);
    if (isFlexible) writer.u8(0);
  }
  writer.i32(response.throttleTimeMs ?? 0);
  if (isFlexible) writer.u8(0);
}

function writePartition(
  writer: Writer,
  version: number,
  partition: ProduceResponsePartitionResponses,
): void {
  writer.i32(partition.index);
  writer.i16(partition.errorCode);
  writer.i64(partition.baseOffset);
  writer.i64(partition.logAppendTimeMs ?? -1);
  if (version >= LOG_START_FROM) writer.i64(partition.logStartOffset ?? -1);
  if (version < MESSAGE_FROM) return;
  const isFlexible = version >= FLEXIBLE_FROM;
  writeCount(writer, isFlexible, 0);
  if (isFlexible) {
    // A null message and no tags.
    writer.u16(0);
  } else {
    writer.i16(-1);
  }
}

/** Whether nothing needs a tag, a record error or a message. */
function isPlain(response: ProduceResponse): boolean {
  if (response.nodeEndpoints !== undefined) return false;
  for (const { partitionResponses } of response.responses) {
    for (const { recordErrors, errorMessage, currentLeader } of partitionResponses) {
      if (recordErrors !== undefined || currentLeader !== undefined) return false;
      if (errorMessage !== undefined && errorMessage !== null) return false;
    }
  }
  return true;
}

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface ProduceRequest {
  readonly transactionalId: string | null;
  readonly acks: number;
  readonly timeoutMs: number;
  readonly topicData: readonly ProduceRequestTopicData[];
}

export interface ProduceRequestTopicData {
  readonly name: string;
  readonly topicId: TopicId;
  readonly partitionData: readonly ProduceRequestPartitionData[];
}

export interface ProduceRequestPartitionData {
  readonly index: number;
  readonly records: ByteRange | null;
}

export interface ProduceResponse {
  readonly responses: readonly ProduceResponseResponses[];
  readonly throttleTimeMs?: number;
  readonly nodeEndpoints?: readonly ProduceResponseNodeEndpoints[];
}

export interface ProduceResponseResponses {
  readonly name: string;
  readonly topicId: TopicId;
  readonly partitionResponses: readonly ProduceResponsePartitionResponses[];
}

export interface ProduceResponsePartitionResponses {
  readonly index: number;
  readonly errorCode: number;
  readonly baseOffset: number;
  readonly logAppendTimeMs?: number;
  readonly logStartOffset?: number;
  readonly recordErrors?: readonly ProduceResponseRecordErrors[];
  readonly errorMessage?: string | null;
  readonly currentLeader?: ProduceResponseCurrentLeader;
}

export interface ProduceResponseRecordErrors {
  readonly batchIndex: number;
  readonly batchIndexErrorMessage?: string | null;
}

export interface ProduceResponseCurrentLeader {
  readonly leaderId?: number;
  readonly leaderEpoch?: number;
}

export interface ProduceResponseNodeEndpoints {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}
