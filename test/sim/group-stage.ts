// Three whole brokers on simulated machines and a client that speaks Kafka's protocol to them, for cases about groups.
import { groupPartition } from "../../internal/coordinator/group-partition.ts";
import { findCoordinator } from "../../internal/kafka/api/10-find-coordinator.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import type { Api } from "../../internal/kafka/api/api.ts";
import { kafkaOptions } from "../../internal/kafka/options.ts";
import { KafkaServer } from "../../internal/kafka/server.ts";
import type { BrokerId } from "../../internal/model/ids.ts";
import type { Complete, Draft } from "../../internal/schema/message.ts";
import { KafkaClient } from "../wire/kafka-client.ts";
import { KAFKA_PORT, nameOf, SimCluster } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";
import type { SimWorld } from "./world/sim-world.ts";

const WAIT_MS_MAX = 20_000;
export const OFFSETS_PARTITIONS = 4;

export class GroupStage {
  readonly simulation: Simulation;
  readonly cluster: SimCluster;
  readonly peer: SimWorld;

  constructor(seed: number, settings: object = {}) {
    this.simulation = new Simulation({ seed });
    this.cluster = new SimCluster(this.simulation, {
      brokers: 3,
      settings: {
        "group.initial.rebalance.delay.ms": 0,
        "offsets.topic.num.partitions": OFFSETS_PARTITIONS,
        ...settings,
      },
    });
    this.cluster.listen({
      opened: (at, broker) => {
        const { world, services } = broker;
        const server = new KafkaServer(world, services, kafkaOptions(at.settings, "kafka"));
        void server.listen({ host: nameOf(at.id), port: KAFKA_PORT });
      },
    });
    this.peer = this.simulation.node("client").boot();
  }

  async open(topic: string, partitions: number): Promise<void> {
    this.cluster.startAll();
    await this.until("the cluster is ready", async () => this.cluster.isReady);
    const shape = { numPartitions: partitions, replicationFactor: 3, assignments: [], configs: [] };
    const topics = [{ name: topic, ...shape }];
    const made = await this.ask(1, createTopics, 7, {
      topics,
      timeoutMs: 10_000,
      validateOnly: false,
    });
    if (made.topics[0]?.errorCode !== 0) throw new Error(`${topic} was not made`);
  }

  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += 50) {
      if (await holds()) return;
      await this.simulation.runForMs(50);
    }
    throw new Error(`not within ${WAIT_MS_MAX} ms: ${what}`);
  }

  /** Each question on a connection of its own. */
  ask<Req, Res>(broker: number, api: Api<Req, Res>, version: number, body: Draft<Req>) {
    return this.simulation.settle(this.asked(broker, api, version, body));
  }

  async asked<Req, Res>(
    broker: number,
    api: Api<Req, Res>,
    version: number,
    body: Draft<Req>,
  ): Promise<Complete<Res>> {
    const place = { host: nameOf(broker as BrokerId), port: KAFKA_PORT };
    const client = new KafkaClient(this.peer, place);
    await client.opened;
    const answer = await client.request(api, version, body);
    client.connection.end();
    return answer;
  }

  /** Whom a broker names as the coordinator of the group; -1: nobody. */
  async coordinatorOf(group: string, by: number): Promise<number> {
    const body = { keyType: 0, coordinatorKeys: [group] };
    return (await this.ask(by, findCoordinator, 4, body)).coordinators[0]?.nodeId ?? -1;
  }

  /** The coordinator that broker `by` names as soon as it names one other than `not`. */
  async coordinator(group: string, by: number, not = -1): Promise<number> {
    let found = -1;
    await this.until("a coordinator is named", async () => {
      found = await this.coordinatorOf(group, by);
      return found !== -1 && found !== not;
    });
    return found;
  }

  partitionOf(group: string): number {
    return groupPartition(group, OFFSETS_PARTITIONS);
  }
}
