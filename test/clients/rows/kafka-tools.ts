// Kafka's own command-line tools: for each one what it prints is checked, in test/clients/tools.
import type { Client } from "../client.ts";
import { reachJava } from "../java.ts";
import { clusterChecks } from "../tools/cluster.ts";
import { groupChecks } from "../tools/groups.ts";
import { recordChecks } from "../tools/records.ts";
import { toolsOf } from "../tools/tool.ts";
import { topicChecks } from "../tools/topics.ts";

export const kafkaTools: Client = {
  name: "Kafka's command-line tools",
  source: "Maven artifacts org.apache.kafka:kafka-tools and kafka_2.13",
  isSlow: true,
  async reach(around) {
    const java = await reachJava(around);
    const tools = toolsOf(around, java);
    const parts = [topicChecks, recordChecks, groupChecks, clusterChecks];
    return { version: java.version, checks: parts.flatMap((part) => part(tools)) };
  },
};
