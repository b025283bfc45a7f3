// `flotilla consume`: the records of a topic, from wherever one wants to begin.
import { Admin, EARLIEST, LATEST } from "../../../pkg/client/kafka/admin.ts";
import type { KafkaClient } from "../../../pkg/client/kafka/kafka-client.ts";
import { Reader } from "../../../pkg/client/kafka/reader.ts";
import { CLIENT_OPTIONS, withClient } from "../client/connect.ts";
import { ProgressBar } from "../client/progress-bar.ts";
import { RECORD_FORMATS } from "../client/record-format.ts";
import type { RecordFormat } from "../client/record-format.ts";
import type { Command } from "../command.ts";
import { EXIT_CODE, usageFailure } from "../exit-code.ts";
import { choice, wholeNumber } from "../option-values.ts";
import type { Terminal } from "../terminal.ts";
import { oneTopic } from "./produce.ts";

export const consume: Command = {
  name: "consume",
  positionals: "TOPIC",
  summary: "Read records of a topic.",
  about: [
    "Reads all partitions from the beginning and then waits for more, until Ctrl-C, --count or --exit. Records of one " +
      "partition come in order. Nothing is remembered: the next call begins where --from says again.",
  ],
  options: {
    from: {
      type: "string",
      short: "o",
      value: "WHERE",
      doc:
        "earliest (the default), latest, an offset such as 42, or a time: @2026-11-22T10:00:00Z, or @ and milliseconds " +
        "since 1970.",
    },
    partition: { type: "string", short: "p", value: "N", doc: "Only this partition." },
    count: { type: "string", short: "n", value: "N", doc: "Stop after N records." },
    exit: { type: "boolean", short: "e", doc: "Stop at the end of all partitions." },
    format: {
      type: "string",
      short: "f",
      value: "FORMAT",
      doc: `${Object.keys(RECORD_FORMATS).join(", ")} (value).`,
    },
    json: { type: "boolean", doc: "The same as --format json." },
    uncommitted: { type: "boolean", doc: "Records of open and aborted transactions too." },
    ...CLIENT_OPTIONS,
  },
  examples: [
    { line: "flotilla consume greetings --exit", does: "All that is there" },
    { line: "flotilla consume orders --from latest --json", does: "What comes from now on" },
    { line: "flotilla consume orders -p 3 --from 1000 --count 10", does: "Ten records" },
    { line: "flotilla consume orders --from @2026-11-22T10:00:00Z -e", does: "Since ten o'clock" },
  ],
  async run(call) {
    const { options, terminal } = call;
    const topic = oneTopic(call);
    const startMs = parseStart(options.text("from") ?? "earliest");
    const only = wholeNumber(options, "partition", { fallback: null, min: 0 });
    const count = wholeNumber(options, "count", { fallback: null, min: 0 });
    const format = options.isSet("json")
      ? RECORD_FORMATS.json
      : choice(options, "format", RECORD_FORMATS, "value");
    return withClient(call, async (client) => {
      const reader = new Reader(client, { readCommitted: !options.isSet("uncommitted") });
      const { partitions } = await client.topic(topic);
      const wanted = partitions
        .map(({ partitionIndex }) => partitionIndex)
        .filter((partition) => only === null || only === partition);
      if (wanted.length === 0) throw usageFailure(`${topic} has no partition ${only ?? 0}`);
      await Promise.all(
        wanted.map(async (partition) => {
          reader.add(topic, partition, await startOffset(client, topic, partition, startMs));
        }),
      );
      await copy(reader, terminal, format, { count, exits: options.isSet("exit") });
      return EXIT_CODE.ok;
    });
  },
};

async function copy(
  reader: Reader,
  terminal: Terminal,
  format: RecordFormat,
  until: { readonly count: number | null; readonly exits: boolean },
): Promise<void> {
  const interruption = terminal.interruption();
  const interrupted = new Promise<null>((resolve) => {
    interruption.addEventListener("abort", () => resolve(null), { once: true });
  });
  const bar = new ProgressBar(terminal, until.count, "records");
  let done = 0;
  try {
    while (!interruption.aborted && done !== until.count) {
      const polled = await Promise.race([reader.poll(), interrupted]);
      if (polled === null) break;
      const left = until.count === null ? polled.length : until.count - done;
      const records = polled.slice(0, left);
      if (records.length > 0) await terminal.write(Buffer.concat(records.map(format)));
      done += records.length;
      // A bar between the records themselves would only be noise.
      if (!terminal.printsToScreen) bar.update(done);
      if (until.exits && reader.isAtEnd) break;
    }
  } finally {
    bar.end();
  }
}

type Start = { readonly offset: number } | { readonly timestampMs: number };

/** Exported for its test. */
export function parseStart(written: string): Start {
  if (written === "earliest") return { timestampMs: EARLIEST };
  if (written === "latest") return { timestampMs: LATEST };
  if (/^\d+$/.test(written)) return { offset: Number(written) };
  if (written.startsWith("@")) {
    const text = written.slice(1);
    const timestampMs = /^\d+$/.test(text) ? Number(text) : Date.parse(text);
    if (Number.isSafeInteger(timestampMs) && timestampMs >= 0) return { timestampMs };
  }
  throw usageFailure(
    `--from ${written} is neither earliest, latest, an offset, nor @ and a time`,
    "flotilla help consume",
  );
}

async function startOffset(
  client: KafkaClient,
  topic: string,
  partition: number,
  start: Start,
): Promise<number> {
  if ("offset" in start) return start.offset;
  const admin = new Admin(client);
  const offset = await admin.offsetAt(topic, partition, start.timestampMs);
  // Nothing is as young as the time asked for: what comes next is.
  return offset >= 0 ? offset : admin.offsetAt(topic, partition, LATEST);
}
