// The faults of the services as Kafka's error codes: one table for each vocabulary, exhaustive by type, and the places
// where a version does not know a code. Numbers are written nowhere else.
import type { UnreadableReason } from "../model/inspect-records.ts";
import type { BatchFault } from "../model/validate-batch.ts";
import type { AdminFault } from "../service/cluster-service.ts";
import type { ElectionFault } from "../service/election-service.ts";
import type {
  AddressFault,
  AppendFault,
  DeleteRecordsFault,
  ReadFault,
} from "../service/faults.ts";
import type { GroupFault } from "../service/group-service.ts";
import { ErrorCode } from "./codec/errors.ts";

/** Records that are named in one answer: each repeats the sentence that says why. */
export const BLAMED_MAX = 1_000;

const BATCH_CODE = {
  "no-batch": ErrorCode.INVALID_RECORD,
  "unsupported-magic": ErrorCode.INVALID_RECORD,
  "several-batches": ErrorCode.INVALID_RECORD,
  "unsupported-codec": ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
  "too-large": ErrorCode.MESSAGE_TOO_LARGE,
  corrupt: ErrorCode.CORRUPT_MESSAGE,
  invalid: ErrorCode.INVALID_RECORD,
  transactional: ErrorCode.INVALID_TXN_STATE,
  "invalid-timestamp": ErrorCode.INVALID_TIMESTAMP,
  "log-append-time": ErrorCode.INVALID_TIMESTAMP,
  keyless: ErrorCode.INVALID_RECORD,
  // The sum held, so sending it again would not help.
  unreadable: ErrorCode.INVALID_RECORD,
  // Clients that know what to do split the batch.
  bomb: ErrorCode.MESSAGE_TOO_LARGE,
} as const satisfies Record<BatchFault["kind"], ErrorCode>;

const APPEND_CODE = {
  "unknown-topic": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  "unknown-topic-id": ErrorCode.UNKNOWN_TOPIC_ID,
  "unknown-partition": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  "not-leader": ErrorCode.NOT_LEADER_OR_FOLLOWER,
  "fenced-epoch": ErrorCode.FENCED_LEADER_EPOCH,
  "unknown-epoch": ErrorCode.UNKNOWN_LEADER_EPOCH,
  "out-of-order-sequence": ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  "invalid-producer-epoch": ErrorCode.INVALID_PRODUCER_EPOCH,
  "invalid-acks": ErrorCode.INVALID_REQUIRED_ACKS,
  "not-enough-replicas": ErrorCode.NOT_ENOUGH_REPLICAS,
  "not-enough-replicas-after-append": ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND,
  "timed-out": ErrorCode.REQUEST_TIMED_OUT,
  "storage-full": ErrorCode.KAFKA_STORAGE_ERROR,
  // Kafka's clients cannot ask for a conditional append, so they cannot see this one.
  "unexpected-end": ErrorCode.INVALID_REQUEST,
  "internal-topic": ErrorCode.INVALID_TOPIC_EXCEPTION,
} as const satisfies Record<Exclude<AppendFault["kind"], "batch">, ErrorCode>;

const READ_CODE = {
  "unknown-topic": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  "unknown-topic-id": ErrorCode.UNKNOWN_TOPIC_ID,
  "unknown-partition": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  "not-leader": ErrorCode.NOT_LEADER_OR_FOLLOWER,
  "fenced-epoch": ErrorCode.FENCED_LEADER_EPOCH,
  "unknown-epoch": ErrorCode.UNKNOWN_LEADER_EPOCH,
  "offset-out-of-range": ErrorCode.OFFSET_OUT_OF_RANGE,
  "offset-not-available": ErrorCode.OFFSET_NOT_AVAILABLE,
  "not-read-in-time": ErrorCode.REQUEST_TIMED_OUT,
  storage: ErrorCode.KAFKA_STORAGE_ERROR,
} as const satisfies Record<ReadFault["kind"], ErrorCode>;

