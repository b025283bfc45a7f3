// `node test/bench/groups.ts`, and a part of `make bench`: what consumer groups cost. A hundred members over a thousand
// partitions come to rest by the classic and by the newer protocol; heartbeats; committed offsets beside produced messages
// of the same run; and how long a message takes from its producer to a consumer that polls. Under 90 seconds in all.
import { setTimeout as pause } from "node:timers/promises";
import { offsetCommit } from "../../internal/kafka/api/08-offset-commit.ts";
import type { OffsetCommitResponse } from "../../internal/kafka/api/08-offset-commit.ts";
import type { Address } from "../../internal/ports/wire.ts";
import { LocalCluster, processFacts } from "../process/local-cluster.ts";
import { KafkaClient } from "../wire/kafka-client.ts";
import { cpuMicrosEach, perSecond, showRatio, spent } from "./figures.ts";
import type { Look, Spent } from "./figures.ts";
import {
  ClassicMember,
  ConsumerMember,
  coordinatorOf,
  persistently,
  Refused,
  takeRefusals,
  world,
} from "./group-members.ts";
import type { BenchTopic, Coordinator } from "./group-members.ts";
import { LoadClient } from "./produce-load.ts";
import { TailReader } from "./tail-reader.ts";

const MEMBERS = 100;
const TOPICS = 10;
const PARTITIONS_EACH = 100;
const SETTLE_MS_MAX = 15_000;
/** Between two heartbeats of a member that waits for the others. */
const BEAT_PAUSE_MS = 10;
const IDLE_MS = 2_000;
const BEATS_MS = 2_000;
const LOAD_MS = 3_000;
const OUTSTANDING = 64;
const COMMIT_CONNECTIONS = 4;
const KIB = 1024;
interface Stage {
  readonly cluster: LocalCluster;
  readonly bootstrap: Address;
  readonly topics: readonly BenchTopic[];
  /** Of each broker, when nothing is asked of it. */
  readonly idleShares: readonly number[];
}

/** What a group is to the measurements, whatever protocol its members speak. */
interface Crew {
  /** Until everybody has his part. Resolves with how many heartbeats it took. */
  settle(): Promise<number>;
  addOne(): Promise<void>;
  /** One heartbeat of each member that changes nothing, over and over until `untilMs`. */
  beat(untilMs: number): Promise<number>;
  disband(): Promise<void>;
}

export async function benchGroups(): Promise<void> {
  const cluster = await LocalCluster.start({ "group.initial.rebalance.delay.ms": "0" });
  try {
    const bootstrap = cluster.brokers[0]?.kafka;
    if (bootstrap === undefined) throw new Error("the cluster has brokers");
    const topics = await prepareTopics(bootstrap);
    await coordinatorOf(bootstrap, "bench");
    const idleShares = await measureIdle(cluster);
    const stage = { cluster, bootstrap, topics, idleShares };
    const classic = (at: Coordinator, group: string): Crew => new ClassicCrew(at, group, topics);
    const newer = (at: Coordinator, group: string): Crew => new ConsumerCrew(at, group, topics);
    await measureCrew(stage, "classic", classic);
    await measureCrew(stage, "newer", newer);
    await measureCommits(stage);
    await measureTail(stage);
  } finally {
    await cluster.stop();
  }
}

async function prepareTopics(bootstrap: Address): Promise<readonly BenchTopic[]> {
  const topics: BenchTopic[] = [];
  for (let at = 0; at < TOPICS; at++) {
    const name = `bench-groups-${at}`;
    await new LoadClient(bootstrap).prepare(name, PARTITIONS_EACH);
    topics.push({ name, partitions: PARTITIONS_EACH });
  }
  return topics;
}

async function measureIdle(cluster: LocalCluster): Promise<number[]> {
  const before = cluster.brokers.map(({ id }) => look(cluster, id));
  await pause(IDLE_MS);
  return cluster.brokers.map(({ id }, at) => {
    const from = before[at];
    return from === undefined ? 0 : spent(from, look(cluster, id)).share;
  });
}

function look(cluster: LocalCluster, broker: number): Look {
  const pid = cluster.brokers.find(({ id }) => id === broker)?.pid ?? 0;
  return { atMs: performance.now(), cpuSeconds: processFacts(pid).cpuSeconds };
}

// Members

