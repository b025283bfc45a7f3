// Consumer groups as clients of the newer protocol see them: a member's whole life in every version, offsets with its
// epoch, and what administrators and clients of the classic protocol are told of such a group.
import { afterEach, beforeEach, expect, test } from "vitest";
import { offsetCommit } from "../../internal/kafka/api/08-offset-commit.ts";
import { offsetFetch } from "../../internal/kafka/api/09-offset-fetch.ts";
import { joinGroup } from "../../internal/kafka/api/11-join-group.ts";
import { heartbeat } from "../../internal/kafka/api/12-heartbeat.ts";
import { leaveGroup } from "../../internal/kafka/api/13-leave-group.ts";
import { syncGroup } from "../../internal/kafka/api/14-sync-group.ts";
import { describeGroups } from "../../internal/kafka/api/15-describe-groups.ts";
import { listGroups } from "../../internal/kafka/api/16-list-groups.ts";
import { deleteGroups } from "../../internal/kafka/api/42-delete-groups.ts";
import { offsetDelete } from "../../internal/kafka/api/47-offset-delete.ts";
import { consumerGroupHeartbeat } from "../../internal/kafka/api/68-consumer-group-heartbeat.ts";
import { consumerGroupDescribe } from "../../internal/kafka/api/69-consumer-group-describe.ts";
import type { Api } from "../../internal/kafka/api/api.ts";
import type { TopicId } from "../../internal/model/ids.ts";
import { decodeAssignment, encodeSubscription } from "../../internal/schema/consumer-protocol.ts";
import type { Complete, Draft } from "../../internal/schema/message.ts";
import { openFrontStage } from "./front-stage.ts";
import type { FrontStage } from "./front-stage.ts";
import type { KafkaClient } from "./kafka-client.ts";

let stage: FrontStage;
let client: KafkaClient;
let topicId: TopicId;

beforeEach(async () => {
  stage = await openFrontStage();
  topicId = stage.cluster.addTopic("orders", 2);
  client = stage.client({ clientId: "c" });
  await stage.play(() => client.opened);
});

afterEach(async () => {
  await stage.play(() => stage.server.close());
  expect(stage.simulation.fatals).toEqual([]);
});

function ask<Req, Res>(api: Api<Req, Res>, version: number, body: Draft<Req>) {
  return stage.play((): Promise<Complete<Res>> => client.request(api, version, body));
}

const UNCHANGED = {
  instanceId: null,
  rackId: null,
  subscribedTopicNames: null,
  subscribedTopicRegex: null,
  serverAssignor: null,
  topicPartitions: null,
};

function beat(version: number, memberId: string, memberEpoch: number, more: object = {}) {
  const body = { groupId: "g", memberId, memberEpoch, ...UNCHANGED, ...more };
  return ask(consumerGroupHeartbeat, version, body);
}

/** `id`: as the member of a client that chooses its id. */
function join(version: number, id: string, more: object = {}) {
  return beat(version, version === 0 ? "" : id, 0, {
    rebalanceTimeoutMs: 10_000,
    subscribedTopicNames: ["orders"],
    topicPartitions: [],
    ...more,
  });
}

test.each([0, 1])("ConsumerGroupHeartbeat %i: a member's life", async (version) => {
  const joined = await join(version, "m1");
  const memberId = joined.memberId as string;
  expect(memberId).toMatch(version === 0 ? /^c-[0-9a-f]{8}-/ : /^m1$/);
  expect(joined).toMatchObject({
    errorCode: 0,
    errorMessage: null,
    memberEpoch: 1,
    heartbeatIntervalMs: 5_000,
    assignment: { topicPartitions: [{ topicId, partitions: [0, 1] }] },
  });
  const steady = await beat(version, memberId, 1);
  expect(steady).toMatchObject({ errorCode: 0, memberId, memberEpoch: 1, assignment: null });

  const second = await join(version, "m2");
  expect(second).toMatchObject({ memberEpoch: 2, assignment: { topicPartitions: [] } });
  const told = await beat(version, memberId, 1);
  const kept = told.assignment?.topicPartitions[0]?.partitions as readonly number[];
  expect([told.memberEpoch, kept.length]).toEqual([1, 1]);
  const topicPartitions = [{ topicId, partitions: kept }];
  expect(await beat(version, memberId, 1, { topicPartitions })).toMatchObject({
    memberEpoch: 2,
    assignment: null,
  });
  const given = await beat(version, second.memberId as string, 2);
  expect(given.assignment?.topicPartitions).toEqual([{ topicId, partitions: [1 - kept[0]!] }]);

  expect(await beat(version, memberId, -1)).toMatchObject({ errorCode: 0, memberEpoch: -1 });
  const gone = await beat(version, memberId, 2);
  expect([gone.errorCode, gone.errorMessage]).toEqual([25, "The member is not in the group."]);
});

