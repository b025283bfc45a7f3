// What one gRPC server may take, whatever its clients do. Memory that callers can make it hold is at most about
// CALLS_MAX × MESSAGE_BYTES_MAX while requests arrive, plus a stream's bytes for each stream that is open.
const KIB = 1024;
const MIB = 1024 * KIB;

export interface GrpcLimits {
  /** The largest request. Also what other gRPC libraries allow unless told otherwise. */
  readonly messageBytesMax: number;
  /** Calls under way on one connection. */
  readonly connectionCallsMax: number;
  /** Calls under way on all connections; further ones are refused. */
  readonly callsMax: number;
  /** Of one stream: bytes of appends not yet answered, or of records not yet taken by the connection. */
  readonly streamBytesMax: number;
  /** The records of one Tail response; a record that is bigger comes alone. */
  readonly tailResponseBytesMax: number;
  /** What a Tail reads at once; a batch that is bigger is read alone. */
  readonly tailFetchBytesMax: number;
  /** How long a Tail waits for records before it asks again. */
  readonly tailWaitMsMax: number;
  /** What a compressed batch may grow to in a Tail. */
  readonly decompressedBytesMax: number;
  /** Waiting for an append, whatever the call's deadline. */
  readonly appendWaitMsMax: number;
  /** Waiting for the controller, whatever the call's deadline. */
  readonly adminWaitMsMax: number;
  /** How often the health of the broker is looked at while a client watches it. */
  readonly healthIntervalMs: number;
  /** Silence after which a connection is asked for a sign of life, and how long the answer may take. */
  readonly keepaliveMs: number;
  readonly keepaliveAnswerMsMax: number;
}

export const GRPC_LIMITS: GrpcLimits = {
  messageBytesMax: 4 * MIB,
  connectionCallsMax: 100,
  callsMax: 256,
  streamBytesMax: MIB,
  tailResponseBytesMax: 64 * KIB,
  tailFetchBytesMax: 256 * KIB,
  tailWaitMsMax: 30_000,
  decompressedBytesMax: 64 * MIB,
  appendWaitMsMax: 30_000,
  adminWaitMsMax: 30_000,
  healthIntervalMs: 500,
  keepaliveMs: 30_000,
  keepaliveAnswerMsMax: 10_000,
};

/** Topics on one page of a list. */
export const TOPICS_PER_PAGE_MAX = 1_000;
/** What an append costs in a stream's budget besides its bytes. */
export const APPEND_COST_BYTES = 512;
/** What is shown of a client's own text in an error message. */
export const SHOWN_LENGTH_MAX = 200;
