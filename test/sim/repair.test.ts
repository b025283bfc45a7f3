// Damage of stored bytes in a cluster of whole brokers on simulated machines (D1, D2): the entry is fetched again and is
// the same byte for byte; who has damaged entries does not lead; nothing is cut off because of them.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Result } from "../../internal/base/result.ts";
import type { BrokerId, LogIndex, Offset, TopicId } from "../../internal/model/ids.ts";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { Partition } from "../../internal/partition/partition.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { AppendFault } from "../../internal/service/faults.ts";
import type { Appended, Fetched } from "../../internal/service/log-service.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";
import type { SimWorld } from "./world/sim-world.ts";

const TOPIC = "t";
const PRODUCER = 77;
const ALL = [1, 2, 3];
/** A question, an answer and a write; one that is not answered, or the pauses of whom nobody could help, take longer. */
const SOON_US = 500_000;

let simulation: Simulation;
let cluster: SimCluster;
let sequence = 0;

beforeEach(async () => {
  simulation = new Simulation({ seed: 11 });
  cluster = new SimCluster(simulation, { brokers: 3 });
  sequence = 0;
  cluster.startAll();
  await simulation.until("the cluster is ready", () => cluster.isReady);
  const [topic] = await simulation.settle(
    broker(1).services.cluster.createTopics(
      [{ name: TOPIC, partitions: 1, factor: 3, assignments: [], configs: [] }],
      false,
      10_000,
    ),
  );
  expect(topic?.outcome.ok).toBe(true);
});

afterEach(() => {
  expect(simulation.fatals).toEqual([]);
});

function broker(id: number) {
  const { broker: running } = cluster.at(id);
  if (running === null) throw new Error(`broker ${id} is not up`);
  return running;
}

/** The replica of the topic's only partition. */
function replica(id: number): Replica {
  const found = [...broker(id).raft.replicas()].find(({ group }) => group !== CONTROLLER_GROUP);
  if (found === undefined) throw new Error(`broker ${id} has no replica`);
  return found;
}

function partition(id: number): Partition {
  return broker(id).partitions.of(replica(id).group);
}

function leads(id: number): boolean {
  return cluster.at(id).broker !== null && replica(id).serves;
}

function leader(): number {
  return ALL.find(leads) ?? 0;
}

function nowMs(): number {
  return broker(leader()).world.clock.nowMs();
}

function textOf(number: number): string {
  return `value-${String(number).padStart(6, "0")}-${"x".repeat(400)}`;
}

/** Appends numbered batches of an idempotent producer, one after another. */
async function append(count: number): Promise<void> {
  for (let k = 0; k < count; k++) {
    const number = sequence++;
    await simulation.until("a leader", () => leader() !== 0);
    const record = { key: null, value: Buffer.from(textOf(number)), timestampMs: nowMs() };
    const bytes = encodeBatch([record], {
      producerId: PRODUCER,
      producerEpoch: 0,
      baseSequence: number,
    });
    expect(await appendBatch(bytes)).toBe(number);
  }
}

/** The base offset. A leader that has just started knows its topics a little later, and says no until then. */
async function appendBatch(bytes: Uint8Array): Promise<number> {
  for (;;) {
    const end = await simulation.settle(
      new Promise<Result<Appended, AppendFault>>((done) => offer(bytes, done)),
    );
    if (end.ok) return end.value.baseOffset;
    expect(["not-leader", "unknown-topic"]).toContain(end.fault.kind);
    await simulation.runForMs(2);
  }
}

function offer(bytes: Uint8Array, done: (end: Result<Appended, AppendFault>) => void): void {
  broker(leader()).services.log.append(
    {
      name: TOPIC,
      topicId: null,
      partition: 0,
      batch: { bytes, start: 0, end: bytes.length },
      acks: -1,
      timeoutMs: 5_000,
      allowsZstd: true,
    },
    done,
  );
}

/** Three entries that the journal of one broker takes, and nobody else ever sees. */
async function appendAlone(id: number): Promise<void> {
  const names = cluster.brokers.map(({ node }) => node.name);
  simulation.network.links.partition([cluster.at(id).node.name], names);
  for (let k = 0; k < 3; k++) {
    const value = Buffer.from(`doomed-${k}-${"y".repeat(200)}`);
    const bytes = encodeBatch([{ key: null, value, timestampMs: nowMs() }]);
    const request = { name: TOPIC, topicId: null, partition: 0, acks: -1, timeoutMs: 5_000 };
    const batch = { bytes, start: 0, end: bytes.length };
    broker(id).services.log.append({ ...request, batch, allowsZstd: true }, () => {});
    await simulation.runForMs(20);
  }
}

