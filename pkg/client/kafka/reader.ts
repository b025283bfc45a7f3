// Reads records of chosen partitions from chosen offsets. There are no groups and no committed offsets here: the caller
// says where to begin and knows how far it has come.
import { fetch } from "../../../internal/kafka/api/01-fetch.ts";
import type { FetchResponse } from "../../../internal/kafka/api/01-fetch.ts";
import { decodeBatch, splitBatches } from "../../../internal/model/decode-batch.ts";
import type { DecodedRecord } from "../../../internal/model/decode-batch.ts";
import { RecordBatchView } from "../../../internal/model/record-batch.ts";
import type { Complete } from "../../../internal/schema/message.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { KafkaError, refused } from "./kafka-error.ts";

export interface FetchedRecord extends DecodedRecord {
  readonly topic: string;
  readonly partition: number;
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
}

interface Position {
  readonly topic: string;
  readonly partition: number;
  /** The next record to read. */
  offset: number;
  /** The end of what can be read, as last heard; -1 before. */
  endOffset: number;
}

type FetchedPartition = Complete<FetchResponse>["responses"][number]["partitions"][number];

/** From this version on topics are named by their ids. */
const VERSION_MAX = 12;
const RETRY_MS = 100;

export class Reader {
  readonly #client: KafkaClient;
  readonly #options: ReaderOptions;
  readonly #positions = new Map<string, Position>();
  /** Fetches under way, by leader. */
  readonly #fetches = new Map<number, Promise<{ leader: number; records: FetchedRecord[] }>>();
  #giveUpAtMs = Number.POSITIVE_INFINITY;

  constructor(client: KafkaClient, options: ReaderOptions = {}) {
    this.#client = client;
    this.#options = options;
  }

  /** Reads a partition from `offset` on. */
  add(topic: string, partition: number, offset: number): void {
    this.#positions.set(`${topic}/${partition}`, { topic, partition, offset, endOffset: -1 });
  }

  /** Reads a partition no more. */
  remove(topic: string, partition: number): void {
    this.#positions.delete(`${topic}/${partition}`);
  }

  get partitionCount(): number {
    return this.#positions.size;
  }

  /** Whether all partitions were read to the end that was last heard of. */
  get isAtEnd(): boolean {
    for (const { offset, endOffset } of this.#positions.values()) {
      if (endOffset < 0 || offset < endOffset) return false;
    }
    return true;
  }

  /**
   * The next records of any partition, in order within each; none when there are none yet. A partition without a leader is
   * tried again for the client's `retryMsMax`; then this rejects.
   */
  async poll(): Promise<readonly FetchedRecord[]> {
    const { clock } = this.#client.world;
    try {
      await this.#fetchFromAll();
      if (this.#fetches.size === 0) return [];
      const { leader, records } = await Promise.race(this.#fetches.values());
      this.#fetches.delete(leader);
      this.#giveUpAtMs = Number.POSITIVE_INFINITY;
      return records;
    } catch (error) {
      if (!(error instanceof KafkaError) || !error.isRetriable) throw error;
      this.#fetches.clear();
      this.#giveUpAtMs = Math.min(this.#giveUpAtMs, clock.upMs() + this.#client.retryMsMax);
      if (clock.upMs() > this.#giveUpAtMs) throw error;
      for (const { topic } of this.#positions.values()) this.#client.forget(topic);
      await this.#client.pause(RETRY_MS);
      return [];
    }
  }

  /** One fetch for each leader that has none under way. */
  async #fetchFromAll(): Promise<void> {
    const byLeader = new Map<number, Position[]>();
    for (const position of [...this.#positions.values()]) {
      const leader = await this.#client.leaderOf(position.topic, position.partition);
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), position]);
    }
    for (const [leader, positions] of byLeader) {
      if (this.#fetches.has(leader)) continue;
      const fetching = this.#fetch(leader, positions);
      fetching.catch(() => {}); // whoever waits for it hears of it; nobody may be waiting any more
      this.#fetches.set(leader, fetching);
    }
  }

  async #fetch(
    leader: number,
    positions: readonly Position[],
  ): Promise<{ leader: number; records: FetchedRecord[] }> {
    const { waitMsMax = 500, bytesMax = 8 << 20, partitionBytesMax = 1 << 20 } = this.#options;
    const answer = await this.#client.request(
      leader,
      fetch,
      {
        replicaId: -1,
        maxWaitMs: waitMsMax,
        minBytes: 1,
        maxBytes: bytesMax,
        isolationLevel: this.#options.readCommitted === false ? 0 : 1,
        sessionEpoch: -1,
        // Whoever comes first gets the bytes: the ones that were served least go ahead.
        topics: positions.map(({ topic, partition, offset }) => ({
          topic,
          partitions: [
            {
              partition,
              fetchOffset: offset,
              currentLeaderEpoch: -1,
              lastFetchedEpoch: -1,
              logStartOffset: -1,
              partitionMaxBytes: partitionBytesMax,
            },
          ],
        })),
      },
      { versionMax: VERSION_MAX },
    );
    if (answer.errorCode !== 0) throw refused(answer.errorCode, "fetch");
    const records: FetchedRecord[] = [];
    for (const { topic, partitions } of answer.responses) {
      for (const fetched of partitions) this.#take(topic, fetched, records);
    }
    return { leader, records };
  }

  #take(topic: string, fetched: FetchedPartition, into: FetchedRecord[]): void {
    const partition = fetched.partitionIndex;
    const name = `${topic}/${partition}`;
    const position = this.#positions.get(name);
    if (position === undefined) return;
    if (fetched.errorCode !== 0) {
      throw refused(fetched.errorCode, `offset ${position.offset} of partition ${name}`);
    }
    const isCommitted = this.#options.readCommitted !== false && fetched.lastStableOffset >= 0;
    position.endOffset = isCommitted ? fetched.lastStableOffset : fetched.highWatermark;
    const aborted = new AbortedProducers(fetched.abortedTransactions ?? []);
    let { offset } = position;
    for (const range of splitBatches(fetched.records ?? NOTHING)) {
      const batch = new RecordBatchView(range.bytes, range.start);
      if (batch.nextOffset <= offset) continue;
      if (!batch.isControl && !aborted.covers(batch)) {
        const decoded = decodeBatch(range);
        if (!decoded.ok) throw new KafkaError("protocol", `a corrupt batch in partition ${name}`);
        for (const record of decoded.value) {
          if (record.offset >= offset) into.push({ ...record, topic, partition });
        }
      }
      offset = batch.nextOffset;
    }
    position.offset = offset;
    // Moves to the end of the order, so that the next fetch begins with the others.
    this.#positions.delete(name);
    this.#positions.set(name, position);
  }
}

const NOTHING = { bytes: new Uint8Array(0), start: 0, end: 0 };

/** Which producers' batches belong to aborted transactions, while batches are read in order. */
class AbortedProducers {
  readonly #coming: { readonly producerId: number; readonly firstOffset: number }[];
  readonly #open = new Set<number>();

  constructor(aborted: readonly { readonly producerId: number; readonly firstOffset: number }[]) {
    this.#coming = aborted.toSorted((one, other) => one.firstOffset - other.firstOffset);
  }

  covers(batch: RecordBatchView): boolean {
    while (this.#coming.length > 0 && this.#coming[0]!.firstOffset <= batch.lastOffset) {
      this.#open.add(this.#coming.shift()!.producerId);
    }
    return batch.isTransactional && this.#open.has(batch.producerId);
  }
}
