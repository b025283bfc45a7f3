// Consumer groups over Kafka's protocol against three whole brokers on simulated machines: the internal topic, members,
// offsets, and what members see when their coordinator dies, is cut off, or comes back.
import { afterEach, beforeEach, expect, test } from "vitest";
import { decodeBatch, splitBatches } from "../../internal/model/decode-batch.ts";
import { fetch } from "../../internal/kafka/api/01-fetch.ts";
import { metadata } from "../../internal/kafka/api/03-metadata.ts";
import { offsetCommit } from "../../internal/kafka/api/08-offset-commit.ts";
import { offsetFetch } from "../../internal/kafka/api/09-offset-fetch.ts";
import { joinGroup } from "../../internal/kafka/api/11-join-group.ts";
import { heartbeat } from "../../internal/kafka/api/12-heartbeat.ts";
import { syncGroup } from "../../internal/kafka/api/14-sync-group.ts";
import { listGroups } from "../../internal/kafka/api/16-list-groups.ts";
import type { Api } from "../../internal/kafka/api/api.ts";
import type { Draft } from "../../internal/schema/message.ts";
import { KafkaClient } from "../wire/kafka-client.ts";
import { KAFKA_PORT, nameOf } from "./cluster/sim-cluster.ts";
import type { SimCluster } from "./cluster/sim-cluster.ts";
import { GroupStage, OFFSETS_PARTITIONS } from "./group-stage.ts";
import type { BrokerId } from "../../internal/model/ids.ts";
import type { Simulation } from "./world/sim-world.ts";

const encoder = new TextEncoder();

let stage: GroupStage;
let simulation: Simulation;
let cluster: SimCluster;

beforeEach(async () => {
  stage = new GroupStage(7);
  ({ simulation, cluster } = stage);
  await stage.open("t", 2);
});

afterEach(() => {
  expect(simulation.fatals).toEqual([]);
});

function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  return stage.until(what, holds);
}

function ask<Req, Res>(broker: number, api: Api<Req, Res>, version: number, body: Draft<Req>) {
  return stage.ask(broker, api, version, body);
}

function asked<Req, Res>(broker: number, api: Api<Req, Res>, version: number, body: Draft<Req>) {
  return stage.asking(broker, api, version, body);
}

interface Member {
  readonly memberId: string;
  readonly generation: number;
}

function joining(broker: number, group: string, memberId: string) {
  return asked(broker, joinGroup, 9, {
    groupId: group,
    sessionTimeoutMs: 6_000,
    rebalanceTimeoutMs: 10_000,
    memberId,
    groupInstanceId: null,
    protocolType: "consumer",
    protocols: [{ name: "range", metadata: encoder.encode("m") }],
    reason: null,
  });
}

/** A group of two members with one partition each. */
async function twoMembers(at: number, group: string): Promise<readonly Member[]> {
  const ids: string[] = [];
  for (let k = 0; k < 2; k++) {
    const told = await simulation.settle(joining(at, group, ""));
    expect(told.errorCode).toBe(79);
    ids.push(told.memberId);
  }
  const joined = await simulation.settle(Promise.all(ids.map((id) => joining(at, group, id))));
  expect(joined.map(({ errorCode, generationId }) => [errorCode, generationId])).toEqual([
    [0, 1],
    [0, 1],
  ]);
  const assignments = ids.map((memberId, k) => ({ memberId, assignment: encoder.encode(`p${k}`) }));
  const synced = await simulation.settle(
    Promise.all(
      joined.map(({ memberId, leader }) =>
        asked(at, syncGroup, 5, {
          groupId: group,
          generationId: 1,
          memberId,
          groupInstanceId: null,
          protocolType: "consumer",
          protocolName: "range",
          assignments: memberId === leader ? assignments : [],
        }),
      ),
    ),
  );
  expect(synced.map(({ errorCode, assignment }) => [errorCode, text(assignment)])).toEqual([
    [0, "p0"],
    [0, "p1"],
  ]);
  return ids.map((memberId) => ({ memberId, generation: 1 }));
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}

