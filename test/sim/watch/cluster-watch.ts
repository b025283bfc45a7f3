// Watches every broker of a simulated cluster from inside: each step of each Raft machine, each record that enters a
// journal, each journal write that reaches a platter. Feeds the checkers, and tells the nemesis of moments worth a fault.
import type { DirectoryId, GroupId, LogIndex, ReplicaId } from "../../../internal/model/ids.ts";
import { readSafeInteger } from "../../../internal/record/record.ts";
import type { Replica } from "../../../internal/replica/replica.ts";
import type { Broker } from "../../../internal/server/broker.ts";
import type { Book } from "../checkers/book.ts";
import type { DurableLog } from "../checkers/durable-log.ts";
import type { RecoveredReplica } from "../checkers/durability-order.ts";
import type { ClusterEvents, SimBroker, SimCluster } from "../cluster/sim-cluster.ts";
import type { JournalWrite } from "../world/sim-device.ts";
import { LeaseWatch } from "./lease-watch.ts";
import { WatchedReplica } from "./watched-replica.ts";
import type { Moment } from "./watched-replica.ts";

export interface WatchEvents {
  /** Its disk has put a write elsewhere. */
  mayLack(at: SimBroker): boolean;
  /** In the middle of an event of that broker: a fault must be ordered for later. */
  moment(
    at: SimBroker,
    moment: Moment | "journal write issued",
    replica: WatchedReplica | null,
  ): void;
}

/** What is known of the disk of one machine. */
interface Disk {
  log: DurableLog | null;
  /** The write that the last crash interrupted. */
  doubtful: JournalWrite | null;
}

export class ClusterWatch implements ClusterEvents {
  readonly leases: LeaseWatch;
  readonly #book: Book;
  readonly #events: WatchEvents;
  readonly #disks = new Map<SimBroker, Disk>();
  readonly #dirty = new Set<WatchedReplica>();
  readonly #replicas = new Map<Replica, WatchedReplica>();

  constructor(cluster: SimCluster, book: Book, events: WatchEvents) {
    this.#book = book;
    this.#events = events;
    this.leases = new LeaseWatch(cluster, book.verdict);
    for (const at of cluster.brokers) {
      const disk: Disk = { log: null, doubtful: null };
      this.#disks.set(at, disk);
      at.node.disk.observer = {
        journalIssued: (write) => {
          if (isBatch(write)) this.#issued(at, write);
          events.moment(at, "journal write issued", null);
        },
        journalDurable: (write) => {
          if (isBatch(write)) disk.log?.durable(ticketOf(write));
        },
      };
    }
    cluster.listen(this);
    book.settle = () => this.settle();
  }

  /** What happened in the event that has just ended is held against the one log of each group. */
  settle(): void {
    this.leases.settle();
    if (this.#dirty.size === 0) return;
    for (const replica of this.#dirty) replica.settle();
    this.#dirty.clear();
  }

  durableLog(at: SimBroker): DurableLog | null {
    return this.#diskOf(at).log;
  }

  /** Says later whether everything that the journal of `at` holds now is on another disk too; of single replicas it never is. */
  heldElsewhere(at: SimBroker): () => boolean {
    const { single } = this.#book;
    const ends =
      this.durableLog(at)
        ?.ends()
        ?.filter(([group]) => !single.has(group)) ?? null;
    const others = [...this.#disks].filter(([of]) => of !== at).map(([, disk]) => disk);
    return () => ends?.every((end) => others.some(({ log }) => log?.holds(end))) === true;
  }

  opened(at: SimBroker, broker: Broker): void {
    const who = whoIs(at, broker);
    const { directory, durableTicket } = broker.journal.recovered;
    const disk = this.#diskOf(at);
    const { doubtful } = disk;
    const log = this.#book.durability.log(directory);
    disk.log = log;
    disk.doubtful = null;
    const replicas = [...broker.raft.replicas()];
    const survived = doubtful === null ? null : isOnPlatter(doubtful);
    this.#book.durability.recovered(
      who,
      directory,
      durableTicket,
      replicas.map((replica) => recoveredReplica(replica)),
      survived,
      this.#events.mayLack(at),
    );
    this.#watchJournal(broker, log);
    for (const replica of replicas) this.#watchReplica(at, who, directory, replica);
    const { raft } = broker;
    const create = raft.create.bind(raft);
    raft.create = (spec) => {
      const replica = create(spec);
      this.#watchReplica(at, who, directory, replica);
      return replica;
    };
  }

  ended(at: SimBroker, broker: Broker | null): void {
    const disk = this.#diskOf(at);
    const issued = at.node.disk.inFlight ?? at.node.disk.failed;
    at.node.disk.failed = null;
    const inFlight = issued !== null && isBatch(issued) ? issued : null;
    if (inFlight !== null) disk.doubtful ??= inFlight;
    if (broker === null) return;
    this.settle();
    disk.log?.crashed(inFlight === null ? 0 : ticketOf(inFlight));
    for (const replica of broker.raft.replicas()) this.#replicas.delete(replica);
  }

  #issued(at: SimBroker, write: JournalWrite): void {
    if (at.broker === null) return;
    const { directory } = at.broker.journal.recovered;
    const { start } = at.broker.journal.starts().starts.at(-1) ?? { start: 0 };
    this.#book.durability.issues(whoIs(at, at.broker), directory, start, ticketOf(write));
  }

  #watchJournal(broker: Broker, log: DurableLog): void {
    const { journal } = broker;
    const append = journal.append.bind(journal);
    journal.append = (header, payload, start, end) => {
      const position = append(header, payload, start, end);
      if (typeof position === "number") log.appended(journal.lastTicket, header);
      return position;
    };
  }

  #watchReplica(at: SimBroker, who: string, directory: DirectoryId, real: Replica): void {
    const where = { who, node: at.node.name, directory };
    const watched = new WatchedReplica(where, real, this.#book, {
      moment: (of, moment) => this.#events.moment(at, moment, of),
      leases: this.leases,
      stepped: (of) => this.#dirty.add(of),
    });
    this.#replicas.set(real, watched);
  }

  #diskOf(at: SimBroker): Disk {
    return this.#disks.get(at) as Disk;
  }
}

export function whoIs(at: SimBroker, broker: Broker): string {
  return `${at.node.name}#${broker.journal.recovered.incarnation}`;
}

/** The ticket in the head of a journal batch. */
/** Not a pulse, which says nothing. */
function isBatch({ bytes }: JournalWrite): boolean {
  return bytes[0] !== 0;
}

function ticketOf({ bytes }: JournalWrite): number {
  return readSafeInteger(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 8);
}

/** Whether a loss of power now would leave what processes read where the write was; it may be torn and still be whole enough. */
function isOnPlatter({ file, position, bytes }: JournalWrite): boolean {
  const end = position + bytes.length;
  const held = file.durableView.subarray(position, end);
  return Buffer.compare(held, file.cachedView.subarray(position, end)) === 0;
}

function recoveredReplica(replica: Replica): RecoveredReplica {
  const { machine, entries } = replica;
  return {
    group: replica.group as GroupId,
    replica: replica.self as ReplicaId,
    term: machine.term,
    vote: machine.vote,
    base: machine.base.index,
    last: machine.lastIndex,
    isDoubted: machine.standing === "suspect" || machine.standing === "recalling",
    termAt: (index: LogIndex) => machine.termAt(index),
    sumAt: (index: LogIndex) => entries.checksum(index),
  };
}
