// Group records as a record batch in Kafka's schemas (S1): one log entry is one batch.
import type { Result } from "../base/result.ts";
import { ok } from "../base/result.ts";
import { Reader } from "../bytes/reader.ts";
import { Writer } from "../bytes/writer.ts";
import { decodeBatch } from "../model/decode-batch.ts";
import type { DecodedRecord } from "../model/decode-batch.ts";
import { encodeBatch } from "../model/encode-batch.ts";
import type { NewRecord } from "../model/encode-batch.ts";
import type { GroupId } from "../model/ids.ts";
import { RecordBatchView } from "../model/record-batch.ts";
import * as schemas from "../schema/records/consumer-offsets.ts";
import type { RecordCodec, UndecodableEntry } from "../statelog/machine.ts";
import {
  consumerBytesMax,
  consumerKey,
  consumerRecord,
  consumerValue,
  isConsumerKey,
} from "./consumer-codec.ts";
import type { GroupRecord, StoredGroup } from "./group-records.ts";
import { NO_LOG } from "./group-requests.ts";
import { readValue, undecodable, versioned } from "./record-values.ts";

/** What a batch and a record cost besides their texts, with room to spare. */
const RECORD_BYTES = 128;
const MEMBER_BYTES = 64;
const BYTES_PER_CHAR = 3;
/** Kafka's value has no place for it, and who does not know the header passes over it. */
const LOG_HEADER = "log";
const LOG_BYTES = 8;

export const groupCodec: RecordCodec<GroupRecord> = {
  bytesMax,
  encode: (records) => encodeBatch(records.map(newRecord)),
  decode,
};

function bytesMax(record: GroupRecord): number {
  if ("value" in record) return consumerBytesMax(record);
  let chars = record.group.length;
  let bytes = RECORD_BYTES;
  if (record.kind === "offset-set") chars += record.committed.metadata.length;
  if ("topic" in record) chars += record.topic.length;
  if (record.kind === "group-set") {
    const { protocolType, protocol, leader, members } = record.stored;
    chars += protocolType.length + (protocol?.length ?? 0) + (leader?.length ?? 0);
    for (const member of members) {
      chars += member.memberId.length + (member.instanceId?.length ?? 0);
      chars += member.clientId.length + member.clientHost.length;
      bytes += MEMBER_BYTES + member.subscription.length + member.assignment.length;
    }
  }
  return bytes + chars * BYTES_PER_CHAR;
}

function newRecord(record: GroupRecord): NewRecord {
  if ("value" in record) {
    return { key: consumerKey(record), value: consumerValue(record), timestampMs: record.atMs };
  }
  const { group } = record;
  switch (record.kind) {
    case "group-set":
      return { key: groupKey(group), value: groupValue(record.stored), timestampMs: record.atMs };
    case "group-gone":
      return { key: groupKey(group), value: null, timestampMs: record.atMs };
    case "offset-gone":
      return { key: offsetKey(record), value: null, timestampMs: record.atMs };
    case "offset-set": {
      const { log, offset, leaderEpoch, metadata, commitMs, expireMs } = record.committed;
      const version =
        expireMs === -1 ? schemas.OFFSET_VALUE_VERSION : schemas.OFFSET_VALUE_WITH_EXPIRY;
      const value = { offset, metadata, commitTimestamp: commitMs };
      const bytes = versioned(schemas.offsetCommitValue, version, {
        ...value,
        leaderEpoch,
        expireTimestamp: expireMs,
      });
      const headers = [{ key: LOG_HEADER, value: logBytes(log) }];
      return { key: offsetKey(record), value: bytes, timestampMs: commitMs, headers };
    }
  }
}

function logBytes(log: GroupId): Uint8Array {
  const writer = new Writer(LOG_BYTES);
  writer.i64(log);
  return writer.takeJoined();
}

function logOf(headers: DecodedRecord["headers"]): GroupId {
  const value = headers.find(({ key }) => key === LOG_HEADER)?.value;
  return value?.length === LOG_BYTES ? (new Reader(value).i64() as GroupId) : NO_LOG;
}

