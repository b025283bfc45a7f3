// The rows of the table, in order.
import type { Client } from "./client.ts";
import { franzGo, franzGoNewGroups, sarama } from "./rows/go-clients.ts";
import { grpc } from "./rows/grpc.ts";
import { javaClient, javaClientNewGroups } from "./rows/java-client.ts";
import { kafkaTools } from "./rows/kafka-tools.ts";
import { kafkajs } from "./rows/kafkajs.ts";
import { kcat } from "./rows/kcat.ts";
import { nodeRdkafka } from "./rows/node-rdkafka.ts";
import { platformatic } from "./rows/platformatic.ts";

export const CLIENTS: readonly Client[] = [
  kcat,
  kafkajs,
  platformatic,
  grpc,
  nodeRdkafka,
  franzGo,
  franzGoNewGroups,
  sarama,
  javaClient,
  javaClientNewGroups,
  kafkaTools,
];
