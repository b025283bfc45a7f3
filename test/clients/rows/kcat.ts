// kcat, which is librdkafka: what most C, Python, Go and .NET programs speak with.
import { join } from "node:path";
import { writeFileSync } from "node:fs";
import { CODECS, codecOf } from "../../../jepsen-like/wire/record-batch.ts";
import { NotReached } from "../client.ts";
import type { Client, Surroundings } from "../client.ts";
import { holds, numbered, same, sameValues } from "../expect.ts";
import { need, run } from "../programs.ts";
import { createTopic, readStored, storedInOrder } from "../stored.ts";

const CODEC_RECORDS = 300;

export const kcat: Client = {
  name: "kcat",
  source: "Debian package kcat",
  isSlow: false,
  async reach(around) {
    const version = await install();
    return {
      version,
      checks: [metadata(around), many(around), offsets(around), ...codecs(around), group(around)],
    };
  },
};

async function install(): Promise<string> {
  let text: string;
  try {
    text = await run("kcat", ["-V"]);
  } catch {
    if (process.getuid?.() !== 0) throw new NotReached("kcat is not installed; apt-get needs root");
    await need("apt-get", ["update", "-qq"]);
    await need("apt-get", ["install", "-y", "-qq", "--no-install-recommends", "kcat"], {
      environment: { DEBIAN_FRONTEND: "noninteractive" },
      withinMs: 120_000,
    });
    text = await need("kcat", ["-V"]);
  }
  const [, own = "?", library = "?"] = /Version (\S+) \(.*librdkafka (\S+)/.exec(text) ?? [];
  return `${own} with librdkafka ${library}`;
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
  const sent = numbered(around.records);
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

function offsets(around: Surroundings) {
  return {
    does: "queries offsets by time",
    run: async () => {
      await createTopic(around, "kcat-offsets", 1);
      await produce(around, "kcat-offsets", numbered(7), []);
      const query = ["-t", "kcat-offsets:0:-1", "-t", "kcat-offsets:0:-2"];
      const last = await run("kcat", ["-Q", ...brokers(around), ...query.slice(0, 2)]);
      const first = await run("kcat", ["-Q", ...brokers(around), ...query.slice(2)]);
      same("the end", last.trim(), "kcat-offsets [0] offset 7");
      same("the start", first.trim(), "kcat-offsets [0] offset 0");
    },
  };
}

/** The broker must store a batch as the producer compressed it. */
function codecs(around: Surroundings) {
  return CODECS.filter((codec) => codec !== "none").map((codec) => ({
    does: `produces and consumes ${codec}, stored as ${codec}`,
    run: async () => {
      const topic = `kcat-${codec}`;
      const sent = numbered(CODEC_RECORDS, `a value that repeats itself for ${codec}`);
      await createTopic(around, topic, 1);
      await produce(around, topic, sent, ["-z", codec, "-X", "linger.ms=100"]);
      same("values", await consume(around, topic), sent);
      const { headers, records } = await readStored(around, topic);
      same("records", records, sent.length);
      same("codecs of the stored batches", [...new Set(headers.map(codecOf))], [codec]);
    },
  }));
}

function group(around: Surroundings) {
  const sent = numbered(1_000);
  return {
    does: "consumes as a group, and goes on where it stopped",
    run: async () => {
      await createTopic(around, "kcat-group");
      await produce(around, "kcat-group", sent, []);
      const member = ["-G", "kcat-readers", "-e", "-q", "-X", "auto.offset.reset=earliest"];
      const read = async (): Promise<string[]> => {
        const text = await run("kcat", [...brokers(around), ...member, "kcat-group"]);
        return text.split("\n").slice(0, -1);
      };
      sameValues(await read(), sent);
      const more = numbered(10, "more");
      await produce(around, "kcat-group", more, []);
      sameValues(await read(), more);
    },
  };
}
