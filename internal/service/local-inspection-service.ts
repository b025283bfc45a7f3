// Inspection over the partitions of this broker and the controller's client.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { Topic } from "../cluster/cluster-state.ts";
import type { ControllerClient, QuorumMember as Member } from "../cluster/controller-requests.ts";
import type { BrokerId, LogIndex, Offset } from "../model/ids.ts";
import type { Partition } from "../partition/partition.ts";
import type { Partitions } from "../partition/partitions.ts";
import type { Disk } from "../ports/disk.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import { adminFault } from "./admin-fault.ts";
import type { AddressBook } from "./address.ts";
import type { AdminFault } from "./cluster-service.ts";
import type { AddressFault } from "./faults.ts";
import type {
  ActiveProducer,
  DirectoryView,
  InspectionService,
  QuorumMember,
  QuorumState,
  StoredReplica,
} from "./inspection-service.ts";
import type { PartitionAddress } from "./log-service.ts";

export interface LocalInspectionParts {
  readonly broker: BrokerId;
  readonly directory: string;
  readonly disk: Disk;
  readonly book: AddressBook;
  readonly partitions: Partitions;
  readonly raft: Pick<MultiRaft, "memberProgress">;
  readonly controller: ControllerClient;
}

export class LocalInspectionService implements InspectionService {
  readonly #parts: LocalInspectionParts;

  constructor(parts: LocalInspectionParts) {
    this.#parts = parts;
  }

  async directory(): Promise<DirectoryView> {
    const { directory: path, disk } = this.#parts;
    const [free, total] = await Promise.all([
      disk.bulk.freeBytes(path),
      disk.bulk.totalBytes(path),
    ]);
    if (!free.ok || !total.ok) return { path, space: null };
    return { path, space: { totalBytes: total.value, usableBytes: free.value } };
  }

  *storedReplicas(name: string | null): Iterable<StoredReplica> {
    const { image } = this.#parts.book;
    const topic = name === null ? null : image.topicNamed(name);
    const topics = name === null ? image.topics() : topic === null ? [] : [topic];
    for (const one of topics) {
      for (let partition = 0; partition < one.partitions.length; partition++) {
        const stored = this.#stored(one, partition);
        if (stored !== null) yield stored;
      }
    }
  }

  storedReplica(name: string, partition: number): StoredReplica | null {
    const topic = this.#parts.book.image.topicNamed(name);
    return topic === null ? null : this.#stored(topic, partition);
  }

  #stored(topic: Topic, partition: number): StoredReplica | null {
    const placement = topic.partitions[partition];
    const here = placement === undefined ? null : this.#parts.partitions.get(placement.group);
    if (here === null) return null;
    const offsetLag = Math.max(0, here.highWatermark - here.logEnd);
    return { topic: topic.name, partition, bytes: here.bytes, offsetLag };
  }

  producers(address: PartitionAddress): Result<Iterable<ActiveProducer>, AddressFault> {
    const found = this.#parts.book.find(address);
    if (!found.ok) return found;
    const { partition, placement } = found.value;
    if (partition === null) {
      return failed({ kind: "not-leader", hint: this.#parts.book.hint(placement) });
    }
    return ok(partition.producers.entries());
  }

  partitionQuorum(address: PartitionAddress): Result<QuorumState, AddressFault> {
    const leading = this.#parts.book.leading(address, -1);
    if (!leading.ok) return leading;
    const partition = leading.value;
    const { replica } = partition;
    const members = this.#parts.raft.memberProgress(replica);
    const shown = members.map(({ index, ...member }) => {
      return { ...member, logEnd: endAfter(partition, index) };
    });
    return ok({
      leader: this.#parts.broker,
      leaderEpoch: partition.term,
      highWatermark: partition.highWatermark,
      voters: shown.filter((member) => member.isVoter),
      observers: shown.filter((member) => !member.isVoter),
    });
  }

  async controllerQuorum(withinMs: number): Promise<Result<QuorumState, AdminFault>> {
    const reply = await this.#parts.controller.request<"describe-quorum">(
      { kind: "describe-quorum" },
      withinMs,
    );
    if (!reply.ok) return failed(adminFault(reply.fault));
    const { leader, term, commit, members } = reply.value;
    return ok({
      leader,
      leaderEpoch: term,
      highWatermark: commit as number as Offset,
      voters: members.filter((member) => member.isVoter).map(memberOfController),
      observers: members.filter((member) => !member.isVoter).map(memberOfController),
    });
  }
}

function memberOfController({ end, ...member }: Member): QuorumMember {
  return { ...member, logEnd: end as number as Offset };
}

/** Where a member's log ends that holds everything up to `index`. */
function endAfter({ replica }: Partition, index: LogIndex): Offset {
  return replica.entries.has(index) ? replica.entries.offsetAfter(index) : replica.baseOffset;
}