test.each([0, 1])("ConsumerGroupHeartbeat %i: refusals", async (version) => {
  const code = async (answer: ReturnType<typeof join>) => (await answer).errorCode;
  expect(await code(beat(version, "x", 1))).toBe(69);
  const { memberId } = await join(version, "m1", { instanceId: "i" });
  const id = memberId as string;
  const steady = { instanceId: "i" };
  expect(await code(beat(version, "x", 1))).toBe(25);
  expect(await code(beat(version, id, 7, steady))).toBe(110);
  expect(await code(beat(version, "x", 1, steady))).toBe(82);
  expect(await code(join(version, "m2", steady))).toBe(111);
  expect(await code(join(version, "m2", { serverAssignor: "mine" }))).toBe(112);
  expect(await code(join(version, "m2", { topicPartitions: null }))).toBe(42);
  expect(await code(beat(version, "", 1))).toBe(42);
  expect(await code(beat(version, id, -2))).toBe(42);
  if (version === 0) return;
  expect(await code(join(version, ""))).toBe(42);
  const expression = { subscribedTopicNames: null, subscribedTopicRegex: "(" };
  expect(await code(join(version, "m2", expression))).toBe(128);
  const good = await join(version, "m2", { ...expression, subscribedTopicRegex: "ord.*" });
  expect([good.errorCode, good.memberEpoch]).toEqual([0, 2]);
});

test.each([0, 1])("ConsumerGroupDescribe %i", async (version) => {
  await join(1, "m1", { rackId: "r", instanceId: "i" });
  const metadata = encodeSubscription({ topics: ["orders"], userData: null });
  await ask(joinGroup, 3, classicJoin(metadata));
  const answer = await ask(consumerGroupDescribe, version, {
    groupIds: ["g", "nobody"],
    includeAuthorizedOperations: false,
  });
  const [group, missing] = answer.groups;
  const { members, ...rest } = group!;
  expect(rest).toMatchObject({
    ...{ errorCode: 0, groupId: "g", groupState: "Reconciling", groupEpoch: 2 },
    ...{ assignmentEpoch: 2, assignorName: "uniform" },
  });
  const topic = { topicId, topicName: "orders" };
  expect(members[0]).toMatchObject({
    memberId: "m1",
    ...{ instanceId: "i", rackId: "r", memberEpoch: 1, clientId: "c" },
    ...{ subscribedTopicNames: ["orders"], subscribedTopicRegex: null },
    assignment: { topicPartitions: [{ ...topic, partitions: [0, 1] }] },
    targetAssignment: { topicPartitions: [{ ...topic }] },
    memberType: version === 0 ? -1 : 1,
  });
  expect(members[1]?.memberType).toBe(version === 0 ? -1 : 0);
  expect([missing?.errorCode, missing?.groupState]).toEqual([69, "Dead"]);
});

function classicJoin(metadata: Uint8Array) {
  return {
    groupId: "g",
    ...{ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 20_000, memberId: "" },
    protocolType: "consumer",
    protocols: [{ name: "range", metadata }],
  };
}