const DELETE_RECORDS_CODE = {
  "unknown-topic": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  "unknown-topic-id": ErrorCode.UNKNOWN_TOPIC_ID,
  "unknown-partition": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  "not-leader": ErrorCode.NOT_LEADER_OR_FOLLOWER,
  "fenced-epoch": ErrorCode.NOT_LEADER_OR_FOLLOWER,
  "unknown-epoch": ErrorCode.NOT_LEADER_OR_FOLLOWER,
  "offset-out-of-range": ErrorCode.OFFSET_OUT_OF_RANGE,
  "timed-out": ErrorCode.REQUEST_TIMED_OUT,
  "storage-full": ErrorCode.KAFKA_STORAGE_ERROR,
  "not-deletable": ErrorCode.POLICY_VIOLATION,
} as const satisfies Record<DeleteRecordsFault["kind"], ErrorCode>;

const ADMIN_CODE = {
  "invalid-topic-name": ErrorCode.INVALID_TOPIC_EXCEPTION,
  "topic-exists": ErrorCode.TOPIC_ALREADY_EXISTS,
  "name-collision": ErrorCode.INVALID_TOPIC_EXCEPTION,
  "duplicate-topic": ErrorCode.INVALID_REQUEST,
  "invalid-partitions": ErrorCode.INVALID_PARTITIONS,
  "invalid-replication-factor": ErrorCode.INVALID_REPLICATION_FACTOR,
  "invalid-replica-assignment": ErrorCode.INVALID_REPLICA_ASSIGNMENT,
  "invalid-config": ErrorCode.INVALID_CONFIG,
  "too-many-partitions": ErrorCode.POLICY_VIOLATION,
  "unknown-topic": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  "unknown-topic-id": ErrorCode.UNKNOWN_TOPIC_ID,
  "unknown-broker": ErrorCode.INVALID_REQUEST,
  "broker-in-use": ErrorCode.INVALID_REQUEST,
  "stale-revision": ErrorCode.INVALID_REQUEST,
  "invalid-request": ErrorCode.INVALID_REQUEST,
  // Whatever became of these, asking again is right, and this is the code after which all clients do.
  "not-founded": ErrorCode.REQUEST_TIMED_OUT,
  "outcome-unknown": ErrorCode.REQUEST_TIMED_OUT,
  "timed-out": ErrorCode.REQUEST_TIMED_OUT,
  busy: ErrorCode.REQUEST_TIMED_OUT,
  "storage-full": ErrorCode.KAFKA_STORAGE_ERROR,
  "too-large": ErrorCode.INVALID_REQUEST,
  "internal-topic": ErrorCode.INVALID_TOPIC_EXCEPTION,
  refused: ErrorCode.POLICY_VIOLATION,
} as const satisfies Record<AdminFault["kind"], ErrorCode>;

const ELECTION_CODE = {
  "unknown-topic": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  "unknown-partition": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  "not-needed": ErrorCode.ELECTION_NOT_NEEDED,
  "preferred-unavailable": ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE,
  "no-eligible-leader": ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE,
  "timed-out": ErrorCode.REQUEST_TIMED_OUT,
} as const satisfies Record<ElectionFault["kind"], ErrorCode>;

const GROUP_CODE = {
  "coordinator-not-available": ErrorCode.COORDINATOR_NOT_AVAILABLE,
  "coordinator-loading": ErrorCode.COORDINATOR_LOAD_IN_PROGRESS,
  "not-coordinator": ErrorCode.NOT_COORDINATOR,
  "invalid-group-id": ErrorCode.INVALID_GROUP_ID,
  "invalid-session-timeout": ErrorCode.INVALID_SESSION_TIMEOUT,
  "inconsistent-protocol": ErrorCode.INCONSISTENT_GROUP_PROTOCOL,
  "unknown-member": ErrorCode.UNKNOWN_MEMBER_ID,
  "member-id-required": ErrorCode.MEMBER_ID_REQUIRED,
  "illegal-generation": ErrorCode.ILLEGAL_GENERATION,
  "rebalance-in-progress": ErrorCode.REBALANCE_IN_PROGRESS,
  "fenced-instance": ErrorCode.FENCED_INSTANCE_ID,
  "group-full": ErrorCode.GROUP_MAX_SIZE_REACHED,
  "group-not-found": ErrorCode.GROUP_ID_NOT_FOUND,
  "group-not-empty": ErrorCode.NON_EMPTY_GROUP,
  "subscribed-topic": ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC,
  "unknown-topic": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
  "unknown-topic-id": ErrorCode.UNKNOWN_TOPIC_ID,
  "metadata-too-large": ErrorCode.OFFSET_METADATA_TOO_LARGE,
  "commit-too-large": ErrorCode.INVALID_COMMIT_OFFSET_SIZE,
  "assignment-too-large": ErrorCode.UNKNOWN_SERVER_ERROR,
  "invalid-request": ErrorCode.INVALID_REQUEST,
  "fenced-epoch": ErrorCode.FENCED_MEMBER_EPOCH,
  "unreleased-instance": ErrorCode.UNRELEASED_INSTANCE_ID,
  "unsupported-assignor": ErrorCode.UNSUPPORTED_ASSIGNOR,
  "stale-epoch": ErrorCode.STALE_MEMBER_EPOCH,
  "invalid-regex": ErrorCode.INVALID_REGULAR_EXPRESSION,
} as const satisfies Record<GroupFault, ErrorCode>;

