// The one place where refusals of the use cases become gRPC status codes and sentences. Both tables are exhaustive: a new
// kind of fault does not compile until it has a code here, and docs/grpc.md lists every kind (a test compares).
import { status } from "@grpc/grpc-js";
import type { BatchFault } from "../model/validate-batch.ts";
import type { AdminFault } from "../service/cluster-service.ts";
import type { AppendFault, LeaderHint, ReadFault } from "../service/faults.ts";
import { shown } from "./refusal.ts";
import type { Refusal } from "./refusal.ts";

type LogFault = AppendFault | ReadFault;

/** Knows the gRPC endpoints of other brokers. */
export interface LeaderDirectory {
  /** `<broker>@<host>:<port>`, or null when the leader or its address is unknown. */
  find(hint: LeaderHint): string | null;
}

export const LOG_STATUS = {
  "unknown-topic": status.NOT_FOUND,
  "unknown-topic-id": status.NOT_FOUND,
  "unknown-partition": status.NOT_FOUND,
  "not-leader": status.FAILED_PRECONDITION,
  "fenced-epoch": status.FAILED_PRECONDITION,
  "unknown-epoch": status.UNAVAILABLE,
  batch: status.INVALID_ARGUMENT,
  "out-of-order-sequence": status.ABORTED,
  "invalid-producer-epoch": status.FAILED_PRECONDITION,
  "invalid-acks": status.INVALID_ARGUMENT,
  "not-enough-replicas": status.UNAVAILABLE,
  "not-enough-replicas-after-append": status.UNAVAILABLE,
  "timed-out": status.DEADLINE_EXCEEDED,
  "storage-full": status.RESOURCE_EXHAUSTED,
  "unexpected-end": status.ABORTED,
  "internal-topic": status.PERMISSION_DENIED,
  "offset-out-of-range": status.OUT_OF_RANGE,
  "offset-not-available": status.UNAVAILABLE,
  "not-read-in-time": status.UNAVAILABLE,
  storage: status.DATA_LOSS,
} as const satisfies Record<LogFault["kind"], status>;

export const ADMIN_STATUS = {
  "invalid-topic-name": status.INVALID_ARGUMENT,
  "topic-exists": status.ALREADY_EXISTS,
  "name-collision": status.ALREADY_EXISTS,
  "duplicate-topic": status.INVALID_ARGUMENT,
  "invalid-partitions": status.INVALID_ARGUMENT,
  "invalid-replication-factor": status.INVALID_ARGUMENT,
  "invalid-replica-assignment": status.INVALID_ARGUMENT,
  "invalid-config": status.INVALID_ARGUMENT,
  "too-many-partitions": status.RESOURCE_EXHAUSTED,
  "unknown-topic": status.NOT_FOUND,
  "unknown-topic-id": status.NOT_FOUND,
  "unknown-broker": status.NOT_FOUND,
  "broker-in-use": status.FAILED_PRECONDITION,
  "stale-revision": status.ABORTED,
  "invalid-request": status.INVALID_ARGUMENT,
  "not-founded": status.UNAVAILABLE,
  "outcome-unknown": status.UNAVAILABLE,
  "timed-out": status.DEADLINE_EXCEEDED,
  busy: status.RESOURCE_EXHAUSTED,
  "storage-full": status.RESOURCE_EXHAUSTED,
  "too-large": status.INVALID_ARGUMENT,
  "internal-topic": status.PERMISSION_DENIED,
  refused: status.FAILED_PRECONDITION,
} as const satisfies Record<AdminFault["kind"], status>;

