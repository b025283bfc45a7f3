// Tools that administer: topics, configurations, offsets of topics, and records that are deleted.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Check } from "../client.ts";
import { eventually } from "../../../jepsen-like/cluster/cluster.ts";
import { holds, numbered, same } from "../expect.ts";
import { createTopic, isGone } from "../stored.ts";
import type { Tools } from "./tool.ts";

const SEEN_MS_MAX = 10_000;

export function topicChecks(tools: Tools): readonly Check[] {
  return [topics(tools), configs(tools), offsets(tools), deleteRecords(tools)];
}

function topics({ around, run }: Tools): Check {
  const topic = ["--topic", "tools-topic"];
  return {
    does: "kafka-topics creates, lists, describes, grows and deletes a topic",
    run: async () => {
      const size = ["--partitions", "2", "--replication-factor", "3"];
      await run("TopicCommand", ["--create", ...topic, ...size, "--config", "retention.ms=60000"]);
      const listed = await run("TopicCommand", ["--list"]);
      holds(`it is listed: ${listed}`, listed.split("\n").includes("tools-topic"));
      const described = await run("TopicCommand", ["--describe", ...topic]);
      same("partitions", /PartitionCount:\s*(\d+)/.exec(described)?.[1], "2");
      same("replicas", /ReplicationFactor:\s*(\d+)/.exec(described)?.[1], "3");
      holds(`its retention: ${described}`, described.includes("retention.ms=60000"));
      same("lines with three in sync", described.match(/Isr: \d,\d,\d/g)?.length, 2);
      await run("TopicCommand", ["--alter", ...topic, "--partitions", "4"]);
      await eventually("it does not grow", SEEN_MS_MAX, async () => {
        const grown = await run("TopicCommand", ["--describe", ...topic]);
        same("lines with a leader", grown.match(/Leader: [123]\s/g)?.length, 4);
      });
      const short = await run("TopicCommand", ["--describe", "--under-replicated-partitions"]);
      same("partitions that lack replicas", short.trim(), "");
      await run("TopicCommand", ["--delete", ...topic]);
      await isGone(around, "tools-topic");
    },
  };
}

function configs({ around, run }: Tools): Check {
  const topic = ["--topic", "tools-configs"];
  const described = () => run("ConfigCommand", ["--describe", ...topic]);
  const alter = (...change: string[]) => run("ConfigCommand", ["--alter", ...topic, ...change]);
  return {
    does: "kafka-configs sets, shows and removes configurations of a topic, and shows those of a broker",
    run: async () => {
      await createTopic(around, "tools-configs");
      await alter("--add-config", "retention.ms=70000,max.message.bytes=2000000");
      await eventually("a change is not seen", SEEN_MS_MAX, async () => {
        const text = await described();
        holds(
          text,
          text.includes("retention.ms=70000") && text.includes("max.message.bytes=2000000"),
        );
      });
      await alter("--delete-config", "retention.ms");
      await eventually("a removal is not seen", SEEN_MS_MAX, async () => {
        const text = await described();
        holds(text, !text.includes("retention.ms=") && text.includes("max.message.bytes=2000000"));
      });
      const broker = await run("ConfigCommand", ["--describe", "--broker", "2", "--all"]);
      holds(broker, /^\s*broker\.id=2 /m.test(broker));
      await alter("--add-config", "unclean.leader.election.enable=true").then(
        () => Promise.reject(new Error("a configuration that means loss of records was taken")),
        (error: Error) => holds(error.message, error.message.includes("InvalidConfig")),
      );
    },
  };
}

function offsets({ around, run }: Tools): Check {
  const topic = ["--topic", "tools-offsets"];
  const sumOf = (text: string): number =>
    [...text.matchAll(/^tools-offsets:\d+:(\d+)$/gm)].reduce(
      (sum, [, one]) => sum + Number(one),
      0,
    );
  return {
    does: "kafka-get-offsets finds the first, the last, the newest record, and one by its time",
    run: async () => {
      await createTopic(around, "tools-offsets");
      await run("ConsoleProducer", topic, `${numbered(300).join("\n")}\n`);
      const between = Date.now();
      await run("ConsoleProducer", topic, `${numbered(100, "later").join("\n")}\n`);
      const ask = (time: string) => run("GetOffsetShell", [...topic, "--time", time]);
      same("the sum of the ends", sumOf(await run("GetOffsetShell", topic)), 400);
      same("the sum of the starts", sumOf(await ask("earliest")), 0);
      // Partitions without a later record are left out of the answer, and add their ends here.
      const later = await ask(String(between));
      const ends = new Map(
        [...(await ask("latest")).matchAll(/:(\d+):(\d+)$/gm)].map((m) => [m[1], m[2]]),
      );
      for (const [, partition] of later.matchAll(/:(\d+):\d+$/gm)) ends.delete(partition);
      const without = [...ends.values()].reduce((sum, end) => sum + Number(end), 0);
      same("the records before a time", sumOf(later) + without, 300);
      const newest = await ask("max-timestamp");
      holds(`the newest record: ${newest}`, /^tools-offsets:\d+:\d+$/m.test(newest));
    },
  };
}

function deleteRecords({ around, run }: Tools): Check {
  const topic = ["--topic", "tools-delete"];
  return {
    does: "kafka-delete-records moves the start of a partition",
    run: async () => {
      await createTopic(around, "tools-delete", 1);
      const sent = numbered(100);
      await run("ConsoleProducer", topic, `${sent.join("\n")}\n`);
      const file = join(around.scratch, "delete.json");
      const partitions = [{ topic: "tools-delete", partition: 0, offset: 60 }];
      writeFileSync(file, JSON.stringify({ partitions, version: 1 }));
      const said = await run("DeleteRecordsCommand", ["--offset-json-file", file]);
      same("the mark", /tools-delete-0\s+low_watermark: (\d+)/.exec(said)?.[1], "60");
      await eventually("the start does not move", SEEN_MS_MAX, async () => {
        const start = await run("GetOffsetShell", [...topic, "--time", "earliest"]);
        same("the start", start.trim(), "tools-delete:0:60");
      });
      const bounds = ["--from-beginning", "--max-messages", "40", "--timeout-ms", "20000"];
      const text = await run("consumer.ConsoleConsumer", [...topic, ...bounds]);
      same("what is left", text.trim().split("\n"), sent.slice(60));
    },
  };
}
