// Reads records of chosen partitions from chosen offsets. There are no groups and no committed offsets here: the caller
// says where to begin and knows how far it has come. Each leader is asked by itself and each partition fails by itself: an
// answer that came is handed out whatever else goes wrong.
import { fetch } from "../../../internal/kafka/api/01-fetch.ts";
import { ErrorCode } from "../../../internal/kafka/codec/errors.ts";
import { Admin, EARLIEST, LATEST } from "./admin.ts";
import { corrupt, fetchedRun, isCutOff } from "./fetched-records.ts";
import type { FetchedPartition, FetchedRecord } from "./fetched-records.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { KafkaError, refused } from "./kafka-error.ts";
import { ReaderPartition } from "./reader-partition.ts";

/** Records that were deleted before they were read: from `from` on, up to `to`, where reading goes on. */
export interface DeletedRecords {
  readonly topic: string;
  readonly partition: number;
  readonly from: number;
  readonly to: number;
}

export interface ReaderOptions {
  /** How long a broker waits for new records before it answers with none: 500 ms. */
  readonly waitMsMax?: number;
  /** Bytes of one answer: 8 MiB. */
  readonly bytesMax?: number;
  /** Bytes of one partition in one answer: 1 MiB. */
  readonly partitionBytesMax?: number;
  /** Records of open and aborted transactions are left out: true. */
  readonly readCommitted?: boolean;
  /** Told of records that nobody can read any more. Left out: they are an error. */
  readonly deleted?: (records: DeletedRecords) => void;
}

/** The last version in which a topic may be named; from 13 on its id says which it is. */
const VERSION_MAX = 13;
/** What an answer may take beyond the time that the broker was asked to wait. */
const ANSWER_MS_MAX = 5_000;

export class Reader {
  readonly #client: KafkaClient;
  readonly #options: ReaderOptions;
  readonly #waitMsMax: number;
  /** In the order in which they were served, longest ago first. */
  readonly #partitions = new Map<string, ReaderPartition>();
  /** Leaders with a fetch under way, and topics with a look-up. */
  readonly #asked = new Set<number | string>();
  #wake: () => void = () => {};
  /** An exception that is no answer of the cluster. */
  #bug: unknown = null;

  constructor(client: KafkaClient, options: ReaderOptions = {}) {
    this.#client = client;
    this.#options = options;
    this.#waitMsMax = options.waitMsMax ?? 500;
  }

  /** Reads a partition from `offset` on; what was fetched of it before is forgotten. */
  add(topic: string, partition: number, offset: number): void {
    const one = new ReaderPartition(topic, partition, offset);
    this.#partitions.set(one.name, one);
  }

  /** Reads a partition no more. */
  remove(topic: string, partition: number): void {
    this.#partitions.delete(`${topic}/${partition}`);
  }

  /** The next offset to hand out: everything before it was handed out, or is not to be. */
  positionOf(topic: string, partition: number): number | null {
    return this.#partitions.get(`${topic}/${partition}`)?.position ?? null;
  }

