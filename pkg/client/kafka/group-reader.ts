// Reads topics as a member of a consumer group (KIP-848): the coordinator shares out the partitions, this member reports
// what it holds with every heartbeat, gives away what it is asked for, and commits how far it has come. Records count as
// done when the caller polls again, so a crash repeats some and leaves none out.
import { randomUUID } from "node:crypto";
import { ErrorCode } from "../../../internal/kafka/codec/errors.ts";
import type { TopicId } from "../../../internal/model/ids.ts";
import type { FetchedRecord } from "./fetched-records.ts";
import type { TopicPartition } from "./groups.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { KafkaError, refused } from "./kafka-error.ts";
import { MemberCalls } from "./member-calls.ts";
import type { Heartbeat, MemberAnswer, OwnedPartitions } from "./member-calls.ts";
import { Reader } from "./reader.ts";
import type { ReaderOptions } from "./reader.ts";

export interface GroupReaderOptions extends ReaderOptions {
  readonly group: string;
  readonly topics: readonly string[];
  /** A member with a name of its own keeps its partitions over a short absence. */
  readonly instance?: string;
  /** Where to begin in a partition of which nothing was committed. */
  readonly startOffset: (topic: string, partition: number) => Promise<number>;
  /** Told of every change of what this member reads. */
  readonly reassigned?: (partitions: readonly TopicPartition[]) => void;
}

interface Held extends TopicPartition {
  readonly topicId: TopicId;
  /** Behind the last record that the caller is done with. */
  position: number;
  /** What is committed, as far as this member knows; -1: nothing. */
  committed: number;
}

const JOIN = 0;
const LEAVE = -1;
const LEAVE_FOR_A_WHILE = -2;
const COMMIT_EVERY_MS = 1_000;
const IDLE_MS_MAX = 200;

export class GroupReader {
  readonly #client: KafkaClient;
  readonly #options: GroupReaderOptions;
  readonly #calls: MemberCalls;
  readonly #reader: Reader;
  readonly #held = new Map<string, Held>();
  /** Records that the caller has, and is not known to be done with. */
  #given: readonly FetchedRecord[] = [];
  /** How many of them the caller took. */
  #taken = Number.POSITIVE_INFINITY;
  #epoch = JOIN;
  /** What the coordinator wants this member to hold, until it does. */
  #target: readonly OwnedPartitions[] | null = null;
  #heartbeatAtMs = 0;
  #commitAtMs = 0;
  #mustReport = true;
  /** Whether the caller has not heard yet what is held. */
  #hasChanged = false;

  constructor(client: KafkaClient, options: GroupReaderOptions) {
    this.#client = client;
    this.#options = options;
    const { group, instance = null } = options;
    this.#calls = new MemberCalls(client, { group, id: randomUUID(), instance });
    this.#reader = new Reader(client, options);
  }

