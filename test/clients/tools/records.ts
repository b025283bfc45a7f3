// Tools that write and read records: the console, the verifiable ones, and those that measure.
import type { Check } from "../client.ts";
import { holds, numbered, same, sameValues } from "../expect.ts";
import { createTopic, readStored, storedInOrder } from "../stored.ts";
import { jsonLines } from "./tool.ts";
import type { Tools } from "./tool.ts";

export function recordChecks(tools: Tools): readonly Check[] {
  return [
    consoleProducer(tools),
    consoleConsumer(tools),
    verifiable(tools),
    performance(tools),
    endToEnd(tools),
  ];
}

function consoleProducer({ around, run }: Tools): Check {
  const sent = numbered(around.records);
  return {
    does: `kafka-console-producer writes ${sent.length.toLocaleString("en")} records, each once and in order`,
    run: async () => {
      await createTopic(around, "tools-many");
      await run("ConsoleProducer", ["--topic", "tools-many"], `${sent.join("\n")}\n`);
      await storedInOrder(around, "tools-many", sent);
    },
  };
}

function consoleConsumer({ around, run }: Tools): Check {
  return {
    does: "kafka-console-consumer reads records with keys and headers, whole, as a group, and from one offset",
    run: async () => {
      const topic = ["--topic", "tools-keys"];
      await createTopic(around, "tools-keys");
      const sent = numbered(1_000);
      const format = ["parse.key=true", "parse.headers=true"].flatMap((one) => [
        "--reader-property",
        one,
      ]);
      const lines = sent.map((value) => `h:${value.slice(-3)}\tk${value}\t${value}`);
      await run("ConsoleProducer", [...topic, ...format], `${lines.join("\n")}\n`);
      const shown = ["print.key=true", "print.headers=true"].flatMap((one) => [
        "--formatter-property",
        one,
      ]);
      const read = (...words: string[]) =>
        run("consumer.ConsoleConsumer", [...topic, ...words, "--timeout-ms", "20000"]);
      const whole = await read(
        ...shown,
        ...["--group", "tools-readers", "--from-beginning", "--max-messages", "1000"],
      );
      sameValues(whole.trim().split("\n"), lines);
      const { values } = await readStored(around, "tools-keys");
      const own = values[1] ?? [];
      const place = ["--partition", "1", "--offset", "7", "--max-messages", "5"];
      same("five from offset 7", (await read(...place)).trim().split("\n"), own.slice(7, 12));
    },
  };
}

interface Event {
  readonly name: string;
  readonly value?: string;
  readonly count?: number;
  readonly acked?: number;
  readonly success?: boolean;
  readonly offsets?: readonly { readonly offset: number }[];
}

function verifiable({ around, run }: Tools): Check {
  const count = 3_000;
  return {
    does: "kafka-verifiable-producer has every record acknowledged, kafka-verifiable-consumer reads and commits them",
    run: async () => {
      await createTopic(around, "tools-verifiable");
      const bounds = ["--topic", "tools-verifiable", "--max-messages", String(count)];
      const wrote = jsonLines<Event>(await run("VerifiableProducer", bounds));
      same("acknowledged", wrote.find(({ name }) => name === "tool_data")?.acked, count);
      same("failed", wrote.filter(({ name }) => name === "producer_send_error").length, 0);
      const values = wrote.flatMap(({ value }) => (value === undefined ? [] : [value]));
      await storedInOrder(around, "tools-verifiable", values);
      const group = ["--group-id", "tools-verifiable", "--reset-policy", "earliest"];
      const read = jsonLines<Event>(await run("VerifiableConsumer", [...bounds, ...group]));
      same(
        "consumed",
        sum(read.filter(({ name }) => name === "records_consumed").map(({ count }) => count)),
        count,
      );
      const commits = read.filter(({ name }) => name === "offsets_committed");
      holds(
        "commits succeed",
        commits.length > 0 && commits.every(({ success }) => success === true),
      );
      same(
        "ends well",
        read.some(({ name }) => name === "shutdown_complete"),
        true,
      );
    },
  };
}

function performance({ around, run }: Tools): Check {
  const count = around.records;
  return {
    does: `kafka-producer-perf-test and kafka-consumer-perf-test move ${count.toLocaleString("en")} records`,
    run: async () => {
      await createTopic(around, "tools-perf");
      const load = ["--topic", "tools-perf", "--num-records", String(count)];
      const size = ["--record-size", "200", "--throughput", "-1"];
      const sent = await run("ProducerPerformance", [...load, ...size]);
      const lines = sent.trim().split("\n");
      holds(`all are sent: ${lines.at(-1)}`, lines.at(-1)!.startsWith(`${count} records sent, `));
      same("stored", (await readStored(around, "tools-perf")).records, count);
      const [heading = "", row = ""] = (await run("ConsumerPerformance", load)).trim().split("\n");
      const column = heading.split(", ").indexOf("data.consumed.in.nMsg");
      same("consumed", row.split(", ")[column], String(count));
    },
  };
}

function endToEnd({ around, run }: Tools): Check {
  return {
    does: "kafka-e2e-latency sends 200 records one by one and reads each",
    run: async () => {
      await createTopic(around, "tools-latency", 1);
      const load = ["--topic", "tools-latency", "--num-records", "200", "--record-size", "100"];
      const said = await run("EndToEndLatency", [...load, "--producer-acks", "all"]);
      holds(said, /Avg latency: [\d.]+ ms/.test(said));
    },
  };
}

function sum(numbers: readonly (number | undefined)[]): number {
  return numbers.reduce<number>((all, one) => all + (one ?? 0), 0);
}
