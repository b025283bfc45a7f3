// One partition of a reader. Its position is the next offset to hand out, and nothing else moves it: what was fetched and not
// handed out is kept here, or fetched again.
import type { TopicId } from "../../../internal/model/ids.ts";
import type { FetchedRecord, FetchedRun } from "./fetched-records.ts";
import type { PartitionLeader } from "./kafka-client.ts";
import type { KafkaError } from "./kafka-error.ts";

/** How long a partition is left alone after a failure. */
const RETRY_MS = 100;

export class ReaderPartition {
  readonly topic: string;
  readonly partition: number;
  /** Null until it is looked up, and again after every failure. */
  leader: PartitionLeader | null = null;
  /** As first heard; a topic that is made again under the name is another one. */
  topicId: TopicId | null = null;
  /** The end of what can be read, as last heard; -1 before. */
  endOffset = -1;
  /** Whether a question about it is under way, a fetch or another. */
  isAsking = false;
  /** Whether a leader has no record at the position: where the log begins and ends is looked up next. */
  isOutOfRange = false;
  #position: number;
  #ready: FetchedRun | null = null;
  #failingSinceMs = Number.POSITIVE_INFINITY;
  #retryAtMs = 0;
  #error: KafkaError | null = null;

  constructor(topic: string, partition: number, position: number) {
    this.topic = topic;
    this.partition = partition;
    this.#position = position;
  }

  get name(): string {
    return `${this.topic}/${this.partition}`;
  }

  get position(): number {
    return this.#position;
  }

  get retryAtMs(): number {
    return this.#retryAtMs;
  }

  get isAtEnd(): boolean {
    return this.endOffset >= 0 && this.#position >= this.endOffset;
  }

  isDue(nowMs: number): boolean {
    return !this.isAsking && this.#ready === null && nowMs >= this.#retryAtMs;
  }

  /** A fetch that began at the position has succeeded. */
  fetched(run: FetchedRun, endOffset: number): void {
    this.#failingSinceMs = Number.POSITIVE_INFINITY;
    this.endOffset = endOffset;
    if (run.records.length > 0) this.#ready = run;
    else this.#position = run.nextOffset;
  }

  /** Records before `start` are gone: reading goes on there. */
  skipTo(start: number): void {
    this.#position = start;
  }

  // K1: nothing else moves the position past a record.
  handOut(into: FetchedRecord[]): void {
    if (this.#ready === null) return;
    for (const record of this.#ready.records) into.push(record);
    this.#position = this.#ready.nextOffset;
    this.#ready = null;
  }

  /**
   * Tries again a little later, at whoever leads then; after `retryMsMax` of failures, or at once, the caller is told. Answers
   * since when it fails.
   */
  failed(error: KafkaError, nowMs: number, retryMsMax: number): number {
    this.leader = null;
    this.#retryAtMs = nowMs + RETRY_MS;
    this.#failingSinceMs = Math.min(this.#failingSinceMs, nowMs);
    const isPassing = error.isRetriable || error.kind === "missing";
    if (!isPassing || nowMs - this.#failingSinceMs > retryMsMax) this.#error = error;
    return this.#failingSinceMs;
  }

  /** What the caller is to hear, once. Whoever polls again has it tried again. */
  takeError(): KafkaError | null {
    const error = this.#error;
    this.#error = null;
    if (error !== null) this.#failingSinceMs = Number.POSITIVE_INFINITY;
    return error;
  }
}
