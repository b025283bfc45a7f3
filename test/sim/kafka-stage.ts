// Whole brokers on simulated machines with their Kafka front ends, and a machine that asks them: for tests that speak
// Kafka's protocol to a cluster.
import { kafkaOptions } from "../../internal/kafka/options.ts";
import { KafkaServer } from "../../internal/kafka/server.ts";
import type { Api } from "../../internal/kafka/api/api.ts";
import { metadata } from "../../internal/kafka/api/03-metadata.ts";
import type { SettingValues } from "../../internal/config/settings.ts";
import type { BrokerId } from "../../internal/model/ids.ts";
import type { Complete, Draft } from "../../internal/schema/message.ts";
import { KafkaClient } from "../wire/kafka-client.ts";
import { KAFKA_PORT, nameOf, SimCluster } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";
import type { SimWorld } from "./world/sim-world.ts";

const WAIT_MS_MAX = 20_000;

export class KafkaStage {
  readonly simulation: Simulation;
  readonly cluster: SimCluster;
  readonly peer: SimWorld;

  constructor(seed: number, brokers: number, settings: SettingValues = {}) {
    this.simulation = new Simulation({ seed });
    this.cluster = new SimCluster(this.simulation, { brokers, settings });
    this.cluster.listen({
      opened: (at, broker) => {
        const { world, services, settings } = broker;
        const server = new KafkaServer(world, services, kafkaOptions(settings, "kafka"));
        void server.listen({ host: nameOf(at.id), port: KAFKA_PORT });
      },
    });
    this.peer = this.simulation.node("client").boot();
  }

  async start(): Promise<void> {
    this.cluster.startAll();
    await this.until("the cluster is ready", async () => this.cluster.isReady);
  }

  async until(what: string, holds: () => Promise<boolean>): Promise<void> {
    for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += 50) {
      if (await holds()) return;
      await this.simulation.runForMs(50);
    }
    throw new Error(`not within ${WAIT_MS_MAX} ms: ${what}`);
  }

  /** A connection that stays. */
  async client(broker: number): Promise<KafkaClient> {
    const client = new KafkaClient(this.peer, {
      host: nameOf(broker as BrokerId),
      port: KAFKA_PORT,
    });
    await this.simulation.settle(client.opened);
    return client;
  }

  /** Each question on a connection of its own. */
  async ask<Req, Res>(
    broker: number,
    api: Api<Req, Res>,
    version: number,
    body: Draft<Req>,
  ): Promise<Complete<Res>> {
    return this.simulation.settle(this.asking(broker, api, version, body));
  }

  /** The same, while the simulation goes on. Rejects when the connection breaks; never settles when nobody answers. */
  async asking<Req, Res>(
    broker: number,
    api: Api<Req, Res>,
    version: number,
    body: Draft<Req>,
  ): Promise<Complete<Res>> {
    const at = { host: nameOf(broker as BrokerId), port: KAFKA_PORT };
    const client = new KafkaClient(this.peer, at);
    await client.opened;
    const answer = await client.request(api, version, body);
    client.connection.end();
    return answer;
  }

  /** The broker that leads a partition, as `by` knows. */
  async leaderOf(topic: string, partition: number, by = 1): Promise<number> {
    let leader = -1;
    await this.until(`${topic}-${partition} has a leader`, async () => {
      const answer = await this.ask(by, metadata, 9, { topics: [{ name: topic }] });
      const [found] = answer.topics;
      leader = found?.partitions.find((of) => of.partitionIndex === partition)?.leaderId ?? -1;
      return leader !== -1;
    });
    return leader;
  }
}