test("offsets go with the member's epoch", async () => {
  await join(1, "m1");
  const commit = async (version: number, memberId: string, epoch: number) => {
    const one = { partitionIndex: 0, committedOffset: 42, committedMetadata: "" };
    const answer = await ask(offsetCommit, version, {
      groupId: "g",
      generationIdOrMemberEpoch: epoch,
      memberId,
      groupInstanceId: null,
      topics: [{ name: "orders", topicId, partitions: [{ ...one, committedLeaderEpoch: -1 }] }],
    });
    return answer.topics[0]?.partitions[0]?.errorCode;
  };
  expect(await commit(9, "m1", 1)).toBe(0);
  expect(await commit(10, "m1", 2)).toBe(113);
  expect(await commit(8, "m1", 2)).toBe(22);
  expect(await commit(9, "x", 1)).toBe(25);
  expect(await commit(9, "", -1)).toBe(25);
  const fetched = async (memberId: string | null, memberEpoch: number) => {
    const topics = [{ name: "orders", topicId, partitionIndexes: [0] }];
    const groups = [{ groupId: "g", memberId, memberEpoch, topics }];
    const [group] = (await ask(offsetFetch, 9, { groups, requireStable: true })).groups;
    return [group?.errorCode, group?.topics[0]?.partitions[0]?.committedOffset];
  };
  expect(await fetched("m1", 1)).toEqual([0, 42]);
  expect(await fetched("m1", 2)).toEqual([113, undefined]);
  expect(await fetched("x", 1)).toEqual([25, undefined]);
  expect(await fetched(null, -1)).toEqual([0, 42]);
  const topics = [{ name: "orders", partitions: [{ partitionIndex: 0 }] }];
  const deleted = await ask(offsetDelete, 0, { groupId: "g", topics });
  expect(deleted.topics[0]?.partitions[0]?.errorCode).toBe(86);
});

test("such a group is listed with its type, and is no classic one", async () => {
  await join(1, "m1");
  const list = async (statesFilter: readonly string[], typesFilter: readonly string[]) =>
    (await ask(listGroups, 5, { statesFilter, typesFilter })).groups.map(
      (one) => `${one.groupId} ${one.protocolType} ${one.groupState} ${one.groupType}`,
    );
  expect(await list([], [])).toEqual(["g consumer Stable consumer"]);
  expect(await list([], ["Consumer"])).toEqual(["g consumer Stable consumer"]);
  expect(await list([], ["classic"])).toEqual([]);
  expect(await list(["reconciling"], [])).toEqual([]);
  for (const version of [5, 6]) {
    const [group] = (await ask(describeGroups, version, { groups: ["g"] })).groups;
    expect([group?.errorCode, group?.groupState]).toEqual([version === 6 ? 69 : 0, "Dead"]);
  }
  const remove = async () =>
    (await ask(deleteGroups, 2, { groupsNames: ["g"] })).results[0]?.errorCode;
  expect(await remove()).toBe(68);
  await beat(1, "m1", -1);
  expect(await list(["empty"], [])).toEqual(["g consumer Empty consumer"]);
  expect(await remove()).toBe(0);
  expect(await list([], [])).toEqual([]);
});

test("a classic member lives in such a group", async () => {
  await join(1, "m1", { instanceId: "i" });
  const metadata = encodeSubscription({ topics: ["orders"], userData: null });
  const joined = await ask(joinGroup, 3, classicJoin(metadata));
  expect(joined).toMatchObject({ errorCode: 0, generationId: 2, leader: "", members: [] });
  const { memberId } = joined;
  const claim = { groupId: "g", memberId, generationId: 2, groupInstanceId: null };
  const sync = () => ask(syncGroup, 5, { ...claim, protocolName: "range", assignments: [] });
  const read = async () => {
    const blob = decodeAssignment((await sync()).assignment);
    return blob.ok ? blob.value.assignedPartitions : null;
  };
  expect(await read()).toEqual([]);
  const beats = async () => (await ask(heartbeat, 4, claim)).errorCode;
  expect(await beats()).toBe(0);
  await beat(1, "m1", 1);
  const [kept] =
    (await beat(1, "m1", 1, { topicPartitions: [] })).assignment?.topicPartitions ?? [];
  expect(kept).toBeUndefined();
  expect(await beats()).toBe(27);
  const again = await ask(joinGroup, 3, { ...classicJoin(metadata), memberId });
  expect(again).toMatchObject({ errorCode: 0, generationId: 2 });
  expect((await read())?.map(({ topic, partitions }) => [topic, partitions.length])).toEqual([
    ["orders", 1],
  ]);
  const members = [
    { memberId, groupInstanceId: null },
    { memberId: "", groupInstanceId: "i" },
    { memberId: "x", groupInstanceId: null },
  ];
  const left = await ask(leaveGroup, 5, { groupId: "g", members });
  expect([left.errorCode, left.members.map((one) => one.errorCode)]).toEqual([0, [0, 0, 25]]);
});
