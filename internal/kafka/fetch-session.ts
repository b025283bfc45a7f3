// One incremental fetch session (KIP-227): the partitions that a consumer reads, what it was last told of each, and the
// epoch of its next request. After a full fetch the consumer names only partitions whose position moved, and is told
// only of partitions that have news.
import type { Offset, TopicId } from "../model/ids.ts";
import type { FetchedPartition, FetchPartition } from "../service/log-service.ts";

/** A partition as a fetch request names it. */
export interface WantedPartition {
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly partitionMaxBytes: number;
}

const NOTHING_TOLD = -1;

/** What the log service is asked for. In a session it lives on, and its position moves with the consumer. */
export class SessionPartition implements FetchPartition {
  readonly name: string | null;
  readonly topicId: TopicId | null;
  readonly partition: number;
  fetchOffset: Offset;
  leaderEpoch: number;
  lastFetchedEpoch: number;
  bytesMax: number;
  /** What the consumer was last told; after an error nothing, so that the recovery is news. */
  #toldHighWatermark = NOTHING_TOLD;
  #toldLogStart = NOTHING_TOLD;

  constructor(name: string | null, topicId: TopicId | null, wanted: WantedPartition) {
    this.name = name;
    this.topicId = topicId;
    this.partition = wanted.partition;
    this.fetchOffset = wanted.fetchOffset as Offset;
    this.leaderEpoch = wanted.currentLeaderEpoch;
    this.lastFetchedEpoch = wanted.lastFetchedEpoch;
    this.bytesMax = Math.max(0, wanted.partitionMaxBytes);
  }

  move(wanted: WantedPartition): void {
    this.fetchOffset = wanted.fetchOffset as Offset;
    this.leaderEpoch = wanted.currentLeaderEpoch;
    this.lastFetchedEpoch = wanted.lastFetchedEpoch;
    this.bytesMax = Math.max(0, wanted.partitionMaxBytes);
  }

  /** Remembers what the consumer is told now; answers whether that is news. */
  tell(fetched: FetchedPartition): boolean {
    const { highWatermark, logStart } = fetched;
    const moved = highWatermark !== this.#toldHighWatermark || logStart !== this.#toldLogStart;
    this.#toldHighWatermark = fetched.fault === null ? highWatermark : NOTHING_TOLD;
    this.#toldLogStart = logStart;
    return moved || fetched.fault !== null || fetched.diverging !== null || fetched.bytes > 0;
  }
}

export class FetchSession {
  readonly id: number;
  readonly usesTopicIds: boolean;
  readonly createdMs: number;
  usedMs: number;
  /** The epoch that the next request must carry. */
  epoch = 1;
  /** Whether a request of the session is under way. A consumer has one at a time. */
  isBusy = false;
  /** In the order in which partitions are read: those that had data go to the back, so that none starves. */
  readonly #partitions = new Map<string, SessionPartition>();
  #list: readonly SessionPartition[] | null = null;

  constructor(id: number, usesTopicIds: boolean, nowMs: number) {
    this.id = id;
    this.usesTopicIds = usesTopicIds;
    this.createdMs = nowMs;
    this.usedMs = nowMs;
  }

  get size(): number {
    return this.#partitions.size;
  }

  /** The partitions in reading order. A later change makes a new list and leaves this one as it is. */
  list(): readonly SessionPartition[] {
    this.#list ??= [...this.#partitions.values()];
    return this.#list;
  }

  add(key: string, partition: SessionPartition): void {
    this.#partitions.set(key, partition);
    this.#list = null;
  }

  /** False when the session does not know the partition. */
  move(key: string, wanted: WantedPartition): boolean {
    const known = this.#partitions.get(key);
    known?.move(wanted);
    return known !== undefined;
  }

  forget(key: string): void {
    if (this.#partitions.delete(key)) this.#list = null;
  }

  /** Moves partitions behind all others. */
  rotate(keys: readonly string[]): void {
    for (const key of keys) {
      const partition = this.#partitions.get(key);
      if (partition === undefined) continue;
      this.#partitions.delete(key);
      this.#partitions.set(key, partition);
    }
    if (keys.length > 0) this.#list = null;
  }

  /** 0 and -1 have meanings of their own, so the epoch after the largest is 1. */
  advance(nowMs: number): void {
    this.epoch = this.epoch === 0x7fff_ffff ? 1 : this.epoch + 1;
    this.usedMs = nowMs;
  }
}

export function partitionKey(name: string, topicId: string, partition: number): string {
  return topicId === "" ? `${partition} ${name}` : `${partition}#${topicId}`;
}
