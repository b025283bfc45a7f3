// What the brokers really hold, read with the chaos test's own client: the matrix must not believe the clients it tries.
import { OFFSET_FETCH } from "../../jepsen-like/wire/group-requests.ts";
import { codecOf, readBatches, readValues } from "../../jepsen-like/wire/record-batch.ts";
import type { BatchHeader } from "../../jepsen-like/wire/record-batch.ts";
import { CREATE_TOPICS, FETCH, LIST_OFFSETS } from "../../jepsen-like/wire/requests.ts";
import { eventually } from "../../jepsen-like/cluster/cluster.ts";
import { askAny, coordinatorOf, describe, withBroker } from "./ask.ts";
import type { Surroundings } from "./client.ts";
import { same } from "./expect.ts";

const GONE_MS_MAX = 5_000;
const COORDINATOR_MS_MAX = 30_000;

export interface Stored {
  readonly headers: readonly BatchHeader[];
  /** By partition, in the order of offsets. Empty where batches are compressed with what Node's zlib lacks. */
  readonly values: readonly (readonly string[])[];
  readonly records: number;
}

export async function createTopic(around: Surroundings, name: string, partitions = 3) {
  const topic = { name, partitions, replicationFactor: 3 };
  const { code, message } = await askAny(around.kafka, CREATE_TOPICS, topic);
  same(`creating ${name} (${message ?? "no message"})`, code, 0);
}

/** Names of partitions and their leaders; empty when there is no such topic. */
export async function partitionsOf(around: Surroundings, topic: string) {
  const { topics } = await describe(around.kafka, topic);
  return topics[0]?.code === 0 ? topics[0].partitions : [];
}

/** Where each partition of a topic ends. */
export async function endsOf(around: Surroundings, topic: string): Promise<number[]> {
  const ends: number[] = [];
  for (const { partition, leader } of await partitionsOf(around, topic)) {
    const [end] = await withBroker(around.kafka.get(leader), (broker) =>
      broker.ask(LIST_OFFSETS, { topic, partitions: [partition] }, 5_000),
    );
    same(`the end of ${topic} ${partition}`, end?.code, 0);
    ends[partition] = end?.offset ?? -1;
  }
  return ends;
}

/** What a group has committed for each partition of a topic, -1 where nothing; waits for a coordinator. */
export async function committedBy(around: Surroundings, group: string, topic: string) {
  const committed: number[] = [];
  const partitions = (await partitionsOf(around, topic)).map(({ partition }) => partition);
  await eventually(`no offsets of ${group}`, COORDINATOR_MS_MAX, async () => {
    const coordinator = await coordinatorOf(around.kafka, group);
    const { code, offsets } = await withBroker(around.kafka.get(coordinator), (broker) =>
      broker.ask(OFFSET_FETCH, { group, topic, partitions }, 5_000),
    );
    if (code !== 0) throw new Error(`error ${code}`);
    for (const { partition, offset } of offsets) committed[partition] = offset;
  });
  return committed;
}

/** Resolves when no topic of that name is listed; brokers that did not delete it themselves hear of it a little later. */
export async function isGone(around: Surroundings, topic: string): Promise<void> {
  await eventually(`${topic} is still there`, GONE_MS_MAX, async () => {
    same("partitions", (await partitionsOf(around, topic)).length, 0);
  });
}

/** Everything that is committed in a topic. Gaps and wrong checksums are errors. */
export async function readStored(around: Surroundings, topic: string): Promise<Stored> {
  const headers: BatchHeader[] = [];
  const values: string[][] = [];
  let records = 0;
  for (const { partition, leader } of await partitionsOf(around, topic)) {
    const address = around.kafka.get(leader);
    if (address === undefined) throw new Error(`partition ${partition} of ${topic} has no leader`);
    const own: string[] = [];
    values[partition] = own;
    await withBroker(address, async (broker) => {
      const [last] = await broker.ask(LIST_OFFSETS, { topic, partitions: [partition] }, 5_000);
      let offset = 0;
      while (offset < (last?.offset ?? 0)) {
        const partitions = [{ partition, offset }];
        const question = { topic, waitMs: 0, bytesMin: 0, bytesMax: 1 << 20, partitions };
        const [fetched] = await broker.ask(FETCH, question, 10_000);
        same(`fetching ${topic} at ${offset}`, fetched?.code, 0);
        for (const [header, whole] of readBatches(fetched?.records ?? Buffer.alloc(0))) {
          same(`offsets of ${topic}`, header.baseOffset, offset);
          headers.push(header);
          records += header.recordCount;
          offset += header.lastOffsetDelta + 1;
          const codec = codecOf(header);
          if (codec !== "none" && codec !== "gzip") continue;
          for (const { value } of readValues(header, whole)) own.push(String(value));
        }
      }
    });
  }
  return { headers, values, records };
}

/** All values are stored, each once, and each partition keeps the order in which one producer sent them. */
export async function storedInOrder(around: Surroundings, topic: string, sent: readonly string[]) {
  const { values, records } = await readStored(around, topic);
  same(`records stored in ${topic}`, records, sent.length);
  const place = new Map(sent.map((value, k) => [value, k]));
  for (const [partition, own] of values.entries()) {
    let before = -1;
    for (const value of own) {
      const at = place.get(value);
      place.delete(value);
      if (at === undefined) throw new Error(`${value} is stored twice or was never sent`);
      if (at < before) throw new Error(`partition ${partition}: ${value} is out of order`);
      before = at;
    }
  }
  same("values that are missing", place.size, 0);
}