function start(...ids: readonly number[]): void {
  for (const id of ids) cluster.at(id).start(simulation.scheduler.nowUs);
}

/** Flips a bit in a stored payload, and answers the file and the place of that byte. */
function damage(id: number, text: string): void {
  const { disk } = cluster.at(id).node;
  const wanted = Buffer.from(text.slice(0, 20));
  for (const path of disk.paths()) {
    if (!path.includes("/journal/")) continue;
    const at = Buffer.from(disk.peek(path)).indexOf(wanted);
    if (at < 0) continue;
    disk.flipBit(path, (at + 3) * 8 + 2);
    return;
  }
  throw new Error(`broker ${id} has not stored it`);
}

function indexOf(id: number, offset: number): LogIndex {
  const index = replica(id).entries.find(offset as Offset);
  if (index === null) throw new Error(`broker ${id} has no offset ${offset}`);
  return index;
}

async function payload(id: number, index: LogIndex): Promise<string> {
  const { entries } = replica(id);
  const read = await simulation.settle(
    broker(id).journal.read(entries.position(index), entries.length(index)),
  );
  return read.ok ? Buffer.from(read.value).toString("hex") : read.fault.kind;
}

/** What a consumer is served from offset 0 on, as numbers; a fault ends it. */
async function served(id: number): Promise<readonly (number | string)[]> {
  const found: (number | string)[] = [];
  for (let offset = 0; ;) {
    const fetched = await simulation.settle(fetchFrom(id, offset));
    const [part] = fetched.partitions;
    if (part === undefined || part.fault !== null) return [...found, part?.fault?.kind ?? "none"];
    const bytes = Buffer.concat(part.slices).toString("latin1");
    fetched.release();
    const numbers = [...bytes.matchAll(/value-(\d{6})-/g)].map(([, digits]) => Number(digits));
    found.push(...numbers);
    if (numbers.length === 0) return found;
    offset += numbers.length;
  }
}

function fetchFrom(id: number, fetchOffset: number): Promise<Fetched> {
  const wanted = { name: TOPIC, topicId: null, partition: 0, fetchOffset: fetchOffset as Offset };
  const partitions = [{ ...wanted, leaderEpoch: -1, lastFetchedEpoch: -1, bytesMax: 65_536 }];
  return new Promise((resolve) => {
    broker(id).services.log.fetch(
      {
        partitions,
        waitMsMax: 0,
        bytesMin: 0,
        bytesMax: 65_536,
        readCommitted: false,
        allowsFollower: true,
      },
      resolve,
    );
  });
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, k) => k);

function eventsOf(id: number, event: string): number {
  return simulation.logs.find(event).filter(({ node }) => node === cluster.at(id).node.name).length;
}

function meterOf(id: number): SimWorld["meter"] {
  const { world } = cluster.at(id).node;
  if (world === null) throw new Error(`broker ${id} is not up`);
  return world.meter;
}

test("a follower fetches a damaged entry again: byte for byte, durably, and with its producer", async () => {
  await append(30);
  const whole = leader();
  const hurt = ALL.find((id) => id !== whole) as number;
  const original = await payload(whole, indexOf(whole, 12));
  cluster.at(hurt).crash("power");
  damage(hurt, textOf(12));
  start(hurt);
  await simulation.until("the damage is seen", () => eventsOf(hurt, "entry-damaged") === 1, 1);
  expect([replica(hurt).damaged.size, replica(hurt).leads]).toEqual([1, false]);
  await simulation.until("the repair", () => replica(hurt).damaged.size === 0);
  const index = indexOf(hurt, 12);
  expect(await payload(hurt, index)).toBe(original);
  expect(replica(hurt).entries.timestampMax(index)).toBe(
    replica(whole).entries.timestampMax(indexOf(whole, 12)),
  );
  expect(meterOf(hurt).value("flotilla_replica_entries_repaired_total")).toBe(1);
  expect(meterOf(hurt).value("flotilla_replica_damaged_entries")).toBe(0);

  // The copy is what the next start finds; nothing is damaged any more.
  cluster.at(hurt).crash("power");
  start(hurt);
  await simulation.until("it is back", () => cluster.isReady);
  expect([eventsOf(hurt, "entry-damaged"), replica(hurt).damaged.size]).toEqual([1, 0]);
  expect(await payload(hurt, indexOf(hurt, 12))).toBe(original);

  // It may lead again, serves everything, and knows the producer's batches in their order.
  await append(3);
  await simulation.until("it is in step", () => partition(hurt).highWatermark === 33);
  const follower = replica(hurt);
  // Before its first silence is over it refuses.
  await simulation.until("it may lead", () => follower.machine.standing === "full");
  broker(leader()).raft.transfer(replica(leader()), follower.self);
  await simulation.until("it leads", () => leader() === hurt);
  expect(await served(hurt)).toEqual(numbers(33));
  const judged = (number: number): string =>
    partition(hurt).producers.judge(PRODUCER, 0, number, number).verdict;
  expect([32, 28, 33, 35].map(judged)).toEqual([
    "duplicate",
    "duplicate",
    "accept",
    "out-of-order",
  ]);
});