/** `where` says which topic and partition, for people. */
export function refuseLog(fault: LogFault, where: string, leaders: LeaderDirectory): Refusal {
  const message = `${capitalized(where)}: ${sentence(fault)}`;
  const refusal: Refusal = { code: LOG_STATUS[fault.kind], kind: fault.kind, message };
  if (fault.kind === "unexpected-end") return { ...refusal, endOffset: fault.end };
  if (fault.kind !== "not-leader" && fault.kind !== "fenced-epoch") return refusal;
  const leader = leaders.find(fault.hint);
  if (leader !== null)
    return { ...refusal, leader, message: `${message} The leader is ${leader}.` };
  // Nobody to redirect to: there is an election, or news of it has not come here. Waiting is all a client can do.
  return {
    ...refusal,
    code: status.UNAVAILABLE,
    message: `${message} No leader is known; try again soon.`,
  };
}

export function refuseAdmin(fault: AdminFault): Refusal {
  const message = fault.detail === "" ? `The controller refused: ${fault.kind}.` : fault.detail;
  return { code: ADMIN_STATUS[fault.kind], kind: fault.kind, message };
}

export function placeOf(topic: string, partition: number): string {
  return `topic ${shown(topic)} partition ${partition}`;
}

function capitalized(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function sentence(fault: LogFault): string {
  switch (fault.kind) {
    case "unknown-topic":
      return "no such topic. Create it with Admin.CreateTopic, or check the name.";
    case "unknown-topic-id":
      return "the topic was deleted, or this broker has not heard of it yet.";
    case "unknown-partition":
      return "the topic has no such partition. Admin.DescribeTopic says which there are.";
    case "not-leader":
      return "this broker does not lead the partition. Send the call to its leader.";
    case "fenced-epoch":
      return "the leader changed. Find the leader again.";
    case "unknown-epoch":
      return "this broker has not heard of that leader yet. Try again soon.";
    case "batch":
      return batchSentence(fault.fault);
    case "out-of-order-sequence":
      return `the producer's next sequence number is ${fault.expected}. An earlier append is missing; nothing was appended.`;
    case "invalid-producer-epoch":
      return "a newer epoch of this producer is in use. Get a new identity with InitProducer.";
    case "invalid-acks":
      return "the number of acknowledgements is not one that exists.";
    case "not-enough-replicas":
      return "fewer replicas are in sync than min.insync.replicas asks for. Nothing was appended; try again later.";
    case "not-enough-replicas-after-append":
      return "replicas fell out of sync after the append. It may be committed all the same.";
    case "timed-out":
      return "not committed in time. It may be committed later.";
    case "storage-full":
      return "the leader's journal or those of most replicas are near journal.bytes.max, or a disk is full. Nothing was appended.";
    case "unexpected-end":
      return `the partition ends at ${fault.end}, not where the append expected. Nothing was appended; read on and try again.`;
    case "internal-topic":
      return "internal topics are written by the brokers alone.";
    case "offset-out-of-range":
      return "there is no such offset. Log.Offsets says where the partition begins and ends.";
    case "offset-not-available":
      return "the leader is new and does not know yet what is committed. Try again soon.";
    case "not-read-in-time":
      return "the disk of this broker did not answer in time. Try again.";
    case "storage":
      return "the bytes on this broker's disk are damaged and are not served. See the broker's log.";
    default:
      return fault satisfies never;
  }
}

function batchSentence(fault: BatchFault): string {
  switch (fault.kind) {
    case "too-large":
      return `the records make a batch of ${fault.sizeBytes} bytes, more than the topic's max.message.bytes, or than a broker of the partition can store. Send fewer at once.`;
    case "invalid-timestamp":
      return `the timestamp ${fault.timestampMs} is outside what the topic accepts.`;
    case "invalid":
      return `the batch is not valid (${fault.reason}).`;
    case "keyless":
      return "the topic is compacted, so every record needs a key.";
    case "bomb":
      return `the records decompress to more than ${fault.bytesMax} bytes. Send fewer at once.`;
    case "no-batch":
      return "the append has no records.";
    case "unreadable":
      return `the records cannot be read (${fault.reason}).`;
    case "unsupported-magic":
    case "several-batches":
    case "unsupported-codec":
    case "corrupt":
    case "transactional":
    case "log-append-time":
      return `the batch was refused (${fault.kind}).`;
    default:
      return fault satisfies never;
  }
}