/** From this version on OffsetCommit tells of a group that is not there; before, of its generation. */
const COMMIT_KNOWS_NO_GROUP = 9;

/** Up to these versions clients do not know KAFKA_STORAGE_ERROR; asking the next leader is what it would make them do. */
const PRODUCE_WITHOUT_STORAGE_ERROR = 3;
const FETCH_WITHOUT_STORAGE_ERROR = 5;
/** From this version on ListOffsets knows OFFSET_NOT_AVAILABLE (F7). */
const LIST_OFFSETS_NOT_AVAILABLE = 5;

export function produceCode(fault: AppendFault, version: number): ErrorCode {
  const code = fault.kind === "batch" ? BATCH_CODE[fault.fault.kind] : APPEND_CODE[fault.kind];
  return withoutStorageError(code, version <= PRODUCE_WITHOUT_STORAGE_ERROR);
}

export function fetchCode(fault: ReadFault, version: number): ErrorCode {
  return withoutStorageError(READ_CODE[fault.kind], version <= FETCH_WITHOUT_STORAGE_ERROR);
}

export function listOffsetsCode(fault: ReadFault, version: number): ErrorCode {
  if (fault.kind === "offset-not-available" && version < LIST_OFFSETS_NOT_AVAILABLE) {
    return ErrorCode.LEADER_NOT_AVAILABLE;
  }
  return READ_CODE[fault.kind];
}

/** Of requests that only look, by a partition's address. */
export function addressCode(fault: AddressFault): ErrorCode {
  return READ_CODE[fault.kind];
}

/** OffsetForLeaderEpoch has no code for "not yet": another leader may know, and the client asks again. */
export function epochCode(fault: ReadFault): ErrorCode {
  if (fault.kind === "offset-not-available") return ErrorCode.NOT_LEADER_OR_FOLLOWER;
  return READ_CODE[fault.kind];
}

export function deleteRecordsCode(fault: DeleteRecordsFault): ErrorCode {
  return DELETE_RECORDS_CODE[fault.kind];
}

export function groupCode(fault: GroupFault | null): ErrorCode {
  return fault === null ? ErrorCode.NONE : GROUP_CODE[fault];
}

const BEAT_TEXT: { readonly [Fault in GroupFault]?: string } = {
  "invalid-request":
    "A joining member says its rebalance timeout, what it subscribes to, and that it owns nothing; names are not empty.",
  "unknown-member": "The member is not in the group.",
  "fenced-epoch":
    "The member's epoch is not the one that it has. It gives up its partitions and joins again.",
  "fenced-instance": "Another member has taken the place of this instance.",
  "unreleased-instance": "The instance is in use by a member that has not left.",
  "unsupported-assignor": "No assignor of that name is configured in group.consumer.assignors.",
  "invalid-regex": "The regular expression is not one of RE2, or too large.",
  "group-full": "The group has as many members as it may.",
  "group-not-found": "There is no such consumer group.",
};

/** What a person reads about a refused heartbeat, where there is more to say than the code does. */
export function beatText(fault: GroupFault): string | null {
  return BEAT_TEXT[fault] ?? null;
}