  /** The next records, in order within each partition. Whatever was polled before counts as done. */
  async poll(): Promise<readonly FetchedRecord[]> {
    this.#settle();
    const { clock } = this.#client.world;
    if (this.#mustReport || clock.upMs() >= this.#heartbeatAtMs) await this.#heartbeat();
    if (this.#target !== null) await this.#reconcile(this.#target);
    if (clock.upMs() >= this.#commitAtMs) await this.commit();
    if (this.#held.size === 0) {
      const leftMs = this.#heartbeatAtMs - clock.upMs();
      await this.#client.pause(Math.min(IDLE_MS_MAX, Math.max(1, leftMs)));
      return [];
    }
    this.#given = await this.#reader.poll();
    return this.#given;
  }

  /** Whether this member holds partitions and has read all of them to the end that was last heard of. */
  get isAtEnd(): boolean {
    return this.#held.size > 0 && this.#reader.isAtEnd;
  }

  /** Commits how far the caller has come. */
  async commit(): Promise<void> {
    this.#commitAtMs = this.#client.world.clock.upMs() + COMMIT_EVERY_MS;
    await this.#commit([...this.#held.values()]);
  }

  /** The caller is done with what it has. Commits, and leaves the group. */
  async close(): Promise<void> {
    this.#settle();
    await this.commit();
    if (this.#epoch <= JOIN) return;
    this.#epoch = this.#options.instance === undefined ? LEAVE : LEAVE_FOR_A_WHILE;
    // A group that has given this member up need not be told.
    await this.#calls.heartbeat(this.#epoch, null);
  }

  /** Of the records that were polled last the caller is done with the first `count`; the others come again. */
  done(count: number): void {
    this.#taken = count;
  }

  #settle(): void {
    const untaken = this.#given.slice(this.#taken);
    this.#given = [];
    this.#taken = Number.POSITIVE_INFINITY;
    for (const [, [first]] of Map.groupBy(untaken, nameOf)) {
      if (first !== undefined) this.#reader.add(first.topic, first.partition, first.offset);
    }
    for (const held of this.#held.values()) {
      const { topic, partition } = held;
      held.position = this.#reader.positionOf(topic, partition) ?? held.position;
    }
  }

  // ---- membership ----

  async #heartbeat(): Promise<void> {
    const isFull = this.#epoch === JOIN || this.#mustReport;
    const answer = await this.#beat(isFull);
    if (answer.kind !== "ok") return this.#rejoin();
    this.#mustReport = false;
    const { assignment, heartbeatIntervalMs } = answer.value;
    this.#heartbeatAtMs = this.#client.world.clock.upMs() + heartbeatIntervalMs;
    if (assignment !== null) this.#target = assignment.topicPartitions;
  }

  async #beat(isFull: boolean): Promise<MemberAnswer<Heartbeat>> {
    const { topics } = this.#options;
    const owned = [...Map.groupBy(this.#held.values(), ({ topicId }) => topicId)].map(
      ([topicId, list]) => ({ topicId, partitions: list.map(({ partition }) => partition) }),
    );
    const answer = await this.#calls.heartbeat(this.#epoch, isFull ? { topics, owned } : null);
    if (answer.kind === "ok") this.#epoch = answer.value.memberEpoch;
    return answer;
  }

  /** Somebody else may own the partitions by now: nothing is committed for them any more, and none is read. */
  #rejoin(): void {
    this.#epoch = JOIN;
    this.#mustReport = true;
    this.#target = null;
    this.#drop([...this.#held.values()]);
    this.#tell();
  }

  /** Gives away what is not in the assignment, after committing it, and takes what is new. What fails is done again. */
  async #reconcile(target: readonly OwnedPartitions[]): Promise<void> {
    const wanted = new Map<string, TopicPartition & { readonly topicId: TopicId }>();
    for (const { topicId, partitions } of target) {
      const topic = await this.#nameOfTopic(topicId);
      for (const partition of partitions) {
        wanted.set(nameOf({ topic, partition }), { topic, partition, topicId });
      }
    }
    const isKept = (held: Held): boolean => wanted.get(nameOf(held))?.topicId === held.topicId;
    const gone = [...this.#held.values()].filter((held) => !isKept(held));
    await this.#commit(gone);
    if (this.#epoch === JOIN) return;
    this.#drop(gone);
    const fresh = [...wanted].filter(([name]) => !this.#held.has(name)).map(([, one]) => one);
    if (fresh.length > 0 && !(await this.#take(fresh))) return;
    this.#target = null;
    if (this.#hasChanged) this.#mustReport = true;
    this.#tell();
  }

  /** False: this member has to join anew. */
  async #take(
    fresh: readonly (TopicPartition & { readonly topicId: TopicId })[],
  ): Promise<boolean> {
    const committed = await this.#committed();
    if (committed === null) return false;
    for (const one of fresh) {
      const { topic, partition } = one;
      const known = committed.get(nameOf(one)) ?? -1;
      const position = known >= 0 ? known : await this.#options.startOffset(topic, partition);
      this.#held.set(nameOf(one), { ...one, position, committed: known });
      this.#hasChanged = true;
      this.#reader.add(topic, partition, position);
    }
    // Where reading begins is settled before the first record: whoever comes next must not begin later.
    await this.#commit([...this.#held.values()].filter(({ committed: known }) => known < 0));
    return this.#epoch > JOIN;
  }

  #drop(gone: readonly Held[]): void {
    for (const { topic, partition } of gone) {
      this.#held.delete(nameOf({ topic, partition }));
      this.#reader.remove(topic, partition);
      this.#hasChanged = true;
    }
  }

  #tell(): void {
    if (!this.#hasChanged) return;
    this.#hasChanged = false;
    this.#options.reassigned?.([...this.#held.values()]);
  }

  async #nameOfTopic(topicId: TopicId): Promise<string> {
    return this.#client.retrying(async () => {
      for (const name of this.#options.topics) {
        const topic = await this.#client.topic(name);
        if (topic.topicId === topicId) return name;
        this.#client.forget(name);
      }
      throw refused(ErrorCode.UNKNOWN_TOPIC_ID, "a topic that the coordinator assigned");
    });
  }

  // ---- offsets ----

  /** Null: this member has to join anew. */
  async #committed(): Promise<ReadonlyMap<string, number> | null> {
    const answer = await this.#inEpoch(() => this.#calls.committed(this.#epoch));
    return answer && new Map(answer.map((one) => [nameOf(one), one.offset]));
  }

  async #commit(list: readonly Held[]): Promise<void> {
    const due = list.filter(({ position, committed }) => position !== committed);
    if (due.length === 0 || this.#epoch <= JOIN) return;
    const offsets = due.map(({ topic, partition, position }) => {
      return { topic, partition, offset: position };
    });
    const answer = await this.#inEpoch(async () => {
      const committed = await this.#calls.commit(this.#epoch, offsets);
      return committed.kind === "ok" ? { kind: "ok" as const, value: true } : committed;
    });
    if (answer === null) return;
    due.forEach((held, at) => (held.committed = offsets[at]?.offset ?? held.committed));
  }

  /** Asks as the member that the group knows, whose epoch it may have raised unheard. Null: it has to join anew. */
  #inEpoch<T>(ask: () => Promise<MemberAnswer<T>>): Promise<T | null> {
    return this.#client.retrying(async () => {
      const answer = await ask();
      if (answer.kind === "ok") return answer.value;
      const beat = answer.kind === "stale" ? await this.#beat(false) : answer;
      if (beat.kind !== "ok") {
        this.#rejoin();
        return null;
      }
      // The assignment comes with the next full heartbeat.
      this.#mustReport = true;
      throw new KafkaError("timed-out", `the epoch of this member of ${this.#options.group} moves`);
    });
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
