// Administration of consumer groups: which there are, who is in them, how far they have come, and changing that. Every
// group has a coordinator, which alone knows it; a list is therefore asked of all brokers.
import { offsetCommit } from "../../../internal/kafka/api/08-offset-commit.ts";
import { offsetFetch } from "../../../internal/kafka/api/09-offset-fetch.ts";
import { findCoordinator } from "../../../internal/kafka/api/10-find-coordinator.ts";
import { describeGroups } from "../../../internal/kafka/api/15-describe-groups.ts";
import { listGroups } from "../../../internal/kafka/api/16-list-groups.ts";
import { deleteGroups } from "../../../internal/kafka/api/42-delete-groups.ts";
import { consumerGroupDescribe } from "../../../internal/kafka/api/69-consumer-group-describe.ts";
import { ErrorCode } from "../../../internal/kafka/codec/errors.ts";
import { decodeAssignment } from "../../../internal/schema/consumer-protocol.ts";
import type { KafkaClient } from "./kafka-client.ts";
import { KafkaError, refused } from "./kafka-error.ts";

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

export interface GroupOffset extends TopicPartition {
  readonly offset: number;
  /** What the member that committed it wrote beside it. */
  readonly metadata: string;
}

export interface GroupSummary {
  readonly group: string;
  /** `classic`: members share out partitions themselves. `consumer`: the coordinator does (KIP-848). */
  readonly type: string;
  readonly state: string;
  readonly protocolType: string;
  readonly coordinator: number;
}

export interface GroupMember {
  readonly member: string;
  readonly instance: string | null;
  readonly client: string;
  readonly host: string;
  readonly partitions: readonly TopicPartition[];
}

export interface GroupDescription extends Omit<GroupSummary, "protocolType"> {
  /** Who shares out partitions, by which rule; empty when nobody does. */
  readonly assignor: string;
  readonly members: readonly GroupMember[];
}

const GROUP_KEY = 0;
/** In the place of a generation: whoever commits is no member. */
const NO_MEMBER = { generationIdOrMemberEpoch: -1, memberId: "", groupInstanceId: null };
/** Below the versions in which topics are named by their ids. */
const COMMIT_VERSION_MAX = 9;
const OFFSETS_VERSION = 9;

