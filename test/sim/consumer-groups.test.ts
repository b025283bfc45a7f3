// Consumer groups whose coordinator assigns, over Kafka's protocol against three whole brokers on simulated machines: what
// members keep, give up and are given when the coordinator dies in the middle, topics grow and go, or all brokers restart.
import { afterEach, beforeEach, expect, test } from "vitest";
import { offsetCommit } from "../../internal/kafka/api/08-offset-commit.ts";
import { offsetFetch } from "../../internal/kafka/api/09-offset-fetch.ts";
import { deleteTopics } from "../../internal/kafka/api/20-delete-topics.ts";
import { createPartitions } from "../../internal/kafka/api/37-create-partitions.ts";
import { consumerGroupHeartbeat } from "../../internal/kafka/api/68-consumer-group-heartbeat.ts";
import type { ConsumerGroupHeartbeatResponse } from "../../internal/kafka/api/68-consumer-group-heartbeat.ts";
import { consumerGroupDescribe } from "../../internal/kafka/api/69-consumer-group-describe.ts";
import type { BrokerId } from "../../internal/model/ids.ts";
import type { Complete } from "../../internal/schema/message.ts";
import { nameOf } from "./cluster/sim-cluster.ts";
import { GroupStage } from "./group-stage.ts";

const GROUP = "g";
const PARTITIONS = 4;

let stage: GroupStage;

beforeEach(async () => {
  stage = new GroupStage(11);
  await stage.open("t", PARTITIONS);
});

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

type Answer = Complete<ConsumerGroupHeartbeatResponse>;

/** A member that does at once what it is told. */
class Member {
  readonly id: string;
  epoch = 0;
  owned: readonly number[] = [];
  #topicId: string | null = null;

  constructor(id: string) {
    this.id = id;
  }

