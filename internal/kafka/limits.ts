// The bounds of the front end that are not settings: nobody has had a reason to change them yet.

/** Bytes of one connection's requests and answers under way above which it is not read. */
export const CONNECTION_BYTES_MAX = 8 << 20;
/** Bytes read from all connections in one turn of the event loop. */
export const TURN_BYTES_MAX = 4 << 20;
/** A frame that has been incomplete for so long must have grown by the bytes below meanwhile. */
export const FRAME_STALL_MS = 30_000;
export const FRAME_PROGRESS_BYTES_MIN = 64 << 10;
/** A client that takes none of the bytes handed to the system for so long is given up. */
export const SEND_STALL_MS = 10_000;
/** When memory is short, a client that took no byte of its answers for so long counts as one that does not get on. */
export const MEMORY_SHORT_STALL_MS = 1_000;
/** How often connections are looked over, at most. */
export const SWEEP_MS_MAX = 1_000;
export const SWEEP_MS_MIN = 25;
/** Warnings about clients per second; the rest is counted. */
export const WARNINGS_PER_SECOND_MAX = 10;
/** How long `drain` waits for requests under way. */
export const DRAIN_MS_MAX = 10_000;
/** How long Metadata waits for topics that it creates. */
export const AUTO_CREATE_MS_MAX = 5_000;
/** How long requests without a timeout of their own wait for the controller. */
export const ADMIN_MS_MAX = 30_000;
/** How long DescribeQuorum waits for the controller's answer. */
export const CONTROLLER_QUORUM_MS_MAX = 5_000;
/** Partitions of one answer to DescribeTopicPartitions. */
export const DESCRIBED_PARTITIONS_MAX = 2_000;
/** Configs of one answer to DescribeConfigs, with what they weigh in memory: those of ten thousand topics. */
export const DESCRIBED_CONFIG_BYTES_MAX = 32 << 20;
/** How long FindCoordinator waits for the internal topic that it makes. */
export const COORDINATOR_MS_MAX = 5_000;
export const PRODUCER_ID_MS_MAX = 5_000;
/** An incremental fetch session that was not used for so long makes room for a new one. */
export const SESSION_STALE_MS = 120_000;
/** Partitions that all fetch sessions remember, for each session that there may be. */
export const PARTITIONS_PER_SESSION = 1_000;
/** Work without giving the event loop back (L7), with room for the encoding of the answer. */
export const STRETCH_MS_MAX = 3;
/** Lookups by time that one request has under way at once. */
export const LOOKUPS_MAX = 64;