async function beat(at: number, group: string, member: Member): Promise<number> {
  const { memberId, generation: generationId } = member;
  const body = { groupId: group, generationId, memberId, groupInstanceId: null };
  return (await ask(at, heartbeat, 4, body)).errorCode;
}

async function commit(at: number, group: string, member: Member, offset: number): Promise<number> {
  const { memberId, generation } = member;
  const one = { partitionIndex: 0, committedOffset: offset, committedMetadata: "" };
  const answer = await ask(at, offsetCommit, 9, {
    groupId: group,
    generationIdOrMemberEpoch: generation,
    memberId,
    groupInstanceId: null,
    topics: [{ name: "t", partitions: [{ ...one, committedLeaderEpoch: -1 }] }],
  });
  return answer.topics[0]?.partitions[0]?.errorCode ?? -1;
}

/** The committed offset of t/0, or the error with a minus sign. */
async function committed(at: number, group: string): Promise<number> {
  const topics = [{ name: "t", partitionIndexes: [0] }];
  const answer = await ask(at, offsetFetch, 7, { groupId: group, topics, requireStable: true });
  if (answer.errorCode !== 0) return -answer.errorCode;
  return answer.topics[0]?.partitions[0]?.committedOffset ?? -1;
}

test("a group lives through the death of its coordinator with members, generation and offsets", async () => {
  const at = await stage.coordinator("g", 1);
  const members = await twoMembers(at, "g");
  const [first] = members as [Member];
  expect(await commit(at, "g", first, 41)).toBe(0);
  expect(await commit(at, "g", first, 42)).toBe(0);

  const other = (at % 3) + 1;
  expect(await beat(other, "g", first)).toBe(16);
  expect(await committed(other, "g")).toBe(-16);

  cluster.at(at).crash("power");
  await until("another coordinator answers", async () => {
    const next = await stage.coordinatorOf("g", other);
    return next !== -1 && next !== at && (await committed(next, "g")) === 42;
  });
  const next = await stage.coordinatorOf("g", other);
  for (const member of members) expect(await beat(next, "g", member)).toBe(0);
  expect(await commit(next, "g", first, 43)).toBe(0);

  // The old one comes back with what it had, follows, and leads again when the other dies.
  cluster.at(at).start(simulation.scheduler.nowUs);
  await until("it is back", async () => cluster.isReady);
  await simulation.runForMs(1_000);
  cluster.at(next).crash("kill");
  const third = [1, 2, 3].find((id) => id !== next) as number;
  await until("a coordinator answers", async () => {
    const now = await stage.coordinatorOf("g", third);
    return now !== -1 && now !== next && (await committed(now, "g")) === 43;
  });
});

test("whoever waits when the coordinator is cut off is answered, and a lonely one answers nobody", async () => {
  const at = await stage.coordinator("g", 1);
  const members = await twoMembers(at, "g");
  const [first] = members as [Member];
  expect(await commit(at, "g", first, 7)).toBe(0);

  // A third member waits for the other two to join again.
  const told = await simulation.settle(joining(at, "g", ""));
  const waiting = joining(at, "g", told.memberId);
  await simulation.runForMs(100);
  const others = [1, 2, 3].filter((id) => id !== at);
  for (const id of others)
    simulation.network.links.cut(nameOf(at as BrokerId), nameOf(id as BrokerId));
  expect((await simulation.settle(waiting)).errorCode).toBe(16);
  expect(await beat(at, "g", first)).toBe(16);
  expect(await committed(at, "g")).toBe(-16);
  expect(await commit(at, "g", first, 8)).toBe(16);
  await until("the others have a coordinator", async () => {
    const next = await stage.coordinatorOf("g", others[0] as number);
    return next !== -1 && next !== at && (await committed(next, "g")) === 7;
  });
});

