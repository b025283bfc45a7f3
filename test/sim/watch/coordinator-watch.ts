// Watches every group coordinator of a simulated cluster from inside: what it applies, when it leads, and what its state
// is then.
import { groupPartition } from "../../../internal/coordinator/group-partition.ts";
import type { GroupCoordinator } from "../../../internal/coordinator/group-coordinator.ts";
import { CONSUMER_OFFSETS } from "../../../internal/model/internal-topics.ts";
import type { GroupId } from "../../../internal/model/ids.ts";
import type { Partition } from "../../../internal/partition/partition.ts";
import type { Broker } from "../../../internal/server/broker.ts";
import type { Book } from "../checkers/book.ts";
import type { SimBroker, SimCluster } from "../cluster/sim-cluster.ts";
import { whoIs } from "./cluster-watch.ts";

export interface WatchedCoordinator {
  readonly who: string;
  readonly index: number;
  readonly partition: Partition;
  readonly coordinator: GroupCoordinator;
}

export class CoordinatorWatch {
  readonly #cluster: SimCluster;
  readonly #book: Book;
  readonly #watched = new Map<GroupCoordinator, WatchedCoordinator>();

  #known: readonly { readonly group: GroupId }[] = [];

  constructor(cluster: SimCluster, book: Book) {
    this.#cluster = cluster;
    this.#book = book;
    cluster.listen({ opened: (at, broker) => this.#opened(at, broker) });
    book.isInternal = (group) => this.partitionOf(group) >= 0;
  }

  /** Which partition of __consumer_offsets a group of replicas is; -1: none. */
  partitionOf(group: GroupId): number {
    return this.#placements.findIndex((placement) => placement.group === group);
  }

  /** The group of replicas of a partition of __consumer_offsets. */
  groupAt(index: number): GroupId | null {
    return this.#placements[index]?.group ?? null;
  }

  /** Which partition keeps a consumer group; -1 while there is no such topic. */
  indexOf(group: string): number {
    const { length } = this.#placements;
    return length === 0 ? -1 : groupPartition(group, length);
  }

  get partitionCount(): number {
    return this.#placements.length;
  }

  /** The coordinator of the partition at that broker. */
  at(broker: Broker, index: number): WatchedCoordinator | null {
    const coordinator = broker.coordinators.at(index);
    return coordinator === null ? null : (this.#watched.get(coordinator) ?? null);
  }

  /** Of __consumer_offsets, which nobody deletes: known for good once some broker knows them. */
  get #placements(): readonly { readonly group: GroupId }[] {
    if (this.#known.length > 0) return this.#known;
    for (const { broker } of this.#cluster.brokers) {
      const topic = broker?.controller.image.topicNamed(CONSUMER_OFFSETS) ?? null;
      if (topic !== null) this.#known = topic.partitions;
    }
    return this.#known;
  }

  #opened(at: SimBroker, broker: Broker): void {
    const who = whoIs(at, broker);
    broker.coordinators.listen({
      hosted: (index, partition, coordinator) => {
        this.#watched.set(coordinator, { who, index, partition, coordinator });
        this.#watch(who, index, coordinator);
      },
    });
  }

  #watch(who: string, index: number, coordinator: GroupCoordinator): void {
    const { groups } = this.#book;
    const log = groups.partition(index);
    coordinator.listen({
      committed: (at, records) => log.applied(who, at, records, coordinator),
      leading: () => {
        groups.leaderships++;
        log.compare(who, coordinator);
      },
      deposed: () => log.compare(who, coordinator),
    });
  }
}
