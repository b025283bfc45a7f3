// What a client is told of leader epochs (KIP-101) follows from the log as it is: an epoch of which every batch was cut off
// again never was, whoever is asked.
import { expect, test } from "vitest";
import { produce } from "../../internal/kafka/api/00-produce.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import { offsetForLeaderEpoch } from "../../internal/kafka/api/23-offset-for-leader-epoch.ts";
import type { Partition } from "../../internal/partition/partition.ts";
import { batchOf } from "../wire/front-stage.ts";
import { KafkaStage } from "./kafka-stage.ts";

const stage = new KafkaStage(17, 3);

function at(broker: number): Partition {
  const { broker: running } = stage.cluster.at(broker);
  const group = running?.controller.image.topicNamed("t")?.partitions[0]?.group;
  const found = group === undefined ? null : running?.partitions.get(group);
  if (found === null || found === undefined) throw new Error(`${broker} has no partition`);
  return found;
}

function sending(to: number, text: string) {
  const topicData = [{ name: "t", partitionData: [{ index: 0, records: batchOf([text]) }] }];
  const body = { transactionalId: null, acks: -1, timeoutMs: 10_000, topicData };
  return stage.asking(to, produce, 9, body);
}

async function send(to: number, text: string): Promise<void> {
  const answer = await stage.simulation.settle(sending(to, text));
  expect(answer.responses[0]?.partitionResponses[0]?.errorCode).toBe(0);
}

/** Makes a broker lead, and resolves when it serves. Returns its term. */
async function leadAt(broker: number): Promise<number> {
  await stage.until(`${broker} leads`, async () => {
    if (at(broker).mayServe) return true;
    const leader = [1, 2, 3].find((each) => at(each).mayServe);
    if (leader === undefined) return false;
    const target = at(broker).replica.self;
    stage.cluster.at(leader).broker?.raft.transfer(at(leader).replica, target);
    return false;
  });
  return at(broker).term;
}

async function endOf(epoch: number, by: number): Promise<readonly [number, number]> {
  const partitions = [{ partition: 0, currentLeaderEpoch: -1, leaderEpoch: epoch }];
  const body = { replicaId: -1, topics: [{ topic: "t", partitions }] };
  const answer = await stage.ask(by, offsetForLeaderEpoch, 4, body);
  const told = answer.topics[0]?.partitions[0];
  expect(told?.errorCode).toBe(0);
  return [told?.leaderEpoch ?? -2, told?.endOffset ?? -2];
}

test("an epoch that was cut off is forgotten by the leader that began it", async () => {
  await stage.start();
  const assignments = [{ partitionIndex: 0, brokerIds: [1, 2, 3] }];
  const topic = { name: "t", numPartitions: -1, replicationFactor: -1, assignments, configs: [] };
  const body = { topics: [topic], timeoutMs: 10_000, validateOnly: false };
  await stage.ask(1, createTopics, 7, body);
  const first = await leadAt(1);
  await send(1, "kept");

  const { links } = stage.simulation.network;
  const lost = await leadAt(2);
  for (const other of [1, 3])
    links.cut(stage.cluster.at(2).node.name, stage.cluster.at(other).node.name);
  void sending(2, "cut off").catch(() => {});
  await stage.until("the lost epoch has a batch", async () => at(2).logEnd === 2);
  await stage.until("it has a successor", async () => at(1).mayServe || at(3).mayServe);
  const successor = at(1).mayServe ? 1 : 3;
  const last = at(successor).term;
  await send(successor, "in its place");
  links.healAll();
  await stage.until("the logs agree", async () => at(2).highWatermark === 2);

  const told = await endOf(lost, successor);
  expect(told).toEqual([first, 1]);
  await leadAt(2);
  expect([await endOf(lost, 2), await endOf(last, 2)]).toEqual([told, [last, 2]]);
  expect(stage.simulation.fatals).toEqual([]);
});
