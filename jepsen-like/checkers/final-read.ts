// The end of a run: waits until all replicas of all partitions tell the same end, then reads every partition completely
// from every broker, with connections of its own. Only because of the wait is a record that is missing a lost record.
import { HANG_MS } from "../patience.ts";
import { Connection } from "../wire/connection.ts";
import type { BrokerAddress } from "../wire/connection.ts";
import { CODE } from "../wire/error-codes.ts";
import { FETCH, LIST_OFFSETS, METADATA } from "../wire/requests.ts";
import { pause } from "../workload/clock.ts";
import { ReplicaLog } from "./replica-log.ts";

/** Looking whether all agree is done again and again; reading is not. */
const ANSWER_MS_MAX = 5_000;
const READ_BYTES = 1 << 20;

export interface FinalReadOptions {
  readonly run: string;
  readonly topic: string;
  readonly partitions: number;
  readonly addresses: ReadonlyMap<number, BrokerAddress>;
  readonly agreeMsMax: number;
}

export interface FinalRead {
  readonly logs: readonly ReplicaLog[];
  /** Why the replicas cannot be said to agree; empty when they do. */
  readonly disagreements: readonly string[];
}

export async function finalRead(options: FinalReadOptions): Promise<FinalRead> {
  const giveUpAtMs = performance.now() + options.agreeMsMax;
  let disagreements: string[] = [];
  let ends = new Map<number, number>();
  do {
    ends = new Map();
    disagreements = await compareEnds(options, ends).catch((error: Error) => [error.message]);
    if (disagreements.length > 0) await pause(200);
  } while (disagreements.length > 0 && performance.now() < giveUpAtMs);
  // Sorted by broker, whatever order the answers come in. The brokers are read at the same time.
  const read = await Promise.all(
    [...options.addresses].map(async ([broker, address]) => {
      const logs = Array.from(
        { length: options.partitions },
        (_, partition) => new ReplicaLog(broker, partition),
      );
      const complaint = await readAll(options, address, logs, ends).catch((e: Error) => e.message);
      if (complaint !== null) disagreements.push(`broker ${broker}: ${complaint}`);
      return logs;
    }),
  );
  const logs = read.flat();
  return { logs, disagreements };
}

/** Fills `ends` with what the leaders say and complains about everyone who says otherwise. */
async function compareEnds(options: FinalReadOptions, ends: Map<number, number>) {
  const { topic, addresses } = options;
  const complaints: string[] = [];
  const all = Array.from({ length: options.partitions }, (_, partition) => partition);
  for (const address of addresses.values()) {
    await using link = await openLink(address);
    const { topics } = await link.connection.ask(METADATA, [topic], ANSWER_MS_MAX);
    const own = (topics[0]?.partitions ?? []).filter(
      ({ leader }) => addresses.get(leader) === address,
    );
    if (own.length === 0) continue;
    const question = { topic, partitions: own.map(({ partition }) => partition) };
    const answers = await link.connection.ask(LIST_OFFSETS, question, ANSWER_MS_MAX);
    for (const { partition, code, offset } of answers) {
      if (code === CODE.none) ends.set(partition, offset);
      else complaints.push(`partition ${partition}: its leader answers with error ${code}`);
    }
  }
  for (const partition of all) {
    if (!ends.has(partition)) complaints.push(`partition ${partition} has no leader`);
  }
  for (const [broker, address] of addresses) {
    await using link = await openLink(address);
    // From each partition's end: a replica that is not there yet has nothing to say.
    const partitions = all.map((partition) => ({ partition, offset: ends.get(partition) ?? 0 }));
    const question = { topic, waitMs: 0, bytesMin: 0, bytesMax: 1, partitions };
    for (const { partition, code, highWatermark } of await link.connection.ask(
      FETCH,
      question,
      ANSWER_MS_MAX,
    )) {
      if (code === CODE.none && highWatermark === ends.get(partition)) continue;
      complaints.push(
        `partition ${partition}: broker ${broker} is at ${highWatermark} (error ${code}), ` +
          `the leader at ${ends.get(partition) ?? "?"}`,
      );
    }
  }
  return complaints;
}

async function openLink(address: BrokerAddress) {
  const connection = await Connection.open(address, "chaos-final-read", 1_000);
  return {
    connection,
    [Symbol.asyncDispose]: async () => connection.close(),
  };
}

/** Every partition from offset 0 to its end; null, or what stands in the way. */
async function readAll(
  options: FinalReadOptions,
  address: BrokerAddress,
  logs: readonly ReplicaLog[],
  ends: ReadonlyMap<number, number>,
): Promise<string | null> {
  await using link = await openLink(address);
  for (const log of logs) {
    const end = ends.get(log.partition) ?? 0;
    for (let giveUpAtMs = performance.now() + HANG_MS; log.end < end;) {
      const [fetched] = await link.connection.ask(
        FETCH,
        {
          topic: options.topic,
          waitMs: 0,
          bytesMin: 0,
          bytesMax: READ_BYTES,
          partitions: [{ partition: log.partition, offset: log.end }],
        },
        HANG_MS,
      );
      if (fetched !== undefined && log.append(options.run, fetched.records)) {
        giveUpAtMs = performance.now() + HANG_MS;
      } else if (performance.now() > giveUpAtMs) {
        return (
          `partition ${log.partition} gives nothing at ${log.end} of ${end} ` +
          `(error ${fetched?.code ?? "?"})`
        );
      } else await pause(50);
    }
  }
  return null;
}
