// The rows of the table, in order.
import type { Client } from "./client.ts";
import { celery } from "./rows/celery.ts";
import { franzGo, franzGoNewGroups, sarama } from "./rows/go-clients.ts";
import { grpc } from "./rows/grpc.ts";
import { javaClient, javaClientNewGroups } from "./rows/java-client.ts";
import { kafkaConnect } from "./rows/kafka-connect.ts";
import { kafkaStreams } from "./rows/kafka-streams.ts";
import { kafkaTools } from "./rows/kafka-tools.ts";
import { kafkajs } from "./rows/kafkajs.ts";
import { kcat } from "./rows/kcat.ts";
import { nodeRdkafka } from "./rows/node-rdkafka.ts";
import { platformatic, platformaticNewGroups } from "./rows/platformatic.ts";
import {
  aiokafka,
  confluentPython,
  confluentPythonDebian,
  confluentPythonNewGroups,
  kafkaPython,
} from "./rows/python.ts";

export const CLIENTS: readonly Client[] = [
  kcat,
  kafkajs,
  platformatic,
  platformaticNewGroups,
  confluentPythonDebian,
  confluentPython,
  confluentPythonNewGroups,
  aiokafka,
  kafkaPython,
  celery,
  grpc,
  nodeRdkafka,
  franzGo,
  franzGoNewGroups,
  sarama,
  javaClient,
  javaClientNewGroups,
  kafkaTools,
  kafkaStreams,
  kafkaConnect,
];
