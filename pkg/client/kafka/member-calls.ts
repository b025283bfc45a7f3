// What a member of a consumer group asks of its coordinator (KIP-848): heartbeats, what is committed, commits. Each is tried
// again, also at a coordinator that took over, until it is answered; that the group has this member no more, or not in
// this epoch, is an answer.
import { offsetCommit } from "../../../internal/kafka/api/08-offset-commit.ts";
import { offsetFetch } from "../../../internal/kafka/api/09-offset-fetch.ts";
import { consumerGroupHeartbeat } from "../../../internal/kafka/api/68-consumer-group-heartbeat.ts";
import type { ConsumerGroupHeartbeatResponse } from "../../../internal/kafka/api/68-consumer-group-heartbeat.ts";
import type { Api } from "../../../internal/kafka/api/api.ts";
import { ErrorCode } from "../../../internal/kafka/codec/errors.ts";
import type { TopicId } from "../../../internal/model/ids.ts";
import type { Complete, Draft } from "../../../internal/schema/message.ts";
import { Groups } from "./groups.ts";
import type { GroupOffset, TopicPartition } from "./groups.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { refused } from "./kafka-error.ts";

export type Heartbeat = Complete<ConsumerGroupHeartbeatResponse>;

/** `fenced`: the group has given this member up. `stale`: it has raised the member's epoch. */
export type MemberAnswer<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "fenced" }
  | { readonly kind: "stale" };

export interface Member {
  readonly group: string;
  readonly id: string;
  readonly instance: string | null;
}

export interface OwnedPartitions {
  readonly topicId: TopicId;
  readonly partitions: readonly number[];
}

/** How long this member may take to give partitions away. */
const REBALANCE_MS_MAX = 60_000;
/** Below the versions in which topics are named by their ids. */
const VERSION_MAX = 9;
const FENCED = { kind: "fenced" } as const;
const STALE = { kind: "stale" } as const;

export class MemberCalls {
  readonly #client: KafkaClient;
  readonly #groups: Groups;
  readonly #member: Member;
  #coordinator: number | null = null;

  constructor(client: KafkaClient, member: Member) {
    this.#client = client;
    this.#groups = new Groups(client);
    this.#member = member;
  }

  /** `full` says what the member reads and holds; null: nothing has changed. */
  heartbeat(
    epoch: number,
    full: {
      readonly topics: readonly string[];
      readonly owned: readonly OwnedPartitions[];
    } | null,
  ): Promise<MemberAnswer<Heartbeat>> {
    const { group, id, instance } = this.#member;
    return this.#answered(async () => {
      const answer = await this.#ask(consumerGroupHeartbeat, {
        groupId: group,
        memberId: id,
        memberEpoch: epoch,
        instanceId: instance,
        rackId: null,
        rebalanceTimeoutMs: full === null ? -1 : REBALANCE_MS_MAX,
        subscribedTopicNames: full?.topics ?? null,
        subscribedTopicRegex: null,
        serverAssignor: null,
        topicPartitions: full?.owned ?? null,
      });
      const { errorCode, errorMessage } = answer;
      return this.#judged(answer, [errorCode], `group ${group}`, errorMessage);
    });
  }

  /** What the group has committed; -1 where it has not. */
  committed(epoch: number): Promise<MemberAnswer<readonly GroupOffset[]>> {
    const { group, id } = this.#member;
    const asked = { groupId: group, memberId: id, memberEpoch: epoch, topics: null };
    return this.#answered(async () => {
      const answer = await this.#ask(offsetFetch, { groups: [asked], requireStable: true });
      const [one] = answer.groups;
      const code = one?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      const rows = (one?.topics ?? []).flatMap(({ name: topic, partitions }) =>
        partitions.map((row) => ({ topic, ...row })),
      );
      const codes = [code, ...rows.map(({ errorCode }) => errorCode)];
      const offsets = rows.map(({ topic, partitionIndex, committedOffset, metadata }) => {
        const partition = partitionIndex;
        return { topic, partition, offset: committedOffset, metadata: metadata ?? "" };
      });
      return this.#judged(offsets, codes, `offsets of group ${group}`);
    });
  }

  commit(
    epoch: number,
    offsets: readonly (TopicPartition & { readonly offset: number })[],
  ): Promise<MemberAnswer<null>> {
    const { group, id, instance } = this.#member;
    const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, list]) => ({
      name,
      partitions: list.map(({ partition, offset }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: -1,
        committedMetadata: "",
      })),
    }));
    return this.#answered(async () => {
      const answer = await this.#ask(offsetCommit, {
        groupId: group,
        memberId: id,
        generationIdOrMemberEpoch: epoch,
        groupInstanceId: instance,
        retentionTimeMs: -1,
        topics,
      });
      const codes = answer.topics.flatMap((topic) => topic.partitions.map((one) => one.errorCode));
      return this.#judged(null, codes, `cannot commit offsets of group ${group}`);
    });
  }

  async #ask<Req, Res>(api: Api<Req, Res>, body: Draft<Req>): Promise<Complete<Res>> {
    this.#coordinator ??= await this.#groups.coordinatorOf(this.#member.group);
    const options = { versionMax: VERSION_MAX, withinMs: this.#client.askMsMax };
    return this.#client.request(this.#coordinator, api, body, options);
  }

  /** Who failed to answer may be the coordinator no more. */
  #answered<T>(attempt: () => Promise<MemberAnswer<T>>): Promise<MemberAnswer<T>> {
    return this.#client.retrying(async () => {
      try {
        return await attempt();
      } catch (error) {
        this.#coordinator = null;
        throw error;
      }
    });
  }

  #judged<T>(
    value: T,
    codes: readonly number[],
    what: string,
    message: string | null = null,
  ): MemberAnswer<T> {
    const code = codes.find((one) => one !== 0) ?? 0;
    if (code === 0) return { kind: "ok", value };
    if (code === ErrorCode.STALE_MEMBER_EPOCH) return STALE;
    if (code === ErrorCode.FENCED_MEMBER_EPOCH || code === ErrorCode.UNKNOWN_MEMBER_ID)
      return FENCED;
    throw refused(code, what, message);
  }
}
