// When a new topic can be used (C3): every partition has a leader, and every unfenced broker has applied the image that
// knows the topic. Kept by group 0's leader, which every broker tells the version of its image; asked by the desk before
// it answers CreateTopics and CreatePartitions.
import { CONTROLLER_GROUP } from "../model/ids.ts";
import type { BrokerId, LogIndex, TopicId } from "../model/ids.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { MetadataImage } from "./image.ts";
import type { LeaderTable } from "./leaders.ts";
import { partitionView } from "./metadata-view.ts";

/** "late": the time is over. "resigned": group 0 is led elsewhere now, where the question must be asked again. */
export type Readiness = "ready" | "late" | "resigned";

interface Waiter {
  readonly version: LogIndex;
  readonly topics: readonly TopicId[];
  readonly cancel: Cancel;
  done(readiness: Readiness): void;
}

export class TopicReadiness {
  readonly #image: MetadataImage;
  readonly #leaders: LeaderTable;
  readonly #clock: Clock;
  readonly #applied = new Map<BrokerId, LogIndex>();
  readonly #waiters = new Set<Waiter>();
  #checkAsked = false;

  constructor(image: MetadataImage, leaders: LeaderTable, clock: Clock) {
    this.#image = image;
    this.#leaders = leaders;
    this.#clock = clock;
    const check = (): void => this.#ask();
    image.listen({ advanced: check });
    leaders.listen({ leaderChanged: check });
  }

  /** A broker said which version its image has (this broker's own included). Older news is ignored. */
  applied(broker: BrokerId, version: LogIndex): void {
    if (version <= this.appliedBy(broker)) return;
    this.#applied.set(broker, version);
    this.#ask();
  }

  /** A broker started anew: what it said before means nothing now. */
  forget(broker: BrokerId): void {
    this.#applied.delete(broker);
  }

  /** 0: it never said. */
  appliedBy(broker: BrokerId): LogIndex {
    return this.#applied.get(broker) ?? (0 as LogIndex);
  }

  /** A topic that was deleted meanwhile keeps nobody waiting. */
  isReady(version: LogIndex, topics: readonly TopicId[]): boolean {
    if (this.#image.version < version) return false;
    for (const { broker } of this.#image.unfencedBrokers()) {
      if (this.appliedBy(broker) < version) return false;
    }
    return topics.every((topicId) => {
      const placements = this.#image.topic(topicId)?.partitions ?? [];
      return placements.every(
        (of) => partitionView(this.#image, this.#leaders, of).leader !== null,
      );
    });
  }

  /** `done` runs once: as soon as the topics are ready, or after `withinMs`. Never inside this call. */
  whenReady(
    version: LogIndex,
    topics: readonly TopicId[],
    withinMs: number,
    done: (readiness: Readiness) => void,
  ): void {
    const cancel = this.#clock.after(Math.max(0, withinMs), () => this.#answer(waiter, "late"));
    const waiter: Waiter = { version, topics, cancel, done };
    this.#waiters.add(waiter);
    this.#ask();
  }

  /** Group 0 is led elsewhere now. */
  resign(): void {
    for (const waiter of [...this.#waiters]) this.#answer(waiter, "resigned");
    this.#applied.clear();
  }

  /** Checks once per turn, however much changed in it. */
  #ask(): void {
    if (this.#checkAsked || this.#waiters.size === 0) return;
    this.#checkAsked = true;
    this.#clock.turnEnd(() => {
      this.#checkAsked = false;
      for (const waiter of [...this.#waiters]) {
        if (this.isReady(waiter.version, waiter.topics)) this.#answer(waiter, "ready");
      }
    });
  }

  #answer(waiter: Waiter, readiness: Readiness): void {
    if (!this.#waiters.delete(waiter)) return;
    waiter.cancel();
    waiter.done(readiness);
  }
}

const RETRY_MS = 100;

/** Tells group 0's leader which version this broker's image has: on every advance, once per turn, and to a new leader. */
export class ImageReporter {
  readonly #image: MetadataImage;
  readonly #leaders: LeaderTable;
  readonly #clock: Clock;
  readonly #tell: (leader: BrokerId, version: LogIndex) => boolean;
  #asked = false;
  #cancelRetry: Cancel | null = null;

  /** `tell` may be the own broker's TopicReadiness.applied, or a message; false: it could not be sent. */
  constructor(
    image: MetadataImage,
    leaders: LeaderTable,
    clock: Clock,
    tell: (leader: BrokerId, version: LogIndex) => boolean,
  ) {
    this.#image = image;
    this.#leaders = leaders;
    this.#clock = clock;
    this.#tell = tell;
    image.listen({ advanced: () => this.report() });
    leaders.listen({
      leaderChanged: (row, before) => {
        if (row.group !== CONTROLLER_GROUP) return;
        if (row.term !== before?.term || row.leader !== before.leader) this.report();
      },
    });
  }

  /** Also to be called when a session with group 0's leader begins; what was said in an older one may be lost. */
  report(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#clock.turnEnd(() => {
      this.#asked = false;
      const leader = this.#leaders.leaderOf(CONTROLLER_GROUP);
      if (leader === null || this.#tell(leader, this.#image.version)) return;
      this.#cancelRetry?.();
      this.#cancelRetry = this.#clock.after(RETRY_MS, () => this.report());
    });
  }
}