export function commitCode(fault: GroupFault | null, version: number): ErrorCode {
  // No answer of OffsetCommit has a code for a broker that takes no more groups.
  if (fault === "group-full") return ErrorCode.INVALID_COMMIT_OFFSET_SIZE;
  const isLater = fault === "group-not-found" || fault === "stale-epoch";
  const isUnknown = isLater && version < COMMIT_KNOWS_NO_GROUP;
  return isUnknown ? ErrorCode.ILLEGAL_GENERATION : groupCode(fault);
}

export function electionCode(fault: ElectionFault): ErrorCode {
  return ELECTION_CODE[fault.kind];
}

export function adminCode(fault: AdminFault): ErrorCode {
  return ADMIN_CODE[fault.kind];
}

function withoutStorageError(code: ErrorCode, isUnknown: boolean): ErrorCode {
  const isStorage = isUnknown && code === ErrorCode.KAFKA_STORAGE_ERROR;
  return isStorage ? ErrorCode.NOT_LEADER_OR_FOLLOWER : code;
}

const BATCH_TEXT = {
  "no-batch": "The partition has no records, or a batch that was cut off.",
  "unsupported-magic": "Only record batches of magic 2 are accepted.",
  "several-batches": "A partition takes one record batch per request.",
  "unsupported-codec": "This version of the request does not know the compression codec.",
  "too-large":
    "The batch is larger than max.message.bytes, or than a broker of the partition can store.",
  corrupt: "The batch is damaged.",
  invalid: "The batch is not well-formed.",
  "invalid-timestamp": "A timestamp is out of the accepted range.",
  transactional: "Transactions do not exist yet.",
  "log-append-time": "Producers may not say when a batch was appended.",
  keyless: "Records of a compacted topic have keys.",
  unreadable: "The records of the batch cannot be read.",
  bomb: "The records of the batch decompress to more than is accepted.",
} as const satisfies Record<BatchFault["kind"], string>;

const INVALID_TEXT = {
  "base-offset": "A produced batch begins at offset 0.",
  "record-count": "The record count is not positive, or contradicts the last offset delta.",
  control: "Producers may not send control batches.",
  attributes: "The batch has attributes that only a broker may set, or that mean nothing.",
  producer: "The batch has a producer id without a sequence or an epoch.",
} as const satisfies Record<Extract<BatchFault, { kind: "invalid" }>["reason"], string>;

const UNREADABLE_TEXT = {
  compression: "The records are not compressed as the batch says, or are cut off.",
  count: "The batch has fewer or more records than it says.",
  length: "A record is longer or shorter than its fields.",
  number: "A variable-length number in a record does not end.",
  offset: "The offsets of the records do not count up from 0.",
  key: "The key of a record is longer than the record, or of negative length.",
  value: "The value of a record is longer than the record, or of negative length.",
  headers: "The headers of a record are longer than the record, fewer than none, or without a key.",
} as const satisfies Record<UnreadableReason, string>;

const STORAGE_TEXT =
  "The leader's journal or those of most replicas are near journal.bytes.max, or a disk is full. Raise the limit or free the disk.";

/** What a person reads about a refused append, where there is more to say than the code does. */
export function appendText(fault: AppendFault): string | null {
  if (fault.kind === "storage-full") return STORAGE_TEXT;
  if (fault.kind !== "batch") return null;
  const cause = fault.fault;
  if (cause.kind === "unreadable") return UNREADABLE_TEXT[cause.reason];
  return cause.kind === "invalid" ? INVALID_TEXT[cause.reason] : BATCH_TEXT[cause.kind];
}

/** The first records at fault, by their place, where Kafka names them rather than the batch as a whole. */
export function blamedRecords(
  fault: AppendFault,
  recordCount: number,
  countMax = BLAMED_MAX,
): readonly number[] {
  if (fault.kind !== "batch") return [];
  const cause = fault.fault;
  if (cause.kind === "keyless" || cause.kind === "invalid-timestamp") {
    return cause.records.slice(0, countMax);
  }
  if (cause.kind !== "log-append-time") return [];
  return Array.from({ length: Math.min(recordCount, countMax) }, (_, place) => place);
}
