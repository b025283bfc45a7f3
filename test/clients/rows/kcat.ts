// kcat, which is librdkafka: what most C, Python, Go and .NET programs speak with.
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { NotReached } from "../client.ts";
import type { Client, Surroundings } from "../client.ts";
import { holds, numbered, same, sameValues } from "../expect.ts";
import { nodeDriver } from "../node-driver.ts";
import { need, run } from "../programs.ts";
import { createTopic, storedInOrder } from "../stored.ts";

const MANY = 100_000;

export const kcat: Client = {
  name: "kcat",
  source: "Debian package kcat",
  isSlow: false,
  faults: [
    "Interrupted, it drops the record that its library has just given it (`consume_cb` " +
      "returns when `run` is 0), and commits it. No record comes while a member leaves here.",
  ],
  quickKills: ["group, kills"],
  async reach(around) {
    await install();
    const driver = {
      command: nodeDriver("kcat"),
      leavesInQuiet: true,
    };
    return { driver, checks: [metadata(around), many(around)] };
  },
};

async function install(): Promise<void> {
  try {
    await run("kcat", ["-V"]);
  } catch {
    if (process.getuid?.() !== 0) throw new NotReached("kcat is not installed; apt-get needs root");
    await need("apt-get", ["update", "-qq"]);
    await need("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "kcat"], {
      environment: { DEBIAN_FRONTEND: "noninteractive" },
      withinMs: 120_000,
    });
  }
}

function brokers(around: Surroundings): readonly string[] {
  return ["-b", around.bootstrap.join(",")];
}

function produce(around: Surroundings, topic: string, values: readonly string[], flags: string[]) {
  const file = join(around.scratch, `${topic}.txt`);
  writeFileSync(file, `${values.join("\n")}\n`);
  return run("kcat", ["-P", ...brokers(around), "-t", topic, ...flags, "-l", file]);
}

async function consume(around: Surroundings, topic: string): Promise<string[]> {
  const flags = ["-o", "beginning", "-e", "-q"];
  const text = await run("kcat", ["-C", ...brokers(around), "-t", topic, ...flags]);
  return text.split("\n").slice(0, -1);
}

function metadata(around: Surroundings) {
  return {
    does: "lists brokers and a new topic",
    run: async () => {
      await createTopic(around, "kcat-metadata", 4);
      const text = await run("kcat", ["-L", "-J", ...brokers(around), "-t", "kcat-metadata"]);
      const listed = JSON.parse(text) as {
        brokers: { id: number }[];
        topics: { partitions: { leader: number; replicas: unknown[] }[] }[];
      };
      same("brokers", listed.brokers.map(({ id }) => id).toSorted(), [1, 2, 3]);
      const partitions = listed.topics[0]?.partitions ?? [];
      same("partitions", partitions.length, 4);
      holds(
        "every partition has a leader and three replicas",
        partitions.every(({ leader, replicas }) => leader > 0 && replicas.length === 3),
      );
    },
  };
}

function many(around: Surroundings) {
  const sent = numbered(around.isQuick ? around.records : MANY);
  return {
    does: `produces, idempotently, and consumes ${sent.length.toLocaleString("en")} records`,
    run: async () => {
      await createTopic(around, "kcat-many");
      await produce(around, "kcat-many", sent, ["-X", "enable.idempotence=true"]);
      sameValues(await consume(around, "kcat-many"), sent);
      await storedInOrder(around, "kcat-many", sent);
    },
  };
}
