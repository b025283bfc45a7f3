// Use cases of operators who look into one broker: what it stores, which producers it knows, how far the members of a
// Raft group have come. Reads alone; nothing here decides anything.
import type { Result } from "../base/result.ts";
import type { BrokerId, DirectoryId, Offset, Term } from "../model/ids.ts";
import type { AdminFault } from "./cluster-service.ts";
import type { AddressFault } from "./faults.ts";
import type { PartitionAddress } from "./log-service.ts";

export interface DirectoryView {
  readonly path: string;
  /** Of the file system; null when the disk does not answer. */
  readonly space: { readonly totalBytes: number; readonly usableBytes: number } | null;
}

/** What one replica takes here. */
export interface StoredReplica {
  readonly topic: string;
  readonly partition: number;
  readonly bytes: number;
  /** Offsets that are known to be committed and are not here yet. */
  readonly offsetLag: number;
}

export interface ActiveProducer {
  readonly producerId: number;
  readonly epoch: number;
  /** -1: none yet. */
  readonly lastSequence: number;
  /** When this broker last heard of it, milliseconds. */
  readonly seenMs: number;
}

export interface QuorumMember {
  readonly broker: BrokerId;
  readonly directory: DirectoryId;
  readonly logEnd: Offset;
  /** Milliseconds of the leader's day; -1: unknown. */
  readonly contactMs: number;
  readonly caughtUpMs: number;
}

/** The controller's log has no offsets of records: there, offsets count entries. */
export interface QuorumState {
  readonly leader: BrokerId;
  readonly leaderEpoch: Term;
  readonly highWatermark: Offset;
  readonly voters: readonly QuorumMember[];
  readonly observers: readonly QuorumMember[];
}

export interface InspectionService {
  directory(): Promise<DirectoryView>;
  /** Null: of all topics. Replicas that are not here are left out. Lazy: the list may be long. */
  storedReplicas(topic: string | null): Iterable<StoredReplica>;
  storedReplica(topic: string, partition: number): StoredReplica | null;
  /** Of any replica that is here; on a follower as far as it has followed. Lazy. */
  producers(address: PartitionAddress): Result<Iterable<ActiveProducer>, AddressFault>;
  /** Of a partition that is led here. */
  partitionQuorum(address: PartitionAddress): Result<QuorumState, AddressFault>;
  /** Asked of group 0's leader, wherever it is (C3). */
  controllerQuorum(withinMs: number): Promise<Result<QuorumState, AdminFault>>;
}
