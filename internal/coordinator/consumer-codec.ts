// The records of consumer groups in Kafka's schemas (S1).
import type { Result } from "../base/result.ts";
import { ok } from "../base/result.ts";
import type { Reader } from "../bytes/reader.ts";
import type { DecodedRecord } from "../model/decode-batch.ts";
import type { Complete, Message } from "../schema/message.ts";
import * as schemas from "../schema/records/consumer-groups.ts";
import {
  CONSUMER_KEY,
  CONSUMER_VALUE_VERSION,
  MEMBER_STATE,
} from "../schema/records/consumer-groups.ts";
import type { UndecodableEntry } from "../statelog/machine.ts";
import type { Assignment } from "./assignment.ts";
import { assignmentOf, listed } from "./assignment.ts";
import type { ConsumerMember, MemberPosition, MemberState } from "./consumer-member.ts";
import type { ConsumerGroupRecord } from "./group-records.ts";
import { readValue, undecodable, versioned } from "./record-values.ts";

type Decoded = Result<ConsumerGroupRecord | null, UndecodableEntry>;

const RECORD_BYTES = 160;
const TOPIC_BYTES = 24;
const PARTITION_BYTES = 4;
const ITEM_BYTES = 8;
const BYTES_PER_CHAR = 3;
const STATES: readonly MemberState[] = ["stable", "unrevoked", "unreleased"];

export function consumerBytesMax(record: ConsumerGroupRecord): number {
  const chars = record.group.length + ("memberId" in record ? record.memberId.length : 0);
  const bytes = RECORD_BYTES + chars * BYTES_PER_CHAR;
  if (record.value === null) return bytes;
  switch (record.kind) {
    case "consumer-member":
      return bytes + memberBytes(record.value);
    case "target":
      return bytes + assignmentBytes(record.value);
    case "position":
      return (
        bytes + assignmentBytes(record.value.assigned) + assignmentBytes(record.value.revoking)
      );
    default:
      return bytes;
  }
}

function memberBytes(member: ConsumerMember): number {
  const { instanceId, rackId, clientId, clientHost, regex, assignor, topics, classic } = member;
  let bytes = 0;
  for (const text of [instanceId, rackId, clientId, clientHost, regex, assignor, ...topics]) {
    bytes += ITEM_BYTES + (text?.length ?? 0) * BYTES_PER_CHAR;
  }
  for (const { name, metadata } of classic?.protocols ?? []) {
    bytes += 2 * ITEM_BYTES + name.length * BYTES_PER_CHAR + metadata.length;
  }
  return bytes;
}

function assignmentBytes(assignment: Assignment): number {
  let bytes = 0;
  for (const partitions of assignment.values()) {
    bytes += TOPIC_BYTES + partitions.length * PARTITION_BYTES;
  }
  return bytes;
}

export function consumerKey(record: ConsumerGroupRecord): Uint8Array {
  const { group } = record;
  if ("memberId" in record) {
    const { memberId } = record;
    const kinds = {
      "consumer-member": CONSUMER_KEY.member,
      target: CONSUMER_KEY.targetMember,
      position: CONSUMER_KEY.currentMember,
    };
    return versioned(schemas.consumerMemberKey, 0, { group, memberId }, kinds[record.kind]);
  }
  const kind = record.kind === "consumer-epoch" ? CONSUMER_KEY.group : CONSUMER_KEY.targetEpoch;
  return versioned(schemas.consumerGroupKey, 0, { group }, kind);
}

export function consumerValue(record: ConsumerGroupRecord): Uint8Array | null {
  if (record.value === null) return null;
  switch (record.kind) {
    case "consumer-epoch":
      return encoded(schemas.consumerGroupMetadataValue, record.value);
    case "target-epoch":
      return encoded(schemas.targetAssignmentMetadataValue, { assignmentEpoch: record.value });
    case "target":
      return encoded(schemas.targetAssignmentMemberValue, {
        topicPartitions: listed(record.value),
      });
    case "position":
      return encoded(schemas.currentMemberAssignmentValue, positionValue(record.value));
    case "consumer-member":
      return encoded(schemas.consumerGroupMemberMetadataValue, memberValue(record.value));
  }
}

function encoded<T>(message: Message<T>, value: T): Uint8Array {
  return versioned(message, CONSUMER_VALUE_VERSION, value);
}

function positionValue(position: MemberPosition): schemas.CurrentMemberAssignmentValue {
  return {
    memberEpoch: position.epoch,
    previousMemberEpoch: position.previousEpoch,
    state: MEMBER_STATE[position.state],
    assignedPartitions: listed(position.assigned),
    partitionsPendingRevocation: listed(position.revoking),
  };
}

function memberValue(member: ConsumerMember): schemas.ConsumerGroupMemberMetadataValue {
  const { instanceId, rackId, clientId, clientHost, rebalanceTimeoutMs, classic } = member;
  return {
    ...{ instanceId, rackId, clientId, clientHost, rebalanceTimeoutMs },
    subscribedTopicNames: member.topics,
    subscribedTopicRegex: member.regex,
    serverAssignor: member.assignor,
    classicMemberMetadata:
      classic === null
        ? null
        : {
            sessionTimeoutMs: classic.sessionTimeoutMs,
            supportedProtocols: classic.protocols,
          },
  };
}

