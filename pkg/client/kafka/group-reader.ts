// Reads topics as a member of a consumer group (KIP-848): the coordinator shares out the partitions, this member reports
// what it holds with every heartbeat, gives away what it is asked for, and commits how far it has come. Records count as
// done when the caller polls again, so a crash repeats some and leaves none out.
import { randomUUID } from "node:crypto";
import { offsetCommit } from "../../../internal/kafka/api/08-offset-commit.ts";
import { offsetFetch } from "../../../internal/kafka/api/09-offset-fetch.ts";
import { consumerGroupHeartbeat } from "../../../internal/kafka/api/68-consumer-group-heartbeat.ts";
import type { ConsumerGroupHeartbeatResponse } from "../../../internal/kafka/api/68-consumer-group-heartbeat.ts";
import { ErrorCode } from "../../../internal/kafka/codec/errors.ts";
import type { TopicId } from "../../../internal/model/ids.ts";
import type { Complete } from "../../../internal/schema/message.ts";
import { Groups } from "./groups.ts";
import type { TopicPartition } from "./groups.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { KafkaError, refused } from "./kafka-error.ts";
import { Reader } from "./reader.ts";
import type { FetchedRecord, ReaderOptions } from "./reader.ts";

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

type Heartbeat = Complete<ConsumerGroupHeartbeatResponse>;
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
/** How long this member may take to give partitions away. */
const REBALANCE_MS_MAX = 60_000;
const COMMIT_EVERY_MS = 1_000;
/** Below the versions in which topics are named by their ids. */
const VERSION_MAX = 9;

export class GroupReader {
  readonly #client: KafkaClient;
  readonly #options: GroupReaderOptions;
  readonly #groups: Groups;
  readonly #reader: Reader;
  readonly #member: string = randomUUID();
  readonly #held = new Map<string, Held>();
  /** Records that the caller has, and is not known to be done with. */
  #given: readonly FetchedRecord[] = [];
  #epoch = JOIN;
  #coordinator: number | null = null;
  #heartbeatAtMs = 0;
  #commitAtMs = 0;
  #mustReport = true;

  constructor(client: KafkaClient, options: GroupReaderOptions) {
    this.#client = client;
    this.#options = options;
    this.#groups = new Groups(client);
    this.#reader = new Reader(client, options);
  }

  /** The next records, in order within each partition. Whatever was polled before counts as done. */
  async poll(): Promise<readonly FetchedRecord[]> {
    this.#settle();
    const { clock } = this.#client.world;
    if (this.#mustReport || clock.upMs() >= this.#heartbeatAtMs) await this.#heartbeat();
    if (clock.upMs() >= this.#commitAtMs) await this.commit();
    if (this.#held.size === 0) {
      await this.#client.pause(Math.min(200, Math.max(1, this.#heartbeatAtMs - clock.upMs())));
      return [];
    }
    const polled = await this.#reader.poll();
    // A partition may have been given away while its records were under way.
    this.#given = polled.filter((record) => this.#held.has(nameOf(record)));
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
    await this.#client.retrying(() => this.#beat(false));
  }

  /** The records that the caller took are done. `count` of them, when it did not take all. */
  done(count: number): void {
    this.#given = this.#given.slice(0, count);
  }

  #settle(): void {
    for (const record of this.#given) {
      const held = this.#held.get(nameOf(record));
      if (held !== undefined) held.position = record.offset + 1;
    }
    this.#given = [];
  }

  // ---- membership ----

  async #heartbeat(): Promise<void> {
    const isJoining = this.#epoch === JOIN;
    const isFull = isJoining || this.#mustReport;
    const answer = await this.#client.retrying(() => this.#beat(isFull));
    if (answer === null) return;
    this.#epoch = answer.memberEpoch;
    this.#mustReport = false;
    this.#heartbeatAtMs = this.#client.world.clock.upMs() + answer.heartbeatIntervalMs;
    if (answer.assignment !== null) await this.#reconcile(answer.assignment.topicPartitions);
  }

