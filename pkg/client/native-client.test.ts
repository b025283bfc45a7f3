import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { expect, it } from "vitest";
import type { BrokerId, Term } from "../../internal/model/ids.ts";
import { GrpcStage } from "../../test/wire/grpc-stage.ts";
import { NativeClient } from "./native-client.ts";
import type { NativeError } from "./native-error.ts";

const bytes = (text: string): { readonly value: Uint8Array } => ({ value: Buffer.from(text) });
const targetOf = ({ at }: GrpcStage): string => `${at.host}:${at.port}`;
const textOf = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString();

/** Two brokers with the same topic; `leads` says which of them leads it, and the other points there. */
async function openPair(): Promise<{
  stages: readonly [GrpcStage, GrpcStage];
  leads(n: 0 | 1): void;
}> {
  const stages = [await GrpcStage.open(), await GrpcStage.open()] as const;
  const views = stages.map(({ at }, index) => {
    const broker = (index + 1) as BrokerId;
    return { broker, host: at.host, port: at.port, rack: null, fenced: false };
  });
  for (const stage of stages) {
    stage.cluster.brokerViews = views;
    stage.cluster.addTopic("t", 1);
  }
  const leads = (leader: 0 | 1): void => {
    for (const [index, stage] of stages.entries()) {
      const partition = stage.log.partition("t", 0);
      const hint = { leader: (leader + 1) as BrokerId, leaderEpoch: 2 as Term };
      partition.fault = index === leader ? null : { kind: "not-leader", hint };
      for (const watch of [...partition.watchers]) watch();
    }
  };
  return { stages, leads };
}

it("NativeClient appends at the leader, wherever it begins", async () => {
  const { stages, leads } = await openPair();
  await using first = stages[0];
  await using second = stages[1];
  leads(1);
  using client = new NativeClient(first.world.clock, { brokers: [targetOf(first)] });
  expect(await client.append("t", 0, [bytes("a"), bytes("b")])).toMatchObject({ endOffset: 2 });
  expect(second.log.partition("t", 0).logEnd).toBe(2);
  leads(0);
  expect(await client.append("t", 0, [bytes("c")])).toMatchObject({ baseOffset: 0 });
  expect(await client.offsets("t", 0)).toMatchObject({ highWatermark: 1 });
});

it("NativeClient waits for a leader, and tells a refusal that waiting does not cure", async () => {
  const { stages, leads } = await openPair();
  await using first = stages[0];
  await using second = stages[1];
  const hint = { leader: null, leaderEpoch: 2 as Term };
  for (const { log } of stages) log.partition("t", 0).fault = { kind: "not-leader", hint };
  using client = new NativeClient(first.world.clock, {
    brokers: [targetOf(first), targetOf(second)],
  });
  const append = client.append("t", 0, [bytes("a")]);
  await first.until(() => stages.some(({ log }) => log.timeoutsMs.length > 0));
  leads(1);
  expect(await append).toMatchObject({ baseOffset: 0 });
  const conflict: NativeError = await client
    .append("t", 0, [bytes("b")], { expectedEndOffset: 0 })
    .then(() => Promise.reject(new Error("not refused")))
    .catch((error: NativeError) => error);
  expect(conflict).toMatchObject({ kind: "unexpected-end", endOffset: 1, isPassing: false });
});

it("NativeClient does not repeat an append whose outcome is unknown, unless it is idempotent", async () => {
  await using stage = await GrpcStage.open();
  stage.cluster.addTopic("t", 1);
  const nobody = "127.0.0.1:1";
  const { clock } = stage.world;
  using client = new NativeClient(clock, { brokers: [nobody, targetOf(stage)] });
  await expect(client.append("t", 0, [bytes("a")])).rejects.toMatchObject({ isBroken: true });
  const producer = { ...(await client.initProducer()), baseSequence: 0 };
  using other = new NativeClient(clock, { brokers: [nobody, targetOf(stage)] });
  expect(await other.append("t", 0, [bytes("a")], { producer })).toMatchObject({ baseOffset: 0 });
  expect(stage.log.partition("t", 0).logEnd).toBe(1);
});

