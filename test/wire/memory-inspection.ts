// Inspection of what MemoryLog holds, on a broker that is alone: what cannot be seen there is set by the test.
import { failed, ok } from "../../internal/base/result.ts";
import type { Result } from "../../internal/base/result.ts";
import type { BrokerId, DirectoryId, Offset, Term } from "../../internal/model/ids.ts";
import type { AdminFault } from "../../internal/service/cluster-service.ts";
import type { AddressFault } from "../../internal/service/faults.ts";
import type {
  ActiveProducer,
  DirectoryView,
  InspectionService,
  QuorumMember,
  QuorumState,
  StoredReplica,
} from "../../internal/service/inspection-service.ts";
import type { PartitionAddress } from "../../internal/service/log-service.ts";
import type { MemoryLog } from "./memory-log.ts";

export const DIRECTORY = "DDDDDDDDDDDDDDDDDDDDDQ" as DirectoryId;

export class MemoryInspection implements InspectionService {
  space: DirectoryView["space"] = { totalBytes: 1_000, usableBytes: 400 };
  producerList: readonly ActiveProducer[] = [];
  /** What the controller's quorum is refused with. */
  fault: AdminFault | null = null;
  readonly #log: MemoryLog;

  constructor(log: MemoryLog) {
    this.#log = log;
  }

  async directory(): Promise<DirectoryView> {
    return { path: "/data", space: this.space };
  }

  *storedReplicas(topic: string | null): Iterable<StoredReplica> {
    for (const [name, partitions] of this.#log.topics()) {
      if (topic !== null && name !== topic) continue;
      for (let partition = 0; partition < partitions.length; partition++) {
        yield this.storedReplica(name, partition) as StoredReplica;
      }
    }
  }

  storedReplica(topic: string, partition: number): StoredReplica | null {
    const found = this.#log.topics().get(topic)?.[partition];
    if (found === undefined) return null;
    const bytes = found.batches.reduce((sum, batch) => sum + batch.bytes.length, 0);
    return { topic, partition, bytes, offsetLag: 0 };
  }

  producers(address: PartitionAddress): Result<Iterable<ActiveProducer>, AddressFault> {
    const found = this.#log.find(address);
    return found.ok ? ok(this.producerList) : found;
  }

  partitionQuorum(address: PartitionAddress): Result<QuorumState, AddressFault> {
    const found = this.#log.find(address);
    if (!found.ok) return found;
    const { highWatermark, logEnd, leaderEpoch } = found.value;
    return ok(quorumOf(leaderEpoch, highWatermark, [memberOf(1, logEnd)], [memberOf(3, 0)]));
  }

  async controllerQuorum(): Promise<Result<QuorumState, AdminFault>> {
    if (this.fault !== null) return failed(this.fault);
    return ok(quorumOf(4, 8, [memberOf(1, 9), memberOf(2, 7)], []));
  }
}

function quorumOf(
  epoch: number,
  highWatermark: number,
  voters: readonly QuorumMember[],
  observers: readonly QuorumMember[],
): QuorumState {
  return {
    leader: 1 as BrokerId,
    leaderEpoch: epoch as Term,
    highWatermark: highWatermark as Offset,
    voters,
    observers,
  };
}

function memberOf(broker: number, logEnd: number): QuorumMember {
  return {
    broker: broker as BrokerId,
    directory: DIRECTORY,
    logEnd: logEnd as Offset,
    contactMs: 100 + broker,
    caughtUpMs: -1,
  };
}
