// The blobs that consumers of the classic group protocol exchange through the broker: the subscription in
// JoinGroup's metadata and the assignment in SyncGroup. Never flexible. Each begins with its version; a
// newer version than we know is read as the newest we know, since versions only ever add fields at the end.
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { Reader } from "../bytes/reader.ts";
import type { DecodeFault } from "../bytes/reader.ts";
import { Writer } from "../bytes/writer.ts";
import { assert } from "../base/assert.ts";
import { Message } from "./message.ts";
import type { Complete } from "./message.ts";

export interface ConsumerSubscription {
  readonly topics: readonly string[];
  readonly userData: Uint8Array | null;
  readonly ownedPartitions?: readonly ConsumerTopicPartitions[];
  readonly generationId?: number;
  readonly rackId?: string | null;
}

export interface ConsumerAssignment {
  readonly assignedPartitions: readonly ConsumerTopicPartitions[];
  readonly userData: Uint8Array | null;
}

export interface ConsumerTopicPartitions {
  readonly topic: string;
  readonly partitions: readonly number[];
}

const VERSION_MAX = 3;

const subscription = new Message<ConsumerSubscription>({
  name: "ConsumerSubscription",
  flexibleFrom: null,
  fields: `
    topics[] str, userData bytes?, ownedPartitions[]=[]@1+{topic str, partitions[] i32},
    generationId i32=-1@2+, rackId str?=null@3+
  `,
});

const assignment = new Message<ConsumerAssignment>({
  name: "ConsumerAssignment",
  flexibleFrom: null,
  fields: `assignedPartitions[]{topic str, partitions[] i32}, userData bytes?`,
});

export function decodeSubscription(
  bytes: Uint8Array,
): Result<Complete<ConsumerSubscription>, DecodeFault> {
  return decodeVersioned(subscription, bytes);
}

export function encodeSubscription(value: ConsumerSubscription, version = VERSION_MAX): Uint8Array {
  return encodeVersioned(subscription, value, version);
}

export function decodeAssignment(
  bytes: Uint8Array,
): Result<Complete<ConsumerAssignment>, DecodeFault> {
  return decodeVersioned(assignment, bytes);
}

export function encodeAssignment(value: ConsumerAssignment, version = VERSION_MAX): Uint8Array {
  return encodeVersioned(assignment, value, version);
}

function decodeVersioned<T>(
  message: Message<T>,
  bytes: Uint8Array,
): Result<Complete<T>, DecodeFault> {
  const reader = new Reader(bytes);
  const version = reader.i16();
  if (version < 0) reader.fail("bad-number");
  const value = message.read(reader, Math.max(0, Math.min(version, VERSION_MAX)));
  return reader.fault === null ? ok(value) : failed(reader.fault);
}

function encodeVersioned<T>(message: Message<T>, value: T, version: number): Uint8Array {
  const writer = new Writer(256);
  writer.i16(version);
  message.write(writer, version, value);
  assert(writer.fault === null, "topic names fit their length field");
  return writer.takeJoined();
}