test("a coordinator that wakes up after it was replaced tells nothing old (L5)", async () => {
  const at = await stage.coordinator("g", 1);
  const nobody = { memberId: "", generation: -1 };
  expect(await commit(at, "g", nobody, 7)).toBe(0);
  const clients = await simulation.settle(
    Promise.all(
      Array.from({ length: 20 }, async () => {
        const client = new KafkaClient(stage.peer, {
          host: nameOf(at as BrokerId),
          port: KAFKA_PORT,
        });
        await client.opened;
        return client;
      }),
    ),
  );
  cluster.at(at).node.freeze();
  const other = (at % 3) + 1;
  let next = -1;
  await until("another coordinator commits", async () => {
    next = await stage.coordinatorOf("g", other);
    return next !== -1 && next !== at && (await commit(next, "g", nobody, 8)) === 0;
  });
  // These lie in the frozen process's sockets, beside what the others have said meanwhile.
  const topics = [{ name: "t", partitionIndexes: [0] }];
  const body = { groupId: "g", topics, requireStable: true };
  const waiting = clients.map((client) => client.request(offsetFetch, 7, body));
  await simulation.runForMs(50);
  cluster.at(at).node.thaw();
  for (const answer of await simulation.settle(Promise.all(waiting))) {
    expect([answer.errorCode, answer.topics.length]).toEqual([16, 0]);
  }
});

test("a restart of all brokers loses nothing that was answered", async () => {
  const groups = ["a", "b", "c", "d", "e"];
  const nobody = { memberId: "", generation: -1 };
  for (const [k, group] of groups.entries()) {
    expect(await commit(await stage.coordinator(group, 1), group, nobody, 100 + k)).toBe(0);
  }
  for (const { id } of cluster.brokers) cluster.at(id).crash("power");
  cluster.startAll();
  await until("the cluster is ready", async () => cluster.isReady);
  for (const [k, group] of groups.entries()) {
    await until(`${group} is there`, async () => {
      const at = await stage.coordinatorOf(group, 1);
      return at !== -1 && (await committed(at, group)) === 100 + k;
    });
  }
  const listed = new Set<string>();
  for (const { id } of cluster.brokers) {
    for (const { groupId } of (await ask(id, listGroups, 5, {})).groups) listed.add(groupId);
  }
  expect([...listed].sort()).toEqual(groups);
});

test("__consumer_offsets is internal, replicated, and readable in Kafka's schemas", async () => {
  const nobody = { memberId: "", generation: -1 };
  const at = await stage.coordinator("g", 1);
  expect(await commit(at, "g", nobody, 5)).toBe(0);
  const name = "__consumer_offsets";
  const described = await ask(1, metadata, 12, { topics: [{ name }] });
  const [topic] = described.topics;
  expect([topic?.isInternal, topic?.partitions.length]).toEqual([true, OFFSETS_PARTITIONS]);
  expect(topic?.partitions.every(({ replicaNodes }) => replicaNodes.length === 3)).toBe(true);

  const partition = stage.partitionOf("g");
  const fetched = await ask(at, fetch, 12, {
    maxWaitMs: 100,
    minBytes: 1,
    maxBytes: 1 << 20,
    isolationLevel: 0,
    topics: [
      { topic: name, partitions: [{ partition, fetchOffset: 0, partitionMaxBytes: 1 << 20 }] },
    ],
  });
  const records = fetched.responses[0]?.partitions[0]?.records;
  if (records === undefined || records === null) throw new Error("nothing was fetched");
  const [batch] = splitBatches(records).map((range) => decodeBatch(range));
  if (batch?.ok !== true) throw new Error("not a batch");
  const [record] = batch.value;
  // Key: version 1, group, topic, partition. Value: version 3, offset, leader epoch, metadata, commit time.
  expect(hex(record?.key)).toBe(
    `0001 0001${hex(encoder.encode("g"))} 0001${hex(encoder.encode("t"))} 00000000`.replaceAll(
      " ",
      "",
    ),
  );
  expect(hex(record?.value).slice(0, 4 + 16 + 8 + 4)).toBe(
    "0003" + "0000000000000005" + "ffffffff" + "0000",
  );
});

function hex(bytes: Uint8Array | null | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex");
}
