// The partitions of this broker, by group, and the clockwork they share: deadlines of waiting appends, forgotten
// producers, and who waits for room in the journal.
import type { SharedJournal } from "../journal/owner.ts";
import type { GroupId } from "../model/ids.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { World } from "../ports/world.ts";
import { inSlices } from "../replica/slices.ts";
import { AdmissionDesk } from "./admission.ts";
import type { PartitionFaults } from "./append.ts";
import { Partition } from "./partition.ts";
import type { PartitionHome } from "./partition.ts";
import { PartitionProbe } from "./probe.ts";

const SWEEP_MS = 50;
const EXPIRE_EVERY_MS = 60_000;

/** Read anew each time: they may change while the broker runs. */
export interface ProducerLimits {
  /** `producer.id.expiration.ms` */
  readonly expirationMs: number;
  /** `producer.ids.max` */
  readonly countMax: number;
}

export class Partitions {
  readonly #clock: Clock;
  readonly #producerLimits: ProducerLimits;
  readonly #faults: PartitionFaults | undefined;
  readonly #probe: PartitionProbe;
  readonly #partitions = new Map<GroupId, Partition>();
  readonly #home: PartitionHome;
  #roomWaiters: (() => void)[] = [];
  #sweepTimer: Cancel | null = null;
  #expiredMs = 0;

  constructor(
    world: World,
    producerLimits: ProducerLimits,
    openedBytesMax: () => number,
    faults?: PartitionFaults,
  ) {
    this.#clock = world.clock;
    this.#probe = new PartitionProbe(world.meter, () => {
      let waiting = 0;
      for (const partition of this.#partitions.values()) waiting += partition.waitingAppends;
      return waiting;
    });
    this.#producerLimits = producerLimits;
    this.#faults = faults;
    const { clock, tasks, log } = world;
    this.#home = {
      admission: new AdmissionDesk({
        clock,
        tasks,
        log,
        openedBytesMax,
        roomAgain: () => this.#roomAgain(),
        whenRoom: (callback) => this.whenRoom(callback),
      }),
      undecodable: (of, index) => world.fatal("partition-entry-undecodable", { group: of, index }),
    };
  }

  /** The partition of a group; made on first use, because the journal replays entries before the image is known. */
  of(group: GroupId): Partition {
    const known = this.#partitions.get(group);
    if (known !== undefined) return known;
    const partition = new Partition(group, this.#clock, this.#probe, this.#faults, this.#home);
    this.#partitions.set(group, partition);
    return partition;
  }

  get(group: GroupId): Partition | null {
    return this.#partitions.get(group) ?? null;
  }

  all(): IterableIterator<Partition> {
    return this.#partitions.values();
  }

  retire(group: GroupId): void {
    this.#partitions.get(group)?.retire();
    this.#partitions.delete(group);
  }

  /** Begins to watch deadlines, and the journal's room. */
  start(journal: SharedJournal): void {
    journal.onRoom = () => this.#roomAgain();
    this.#schedule();
  }

  /** Runs once, when an append that was "busy" may succeed. */
  whenRoom(callback: () => void): void {
    this.#roomWaiters.push(callback);
  }

  close(): void {
    this.#sweepTimer?.();
    this.#sweepTimer = null;
  }

  /**
   * Producers silent since before this are forgotten: after `producer.id.expiration.ms`, or sooner when there are more than
   * `producer.ids.max`; then the longest silent ones go.
   */
  #expireBeforeMs(): number {
    const { expirationMs, countMax } = this.#producerLimits;
    const expiredMs = this.#clock.nowMs() - expirationMs;
    let count = 0;
    for (const { producers } of this.#partitions.values()) count += producers.size;
    if (count <= countMax) return expiredMs;
    const times: number[] = [];
    for (const { producers } of this.#partitions.values()) times.push(...producers.seenTimes());
    times.sort((a, b) => a - b);
    return Math.max(expiredMs, (times[count - countMax - 1] ?? 0) + 1);
  }

  #roomAgain(): void {
    const waiters = this.#roomWaiters;
    this.#roomWaiters = [];
    for (const waiter of waiters) waiter();
  }

  #schedule(): void {
    this.#sweepTimer = this.#clock.after(SWEEP_MS, () => {
      this.#sweep();
      this.#schedule();
    });
  }

  #sweep(): void {
    const upMs = this.#clock.upMs();
    const isExpiryDue = upMs - this.#expiredMs > EXPIRE_EVERY_MS;
    if (isExpiryDue) this.#expiredMs = upMs;
    const sinceMs = isExpiryDue ? this.#expireBeforeMs() : 0;
    inSlices(this.#clock, this.#partitions.values(), (partition) => {
      if (partition.waitingAppends > 0) partition.expireAppends(upMs);
      if (isExpiryDue) partition.producers.expire(sinceMs);
    });
    // Leadership handed over, or a missed call: whoever waits asks again, and waits again if it must.
    if (this.#roomWaiters.length > 0) this.#roomAgain();
  }
}
