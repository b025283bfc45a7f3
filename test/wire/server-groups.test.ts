// Consumer groups as clients of every version see them: a member's whole life, offsets, and administration.
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
import type { Api } from "../../internal/kafka/api/api.ts";
import type { TopicId } from "../../internal/model/ids.ts";
import { encodeSubscription } from "../../internal/schema/consumer-protocol.ts";
import type { Complete, Draft } from "../../internal/schema/message.ts";
import { openFrontStage, versionsOf } from "./front-stage.ts";
import type { FrontStage } from "./front-stage.ts";
import type { KafkaClient } from "./kafka-client.ts";

const UNKNOWN_ID = `${"B".repeat(21)}A` as TopicId;
const metadata = encodeSubscription({ topics: ["orders"], userData: null }, 0);
const assignment = Uint8Array.of(1, 2, 3);

let stage: FrontStage;
let client: KafkaClient;
let topicId: TopicId;

beforeEach(async () => {
  stage = await openFrontStage();
  topicId = stage.cluster.addTopic("orders", 3);
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

function joinBody(memberId: string, groupInstanceId: string | null = null) {
  const timeouts = { sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 20_000 };
  const protocols = [{ name: "range", metadata }];
  return {
    groupId: "g",
    ...timeouts,
    memberId,
    groupInstanceId,
    protocolType: "consumer",
    protocols,
  };
}

/** A group of one, in generation 1. */
async function stableMember(): Promise<string> {
  const { memberId } = await ask(joinGroup, 3, joinBody(""));
  const assignments = [{ memberId, assignment }];
  const body = { groupId: "g", generationId: 1, memberId, assignments };
  expect((await ask(syncGroup, 3, body)).errorCode).toBe(0);
  return memberId;
}

test.each(versionsOf(joinGroup))("JoinGroup %i", async (version) => {
  const first = await ask(joinGroup, version, joinBody(""));
  expect(first.errorCode).toBe(version >= 4 ? 79 : 0);
  expect(first.memberId).toMatch(/^c-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
  if (version >= 4) {
    expect([first.generationId, first.leader, first.members]).toEqual([-1, "", []]);
    expect(first.protocolName).toBe(version >= 7 ? null : "");
  }
  const { memberId } = first;
  const joined = version >= 4 ? await ask(joinGroup, version, joinBody(memberId)) : first;
  expect(joined).toMatchObject({ errorCode: 0, generationId: 1, leader: memberId, memberId });
  expect([joined.protocolName, joined.protocolType]).toEqual([
    "range",
    version >= 7 ? "consumer" : null,
  ]);
  expect(joined.members).toEqual([
    { memberId, groupInstanceId: joined.members[0]?.groupInstanceId, metadata },
  ]);
});

test("JoinGroup 0 has no rebalance timeout: the session's stands for it", async () => {
  await ask(joinGroup, 0, joinBody(""));
  const startUs = stage.simulation.scheduler.nowUs;
  const other = stage.client();
  const answer = await stage.play(async () => {
    await other.opened;
    return other.request(joinGroup, 0, joinBody(""));
  });
  // The first member, which is silent, is dropped after its ten seconds, not after twenty.
  expect(answer.members).toHaveLength(1);
  const waitedMs = (stage.simulation.scheduler.nowUs - startUs) / 1000;
  expect(waitedMs).toBeGreaterThan(9_900);
  expect(waitedMs).toBeLessThan(11_000);
});

test.each(versionsOf(syncGroup))("SyncGroup %i", async (version) => {
  const { memberId } = await ask(joinGroup, 3, joinBody(""));
  const claim = { groupId: "g", generationId: 1, memberId, groupInstanceId: null };
  const named = { protocolType: "consumer", protocolName: "range" };
  const assignments = [{ memberId, assignment }];
  const synced = await ask(syncGroup, version, { ...claim, ...named, assignments });
  expect([synced.errorCode, synced.assignment]).toEqual([0, assignment]);
  if (version >= 5) expect(synced).toMatchObject(named);
  const late = await ask(syncGroup, version, {
    ...claim,
    ...named,
    generationId: 7,
    assignments: [],
  });
  expect([late.errorCode, late.assignment]).toEqual([22, new Uint8Array(0)]);
});

test.each(versionsOf(heartbeat))("Heartbeat %i", async (version) => {
  const memberId = await stableMember();
  const beat = async (generationId: number, id: string) =>
    (await ask(heartbeat, version, { groupId: "g", generationId, memberId: id })).errorCode;
  expect([await beat(1, memberId), await beat(2, memberId), await beat(1, "x")]).toEqual([
    0, 22, 25,
  ]);
});

test.each(versionsOf(leaveGroup))("LeaveGroup %i", async (version) => {
  const memberId = await stableMember();
  const members = [
    { memberId, groupInstanceId: null, reason: null },
    { memberId: "x", groupInstanceId: null, reason: null },
  ];
  const body = { groupId: "g", memberId, members };
  const left = await ask(leaveGroup, version, body);
  expect(left.errorCode).toBe(0);
  if (version >= 3) expect(left.members.map((one) => one.errorCode)).toEqual([0, 25]);
  const again = await ask(leaveGroup, version, body);
  expect(again.errorCode).toBe(version >= 3 ? 0 : 25);
});

function commitBody(memberId: string, generation: number, partition = 1, offset = 42) {
  const place = { partitionIndex: partition, committedOffset: offset, committedLeaderEpoch: 3 };
  const partitions = [{ ...place, committedMetadata: "note" }];
  return {
    groupId: "g",
    generationIdOrMemberEpoch: generation,
    memberId,
    groupInstanceId: null,
    retentionTimeMs: -1,
    topics: [{ name: "orders", topicId, partitions }],
  };
}

test.each(versionsOf(offsetCommit))("OffsetCommit %i", async (version) => {
  const commit = async (body: ReturnType<typeof commitBody>) => {
    const answer = await ask(offsetCommit, version, body);
    const [topic] = answer.topics;
    expect(version >= 10 ? topic?.topicId : topic?.name).toBe(version >= 10 ? topicId : "orders");
    return topic?.partitions[0]?.errorCode;
  };
  expect(await commit(commitBody("x", 1))).toBe(version >= 9 ? 69 : 22);
  expect(await commit(commitBody("", -1))).toBe(0);
  const memberId = await stableMember();
  expect(await commit(commitBody("", -1))).toBe(25);
  expect(await commit(commitBody(memberId, 1))).toBe(0);
  expect(await commit(commitBody(memberId, 2))).toBe(22);
  expect(await commit(commitBody(memberId, 1, 9))).toBe(3);
  if (version < 10) return;
  const body = commitBody(memberId, 1);
  const topics = body.topics.map((topic) => ({ ...topic, topicId: UNKNOWN_ID }));
  const answer = await ask(offsetCommit, version, { ...body, topics });
  expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(100);
});

test.each(versionsOf(offsetFetch))("OffsetFetch %i", async (version) => {
  await ask(offsetCommit, 8, commitBody("", -1));
  const topics = [{ name: "orders", topicId, partitionIndexes: [1, 2] }];
  const fetched = async (groupId: string, asked: typeof topics | null) => {
    const groups = [{ groupId, memberId: null, memberEpoch: -1, topics: asked }];
    const body = { groupId, topics: asked, groups, requireStable: true };
    const answer = await ask(offsetFetch, version, body);
    const from = version >= 8 ? answer.groups[0] : answer;
    expect(from?.errorCode).toBe(0);
    return from?.topics.map(({ partitions }) =>
      partitions.map((one) => [
        one.partitionIndex,
        one.committedOffset,
        one.metadata,
        one.errorCode,
      ]),
    );
  };
  expect(await fetched("g", topics)).toEqual([
    [
      [1, 42, "note", 0],
      [2, -1, "", 0],
    ],
  ]);
  expect(await fetched("nobody", topics)).toEqual([
    [
      [1, -1, "", 0],
      [2, -1, "", 0],
    ],
  ]);
  if (version < 2) return;
  expect(await fetched("g", null)).toEqual([[[1, 42, "note", 0]]]);
  expect(await fetched("nobody", null)).toEqual([]);
});

test.each(versionsOf(listGroups))("ListGroups %i", async (version) => {
  await stableMember();
  await ask(offsetCommit, 8, { ...commitBody("", -1), groupId: "simple" });
  const list = async (statesFilter: readonly string[], typesFilter: readonly string[]) => {
    const answer = await ask(listGroups, version, { statesFilter, typesFilter });
    return answer.groups
      .map((one) => [one.groupId, one.protocolType, one.groupState].join(" "))
      .sort();
  };
  const [stable, empty] =
    version >= 4 ? ["g consumer Stable", "simple  Empty"] : ["g consumer ", "simple  "];
  expect(await list([], [])).toEqual([stable, empty]);
  if (version >= 4) expect(await list(["STABLE"], [])).toEqual([stable]);
  if (version >= 5) expect(await list([], ["share"])).toEqual([]);
});

test.each(versionsOf(describeGroups))("DescribeGroups %i", async (version) => {
  const memberId = await stableMember();
  const body = { groups: ["g", "nobody"], includeAuthorizedOperations: true };
  const answer = await ask(describeGroups, version, body);
  expect(answer.groups).toMatchObject([
    {
      errorCode: 0,
      groupState: "Stable",
      protocolType: "consumer",
      protocolData: "range",
      members: [
        { memberId, clientId: "c", memberMetadata: metadata, memberAssignment: assignment },
      ],
    },
    { errorCode: version >= 6 ? 69 : 0, groupState: "Dead", members: [] },
  ]);
  expect(answer.groups[0]?.members[0]?.clientHost).toMatch(/^\/./);
});

test.each(versionsOf(deleteGroups))("DeleteGroups %i", async (version) => {
  await stableMember();
  await ask(offsetCommit, 8, { ...commitBody("", -1), groupId: "simple" });
  const answer = await ask(deleteGroups, version, { groupsNames: ["simple", "g", "nobody", ""] });
  expect(answer.results.map((one) => [one.groupId, one.errorCode])).toEqual([
    ["simple", 0],
    ["g", 68],
    ["nobody", 69],
    ["", 24],
  ]);
});

test("OffsetDelete", async () => {
  await ask(offsetCommit, 8, commitBody("", -1));
  stage.cluster.addTopic("other", 1);
  const topics = [{ name: "orders", partitions: [{ partitionIndex: 1 }] }];
  const missing = await ask(offsetDelete, 0, { groupId: "nobody", topics });
  expect([missing.errorCode, missing.topics]).toEqual([69, []]);
  const gone = await ask(offsetDelete, 0, { groupId: "g", topics });
  expect([gone.errorCode, gone.topics[0]?.partitions[0]?.errorCode]).toEqual([0, 0]);
  await stableMember();
  const subscribed = await ask(offsetDelete, 0, { groupId: "g", topics });
  expect([subscribed.errorCode, subscribed.topics[0]?.partitions[0]?.errorCode]).toEqual([0, 86]);
});

test("names that no record can hold are refused, not stored", async () => {
  const long = "x".repeat(40_000);
  expect((await ask(joinGroup, 9, { ...joinBody(""), groupId: long })).errorCode).toBe(24);
  expect((await ask(joinGroup, 9, { ...joinBody(""), protocolType: long })).errorCode).toBe(23);
  expect((await ask(joinGroup, 9, joinBody("", long))).errorCode).toBe(25);
  const protocols = [{ name: long, metadata }];
  expect((await ask(joinGroup, 9, { ...joinBody(""), protocols })).errorCode).toBe(23);
});
