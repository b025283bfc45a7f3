// The driver for @platformatic/kafka, which speaks the newest versions of the protocol and both group protocols.
import {
  Admin,
  Consumer,
  FetchIsolationLevels,
  Producer,
  stringDeserializers,
  stringSerializers,
} from "@platformatic/kafka";
import type { ConsumerOptions, GroupAssignment } from "@platformatic/kafka";
import { setTimeout as pause } from "node:timers/promises";
import { packageVersion } from "../../package-version.ts";
import {
  COMMIT_EVERY_MS,
  drive,
  HEARTBEAT_MS,
  insist,
  isAltered,
  isCreated,
  keyOf,
  nameOf,
  portions,
  say,
  SESSION_MS,
  shown,
  stopAsked,
  valueOf,
  wordsOf,
} from "./contract.ts";
import type { Asked, Described } from "./contract.ts";

/** What the library's enumerations call them; it exports types only. */
const TOPIC_RESOURCE = 2;
const SET = 0;

const RETRY_MS = 300;

type TextConsumer = Consumer<string, string, string, string>;

function base({ bootstrap }: Asked): { clientId: string; bootstrapBrokers: string[] } {
  return { clientId: "platformatic-driver", bootstrapBrokers: bootstrap.split(",") };
}

async function produce(asked: Asked): Promise<void> {
  const { topic, codec: compression, idempotent } = asked;
  const producer = new Producer({ ...base(asked), serializers: stringSerializers, idempotent });
  for await (const numbers of portions(asked)) {
    const messages = numbers.map((n) => {
      return { topic, key: keyOf(n), value: valueOf(n), partition: n % asked.partitions };
    });
    try {
      await producer.send({ messages, acks: -1, compression });
      say({ acked: [numbers[0], numbers.at(-1)] });
    } catch (error) {
      for (const n of numbers) say({ error: wordsOf(error), n });
    }
  }
  say({ done: true });
  await producer.close();
}

function openConsumer(asked: Asked): TextConsumer {
  const { group: groupId, instanceId } = asked;
  const group =
    asked.protocol === "consumer"
      ? { groupProtocol: "consumer" as const }
      : { sessionTimeout: SESSION_MS, heartbeatInterval: HEARTBEAT_MS, rebalanceTimeout: 30_000 };
  return new Consumer({
    ...{ ...base(asked), groupId, deserializers: stringDeserializers, ...group },
    ...(instanceId === undefined ? {} : { groupInstanceId: instanceId }),
  } as ConsumerOptions<string, string, string, string>);
}

async function consume(asked: Asked): Promise<void> {
  const stopped = stopAsked();
  let isStopped = false;
  void stopped.then(() => (isStopped = true));
  while (!isStopped) {
    const life = openLife(asked);
    try {
      const broken = await life.read();
      while (!isStopped && broken.why === null) {
        await Promise.race([stopped, broken.seen, pause(COMMIT_EVERY_MS)]);
        life.look();
        if (!isStopped && broken.why === null) await life.commit();
      }
      if (broken.why !== null) throw broken.why;
    } catch (error) {
      // The library ends the stream when it can neither fetch nor find a broker: a new consumer is needed.
      say({ error: wordsOf(error) });
      await life.abandon();
      await pause(RETRY_MS);
      continue;
    }
    await life.end();
  }
}

/** One consumer from its start to its end. */
function openLife(asked: Asked) {
  const { topic, fromStart } = asked;
  const consumer = openConsumer(asked);
  const owned = new Set<number>();
  const next = new Map<number, { offset: bigint; leaderEpoch: number }>();
  const look = listen(asked, consumer, owned, next);
  const commit = commits(consumer, topic, next);
  let quiet = (): void => {};
  return {
    ...{ commit, look },
    async read() {
      const stream = await consumer.consume({
        topics: [topic],
        ...{ mode: "committed", fallbackMode: fromStart ? "earliest" : "latest" },
        ...{ autocommit: false, maxWaitTime: 200 },
      });
      const { promise, resolve } = Promise.withResolvers<void>();
      const broken: { why: Error | null; seen: Promise<void> } = { why: null, seen: promise };
      stream.on("error", (error) => {
        broken.why = error;
        resolve();
      });
      stream.on("data", ({ partition, offset, value }) => {
        look();
        // What a rebalance left in the stream belongs to somebody else.
        if (!owned.has(partition)) return;
        say({ record: [partition, Number(offset), nameOf(value)] });
        next.set(partition, { offset: offset + 1n, leaderEpoch: -1 });
      });
      quiet = () => stream.pause();
      return broken;
    },
    async abandon() {
      if (owned.size > 0) say({ revoked: [...owned] });
      owned.clear();
      await consumer.close(true).catch((error: unknown) => say({ error: wordsOf(error) }));
    },
    async end() {
      quiet();
      await commit();
      await consumer.close(true);
    },
  };
}

/**
 * Tells what is assigned and what no longer is. With the classic protocol an event brings it, with the other one the
 * library tells nobody: the returned function looks, and is called before each record and often otherwise.
 */