function offsetKey({ group, topic, partition }: schemas.OffsetCommitKey): Uint8Array {
  const key = { group, topic, partition };
  return versioned(schemas.offsetCommitKey, schemas.OFFSET_KEY_VERSION, key);
}

function groupKey(group: string): Uint8Array {
  return versioned(schemas.groupMetadataKey, schemas.GROUP_KEY_VERSION, { group });
}

function groupValue({ sinceMs, members, ...rest }: StoredGroup): Uint8Array {
  return versioned(schemas.groupMetadataValue, schemas.GROUP_VALUE_VERSION, {
    ...rest,
    currentStateTimestamp: sinceMs,
    members: members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: member.subscription,
      assignment: member.assignment,
    })),
  });
}

function decode(
  bytes: Uint8Array,
  start: number,
  end: number,
): Result<readonly GroupRecord[], UndecodableEntry> {
  // Markers of transactions carry no record of a group.
  if (new RecordBatchView(bytes, start).isControl) return ok([]);
  const decoded = decodeBatch({ bytes, start, end });
  if (!decoded.ok) return undecodable(`the batch is ${decoded.fault.kind}`);
  const records: GroupRecord[] = [];
  for (const record of decoded.value) {
    const one = groupRecord(record);
    if (!one.ok) return one;
    if (one.value !== null) records.push(one.value);
  }
  return ok(records);
}

/** Null: nothing that is kept. */
function groupRecord(record: DecodedRecord): Result<GroupRecord | null, UndecodableEntry> {
  if (record.key === null) return undecodable("a record has no key");
  const key = new Reader(record.key);
  const kind = key.i16();
  if (kind === 0 || kind === schemas.OFFSET_KEY_VERSION) return offsetRecord(key, kind, record);
  if (kind === schemas.GROUP_KEY_VERSION) return groupSet(key, record);
  if (isConsumerKey(kind)) return consumerRecord(kind, key, record);
  return undecodable(`a key of kind ${kind}`);
}

function offsetRecord(
  reader: Reader,
  kind: number,
  { value, timestampMs, headers }: DecodedRecord,
): Result<GroupRecord, UndecodableEntry> {
  const key = schemas.offsetCommitKey.read(reader, kind);
  if (reader.fault !== null) return undecodable("a malformed offset key");
  if (value === null) return ok({ kind: "offset-gone", ...key, atMs: timestampMs });
  const read = readValue(schemas.offsetCommitValue, value, schemas.OFFSET_VALUE_VERSION_MAX);
  if (read === null) return undecodable("a malformed offset");
  const { offset, leaderEpoch, metadata, commitTimestamp, expireTimestamp } = read;
  const committed = {
    log: logOf(headers),
    offset,
    leaderEpoch,
    metadata,
    commitMs: commitTimestamp,
    expireMs: expireTimestamp,
  };
  return ok({ kind: "offset-set", ...key, committed });
}

function groupSet(
  reader: Reader,
  { value, timestampMs: atMs }: DecodedRecord,
): Result<GroupRecord, UndecodableEntry> {
  const { group } = schemas.groupMetadataKey.read(reader, schemas.GROUP_KEY_VERSION);
  if (reader.fault !== null) return undecodable("a malformed group key");
  if (value === null) return ok({ kind: "group-gone", group, atMs });
  const read = readValue(schemas.groupMetadataValue, value, schemas.GROUP_VALUE_VERSION_MAX);
  if (read === null) return undecodable("malformed group metadata");
  const { protocolType, generation, protocol, leader, currentStateTimestamp } = read;
  const members = read.members.map((member) => ({
    memberId: member.memberId,
    instanceId: member.groupInstanceId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    // Before version 1 a member's rebalance timeout was its session timeout.
    rebalanceTimeoutMs:
      member.rebalanceTimeout === -1 ? member.sessionTimeout : member.rebalanceTimeout,
    sessionTimeoutMs: member.sessionTimeout,
    subscription: member.subscription.slice(),
    assignment: member.assignment.slice(),
  }));
  const sinceMs = currentStateTimestamp;
  const stored = { protocolType, generation, protocol, leader, sinceMs, members };
  return ok({ kind: "group-set", group, atMs, stored });
}