export function isConsumerKey(kind: number): boolean {
  return Object.values<number>(CONSUMER_KEY).includes(kind);
}

/** Null: a record of a consumer group that this broker derives instead of storing it. */
export function consumerRecord(kind: number, key: Reader, record: DecodedRecord): Decoded {
  switch (kind) {
    case CONSUMER_KEY.group:
    case CONSUMER_KEY.targetEpoch: {
      const { group } = schemas.consumerGroupKey.read(key, 0);
      if (key.fault !== null) return undecodable("a malformed key of a consumer group");
      const named = { group, atMs: record.timestampMs };
      return kind === CONSUMER_KEY.group
        ? epochRecord(named, record.value)
        : targetEpochRecord(named, record.value);
    }
    case CONSUMER_KEY.member:
    case CONSUMER_KEY.targetMember:
    case CONSUMER_KEY.currentMember: {
      const { group, memberId } = schemas.consumerMemberKey.read(key, 0);
      if (key.fault !== null) return undecodable("a malformed key of a group's member");
      return memberRecord(kind, { group, memberId, atMs: record.timestampMs }, record.value);
    }
    default:
      return ok(null);
  }
}

interface Named {
  readonly group: string;
  readonly atMs: number;
}

function epochRecord(named: Named, bytes: Uint8Array | null): Decoded {
  if (bytes === null) return ok({ kind: "consumer-epoch", ...named, value: null });
  const read = decoded(schemas.consumerGroupMetadataValue, bytes);
  if (read === null) return undecodable("malformed metadata of a consumer group");
  const { epoch, metadataHash } = read;
  return ok({ kind: "consumer-epoch", ...named, value: { epoch, metadataHash } });
}

function targetEpochRecord(named: Named, bytes: Uint8Array | null): Decoded {
  if (bytes === null) return ok({ kind: "target-epoch", ...named, value: null });
  const read = decoded(schemas.targetAssignmentMetadataValue, bytes);
  if (read === null) return undecodable("a malformed epoch of a target assignment");
  return ok({ kind: "target-epoch", ...named, value: read.assignmentEpoch });
}

function memberRecord(
  kind: number,
  named: Named & { readonly memberId: string },
  bytes: Uint8Array | null,
): Decoded {
  switch (kind) {
    case CONSUMER_KEY.member: {
      if (bytes === null) return ok({ kind: "consumer-member", ...named, value: null });
      const read = decoded(schemas.consumerGroupMemberMetadataValue, bytes);
      if (read === null) return undecodable("malformed metadata of a group's member");
      return ok({ kind: "consumer-member", ...named, value: memberOf(named.memberId, read) });
    }
    case CONSUMER_KEY.targetMember: {
      if (bytes === null) return ok({ kind: "target", ...named, value: null });
      const read = decoded(schemas.targetAssignmentMemberValue, bytes);
      if (read === null) return undecodable("a malformed target assignment");
      return ok({ kind: "target", ...named, value: assignmentOf(read.topicPartitions) });
    }
    default: {
      if (bytes === null) return ok({ kind: "position", ...named, value: null });
      const read = decoded(schemas.currentMemberAssignmentValue, bytes);
      const state = read === null ? undefined : STATES[read.state];
      if (read === null || state === undefined) return undecodable("a malformed assignment");
      return ok({ kind: "position", ...named, value: positionOf(read, state) });
    }
  }
}

function decoded<T>(message: Message<T>, bytes: Uint8Array): Complete<T> | null {
  return readValue(message, bytes, CONSUMER_VALUE_VERSION);
}

function memberOf(
  memberId: string,
  read: Complete<schemas.ConsumerGroupMemberMetadataValue>,
): ConsumerMember {
  const { instanceId, rackId, clientId, clientHost, rebalanceTimeoutMs } = read;
  const { classicMemberMetadata: classic } = read;
  return {
    ...{ memberId, instanceId, rackId, clientId, clientHost, rebalanceTimeoutMs },
    topics: read.subscribedTopicNames,
    regex: read.subscribedTopicRegex,
    assignor: read.serverAssignor,
    classic:
      classic === null
        ? null
        : {
            sessionTimeoutMs: classic.sessionTimeoutMs,
            protocols: classic.supportedProtocols.map(({ name, metadata }) => {
              return { name, metadata: metadata.slice() };
            }),
          },
  };
}

function positionOf(
  read: Complete<schemas.CurrentMemberAssignmentValue>,
  state: MemberState,
): MemberPosition {
  return {
    epoch: read.memberEpoch,
    previousEpoch: read.previousMemberEpoch,
    state,
    assigned: assignmentOf(read.assignedPartitions),
    revoking: assignmentOf(read.partitionsPendingRevocation),
  };
}
