// What three whole brokers show of consumer groups: lag as far as the coordinator knows ends, phases, rebalances, offsets
// committed and expired, and how long a coordinator takes to serve what another one left.
import { afterEach, beforeEach, expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { offsetCommit } from "../../internal/kafka/api/08-offset-commit.ts";
import { findCoordinator } from "../../internal/kafka/api/10-find-coordinator.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { consumerGroupHeartbeat } from "../../internal/kafka/api/68-consumer-group-heartbeat.ts";
import { SURVEY_EVERY_MS } from "../../internal/coordinator/limits.ts";
import type { BrokerId } from "../../internal/model/ids.ts";
import type { Labels } from "../../internal/ports/meter.ts";
import { BoundSettings } from "../../internal/server/bound-settings.ts";
import { statusOf } from "../../internal/server/broker-status.ts";
import { batchOf } from "../wire/front-stage.ts";
import { KafkaStage } from "./kafka-stage.ts";

const GROUP = "readers";
const MINUTE_MS = 60_000;

let stage: KafkaStage;

beforeEach(async () => {
  stage = new KafkaStage(23, 3, {
    "offsets.topic.num.partitions": 1,
    "offsets.retention.minutes": 1,
    "metrics.groups.max": 1,
  });
  await stage.start();
  await create("t", 2, 3);
});

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

async function create(name: string, numPartitions: number, replicationFactor: number) {
  const topic = { name, numPartitions, replicationFactor, assignments: [], configs: [] };
  const made = await stage.ask(1, createTopics, 7, {
    topics: [topic],
    timeoutMs: 10_000,
    validateOnly: false,
  });
  expect(made.topics[0]?.errorCode).toBe(0);
}

async function coordinator(by = 1): Promise<number> {
  let found = -1;
  await stage.until("a coordinator is named", async () => {
    const asked = { keyType: 0, coordinatorKeys: [GROUP] };
    const answer = await stage.ask(by, findCoordinator, 4, asked);
    found = answer.coordinators[0]?.nodeId ?? -1;
    return found !== -1;
  });
  return found;
}

async function produceTo(partition: number, texts: readonly string[]): Promise<void> {
  const leader = await stage.leaderOf("t", partition);
  const partitionData = [{ index: partition, records: batchOf(texts) }];
  const topicData = [{ name: "t", partitionData }];
  const body = { transactionalId: null, acks: -1, timeoutMs: 1_000, topicData };
  const answer = await stage.ask(leader, produce, 9, body);
  expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
}

async function commit(at: number, group: string, name: string, offsets: readonly number[]) {
  const partitions = offsets.map((committedOffset, partitionIndex) => {
    return { partitionIndex, committedOffset, committedMetadata: "" };
  });
  await stage.until("the offsets are committed", async () => {
    const answer = await stage.ask(at, offsetCommit, 8, {
      groupId: group,
      memberId: "",
      groupInstanceId: null,
      topics: [{ name, partitions }],
    });
    return answer.topics[0]?.partitions.every(({ errorCode }) => errorCode === 0) === true;
  });
}

function shown(at: number, name: string, labels?: Labels): number | null {
  const { world } = stage.cluster.at(at as BrokerId).node;
  if (world === null) throw new Error(`broker ${at} is not up`);
  return world.meter.value(`flotilla_${name}`, labels);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** A broker is named as the coordinator as soon as it is elected; it serves when it has loaded. */
async function serves(at: number): Promise<void> {
  await stage.until("the coordinator serves", async () => {
    return shown(at, "coordinator_load_duration_seconds_count") === 1;
  });
}

async function nextSurvey(): Promise<void> {
  await stage.simulation.runForMs(SURVEY_EVERY_MS + 100);
}

test("lag is shown by the coordinator alone, for the groups that are behind most, and in the status", async () => {
  await produceTo(0, ["a", "b", "c"]);
  await produceTo(1, ["d"]);
  const at = await coordinator();
  await commit(at, GROUP, "t", [1, 0]);
  await commit(at, "ahead", "t", [3, 0]);
  await nextSurvey();
  const labels = { group: GROUP };
  expect(shown(at, "group_lag_records", labels)).toBe(3);
  expect(shown(at, "group_committed_records", labels)).toBe(1);
  expect(shown(at, "group_partitions", labels)).toBe(2);
  expect(shown(at, "group_unmeasured_partitions", labels)).toBe(0);
  expect(shown(at, "group_lag_records", { group: "ahead" })).toBeNull();
  expect(shown(at, "group_others")).toBe(1);
  expect(shown(at, "group_others_lag_records")).toBe(1);
  expect(shown(at, "coordinator_offset_commits_total")).toBe(4);
  expect(shown(at, "coordinator_groups", { protocol: "classic", phase: "Empty" })).toBe(2);
  for (const other of [1, 2, 3].filter((id) => id !== at)) {
    expect(shown(other, "group_lag_records", labels)).toBeNull();
    expect(shown(other, "coordinator_offset_commits_total")).toBe(0);
    expect(shown(other, "coordinator_loaded_records_total")).toBe(4);
  }
  const { broker, settings } = stage.cluster.at(at as BrokerId);
  expect(
    broker === null ? null : statusOf(broker, new BoundSettings(settings), true),
  ).toMatchObject({
    groups: {
      phases: { "classic Empty": 2 },
      behind: [{ group: GROUP, lag: 3, committed: 1, partitions: 2, unmeasured: 0 }],
      others: { groups: 1, lag: 1 },
    },
  });
});

test("partitions that have no replica beside the coordinator are counted, not guessed", async () => {
  await create("lone", 3, 1);
  const at = await coordinator();
  await commit(at, GROUP, "lone", [0, 0, 0]);
  await nextSurvey();
  expect(shown(at, "group_partitions", { group: GROUP })).toBe(3);
  expect(shown(at, "group_unmeasured_partitions", { group: GROUP })).toBe(2);
  expect(shown(at, "group_lag_records", { group: GROUP })).toBe(0);
});

test("a new assignment is counted, and the next coordinator shows what it loaded and how long it took", async () => {
  const at = await coordinator();
  await serves(at);
  const joined = await stage.ask(at, consumerGroupHeartbeat, 1, {
    groupId: "members",
    memberId: "m",
    memberEpoch: 0,
    instanceId: null,
    rackId: null,
    rebalanceTimeoutMs: 10_000,
    subscribedTopicNames: ["t"],
    subscribedTopicRegex: null,
    serverAssignor: null,
    topicPartitions: [],
  });
  expect(joined.errorCode).toBe(0);
  expect(shown(at, "coordinator_rebalances_total", { protocol: "consumer" })).toBe(1);
  expect(shown(at, "coordinator_rebalances_total", { protocol: "classic" })).toBe(0);
  await nextSurvey();
  expect(shown(at, "coordinator_groups", { protocol: "consumer", phase: "Stable" })).toBe(1);

  const by = at === 1 ? 2 : 1;
  const before = shown(by, "coordinator_loaded_records_total") ?? 0;
  expect(before).toBeGreaterThan(0);
  stage.cluster.at(at as BrokerId).crash("kill");
  await stage.until("another one coordinates", async () => (await coordinator(by)) !== at);
  const next = await coordinator(by);
  await serves(next);
  await nextSurvey();
  expect(shown(next, "coordinator_groups", { protocol: "consumer", phase: "Stable" })).toBe(1);
  // It was assigned by another one.
  expect(shown(next, "coordinator_rebalances_total", { protocol: "consumer" })).toBe(0);
});

test("offsets that nobody uses any more are counted when they expire", async () => {
  const at = await coordinator();
  await commit(at, GROUP, "t", [0, 0]);
  // Leadership may be balanced meanwhile: who coordinates when they expire need not be who took the commit.
  const expired = (): number =>
    sum([1, 2, 3].map((id) => shown(id, "coordinator_expired_offsets_total") ?? 0));
  expect(expired()).toBe(0);
  await stage.simulation.runForMs(11 * MINUTE_MS);
  expect(expired()).toBe(2);
  await nextSurvey();
  for (const id of [1, 2, 3]) {
    expect(shown(id, "group_partitions", { group: GROUP })).toBeNull();
  }
});