export class Groups {
  readonly #client: KafkaClient;

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  /** All groups, by name. */
  async list(): Promise<readonly GroupSummary[]> {
    const { brokers } = await this.#client.retrying(() => this.#client.refresh([]));
    const lists = await Promise.all(
      brokers.map(({ nodeId }) =>
        this.#client.retrying(async () => {
          const body = { statesFilter: [], typesFilter: [] };
          const answer = await this.#client.request(nodeId, listGroups, body);
          if (answer.errorCode !== 0) throw refused(answer.errorCode, "cannot list groups");
          return answer.groups.map((one) => ({
            group: one.groupId,
            type: one.groupType.toLowerCase(),
            state: one.groupState,
            protocolType: one.protocolType,
            coordinator: nodeId,
          }));
        }),
      ),
    );
    return lists.flat().toSorted((one, other) => (one.group < other.group ? -1 : 1));
  }

  async describe(group: string): Promise<GroupDescription> {
    return this.#withCoordinator(group, async (coordinator) => {
      const described = await this.#describeConsumers(group, coordinator);
      return described ?? this.#describeClassic(group, coordinator);
    });
  }

  /** What is committed, by topic and partition. */
  async offsets(group: string): Promise<readonly GroupOffset[]> {
    return this.#withCoordinator(group, async (coordinator) => {
      const body = {
        groups: [{ groupId: group, memberId: null, memberEpoch: -1, topics: null }],
        requireStable: true,
      };
      const options = { versionMax: OFFSETS_VERSION };
      const answer = await this.#client.request(coordinator, offsetFetch, body, options);
      const [found] = answer.groups;
      const code = found?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      if (code !== 0) throw refused(code, `cannot read offsets of group ${group}`);
      return (found?.topics ?? [])
        .flatMap(({ name, partitions }) =>
          partitions.map(({ partitionIndex, committedOffset, metadata, errorCode }) => {
            if (errorCode !== 0) {
              throw refused(errorCode, `cannot read the offset of ${name}/${partitionIndex}`);
            }
            const topic = name;
            return {
              topic,
              partition: partitionIndex,
              offset: committedOffset,
              metadata: metadata ?? "",
            };
          }),
        )
        .toSorted(byPartition);
    });
  }

  /** Commits offsets for a group that has no members. */
  async setOffsets(
    group: string,
    offsets: readonly (TopicPartition & { readonly offset: number })[],
  ): Promise<void> {
    await this.#withCoordinator(group, async (coordinator) => {
      const topics = Object.entries(Object.groupBy(offsets, ({ topic }) => topic)).map(
        ([name, list = []]) => ({
          name,
          partitions: list.map(({ partition, offset }) => ({
            partitionIndex: partition,
            committedOffset: offset,
            committedLeaderEpoch: -1,
            committedMetadata: "",
          })),
        }),
      );
      const body = { groupId: group, ...NO_MEMBER, retentionTimeMs: -1, topics };
      const options = { versionMax: COMMIT_VERSION_MAX };
      const answer = await this.#client.request(coordinator, offsetCommit, body, options);
      for (const { name, partitions } of answer.topics) {
        for (const { partitionIndex, errorCode } of partitions) {
          if (errorCode === ErrorCode.UNKNOWN_MEMBER_ID) throw inUse(group, errorCode);
          if (errorCode !== 0)
            throw refused(errorCode, `cannot set the offset of ${name}/${partitionIndex}`);
        }
      }
    });
  }

  /** Deletes a group without members, with its offsets. */
  async remove(group: string): Promise<void> {
    let mayBeGone = false;
    await this.#withCoordinator(group, async (coordinator) => {
      const body = { groupsNames: [group] };
      const asking = this.#client.request(coordinator, deleteGroups, body);
      const { results } = await asking.catch((error: unknown) => {
        mayBeGone ||= error instanceof KafkaError && error.isOutcomeUnknown;
        throw error;
      });
      const code = results[0]?.errorCode ?? ErrorCode.UNKNOWN_SERVER_ERROR;
      if (code === ErrorCode.NON_EMPTY_GROUP) throw inUse(group, code);
      if (code === ErrorCode.GROUP_ID_NOT_FOUND && mayBeGone) return;
      if (code === ErrorCode.GROUP_ID_NOT_FOUND) throw missing(group);
      if (code !== 0) throw refused(code, `cannot delete group ${group}`);
    });
  }

  /** The broker that coordinates a group. One try. */
  async coordinatorOf(group: string): Promise<number> {
    await this.#client.refresh([]);
    const body = { key: group, keyType: GROUP_KEY, coordinatorKeys: [group] };
    const options = { withinMs: this.#client.askMsMax };
    const { coordinators } = await this.#client.request(null, findCoordinator, body, options);
    const [found] = coordinators;
    const code = found?.errorCode ?? ErrorCode.COORDINATOR_NOT_AVAILABLE;
    if (found === undefined || code !== 0)
      throw refused(code, `cannot find the coordinator of group ${group}`);
    return found.nodeId;
  }

  /** A coordinator that moved is looked for again. */
  async #withCoordinator<T>(group: string, ask: (coordinator: number) => Promise<T>): Promise<T> {
    return this.#client.retrying(async () => ask(await this.coordinatorOf(group)));
  }

  /** Null: it is no group of this kind. */
  async #describeConsumers(group: string, coordinator: number): Promise<GroupDescription | null> {
    const body = { groupIds: [group], includeAuthorizedOperations: false };
    const { groups } = await this.#client.request(coordinator, consumerGroupDescribe, body);
    const [found] = groups;
    if (found === undefined || found.errorCode === ErrorCode.GROUP_ID_NOT_FOUND) return null;
    if (found.errorCode !== 0) {
      throw refused(found.errorCode, `cannot describe group ${group}`, found.errorMessage);
    }
    return {
      group,
      type: "consumer",
      state: found.groupState,
      coordinator,
      assignor: found.assignorName,
      members: found.members.map((member) => ({
        member: member.memberId,
        instance: member.instanceId,
        client: member.clientId,
        host: member.clientHost,
        partitions: member.assignment.topicPartitions
          .flatMap(({ topicName, partitions }) =>
            partitions.map((partition) => ({ topic: topicName, partition })),
          )
          .toSorted(byPartition),
      })),
    };
  }

  async #describeClassic(group: string, coordinator: number): Promise<GroupDescription> {
    const body = { groups: [group], includeAuthorizedOperations: false };
    const { groups } = await this.#client.request(coordinator, describeGroups, body);
    const [found] = groups;
    const code = found?.errorCode ?? ErrorCode.GROUP_ID_NOT_FOUND;
    if (found === undefined || code === ErrorCode.GROUP_ID_NOT_FOUND) throw missing(group);
    if (code !== 0) throw refused(code, `cannot describe group ${group}`);
    if (found.groupState === "Dead") throw missing(group);
    return {
      group,
      type: "classic",
      state: found.groupState,
      coordinator,
      assignor: found.protocolData,
      members: found.members.map((member) => ({
        member: member.memberId,
        instance: member.groupInstanceId,
        client: member.clientId,
        host: member.clientHost,
        partitions: assignedPartitions(found.protocolType, member.memberAssignment),
      })),
    };
  }
}

/** What a classic member owns, where its kind of group says it in the way that consumers do. */
function assignedPartitions(protocolType: string, bytes: Uint8Array): readonly TopicPartition[] {
  if (protocolType !== "consumer" || bytes.length === 0) return [];
  const assignment = decodeAssignment(bytes);
  if (!assignment.ok) return [];
  return assignment.value.assignedPartitions
    .flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
    .toSorted(byPartition);
}

export function byPartition(one: TopicPartition, other: TopicPartition): number {
  if (one.topic !== other.topic) return one.topic < other.topic ? -1 : 1;
  return one.partition - other.partition;
}

function missing(group: string): KafkaError {
  return new KafkaError("missing", `there is no group ${group}`);
}

function inUse(group: string, code: number): KafkaError {
  return new KafkaError("refused", `group ${group} has members; stop them first`, code);
}