it("NativeClient asks another broker when one takes a call and does not answer", async () => {
  await using stage = await GrpcStage.open();
  stage.cluster.addTopic("t", 1);
  // Whoever hangs: its kernel takes connections, and nobody reads from them.
  const hung = createServer(() => {});
  await new Promise<void>((listening) => hung.listen(0, "127.0.0.1", listening));
  const { port } = hung.address() as AddressInfo;
  using client = new NativeClient(stage.world.clock, {
    brokers: [`127.0.0.1:${port}`, targetOf(stage)],
    tryMsMax: 50,
  });
  expect(await client.offsets("t", 0)).toMatchObject({ highWatermark: 0 });
  expect((await client.clusterStatus()).topicCount).toBe(1);
  hung.close();
});

it("NativeClient tails across a change of the leader without a gap or a duplicate", async () => {
  const { stages, leads } = await openPair();
  await using first = stages[0];
  await using second = stages[1];
  // The other broker has the same records: it is a follower.
  await second.append(["a", "b", "c"]);
  leads(0);
  using client = new NativeClient(first.world.clock, { brokers: [targetOf(second)] });
  const ended = new AbortController();
  const seen: string[] = [];
  const tail = (async () => {
    const choices = { from: "earliest", signal: ended.signal } as const;
    for await (const { offset, value } of client.tail("t", 0, choices)) {
      seen.push(`${offset} ${textOf(value)}`);
      if (seen.length === 5) ended.abort();
    }
  })();
  await first.append(["a", "b", "c"]);
  await first.until(() => seen.length === 3);
  leads(1);
  await second.append(["d", "e"]);
  await tail;
  expect(seen).toEqual(["0 a", "1 b", "2 c", "3 d", "4 e"]);
  await first.until(() => first.server.calls + second.server.calls === 0);
});

it("NativeClient tails from the end, and to the end", async () => {
  await using stage = await GrpcStage.open();
  stage.cluster.addTopic("t", 1);
  using client = new NativeClient(stage.world.clock, { brokers: [targetOf(stage)] });
  await client.append("t", 0, [bytes("a"), bytes("b")]);
  const all: string[] = [];
  for await (const { value } of client.tail("t", 0, { from: { offset: 1 }, stopAtEnd: true })) {
    all.push(textOf(value));
  }
  expect(all).toEqual(["b"]);
  const live = client.tail("t", 0);
  const next = live.next();
  await stage.until(() => stage.log.waiting === 1);
  await client.append("t", 0, [bytes("c")]);
  expect((await next).value).toMatchObject({ offset: 2 });
  await live.return();
  await stage.until(() => stage.log.waiting === 0);
  const unknown = client.tail("none", 0, { from: "earliest" }).next();
  await expect(unknown).rejects.toMatchObject({ kind: "unknown-topic" });
});

it("NativeClient administers", async () => {
  await using stage = await GrpcStage.open();
  using client = new NativeClient(stage.world.clock, { brokers: [targetOf(stage)] });
  await client.createTopic("b", { partitions: 2 });
  await client.createTopic("a");
  await client.createPartitions("b", 3);
  const names: string[] = [];
  for await (const { name, partitions } of client.topics()) names.push(`${name} ${partitions}`);
  expect(names).toEqual(["a 1", "b 3"]);
  await client.alterConfigs({ topic: "a" }, [
    { name: "retention.ms", operation: "CONFIG_OPERATION_SET", value: "7" },
  ]);
  const configs = await client.describeConfigs({ topic: "a" }, ["retention.ms"]);
  expect(configs[0]?.value).toBe("7");
  await client.deleteTopic("a");
  await expect(client.describeTopic("a")).rejects.toMatchObject({ kind: "unknown-topic" });
  expect((await client.describeTopic("b")).partitions).toHaveLength(3);
  expect((await client.clusterStatus()).topicCount).toBe(1);
});