test("the producer's newest batch, damaged and fetched again, is still a duplicate", async () => {
  await append(10);
  const hurt = ALL.find((id) => id !== leader()) as number;
  // Later entries of somebody else vouch for the one that is damaged.
  const last = sequence - 1;
  await simulation.runForMs(3_000);
  cluster.at(hurt).crash("power");
  damage(hurt, textOf(last));
  start(hurt);
  await simulation.until("the repair", () => eventsOf(hurt, "entry-repaired") === 1);
  await simulation.until("it is in step", () => partition(hurt).highWatermark === 10);
  expect(partition(hurt).producers.judge(PRODUCER, 0, last, last).verdict).toBe("duplicate");
  expect(partition(hurt).producers.judge(PRODUCER, 0, last + 1, last + 1).verdict).toBe("accept");
});

test("a flipped bit on a minority cuts nothing off, whoever elects whom", async () => {
  await append(10);
  const lagging = ALL.find((id) => id !== leader()) as number;
  cluster.at(lagging).crash("power");
  await append(10);
  const others = ALL.filter((id) => id !== lagging) as [number, number];
  await simulation.until("both have all", () =>
    others.every((id) => replica(id).machine.durableIndex === replica(id).machine.lastIndex),
  );
  const [hurt, whole] = others;
  const last = replica(hurt).machine.lastIndex;
  for (const id of others) cluster.at(id).crash("power");
  damage(hurt, textOf(15));

  // The longest log is damaged, the whole one is shorter: neither may win, and neither log may change.
  start(hurt, lagging);
  await simulation.until("both are up", () =>
    [hurt, lagging].every((id) => cluster.at(id).broker !== null),
  );
  for (let second = 0; second < 8; second++) {
    await simulation.runForMs(1_000);
    expect([hurt, lagging].filter(leads)).toEqual([]);
    expect(replica(hurt).machine.lastIndex).toBe(last);
    expect([...replica(hurt).damaged]).toEqual([indexOf(hurt, 15)]);
  }

  start(whole);
  await simulation.until("a leader", () => leader() !== 0);
  // It may have been repaired before there was an election.
  expect([leader() === lagging, replica(leader()).damaged.size]).toEqual([false, 0]);
  await simulation.until("the repair", () => replica(hurt).damaged.size === 0);
  await append(5);
  await simulation.until("all are in step", () =>
    ALL.every((id) => partition(id).highWatermark === 25),
  );
  for (const id of ALL) expect(await served(id)).toEqual(numbers(25));
});

test("who can help is asked as soon as it is reached again, however long nobody could", async () => {
  await append(20);
  const [hurt, ...others] = ALL.filter((id) => id !== leader()).concat(leader()) as [number];
  for (const id of ALL) cluster.at(id).crash("power");
  damage(hurt, textOf(15));
  start(hurt);
  await simulation.until("the damage is seen", () => eventsOf(hurt, "entry-damaged") === 1);
  await simulation.runForMs(25_000);
  expect(replica(hurt).damaged.size).toBe(1);
  const began = eventsOf(hurt, "link-began");
  start(...others);
  await simulation.until("somebody is reached", () => eventsOf(hurt, "link-began") > began, 1);
  const reachedUs = simulation.scheduler.nowUs;
  await simulation.until("the repair", () => replica(hurt).damaged.size === 0, 1);
  expect(simulation.scheduler.nowUs - reachedUs).toBeLessThan(SOON_US);
});

test("a broker whose copy of the controller's members is damaged takes no part in that group, and serves", async () => {
  const id = ALL.find((each) => each !== leader()) as number;
  const other = ALL.find((each) => each !== id) as number;
  cluster.at(id).crash("kill");
  damage(id, broker(other).journal.recovered.directory);
  start(id);
  await simulation.until("it is up", () => cluster.at(id).broker !== null);
  const controller = () => broker(id).raft.replica(CONTROLLER_GROUP)?.machine;
  await simulation.until("the damage is seen", () => controller()?.standing === "suspect");
  await simulation.until("it serves", () => broker(id).readiness().length === 0);
  const topic = { name: "later", partitions: 1, factor: 3, assignments: [], configs: [] };
  const { cluster: administration } = broker(id).services;
  const [made] = await simulation.settle(administration.createTopics([topic], false, 10_000));
  expect(made?.outcome.ok).toBe(true);
  await simulation.until("it has heard of it", () => [...broker(id).raft.replicas()].length === 3);
  expect(controller()?.standing).toBe("suspect");
});