  /** One heartbeat. Null: this member is not one any more, and joins again with the next. */
  async #beat(isFull: boolean): Promise<Heartbeat | null> {
    const { group, topics, instance = null } = this.#options;
    const isJoining = this.#epoch === JOIN;
    const answer = await this.#ask((coordinator) =>
      this.#client.request(coordinator, consumerGroupHeartbeat, {
        groupId: group,
        memberId: this.#member,
        memberEpoch: this.#epoch,
        instanceId: instance,
        rackId: null,
        rebalanceTimeoutMs: isFull ? REBALANCE_MS_MAX : -1,
        subscribedTopicNames: isFull ? topics : null,
        subscribedTopicRegex: null,
        serverAssignor: null,
        topicPartitions: isFull ? (isJoining ? [] : this.#report()) : null,
      }),
    );
    const { errorCode, errorMessage } = answer;
    if (errorCode === 0) return answer;
    if (isFenced(errorCode) && this.#epoch > JOIN) {
      // Somebody else may own them by now: nothing is committed for them any more.
      this.#epoch = JOIN;
      this.#mustReport = true;
      this.#drop([...this.#held.values()]);
      this.#tell();
      return null;
    }
    this.#forgetIfMoved(errorCode);
    throw refused(errorCode, `group ${group}`, errorMessage);
  }

  #report() {
    const byTopic = Map.groupBy(this.#held.values(), ({ topicId }) => topicId);
    return [...byTopic].map(([topicId, list]) => ({
      topicId,
      partitions: list.map(({ partition }) => partition),
    }));
  }

  /** Gives away what is not in the assignment, after committing it, and takes what is new. */
  async #reconcile(
    assigned: readonly { readonly topicId: TopicId; readonly partitions: readonly number[] }[],
  ): Promise<void> {
    const wanted = new Map<string, Omit<Held, "position" | "committed">>();
    for (const { topicId, partitions } of assigned) {
      const topic = await this.#nameOfTopic(topicId);
      for (const partition of partitions) {
        wanted.set(nameOf({ topic, partition }), { topic, partition, topicId });
      }
    }
    const gone = [...this.#held].filter(([name]) => !wanted.has(name)).map(([, held]) => held);
    const fresh = [...wanted].filter(([name]) => !this.#held.has(name)).map(([, one]) => one);
    await this.#commit(gone);
    this.#drop(gone);
    await this.#take(fresh);
    if (gone.length + fresh.length > 0) this.#tell();
    this.#mustReport = gone.length + fresh.length > 0;
  }

  async #take(fresh: readonly Omit<Held, "position" | "committed">[]): Promise<void> {
    if (fresh.length === 0) return;
    const committed = await this.#committedOffsets();
    for (const one of fresh) {
      const { topic, partition } = one;
      const known = committed.get(nameOf(one)) ?? -1;
      const offset = known >= 0 ? known : await this.#options.startOffset(topic, partition);
      // Where reading begins is committed too: it must not depend on when the first record comes.
      this.#held.set(nameOf(one), { ...one, position: offset, committed: known });
      this.#reader.add(topic, partition, offset);
    }
  }

  #drop(gone: readonly Held[]): void {
    for (const { topic, partition } of gone) {
      this.#held.delete(nameOf({ topic, partition }));
      this.#reader.remove(topic, partition);
    }
  }

  #tell(): void {
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

  async #committedOffsets(): Promise<ReadonlyMap<string, number>> {
    const { group, topics } = this.#options;
    const found = await this.#client.retrying(async () => {
      const answer = await this.#ask((coordinator) => {
        const asked = {
          groupId: group,
          memberId: this.#member,
          memberEpoch: this.#epoch,
          topics: null,
        };
        const body = { groups: [asked], requireStable: true };
        return this.#client.request(coordinator, offsetFetch, body, { versionMax: VERSION_MAX });
      });
      const [one] = answer.groups;
      const code = one?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      this.#forgetIfMoved(code);
      if (code !== 0) throw refused(code, `offsets of group ${group}`);
      return one?.topics ?? [];
    });
    const offsets = new Map<string, number>();
    for (const { name: topic, partitions } of found) {
      if (!topics.includes(topic)) continue;
      for (const { partitionIndex: partition, committedOffset } of partitions) {
        offsets.set(nameOf({ topic, partition }), committedOffset);
      }
    }
    return offsets;
  }

  async #commit(list: readonly Held[]): Promise<void> {
    const due = list.filter(({ position, committed }) => position !== committed);
    if (due.length === 0 || this.#epoch <= JOIN) return;
    const { group, instance = null } = this.#options;
    const topics = [...Map.groupBy(due, ({ topic }) => topic)].map(([name, partitions]) => ({
      name,
      partitions: partitions.map(({ partition, position }) => ({
        partitionIndex: partition,
        committedOffset: position,
        committedLeaderEpoch: -1,
        committedMetadata: "",
      })),
    }));
    const positions = due.map(({ position }) => position);
    const code = await this.#client.retrying(async () => {
      const answer = await this.#ask((coordinator) =>
        this.#client.request(
          coordinator,
          offsetCommit,
          {
            groupId: group,
            memberId: this.#member,
            generationIdOrMemberEpoch: this.#epoch,
            groupInstanceId: instance,
            retentionTimeMs: -1,
            topics,
          },
          { versionMax: VERSION_MAX },
        ),
      );
      const codes = answer.topics.flatMap((topic) => topic.partitions.map((one) => one.errorCode));
      const worst = codes.find((one) => one !== 0) ?? 0;
      if (isFenced(worst)) return worst;
      if (worst === ErrorCode.STALE_MEMBER_EPOCH) {
        // The coordinator has raised the epoch and its answer has not come yet.
        await this.#learnEpoch();
        throw new KafkaError("timed-out", `the epoch of this member of ${group} has changed`);
      }
      this.#forgetIfMoved(worst);
      if (worst !== 0) throw refused(worst, `cannot commit offsets of group ${group}`);
      return 0;
    });
    // A member that was given up commits no more; the next heartbeat says so.
    if (code !== 0) this.#heartbeatAtMs = 0;
    else due.forEach((held, at) => (held.committed = positions[at] as number));
  }

  async #learnEpoch(): Promise<void> {
    const answer = await this.#beat(false);
    if (answer === null) return;
    this.#epoch = answer.memberEpoch;
    // The assignment comes with the next full heartbeat.
    this.#mustReport = true;
  }

  // ---- the coordinator ----

  async #ask<T>(request: (coordinator: number) => Promise<T>): Promise<T> {
    this.#coordinator ??= await this.#groups.coordinatorOf(this.#options.group);
    try {
      return await request(this.#coordinator);
    } catch (error) {
      this.#coordinator = null;
      throw error;
    }
  }

  #forgetIfMoved(code: number): void {
    if (code === ErrorCode.NOT_COORDINATOR || code === ErrorCode.COORDINATOR_NOT_AVAILABLE) {
      this.#coordinator = null;
    }
  }
}

function isFenced(code: number): boolean {
  return code === ErrorCode.FENCED_MEMBER_EPOCH || code === ErrorCode.UNKNOWN_MEMBER_ID;
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
