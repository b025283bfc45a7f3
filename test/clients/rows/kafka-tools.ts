// Kafka's own command-line tools, which are the Java client.
import { cpSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Client, Surroundings } from "../client.ts";
import { holds, numbered, same, sameValues } from "../expect.ts";
import { need, run } from "../programs.ts";
import { createTopic, isGone, storedInOrder } from "../stored.ts";

const RESOLVE_MS_MAX = 600_000;
const TOOLS = "org.apache.kafka.tools";

export const kafkaTools: Client = {
  name: "Kafka's Java tools",
  source: "Maven artifact org.apache.kafka:kafka-tools",
  isSlow: true,
  async reach(around) {
    await need("java", ["-version"]);
    const folder = join(around.scratch, "kafka-tools");
    cpSync(join(import.meta.dirname, "..", "kafka-tools"), folder, { recursive: true });
    const goal = ["-q", "-B", "dependency:build-classpath", "-Dmdep.outputFile=classpath"];
    await need("mvn", goal, { cwd: folder, withinMs: RESOLVE_MS_MAX });
    const classPath = readFileSync(join(folder, "classpath"), "utf8").trim();
    const java = (tool: string, words: readonly string[], input = ""): Promise<string> =>
      run(
        "java",
        [
          "-cp",
          classPath,
          `${TOOLS}.${tool}`,
          "--bootstrap-server",
          around.bootstrap.join(","),
          ...words,
        ],
        {
          ...{ input, withinMs: 120_000 },
        },
      );
    const [, version = "?"] = /kafka-tools-([\d.]+)\.jar/.exec(classPath) ?? [];
    const checks = [topics(around, java), producer(around, java), consumer(around, java)];
    return { version, checks };
  },
};

type Java = (tool: string, words: readonly string[], input?: string) => Promise<string>;

function topics(around: Surroundings, java: Java) {
  return {
    does: "kafka-topics: creates, describes and deletes a topic",
    run: async () => {
      const topic = ["--topic", "java-admin"];
      const size = ["--partitions", "2", "--replication-factor", "3"];
      await java("TopicCommand", ["--create", ...topic, ...size]);
      const described = await java("TopicCommand", ["--describe", ...topic]);
      same("partitions", /PartitionCount:\s*(\d+)/.exec(described)?.[1], "2");
      same("lines with three in sync", described.match(/Isr: \d,\d,\d/g)?.length, 2);
      await java("TopicCommand", ["--delete", ...topic]);
      await isGone(around, "java-admin");
    },
  };
}

function producer(around: Surroundings, java: Java) {
  const sent = numbered(around.records);
  return {
    does: `kafka-console-producer: ${sent.length.toLocaleString("en")} records, idempotently; kafka-get-offsets`,
    run: async () => {
      await createTopic(around, "java-many");
      await java("ConsoleProducer", ["--topic", "java-many"], `${sent.join("\n")}\n`);
      await storedInOrder(around, "java-many", sent);
      const ends = await java("GetOffsetShell", ["--topic", "java-many"]);
      const sum = [...ends.matchAll(/^java-many:\d+:(\d+)$/gm)].reduce(
        (all, [, end]) => all + Number(end),
        0,
      );
      same("the sum of the ends", sum, sent.length);
    },
  };
}

function consumer(around: Surroundings, java: Java) {
  const sent = numbered(2_000);
  return {
    does: "kafka-console-consumer: consumes as a group; kafka-consumer-groups describes it",
    run: async () => {
      await createTopic(around, "java-group");
      await java("ConsoleProducer", ["--topic", "java-group"], `${sent.join("\n")}\n`);
      const reader = ["--topic", "java-group", "--group", "java-readers"];
      const bounds = [
        "--from-beginning",
        "--max-messages",
        String(sent.length),
        "--timeout-ms",
        "30000",
      ];
      const text = await java("consumer.ConsoleConsumer", [...reader, ...bounds]);
      sameValues(
        text.split("\n").filter((line) => line.startsWith("value-")),
        sent,
      );
      const described = await java("consumer.group.ConsumerGroupCommand", [
        "--describe",
        "--group",
        "java-readers",
      ]);
      holds(
        `every partition is committed: ${described}`,
        (described.match(/java-group/g)?.length ?? 0) === 3,
      );
    },
  };
}