test("leadership is not handed to a replica with damaged entries", async () => {
  await append(20);
  await simulation.runForMs(2_000);
  for (const id of ALL) cluster.at(id).crash("power");
  start(...ALL);
  await simulation.until("a leader", () => leader() !== 0);
  const first = leader();
  const hurt = ALL.find((id) => id !== first) as number;
  cluster.at(hurt).crash("power");
  damage(hurt, textOf(7));
  // Nobody who has the entry can read it from its disk for a while.
  for (const id of ALL) if (id !== hurt) cluster.at(id).node.disk.stall("bulk", 6_000_000);
  start(hurt);
  await simulation.until("it is in step", () => {
    const { broker: running } = cluster.at(hurt);
    return (
      running !== null && replica(hurt).machine.durableIndex === replica(first).machine.lastIndex
    );
  });
  await simulation.runForMs(500);
  broker(first).raft.transfer(replica(first), replica(hurt).self);
  for (let tenth = 0; tenth < 20; tenth++) {
    await simulation.runForMs(100);
    expect([leads(hurt), replica(hurt).damaged.size]).toEqual([false, 1]);
  }
  expect(leader()).toBe(first);
  await simulation.until("the repair", () => replica(hurt).damaged.size === 0);
  broker(first).raft.transfer(replica(first), replica(hurt).self);
  await simulation.until("it leads", () => leader() === hurt);
});

test("a damaged entry that nobody else holds is not cut off by disks in doubt, before an operator speaks for them", async () => {
  await append(5);
  await simulation.until("all are in step", () =>
    ALL.every((id) => partition(id).highWatermark === 5),
  );
  const first = leader();
  const others = ALL.filter((id) => id !== first);
  await appendAlone(first);
  const { lastIndex } = replica(first).machine;
  for (const id of ALL) cluster.at(id).crash("power");
  damage(first, `doomed-0-${"y".repeat(20)}`);
  simulation.network.links.healAll();
  start(...ALL);
  await simulation.until("the damage is seen", () => eventsOf(first, "entry-damaged") === 1);
  await simulation.runForMs(8_000);
  // It may have been acknowledged by a disk that has forgotten it.
  expect(ALL.filter(leads)).toEqual([]);
  expect([replica(first).damaged.size, replica(first).machine.lastIndex]).toEqual([1, lastIndex]);
  for (const id of others) {
    cluster.at(id).reconfigure({ "disk.trusted": true });
    cluster.at(id).crash("kill");
  }
  start(...others);
  await append(4);
  await simulation.until("it is in step", () => partition(first).highWatermark === 9);
  expect(replica(first).damaged.size).toBe(0);
});

test("a damaged entry that was never committed, and is cut off by a new leader, is no damage any more", async () => {
  await append(5);
  await simulation.until("all are in step", () =>
    ALL.every((id) => partition(id).highWatermark === 5),
  );
  const first = leader();
  await appendAlone(first);
  expect(partition(first).logEnd).toBe(8);
  cluster.at(first).crash("power");
  damage(first, `doomed-0-${"y".repeat(20)}`);
  await simulation.until("another leader", () => leader() !== 0);
  await append(4);
  simulation.network.links.healAll();
  start(first);
  await simulation.until("the damage is seen", () => eventsOf(first, "entry-damaged") === 1);
  await simulation.until("it is in step", () => partition(first).highWatermark === 9);
  expect([replica(first).damaged.size, eventsOf(first, "entry-repaired")]).toEqual([0, 0]);
  await simulation.until("it knows its topics", () => broker(first).readiness().length === 0);
  expect(await served(first)).toEqual(numbers(9));
});

test("damage of different entries on every replica: nobody leads until they have helped each other", async () => {
  await append(20);
  await simulation.runForMs(2_000);
  for (const id of ALL) cluster.at(id).crash("power");
  ALL.forEach((id) => damage(id, textOf(3 + id)));
  start(...ALL);
  await simulation.until("a leader", () => leader() !== 0);
  for (const id of ALL) expect(eventsOf(id, "entry-repaired")).toBe(1);
  await append(1);
  await simulation.until("all are in step", () =>
    ALL.every((id) => partition(id).highWatermark === 21),
  );
  for (const id of ALL) expect(await served(id)).toEqual(numbers(21));
});