async function measureCrew(
  stage: Stage,
  protocol: string,
  crewOf: (at: Coordinator, group: string) => Crew,
): Promise<void> {
  const group = `bench-${protocol}`;
  const at = await coordinatorOf(stage.bootstrap, group);
  const idleShare = stage.idleShares[at.broker - 1] ?? 0;
  const crew = crewOf(at, group);
  const timed = async (what: string, work: () => Promise<number>): Promise<void> => {
    const from = look(stage.cluster, at.broker);
    const count = await work();
    const took = spent(from, look(stage.cluster, at.broker));
    const cells = [
      `${protocol} ${what}`.padEnd(38),
      `${(took.seconds * 1_000).toFixed(0).padStart(6)} ms`,
      `coordinator ${(took.cpuSeconds * 1_000).toFixed(0).padStart(5)} CPU ms`,
      `${count.toFixed(0).padStart(6)} heartbeats`,
      `${perSecond(count, took).toFixed(0).padStart(6)}/s`,
      `${cpuMicrosEach(took, count, idleShare).toFixed(0).padStart(4)} CPU us each`,
    ];
    const refusals = takeRefusals();
    if (refusals > 0) cells.push(`${refusals} times not ready`);
    console.log(cells.join(" | "));
  };
  try {
    await timed(`${MEMBERS} members join`, () => crew.settle());
    await timed("one more joins", async () => {
      await crew.addOne();
      return crew.settle();
    });
    await timed("heartbeats only", () => crew.beat(performance.now() + BEATS_MS));
  } finally {
    await crew.disband();
  }
}

/** Each one in a loop of its own, until all are done at once. */
async function untilAll<T>(
  members: readonly T[],
  step: (member: T) => Promise<void>,
  isDone: () => boolean,
): Promise<void> {
  const untilMs = performance.now() + SETTLE_MS_MAX;
  const loop = async (member: T): Promise<void> => {
    while (!isDone()) {
      if (performance.now() > untilMs) throw new Error("the group does not come to rest");
      await step(member);
      if (!isDone()) await pause(BEAT_PAUSE_MS);
    }
  };
  await Promise.all(members.map(loop));
}

async function beatAll<T>(
  members: readonly T[],
  beat: (member: T) => Promise<unknown>,
  untilMs: number,
): Promise<number> {
  let count = 0;
  const loop = async (member: T): Promise<void> => {
    for (; performance.now() < untilMs; count++) await beat(member);
  };
  await Promise.all(members.map(loop));
  return count;
}

class ClassicCrew implements Crew {
  readonly #members: ClassicMember[] = [];
  readonly #join: () => ClassicMember;

  constructor({ address }: Coordinator, group: string, topics: readonly BenchTopic[]) {
    this.#join = () => new ClassicMember(address, group, topics);
    for (let at = 0; at < MEMBERS; at++) this.#members.push(this.#join());
  }

  async settle(): Promise<number> {
    let beats = 0;
    // Stable: everybody's last heartbeat was answered in the newest generation.
    const steady = new Map<ClassicMember, number>();
    const isDone = (): boolean => {
      const newest = Math.max(...this.#members.map(({ generation }) => generation));
      return newest >= 0 && this.#members.every((member) => steady.get(member) === newest);
    };
    await untilAll(
      this.#members,
      async (member) => {
        const code = member.generation < 0 ? -1 : await member.beat();
        if (code === 0) {
          beats++;
          steady.set(member, member.generation);
        } else await member.join();
      },
      isDone,
    );
    return beats;
  }

  async addOne(): Promise<void> {
    this.#members.push(this.#join());
  }

  beat(untilMs: number): Promise<number> {
    return beatAll(this.#members, (member) => member.beat(), untilMs);
  }

  async disband(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.leave().catch(() => {})));
  }
}

class ConsumerCrew implements Crew {
  readonly #members: ConsumerMember[] = [];
  readonly #join: () => ConsumerMember;

