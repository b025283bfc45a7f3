// Kafka's error codes in sentences for people: what is so, and what to do about it. A code alone says neither. Codes that no
// request of this client meets, or that only a broken client meets, have none.
import type { ErrorName } from "../../../internal/kafka/codec/errors.ts";

const AGAIN = "try again in a moment";
const NO_LEADER = `most of its replicas must be up and hear each other: flotilla status says who is missing`;
const BY_CLIENT = "this is a mistake of the client that asked";

export const ERROR_WORDS: Partial<Readonly<Record<ErrorName, string>>> = {
  UNKNOWN_SERVER_ERROR: "the broker failed in a way that it did not expect; its log says how",
  OFFSET_OUT_OF_RANGE:
    "the partition has no such offset; flotilla topic describe shows the first and the last",
  CORRUPT_MESSAGE:
    "the bytes do not fit their checksum; they were damaged on the way, or in the client",
  UNKNOWN_TOPIC_OR_PARTITION:
    "the broker knows of no such topic or partition; flotilla topic list names those that exist",
  LEADER_NOT_AVAILABLE: `nobody leads it at present; ${NO_LEADER}`,
  NOT_LEADER_OR_FOLLOWER: `that broker does not lead it any more, and no new leader was heard of; ${NO_LEADER}`,
  REQUEST_TIMED_OUT:
    "the brokers did not get it done in time, and it may still be carried out; look before you repeat it",
  REPLICA_NOT_AVAILABLE: `that broker has no replica to answer from; ${AGAIN}`,
  MESSAGE_TOO_LARGE:
    "a batch is larger than the topic allows; max.message.bytes of the topic is the limit",
  OFFSET_METADATA_TOO_LARGE:
    "the note beside a committed offset is too long; offset.metadata.max.bytes is the limit",
  COORDINATOR_LOAD_IN_PROGRESS: `the broker in charge has just taken over and still reads what its predecessor wrote; ${AGAIN}`,
  COORDINATOR_NOT_AVAILABLE: `no broker is in charge of it at present; ${NO_LEADER}`,
  NOT_COORDINATOR: `that broker is in charge of it no more, and no successor was heard of; ${AGAIN}`,
  INVALID_TOPIC_EXCEPTION: "that name, or that use of an internal topic, is not allowed",
  NOT_ENOUGH_REPLICAS: `fewer replicas are in sync than min.insync.replicas asks for, and nothing was written; flotilla status says who is missing`,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: `it was written, and then fewer replicas were in sync than min.insync.replicas asks for; flotilla status says who is missing`,
  INVALID_REQUIRED_ACKS: BY_CLIENT,
  ILLEGAL_GENERATION: "the group has moved on without this member; start it again",
  INCONSISTENT_GROUP_PROTOCOL: "the members of the group speak another protocol",
  INVALID_GROUP_ID: "that is no name for a group",
  UNKNOWN_MEMBER_ID:
    "the group has no such member: it was silent for too long, or the group has members of another kind",
  INVALID_SESSION_TIMEOUT: "the session timeout is beyond what the brokers allow",
  REBALANCE_IN_PROGRESS: `the group is sharing out its partitions anew; ${AGAIN}`,
  INVALID_COMMIT_OFFSET_SIZE: "the commit is larger than the brokers allow",
  INVALID_TIMESTAMP:
    "a record's timestamp is further from the broker's clock than the topic allows; compare the clocks of both machines",
  UNSUPPORTED_VERSION: "the broker does not speak that version of the protocol",
  TOPIC_ALREADY_EXISTS: "a topic of that name exists",
  INVALID_PARTITIONS: "that number of partitions is not possible: it can only grow",
  INVALID_REPLICATION_FACTOR: "there are not as many brokers as replicas are asked for",
  INVALID_REPLICA_ASSIGNMENT: "that assignment of replicas to brokers is not possible",
  INVALID_CONFIG:
    "a config has a name or a value that brokers do not take; flotilla help settings lists them",
  NOT_CONTROLLER: `nobody leads the controller's group at present; ${NO_LEADER}`,
  INVALID_REQUEST: BY_CLIENT,
  UNSUPPORTED_FOR_MESSAGE_FORMAT: "batches of that old format are not taken",
  POLICY_VIOLATION: "the brokers are set not to do this",
  OUT_OF_ORDER_SEQUENCE_NUMBER:
    "a batch that came before is missing; records of this producer may be lost",
  DUPLICATE_SEQUENCE_NUMBER: "the batch was stored before",
  INVALID_PRODUCER_EPOCH: "another producer has taken this one's place",
  INVALID_TXN_STATE: "transactions are not supported",
  INVALID_PRODUCER_ID_MAPPING: "that producer id is not known for it",
  SECURITY_DISABLED: "these brokers have no security to ask for",
  OPERATION_NOT_ATTEMPTED: "it was not tried, because another part of the request was refused",
  KAFKA_STORAGE_ERROR:
    "the broker's disk takes nothing more: it is full, at journal.bytes.max, or has failed; the broker's log says which",
  UNKNOWN_PRODUCER_ID:
    "the partition does not know this producer any more; its records may be lost",
  NON_EMPTY_GROUP: "the group has members",
  GROUP_ID_NOT_FOUND: "there is no such group",
  FETCH_SESSION_ID_NOT_FOUND: `the broker has forgotten the fetch session; ${AGAIN}`,
  INVALID_FETCH_SESSION_EPOCH: `the fetch session is out of step; ${AGAIN}`,
  FENCED_LEADER_EPOCH: `a new leader was elected meanwhile; ${AGAIN}`,
  UNKNOWN_LEADER_EPOCH: `that broker has not heard of the newest leader yet; ${AGAIN}`,
  UNSUPPORTED_COMPRESSION_TYPE: "that codec is not supported there",
  OFFSET_NOT_AVAILABLE: `a leader that was just elected does not know yet how far it may answer; ${AGAIN}`,
  MEMBER_ID_REQUIRED: "a member joins with a name of its own",
  PREFERRED_LEADER_NOT_AVAILABLE: "the preferred replica is down or too far behind",
  GROUP_MAX_SIZE_REACHED:
    "the group has as many members as the brokers allow; group.max.size is the limit",
  FENCED_INSTANCE_ID: "another process has joined under this member's name",
  ELIGIBLE_LEADERS_NOT_AVAILABLE: `no replica may lead; ${NO_LEADER}`,
  ELECTION_NOT_NEEDED: "the preferred replica leads already",
  GROUP_SUBSCRIBED_TO_TOPIC: "members of the group read the topic",
  INVALID_RECORD: "a record is not well-formed, or not as the topic asks for",
  UNSTABLE_OFFSET_COMMIT: `commits of the group are under way; ${AGAIN}`,
  UNKNOWN_TOPIC_ID: "the topic was deleted, or deleted and made again, meanwhile",
  INCONSISTENT_TOPIC_ID: "the topic was deleted and made again meanwhile",
  FENCED_MEMBER_EPOCH: "the group has given this member up; start it again",
  UNRELEASED_INSTANCE_ID: "another process is a member under this name, and has not left",
  UNSUPPORTED_ASSIGNOR: "the brokers do not have that assignor",
  STALE_MEMBER_EPOCH: `the member has not heard yet how the group has moved on; ${AGAIN}`,
  TOPIC_AUTHORIZATION_FAILED: "the brokers do not allow it for that topic",
  FETCH_SESSION_TOPIC_ID_ERROR: `the fetch session names topics another way; ${AGAIN}`,
  MISMATCHED_ENDPOINT_TYPE: BY_CLIENT,
  UNSUPPORTED_ENDPOINT_TYPE: BY_CLIENT,
  INVALID_REGULAR_EXPRESSION: "that is no regular expression that brokers take",
};