function listen(
  { topic, protocol }: Asked,
  consumer: TextConsumer,
  owned: Set<number>,
  next: Map<number, unknown>,
): () => void {
  const take = (assignments: readonly GroupAssignment[] | null | undefined): void => {
    const has = new Set(assignments?.find((one) => one.topic === topic)?.partitions);
    const lost = [...owned].filter((partition) => !has.has(partition));
    const gained = [...has].filter((partition) => !owned.has(partition));
    for (const partition of lost) {
      owned.delete(partition);
      next.delete(partition);
    }
    for (const partition of gained) owned.add(partition);
    if (lost.length > 0) say({ revoked: lost });
    if (gained.length > 0 || lost.length > 0) say({ assigned: gained });
  };
  if (protocol === "consumer") return () => take(consumer.assignments);
  consumer.on("consumer:group:join", ({ assignments, generationId }) => {
    take(assignments);
    if (generationId !== undefined) say({ owns: [...owned], generation: generationId });
  });
  return () => {};
}

function commits(
  consumer: TextConsumer,
  topic: string,
  next: ReadonlyMap<number, { offset: bigint; leaderEpoch: number }>,
) {
  const committed = new Map<number, bigint>();
  return async (): Promise<void> => {
    const offsets = [...next]
      .filter(([partition, { offset }]) => committed.get(partition) !== offset)
      .map(([partition, position]) => ({ topic, partition, ...position }));
    if (offsets.length === 0) return;
    try {
      await consumer.commit({ offsets });
      for (const { partition, offset } of offsets) {
        committed.set(partition, offset);
        say({ committed: [partition, Number(offset)] });
      }
    } catch (error) {
      say({ error: `commit: ${wordsOf(error)}` });
    }
  };
}

async function seek(asked: Asked): Promise<void> {
  const { topic, timestampMs } = asked;
  const consumer = openConsumer({ ...asked, group: `${topic}-seek`, protocol: "classic" });
  const times = { topics: [topic], timestamp: BigInt(timestampMs) };
  const found = (await insist(() => consumer.listOffsets(times)))?.get(topic) ?? [];
  for (const [partition, offset] of found.entries()) {
    say({ found: [partition, Number(offset)] });
    if (offset < 0n) continue;
    const read = await insist(() => readAt(consumer, topic, partition, offset));
    say({ record: [partition, Number(offset), nameOf(read ?? "")] });
  }
  await consumer.close(true);
}

/** A fetch of one's own, by topic id, as the library lets one make it. */
async function readAt(consumer: TextConsumer, topic: string, partition: number, offset: bigint) {
  const { topics } = await consumer.metadata({ topics: [topic], forceUpdate: true });
  const described = topics.get(topic);
  const node = described?.partitions[partition]?.leader;
  if (described === undefined || node === undefined) throw new Error("the partition has no leader");
  const wanted = {
    ...{ partition, currentLeaderEpoch: -1, lastFetchedEpoch: -1 },
    ...{ fetchOffset: offset, partitionMaxBytes: 1 << 20 },
  };
  const { responses } = await consumer.fetch({
    node,
    topics: [{ topicId: described.id, partitions: [wanted] }],
    isolationLevel: FetchIsolationLevels.READ_UNCOMMITTED,
  });
  for (const { firstOffset, records } of responses[0]?.partitions[0]?.records ?? []) {
    for (const { offsetDelta, value } of records) {
      if (firstOffset + BigInt(offsetDelta) === offset) return String(value);
    }
  }
  throw new Error(`a fetch at ${offset} brought no record of that offset`);
}

async function administer(asked: Asked): Promise<void> {
  const { topic } = asked;
  const admin = new Admin(base(asked));
  const described = async (): Promise<Described> => {
    const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true });
    const [config] = await admin.describeConfigs({
      resources: [{ resourceType: TOPIC_RESOURCE, resourceName: topic }],
    });
    const retention = config?.configs.find(({ name }) => name === "retention.ms");
    return {
      partitions: topics.get(topic)?.partitions.length ?? 0,
      retentionMs: Number(retention?.value),
    };
  };
  const says = (text: string) => (error: unknown) => wordsOf(error).includes(text);
  const configs = [{ name: "retention.ms", value: "60000" }];
  await insist(
    () => admin.createTopics({ topics: [topic], partitions: 3, replicas: 3, configs }),
    says("exists"),
  );
  say({ created: true });
  say({ described: await insist(() => shown(described, isCreated)) });
  const change = { name: "retention.ms", configOperation: SET, value: "120000" };
  const resource = { resourceType: TOPIC_RESOURCE, resourceName: topic, configs: [change] };
  await insist(() =>
    admin.incrementalAlterConfigs({ resources: [resource], validateOnly: false } as never),
  );
  const more = { name: topic, count: 5, assignments: [] };
  await insist(
    () => admin.createPartitions({ topics: [more], validateOnly: false }),
    says("INVALID_PARTITIONS"),
  );
  say({ altered: await insist(() => shown(described, isAltered)) });
  await insist(() => admin.deleteTopics({ topics: [topic] }), says("UNKNOWN_TOPIC"));
  say({ deleted: true });
  await admin.close();
}

await drive({
  version: () => {
    const version = packageVersion("@platformatic/kafka");
    return Promise.resolve(say({ version: `@platformatic/kafka ${version}` }));
  },
  ...{ produce, consume, seek, admin: administer },
});