  /** Whether all partitions were read to the end that was last heard of. */
  get isAtEnd(): boolean {
    for (const one of this.#partitions.values()) if (!one.isAtEnd) return false;
    return true;
  }

  /**
   * The next records of any partitions, in order within each; none when there are none yet. A partition that fails in a way
   * that may pass is tried again for the client's `retryMsMax`; then, or when it fails for good, this rejects. Nothing is
   * lost by that: the next call goes on where the last one that resolved ended. One call at a time.
   */
  async poll(): Promise<readonly FetchedRecord[]> {
    const { clock } = this.#client.world;
    const untilMs = clock.upMs() + this.#waitMsMax;
    for (;;) {
      this.#askAll();
      this.#throwFailure();
      const records: FetchedRecord[] = [];
      for (const one of this.#partitions.values()) one.handOut(records);
      if (records.length > 0) {
        this.#askAll();
        return records;
      }
      const nowMs = clock.upMs();
      if (nowMs >= untilMs || this.#partitions.size === 0) return [];
      await this.#news(nowMs, untilMs);
    }
  }

  /** Waits until something has come, a partition may be tried again, or the time is over. */
  async #news(nowMs: number, untilMs: number): Promise<void> {
    let atMs = untilMs;
    for (const { retryAtMs } of this.#partitions.values()) {
      if (retryAtMs > nowMs) atMs = Math.min(atMs, retryAtMs);
    }
    await new Promise<void>((resolve) => {
      const cancel = this.#client.world.clock.after(atMs - nowMs, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
    this.#wake = () => {};
  }

  #throwFailure(): void {
    if (this.#bug !== null) throw this.#bug;
    for (const one of this.#partitions.values()) {
      const error = one.takeError();
      if (error !== null) throw error;
    }
  }

  /** One fetch for each leader, and one look-up for each topic, that has none under way. */
  #askAll(): void {
    const nowMs = this.#client.world.clock.upMs();
    const due = [...this.#partitions.values()].filter((one) => one.isDue(nowMs));
    for (const one of due) if (one.isOutOfRange) this.#track([one], this.#findStart(one));
    const others = due.filter((one) => !one.isOutOfRange);
    for (const [key, list] of Map.groupBy(others, (one) => one.leader?.broker ?? one.topic)) {
      if (this.#asked.has(key)) continue;
      this.#asked.add(key);
      const asking = typeof key === "string" ? this.#lookUp(key, list) : this.#fetch(key, list);
      this.#track(
        list,
        asking.finally(() => this.#asked.delete(key)),
      );
    }
  }

  /** Follows a question about partitions to its end. */
  #track(list: readonly ReaderPartition[], asking: Promise<unknown>): void {
    for (const one of list) one.isAsking = true;
    void asking
      .catch((error: unknown) => {
        if (!(error instanceof KafkaError)) this.#bug = error;
        else for (const one of list) this.#failed(one, error);
      })
      .finally(() => {
        for (const one of list) one.isAsking = false;
        this.#wake();
      });
  }

  #failed(one: ReaderPartition, error: KafkaError): void {
    const sinceMs = one.failed(error, this.#client.world.clock.upMs(), this.#client.retryMsMax);
    this.#client.failsSince(sinceMs, error);
  }

  async #lookUp(topic: string, list: readonly ReaderPartition[]): Promise<void> {
    const { topicId, partitions } = await this.#client.lookUp(topic);
    for (const one of list) {
      const found = partitions.find(({ partitionIndex }) => partitionIndex === one.partition);
      one.topicId ??= topicId;
      if (one.topicId !== topicId) {
        this.#failed(one, new KafkaError("refused", `topic ${topic} was deleted and made again`));
      } else if (found === undefined || found.leaderId < 0) {
        const code = ErrorCode.LEADER_NOT_AVAILABLE;
        this.#failed(one, refused(code, `cannot read partition ${one.name}`));
      } else {
        one.leader = { broker: found.leaderId, epoch: found.leaderEpoch };
      }
    }
  }

  async #fetch(leader: number, list: readonly ReaderPartition[]): Promise<void> {
    const { bytesMax = 8 << 20, partitionBytesMax = 1 << 20, readCommitted = true } = this.#options;
    const answer = await this.#client.request(
      leader,
      fetch,
      {
        replicaId: -1,
        maxWaitMs: this.#waitMsMax,
        minBytes: 1,
        maxBytes: bytesMax,
        isolationLevel: readCommitted ? 1 : 0,
        sessionEpoch: -1,
        // Whoever comes first gets the bytes: the ones that were served least go ahead.
        topics: list.map(({ topic, topicId, partition, position, leader: known }) => ({
          topic,
          ...(topicId === null ? {} : { topicId }),
          partitions: [
            {
              partition,
              fetchOffset: position,
              // A leader that is deposed and does not know it, or a broker that is not leader yet, refuses.
              currentLeaderEpoch: known?.epoch ?? -1,
              lastFetchedEpoch: -1,
              logStartOffset: -1,
              partitionMaxBytes: partitionBytesMax,
            },
          ],
        })),
      },
      { versionMax: VERSION_MAX, withinMs: this.#waitMsMax + ANSWER_MS_MAX },
    );
    if (answer.errorCode !== 0)
      throw refused(answer.errorCode, `cannot read from broker ${leader}`);
    const byName = new Map<string, FetchedPartition>();
    for (const { topic, topicId, partitions } of answer.responses) {
      for (const one of partitions) byName.set(`${topic || topicId}/${one.partitionIndex}`, one);
    }
    list.forEach((one, place) => {
      const fetched = byName.get(one.name) ?? byName.get(`${one.topicId}/${one.partition}`);
      if (this.#partitions.get(one.name) !== one) return; // it was removed, or begins elsewhere now
      this.#take(one, fetched, place === 0);
    });
  }

  /** `isFirst`: brokers send the first batch that there is whole, however large it is. */
  #take(one: ReaderPartition, fetched: FetchedPartition | undefined, isFirst: boolean): void {
    const what = `offset ${one.position} of partition ${one.name}`;
    if (fetched === undefined) {
      return this.#failed(one, new KafkaError("protocol", `an answer without ${what}`));
    }
    if (fetched.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      one.isOutOfRange = true;
      return;
    }
    const readCommitted = this.#options.readCommitted ?? true;
    const isBounded = readCommitted && fetched.lastStableOffset >= 0;
    try {
      if (fetched.errorCode !== 0) throw refused(fetched.errorCode, what);
      const run = fetchedRun(one, fetched, readCommitted);
      const isCut = isCutOff(one, run, fetched);
      if (isCut && isFirst) throw corrupt(one);
      one.fetched(run, isBounded ? fetched.lastStableOffset : fetched.highWatermark);
      if (isCut) return;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return this.#failed(one, error);
    }
    // Moves to the end of the order, so that the next fetch begins with the others.
    this.#partitions.delete(one.name);
    this.#partitions.set(one.name, one);
  }

  /** Records that were deleted are passed over, and the caller is told; an offset beyond the end is the caller's mistake. */
  async #findStart(one: ReaderPartition): Promise<void> {
    one.isOutOfRange = false;
    const admin = new Admin(this.#client);
    const { topic, partition, position: from } = one;
    const to = await admin.offsetAt(topic, partition, EARLIEST);
    if (from < to) {
      const { deleted } = this.#options;
      if (deleted === undefined) {
        const what = `offsets ${from} to ${to - 1} of partition ${one.name} were deleted`;
        throw new KafkaError("refused", what, ErrorCode.OFFSET_OUT_OF_RANGE);
      }
      if (this.#partitions.get(one.name) !== one) return;
      one.skipTo(to);
      deleted({ topic, partition, from, to });
      return;
    }
    const end = await admin.offsetAt(topic, partition, LATEST);
    if (from <= end) throw refused(ErrorCode.OFFSET_NOT_AVAILABLE, `offset ${from} of ${one.name}`);
    const what = `offset ${from} of partition ${one.name} is beyond its end, ${end}`;
    throw refused(ErrorCode.OFFSET_OUT_OF_RANGE, what);
  }
}