  async beat(at: number): Promise<number> {
    const topicPartitions =
      this.#topicId === null || this.owned.length === 0
        ? []
        : [{ topicId: this.#topicId as never, partitions: this.owned }];
    const answer: Answer = await stage.ask(at, consumerGroupHeartbeat, 1, {
      groupId: GROUP,
      memberId: this.id,
      memberEpoch: this.epoch,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: 10_000,
      subscribedTopicNames: ["t"],
      subscribedTopicRegex: null,
      serverAssignor: "range",
      topicPartitions,
    });
    if (answer.errorCode !== 0) return answer.errorCode;
    expect(answer.memberEpoch).toBeGreaterThanOrEqual(this.epoch);
    this.epoch = answer.memberEpoch;
    const [topic] = answer.assignment?.topicPartitions ?? [];
    this.#topicId = topic?.topicId ?? this.#topicId;
    if (answer.assignment !== null) this.owned = topic?.partitions ?? [];
    return 0;
  }
}

/** Every member lives until all partitions are owned, each by one. */
async function converge(at: number, members: readonly Member[], partitions: number): Promise<void> {
  await stage.until("all is owned", async () => {
    for (const member of members) {
      expect(await member.beat(at)).toBe(0);
      expectOneOwner(members);
    }
    const owned = members.flatMap((member) => [...member.owned]).sort((a, b) => a - b);
    return owned.length === partitions && (await phase(at)) === "Stable";
  });
}

function expectOneOwner(members: readonly Member[]): void {
  const owned = members.flatMap((member) => [...member.owned]);
  expect(new Set(owned).size).toBe(owned.length);
}

async function phase(at: number): Promise<string> {
  const answer = await stage.ask(at, consumerGroupDescribe, 1, { groupIds: [GROUP] });
  return answer.groups[0]?.groupState ?? "";
}

async function commit(at: number, member: Member, offset: number): Promise<number> {
  const one = { partitionIndex: 0, committedOffset: offset, committedMetadata: "" };
  const answer = await stage.ask(at, offsetCommit, 9, {
    groupId: GROUP,
    generationIdOrMemberEpoch: member.epoch,
    memberId: member.id,
    groupInstanceId: null,
    topics: [{ name: "t", partitions: [{ ...one, committedLeaderEpoch: -1 }] }],
  });
  return answer.topics[0]?.partitions[0]?.errorCode ?? -1;
}

async function committed(at: number): Promise<number> {
  const topics = [{ name: "t", partitionIndexes: [0] }];
  const groups = [{ groupId: GROUP, memberId: null, memberEpoch: -1, topics }];
  const [group] = (await stage.ask(at, offsetFetch, 9, { groups, requireStable: true })).groups;
  if (group?.errorCode !== 0) return -(group?.errorCode ?? 1);
  return group.topics[0]?.partitions[0]?.committedOffset ?? -1;
}

test("the coordinator dies while a member still has what another waits for", async () => {
  const at = await stage.coordinator(GROUP, 1);
  const [a, b] = [new Member("a"), new Member("b")];
  expect(await a.beat(at)).toBe(0);
  expect(a.owned).toEqual([0, 1, 2, 3]);
  expect(await commit(at, a, 5)).toBe(0);
  expect(await b.beat(at)).toBe(0);
  expect([b.owned, b.epoch]).toEqual([[], 2]);
  // It is told to give up, and nobody hears whether it has.
  expect(await a.beat(at)).toBe(0);
  expect([a.owned.length, a.epoch]).toEqual([2, 1]);

  stage.cluster.at(at).crash("power");
  const other = (at % 3) + 1;
  const next = await stage.coordinator(GROUP, other, at);
  await stage.until("it answers", async () => (await b.beat(next)) === 0);
  expect(b.owned).toEqual([]);
  await converge(next, [a, b], PARTITIONS);
  expect(await committed(next)).toBe(5);
  // The epoch from before the change is not the member's any more.
  const late = Object.assign(new Member("a"), { epoch: 1 });
  expect(await commit(next, late, 6)).toBe(113);
  expect(await commit(next, a, 7)).toBe(0);
  expect(await committed(next)).toBe(7);
});

test("partitions that are new are given out, and those of a topic that is gone are taken back", async () => {
  const at = await stage.coordinator(GROUP, 1);
  const members = [new Member("a"), new Member("b"), new Member("c")];
  await converge(at, members, PARTITIONS);
  const topics = [{ name: "t", count: 7, assignments: null }];
  const grown = await stage.ask(1, createPartitions, 3, { topics, timeoutMs: 10_000 });
  expect(grown.results[0]?.errorCode).toBe(0);
  await converge(at, members, 7);
  const epochs = members.map(({ epoch }) => epoch);
  expect(new Set(epochs).size).toBe(1);

  const gone = await stage.ask(1, deleteTopics, 6, {
    topics: [{ name: "t", topicId: "A".repeat(22) as never }],
    timeoutMs: 10_000,
  });
  expect(gone.responses[0]?.errorCode).toBe(0);
  await stage.until("nobody owns anything", async () => {
    for (const member of members) expect(await member.beat(at)).toBe(0);
    return members.every(({ owned }) => owned.length === 0) && (await phase(at)) === "Stable";
  });
});

test("members live through a restart of all brokers, and who is silent too long is gone", async () => {
  const at = await stage.coordinator(GROUP, 1);
  const [a, b] = [new Member("a"), new Member("b")];
  await converge(at, [a, b], PARTITIONS);
  const [ownedByA, epoch] = [a.owned, a.epoch];
  for (const { id } of stage.cluster.brokers) stage.cluster.at(id).crash("power");
  stage.cluster.startAll();
  await stage.until("the cluster is ready", async () => stage.cluster.isReady);
  const next = await stage.coordinator(GROUP, 1);
  await stage.until("it answers", async () => (await a.beat(next)) === 0);
  expect([a.owned, a.epoch]).toEqual([ownedByA, epoch]);
  for (let passedMs = 0; passedMs < 50_000; passedMs += 5_000) {
    await stage.simulation.runForMs(5_000);
    expect(await a.beat(next)).toBe(0);
  }
  await converge(next, [a], PARTITIONS);
  expect(await b.beat(next)).toBe(25);
});

test("a coordinator that is cut off gives nothing to anybody", async () => {
  const at = await stage.coordinator(GROUP, 1);
  const [a, b] = [new Member("a"), new Member("b")];
  expect(await a.beat(at)).toBe(0);
  const others = [1, 2, 3].filter((id) => id !== at);
  for (const id of others) {
    stage.simulation.network.links.cut(nameOf(at as BrokerId), nameOf(id as BrokerId));
  }
  // Whoever joins there waits for a majority, and is sent on.
  expect(await b.beat(at)).toBe(16);
  expect([b.owned, b.epoch]).toEqual([[], 0]);
  const next = await stage.coordinator(GROUP, others[0] as number, at);
  await stage.until("it answers", async () => (await b.beat(next)) === 0);
  await converge(next, [a, b], PARTITIONS);
});
