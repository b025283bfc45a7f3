// Requests that name one thing again and again: an answer about it may be thousands of times as long as its name, so it
// is given once, and a broker's memory does not depend on how often a client asks in one request, nor on how much.
import { afterEach, beforeEach, expect, test } from "vitest";
import { metadata } from "../../internal/kafka/api/03-metadata.ts";
import { offsetCommit } from "../../internal/kafka/api/08-offset-commit.ts";
import { offsetFetch } from "../../internal/kafka/api/09-offset-fetch.ts";
import { describeGroups } from "../../internal/kafka/api/15-describe-groups.ts";
import { describeConfigs } from "../../internal/kafka/api/32-describe-configs.ts";
import { consumerGroupDescribe } from "../../internal/kafka/api/69-consumer-group-describe.ts";
import type { Api } from "../../internal/kafka/api/api.ts";
import type { TopicId } from "../../internal/model/ids.ts";
import type { Complete, Draft } from "../../internal/schema/message.ts";
import { openFrontStage } from "./front-stage.ts";
import type { FrontStage } from "./front-stage.ts";
import type { KafkaClient } from "./kafka-client.ts";

let stage: FrontStage;
let client: KafkaClient;
let topicId: TopicId;

beforeEach(async () => {
  stage = await openFrontStage();
  topicId = stage.cluster.addTopic("orders", 3);
  client = stage.client();
  await stage.play(() => client.opened);
});

afterEach(async () => {
  await stage.play(() => stage.server.close());
  expect(stage.simulation.fatals).toEqual([]);
});

function ask<Req, Res>(api: Api<Req, Res>, version: number, body: Draft<Req>) {
  return stage.play((): Promise<Complete<Res>> => client.request(api, version, body));
}

test("Metadata tells of a topic once", async () => {
  const named = [{ name: "orders" }, { name: "other" }, { name: "orders" }, { name: "other" }];
  const byName = await ask(metadata, 9, { topics: named });
  expect(byName.topics.map(({ name }) => name)).toEqual(["orders", "other"]);
  const byId = await ask(metadata, 12, {
    topics: [topicId, topicId].map((id) => ({ topicId: id })),
  });
  expect(byId.topics).toHaveLength(1);
});

test("a group is described once", async () => {
  const classic = await ask(describeGroups, 5, { groups: ["g", "h", "g"] });
  expect(classic.groups.map(({ groupId }) => groupId)).toEqual(["g", "h"]);
  const consumers = await ask(consumerGroupDescribe, 1, { groupIds: ["g", "h", "g"] });
  expect(consumers.groups.map(({ groupId }) => groupId)).toEqual(["g", "h"]);
});

test("DescribeConfigs refuses a resource that is named again", async () => {
  const resource = { resourceType: 2, resourceName: "orders", configurationKeys: null };
  const { results } = await ask(describeConfigs, 4, { resources: [resource, resource] });
  expect(results.map(({ errorCode }) => errorCode)).toEqual([0, 42]);
  expect(results[1]?.configs).toEqual([]);
  expect(results[1]?.errorMessage).toBe("The request names this resource more than once.");
});

test("DescribeConfigs tells what one answer can hold, and says which resources it left out", async () => {
  // Consumer groups have configs whether they exist or not, so names of them cost a client nothing.
  const resources = Array.from({ length: 110_000 }, (_, at) => {
    return { resourceType: 32, resourceName: at.toString(36), configurationKeys: null };
  });
  const more = { includeSynonyms: true, includeDocumentation: true };
  const { results } = await ask(describeConfigs, 4, { resources, ...more });
  expect(results).toHaveLength(resources.length);
  const told = results.findIndex(({ errorCode }) => errorCode !== 0);
  expect(told).toBeGreaterThan(10_000);
  expect(results.slice(0, told).every(({ configs }) => configs.length > 0)).toBe(true);
  const rest = results.slice(told);
  expect(rest.every((one) => one.errorCode === 44 && one.configs.length === 0)).toBe(true);
});

test("OffsetFetch tells an offset once, and refuses a group that is named again", async () => {
  const committed = { committedOffset: 7, committedLeaderEpoch: -1, committedMetadata: "note" };
  const partitions = [{ partitionIndex: 0, ...committed }];
  const commit = { groupId: "g", generationIdOrMemberEpoch: -1, memberId: "" };
  await ask(offsetCommit, 8, { ...commit, topics: [{ name: "orders", partitions }] });
  const topics = [
    { name: "orders", partitionIndexes: [0, 1, 0] },
    { name: "orders", partitionIndexes: [1, 2] },
  ];
  const one = await ask(offsetFetch, 7, { groupId: "g", topics });
  const told = one.topics.flatMap((topic) => topic.partitions.map((at) => at.partitionIndex));
  expect(told).toEqual([0, 1, 2]);
  const group = { groupId: "g", topics: null };
  const { groups } = await ask(offsetFetch, 8, { groups: [group, group] });
  expect(groups.map(({ errorCode }) => errorCode)).toEqual([0, 42]);
  expect(groups.map((found) => found.topics.length)).toEqual([1, 0]);
});