test("a leader that reads damage hands over, never serves it, and fetches it again", async () => {
  // More than the arena holds, so that old entries are read from the file.
  await append(20);
  const first = leader();
  const original = await payload(first, indexOf(first, 4));
  const filler = Buffer.alloc(30_000, 97);
  for (let k = 0; k < 40; k++) await appendPlain(filler);
  damage(first, textOf(4));
  expect(await served(first)).toEqual([0, 1, 2, 3, "storage"]);
  expect([...replica(first).damaged]).toEqual([indexOf(first, 4)]);
  await simulation.until("another leader", () => leader() !== 0 && leader() !== first);
  await simulation.until("the repair", () => replica(first).damaged.size === 0);
  expect(await payload(first, indexOf(first, 4))).toBe(original);
  expect((await served(leader())).slice(0, 20)).toEqual(numbers(20));
  expect((await served(first)).slice(0, 20)).toEqual(numbers(20));
});

test("a member that has left is asked too, and says at once that it has nothing", async () => {
  await append(20);
  const first = leader();
  const [left, other] = ALL.filter((id) => id !== first) as [number, number];
  await place(first, other);
  await simulation.until(
    "it has left",
    () => broker(left).raft.replica(replica(first).group) === null,
  );
  const filler = Buffer.alloc(30_000, 97);
  for (let k = 0; k < 40; k++) await appendPlain(filler);
  damage(first, textOf(4));
  expect(await served(first)).toEqual([0, 1, 2, 3, "storage"]);
  const { nowUs } = simulation.scheduler;
  await simulation.until("the repair", () => replica(first).damaged.size === 0, 1);
  expect(simulation.scheduler.nowUs - nowUs).toBeLessThan(SOON_US);
});

test("an only replica whose disk failed one read looks again, and leads again", async () => {
  await append(20);
  const first = leader();
  const { group } = replica(first);
  const others = ALL.filter((id) => id !== first);
  const isAlone = (): boolean => others.every((id) => broker(id).raft.replica(group) === null);
  const filler = Buffer.alloc(30_000, 97);
  for (let k = 0; k < 40; k++) await appendPlain(filler);
  await place(first);
  await simulation.until("it is alone", isAlone);
  for (let k = 0; k < 2; k++) cluster.at(first).node.disk.failNext("read", "EIO");
  expect(await served(first)).toContain("storage");
  expect(replica(first).damaged.size).toBe(1);
  replica(first).handle({ on: "resign" });
  await simulation.until("it leads again", () => replica(first).serves);
  expect((await served(first)).slice(0, 20)).toEqual(numbers(20));
  expect(eventsOf(first, "entry-repaired")).toBe(1);
});

async function place(...brokers: readonly number[]): Promise<void> {
  const { client, image } = broker(1).controller;
  const topic = image.topicNamed(TOPIC);
  const { topicId, partitions } = topic as NonNullable<typeof topic>;
  const revision = partitions[0]?.revision as number;
  const change = {
    topicId: topicId as TopicId,
    partition: 0,
    revision,
    brokers: brokers as BrokerId[],
  };
  const placed = client.request({ kind: "place-replicas", changes: [change] }, 5_000);
  expect(await simulation.settle(placed)).toMatchObject({ value: { outcomes: [{ ok: true }] } });
}

async function appendPlain(value: Uint8Array): Promise<void> {
  await simulation.until("a leader", () => leader() !== 0);
  await appendBatch(encodeBatch([{ key: null, value, timestampMs: nowMs() }]));
}

test("the controller's commands too: an image that was stuck goes on", async () => {
  const hurt = ALL.find((id) => !broker(id).raft.replica(CONTROLLER_GROUP)?.leads) as number;
  await createTopic("marked-by-its-name");
  await createTopic("later");
  await simulation.runForMs(2_000);
  cluster.at(hurt).crash("power");
  damage(hurt, "marked-by-its-name");
  start(hurt);
  await simulation.until("the repair", () => eventsOf(hurt, "entry-repaired") > 0);
  await simulation.until("its image has both", () => {
    const { image } = broker(hurt).controller;
    return ["marked-by-its-name", "later"].every((name) => image.topicNamed(name) !== null);
  });
});

async function createTopic(name: string): Promise<void> {
  const made = broker(1).services.cluster.createTopics(
    [{ name, partitions: 1, factor: 3, assignments: [], configs: [] }],
    false,
    10_000,
  );
  expect((await simulation.settle(made))[0]?.outcome.ok).toBe(true);
}
