import { expect, it } from "vitest";
import type { BrokerId } from "../model/ids.ts";
import { ADMIN, GrpcStage, LOG, refused } from "../../test/wire/grpc-stage.ts";

const CREATION = { assignments: [], configs: [], validateOnly: false };
const NAMES = ["beta", "alpha", "gamma", "__internal", "alphabet"];

it("CreateTopic, DescribeTopic, CreatePartitions and DeleteTopic change and tell", async () => {
  await using stage = await GrpcStage.open();
  const created = await stage.call(ADMIN.CreateTopic, { name: "t", partitions: 2, ...CREATION });
  expect(created).toMatchObject({ partitions: 2, replicationFactor: 1 });
  expect(created.topicId).toHaveLength(22);
  await stage.append(["a"], { partition: 1 });
  const more = { topic: "t", partitions: 3, assignments: [], validateOnly: false };
  await stage.call(ADMIN.CreatePartitions, more);
  const { topicId } = created;
  const described = await stage.call(ADMIN.DescribeTopic, { name: "", topicId });
  expect(described).toMatchObject({ name: "t", topicId, isInternal: false });
  expect(described.partitions).toHaveLength(3);
  expect(described.partitions[2]).toEqual({
    partition: 2,
    leader: 1,
    leaderEpoch: 1,
    replicas: [1],
    inSync: [1],
    offline: [],
  });
  stage.cluster.leader = null;
  const leaderless = await stage.call(ADMIN.DescribeTopic, { name: "t", topicId: "" });
  expect(leaderless.partitions[0]).not.toHaveProperty("leader");
  await stage.call(ADMIN.DeleteTopic, { name: "t", topicId: "" });
  const gone = stage.call(ADMIN.DescribeTopic, { name: "t", topicId: "" });
  expect(await refused(gone)).toEqual({ code: "NOT_FOUND", fault: "unknown-topic" });
});

it("the controller's refusals keep their kinds", async () => {
  await using stage = await GrpcStage.open();
  stage.cluster.addTopic("t", 2);
  const create = (name: string, more = {}) =>
    refused(stage.call(ADMIN.CreateTopic, { name, ...CREATION, ...more }));
  expect(await create("t")).toEqual({ code: "ALREADY_EXISTS", fault: "topic-exists" });
  expect(await create("a/b")).toEqual({ code: "INVALID_ARGUMENT", fault: "invalid-topic-name" });
  expect(await create("u", { partitions: 0 })).toMatchObject({ fault: "invalid-partitions" });
  expect(await create("")).toMatchObject({ fault: "invalid-argument" });
  expect(await create("u", { partitions: 2 ** 31 })).toMatchObject({ fault: "invalid-argument" });
  // Numbers here are unsigned, and signed where they go: none may get there that does not fit.
  for (const assignment of [
    { partition: 2 ** 31, brokers: [1] },
    { partition: 0, brokers: [1, 2 ** 31] },
  ]) {
    const assignments = [assignment];
    expect(await create("u", { assignments })).toMatchObject({ fault: "invalid-argument" });
    const more = { topic: "t", partitions: 3, assignments, validateOnly: false };
    const grown = refused(stage.call(ADMIN.CreatePartitions, more));
    expect(await grown).toMatchObject({ fault: "invalid-argument" });
  }
  for (const named of [
    { name: "", topicId: "" },
    { name: "t", topicId: "x" },
    { name: "", topicId: "x" },
    { name: "", topicId: "B".repeat(22) }, // its last character stands for more than two bits
  ]) {
    const described = await refused(stage.call(ADMIN.DescribeTopic, named));
    const deleted = await refused(stage.call(ADMIN.DeleteTopic, named));
    for (const each of [described, deleted])
      expect(each).toMatchObject({ fault: "invalid-argument" });
  }
  stage.cluster.fault = { kind: "outcome-unknown", detail: "The controller went away." };
  expect(await create("u")).toEqual({ code: "UNAVAILABLE", fault: "outcome-unknown" });
  expect(await refused(stage.call(LOG.InitProducer, {}))).toMatchObject({ code: "UNAVAILABLE" });
});

it("ListTopics gives the names in order, in pages, internal ones when asked", async () => {
  await using stage = await GrpcStage.open();
  for (const name of NAMES) stage.cluster.addTopic(name, 1);
  const list = async (more: object) => {
    const request = { prefix: "", includeInternal: false, pageSize: 0, pageToken: "", ...more };
    return stage.call(ADMIN.ListTopics, request);
  };
  const names = ({ topics }: Awaited<ReturnType<typeof list>>) => topics.map(({ name }) => name);
  expect(names(await list({}))).toEqual(["alpha", "alphabet", "beta", "gamma"]);
  expect(names(await list({ includeInternal: true }))).toContain("__internal");
  expect(names(await list({ prefix: "alpha" }))).toEqual(["alpha", "alphabet"]);
  const first = await list({ pageSize: 3 });
  expect(names(first)).toEqual(["alpha", "alphabet", "beta"]);
  const last = await list({ pageSize: 3, pageToken: first.nextPageToken });
  expect(names(last)).toEqual(["gamma"]);
  expect(last.nextPageToken).toBe("");
});

it("DescribeConfigs and AlterConfigs speak of a topic's configs", async () => {
  await using stage = await GrpcStage.open();
  stage.cluster.addTopic("t", 1);
  const of = { topic: "t" };
  const changes = [
    { name: "retention.ms", operation: "CONFIG_OPERATION_SET", value: "5000" } as const,
  ];
  await stage.call(ADMIN.AlterConfigs, { of, changes, validateOnly: false });
  const { configs } = await stage.call(ADMIN.DescribeConfigs, { of, names: ["retention.ms"] });
  expect(configs).toEqual([
    {
      name: "retention.ms",
      value: "5000",
      readOnly: false,
      isSensitive: false,
      source: "CONFIG_SOURCE_TOPIC",
      type: "CONFIG_TYPE_LONG",
      documentation: "A config.",
    },
  ]);
  const nameless = [{ name: "x", operation: "CONFIG_OPERATION_UNSPECIFIED" } as const];
  const request = { of, changes: nameless, validateOnly: false };
  expect(await refused(stage.call(ADMIN.AlterConfigs, request))).toMatchObject({
    fault: "invalid-argument",
  });
  const nobody = stage.call(ADMIN.DescribeConfigs, { of: null, names: [] });
  expect(await refused(nobody)).toMatchObject({ fault: "invalid-argument" });
  expect(await stage.call(ADMIN.DescribeConfigs, { of: { broker: 1 }, names: [] })).toEqual({
    configs: [],
  });
});

it("ClusterStatus tells the brokers' gRPC endpoints and the controller's quorum", async () => {
  await using stage = await GrpcStage.open();
  const view = { broker: 2 as BrokerId, host: "h", port: 7093, rack: "r", fenced: true };
  stage.cluster.brokerViews = [view];
  stage.cluster.addTopic("t", 1);
  expect(await stage.call(ADMIN.ClusterStatus, {})).toEqual({
    clusterId: "AAAAAAAAAAAAAAAAAAAAAQ",
    broker: 1,
    brokers: [view],
    topicCount: 1,
    controller: { leader: 1, term: 1, highWatermark: 0, voters: [] },
  });
  stage.cluster.clusterId = null;
  expect((await stage.call(ADMIN.ClusterStatus, {})).clusterId).toBe("");
});