  constructor({ address }: Coordinator, group: string, topics: readonly BenchTopic[]) {
    const names = topics.map(({ name }) => name);
    this.#join = () => {
      const memberId = crypto.randomUUID();
      return new ConsumerMember(address, group, names, memberId);
    };
    for (let at = 0; at < MEMBERS; at++) this.#members.push(this.#join());
  }

  async settle(): Promise<number> {
    const before = this.#beats();
    const quiet = new Set<ConsumerMember>();
    const shares = (): number[] => this.#members.map(({ partitionCount }) => partitionCount);
    const isDone = (): boolean => {
      if (quiet.size < this.#members.length) return false;
      const counts = shares();
      const isWhole = counts.reduce((sum, one) => sum + one, 0) === TOPICS * PARTITIONS_EACH;
      return isWhole && Math.max(...counts) - Math.min(...counts) <= 1;
    };
    await untilAll(
      this.#members,
      async (member) => {
        if (await member.beat()) quiet.add(member);
        else quiet.delete(member);
      },
      isDone,
    );
    return this.#beats() - before;
  }

  #beats(): number {
    return this.#members.reduce((sum, { beats }) => sum + beats, 0);
  }

  async addOne(): Promise<void> {
    this.#members.push(this.#join());
  }

  beat(untilMs: number): Promise<number> {
    return beatAll(this.#members, (member) => member.beat(), untilMs);
  }

  async disband(): Promise<void> {
    await Promise.all(this.#members.map((member) => member.leave().catch(() => {})));
  }
}

// Offsets

async function measureCommits({ cluster, bootstrap, topics }: Stage): Promise<void> {
  const { address } = await coordinatorOf(bootstrap, "bench-commits");
  const all = async (work: () => Promise<number>): Promise<{ count: number; took: Spent }> => {
    const from = { atMs: performance.now(), cpuSeconds: cluster.facts().cpuSeconds };
    const count = await work();
    const to = { atMs: performance.now(), cpuSeconds: cluster.facts().cpuSeconds };
    return { count, took: spent(from, to) };
  };
  const commits = await all(() => commitLoad(address, topics, 1));
  const broad = await all(() => commitLoad(address, topics, PARTITIONS_EACH));
  const client = new LoadClient(bootstrap);
  await client.prepare("bench-beside", 1);
  const load = {
    label: "",
    partitions: 1,
    messageBytes: KIB,
    outstanding: OUTSTANDING,
    perSecond: 0,
  };
  const produced = await all(async () => {
    return (await client.run("bench-beside", load, 0, LOAD_MS)).acknowledged;
  });
  await client.remove("bench-beside");
  const show = (what: string, { count, took }: { count: number; took: Spent }, each: string) => {
    const cells = [
      `${what}, ${OUTSTANDING} outstanding`.padEnd(38),
      `${perSecond(count, took).toFixed(0).padStart(7)}/s`,
      `brokers ${cpuMicrosEach(took, count).toFixed(0).padStart(4)} CPU us each`,
      each,
    ];
    console.log(cells.join(" | "));
  };
  const rate = perSecond(produced.count, produced.took);
  const relative = ({ count, took }: { count: number; took: Spent }): string =>
    `${showRatio(perSecond(count, took), rate)} the produced messages`;
  show("produce 1 KiB", produced, "");
  show("commit 1 offset", commits, relative(commits));
  show(`commit ${PARTITIONS_EACH} offsets`, broad, relative(broad));
}

async function commitLoad(
  address: Address,
  topics: readonly BenchTopic[],
  partitionsEach: number,
): Promise<number> {
  const clients = Array.from({ length: COMMIT_CONNECTIONS }, () => new KafkaClient(world, address));
  await Promise.all(clients.map(({ opened }) => opened));
  const untilMs = performance.now() + LOAD_MS;
  let count = 0;
  const lane = async (client: KafkaClient, first: number): Promise<void> => {
    const topic = topics[first % topics.length]?.name ?? "";
    for (let offset = 0; performance.now() < untilMs; offset++) {
      const partitions = Array.from({ length: partitionsEach }, (_, at) => {
        const partitionIndex = (first + at) % PARTITIONS_EACH;
        return { partitionIndex, committedOffset: offset, committedMetadata: "" };
      });
      const commit = {
        groupId: "bench-commits",
        memberId: "",
        groupInstanceId: null,
        topics: [{ name: topic, partitions }],
      };
      const codeOf = (answer: OffsetCommitResponse): number =>
        answer.topics[0]?.partitions[0]?.errorCode ?? -1;
      const code = codeOf(
        await persistently("OffsetCommit", () => client.request(offsetCommit, 8, commit), codeOf),
      );
      if (code !== 0) throw new Refused("OffsetCommit", code);
      count++;
    }
  };
  const lanes = clients.flatMap((client, at) =>
    Array.from({ length: OUTSTANDING / COMMIT_CONNECTIONS }, (_, lane_) =>
      lane(client, at * OUTSTANDING + lane_),
    ),
  );
  await Promise.all(lanes);
  for (const client of clients) client.close();
  return count;
}

// From producer to consumer

async function measureTail({ cluster, bootstrap }: Stage): Promise<void> {
  const topic = "bench-tail";
  const warmMs = 1_000;
  const runMs = 5_000;
  const client = new LoadClient(bootstrap);
  await client.prepare(topic, 1);
  const leader = client.leaderOf(0);
  if (leader === null) throw new Error("nobody leads the topic");
  const reader = new TailReader(leader, topic, performance.now() + warmMs);
  const reading = reader.run();
  const before = cluster.facts().cpuSeconds;
  const load = {
    label: "",
    partitions: 1,
    messageBytes: KIB,
    outstanding: 0,
    perSecond: 5_000,
    isStamped: true,
  };
  const result = await client.run(topic, load, warmMs, runMs);
  await pause(100);
  const cpuSeconds = cluster.facts().cpuSeconds - before;
  reader.stop();
  await reading;
  await client.remove(topic);
  const took = { seconds: (warmMs + runMs) / 1_000, cpuSeconds, share: 0 };
  const [acknowledged, arrived] = [result.latencies, reader.latencies];
  console.log(`5,000/s, due to acknowledged            | ${acknowledged.show()}`);
  console.log(`5,000/s, due to read by a consumer      | ${arrived.show()}`);
  const [ackP99 = NaN] = acknowledged.percentiles(99);
  const [readP99 = NaN] = arrived.percentiles(99);
  const cells = [
    `read ${reader.read} of ${result.acknowledged} and warm-up`,
    `${(reader.read / reader.polls).toFixed(1)} a poll`,
    `brokers ${cpuMicrosEach(took, reader.read).toFixed(0)} CPU us each, produced and read`,
    `p99 read : acknowledged ${showRatio(readP99, ackP99)}`,
  ];
  console.log(cells.join(" | "));
}

if (import.meta.main) await benchGroups();
