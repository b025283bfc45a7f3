// A cluster of three with a topic and few partitions of offsets, for cases about groups.
import { groupPartition } from "../../internal/coordinator/group-partition.ts";
import { findCoordinator } from "../../internal/kafka/api/10-find-coordinator.ts";
import { createTopics } from "../../internal/kafka/api/19-create-topics.ts";
import type { SettingValues } from "../../internal/config/settings.ts";
import { KafkaStage } from "./kafka-stage.ts";

export const OFFSETS_PARTITIONS = 4;

export class GroupStage extends KafkaStage {
  constructor(seed: number, settings: SettingValues = {}) {
    super(seed, 3, {
      "group.initial.rebalance.delay.ms": 0,
      "offsets.topic.num.partitions": OFFSETS_PARTITIONS,
      ...settings,
    });
  }

  async open(topic: string, partitions: number): Promise<void> {
    await this.start();
    const shape = { numPartitions: partitions, replicationFactor: 3, assignments: [], configs: [] };
    const topics = [{ name: topic, ...shape }];
    const made = await this.ask(1, createTopics, 7, {
      topics,
      timeoutMs: 10_000,
      validateOnly: false,
    });
    if (made.topics[0]?.errorCode !== 0) throw new Error(`${topic} was not made`);
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
