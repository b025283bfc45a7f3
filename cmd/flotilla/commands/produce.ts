// `flotilla produce`: lines of standard input, or made-up records, as records of a topic.
import { createReadStream } from "node:fs";
import type { RecordHeader } from "../../../internal/model/record-cursor.ts";
import { Producer } from "../../../pkg/client/kafka/producer.ts";
import type { OutgoingRecord } from "../../../pkg/client/kafka/producer.ts";
import { CLIENT_OPTIONS, JSON_OPTION, withClient } from "../client/connect.ts";
import { indexOfBytes, linesOf } from "../client/lines.ts";
import { grouped, ProgressBar } from "../client/progress-bar.ts";
import type { Command, Invocation, OptionReader } from "../command.ts";
import { CommandFailure, EXIT_CODE, usageFailure } from "../exit-code.ts";
import { choice, pair, wholeNumber } from "../option-values.ts";

const CODECS = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
const ACKS = { all: -1, "1": 1 } as const;
const SIZE_BYTES = 100;
const SIZE_BYTES_MAX = 16 << 20;

export const produce: Command = {
  name: "produce",
  positionals: "TOPIC",
  summary: "Write records to a topic: lines of standard input, or made-up ones.",
  about: [
    "Every line is a record. A record counts as written when it is durable on a majority of its partition's replicas, and " +
      "is stored once even when a broker fails meanwhile. A topic that does not exist is created where the cluster allows it.",
  ],
  options: {
    "key-separator": {
      type: "string",
      short: "k",
      value: "TEXT",
      doc: "What stands before it in a line is the record's key.",
    },
    header: {
      type: "string",
      multiple: true,
      value: "NAME=VALUE",
      doc: "A header for all records; may be repeated.",
    },
    partition: { type: "string", short: "p", value: "N", doc: "All records go there." },
    file: {
      type: "string",
      short: "f",
      value: "PATH",
      doc: "Read this instead of standard input.",
    },
    count: {
      type: "string",
      short: "n",
      value: "N",
      doc: "Write N made-up records, read nothing.",
    },
    size: {
      type: "string",
      short: "s",
      value: "BYTES",
      doc: `Size of a made-up value (${SIZE_BYTES}).`,
    },
    acks: { type: "string", value: "all|1", doc: "Who must have the record (all)." },
    compression: {
      type: "string",
      short: "z",
      value: "CODEC",
      doc: Object.keys(CODECS).join(", "),
    },
    linger: { type: "string", value: "MS", doc: "How long a record waits for its batch (5)." },
    ...CLIENT_OPTIONS,
    json: JSON_OPTION,
  },
  examples: [
    { line: "echo 'hello, fleet' | flotilla produce greetings", does: "One record" },
    { line: "flotilla produce orders -k : < orders.txt", does: "Lines of the form key:value" },
    { line: "flotilla produce load --count 1000000 --size 1024", does: "A million of 1 KiB each" },
  ],
  async run(call) {
    const { options, terminal } = call;
    const topic = oneTopic(call);
    const count = wholeNumber(options, "count", { fallback: null, min: 0 });
    const shape = recordShape(options, topic);
    const linger = wholeNumber(options, "linger", { fallback: 5, min: 0, max: 60_000 });
    const codec = choice(options, "compression", CODECS, "none");
    const acks = choice(options, "acks", ACKS, "all");
    return withClient(call, async (client) => {
      const bar = new ProgressBar(terminal, count, "records");
      const written = { records: 0, bytes: 0 };
      const producer = new Producer(client, {
        lingerMs: linger,
        codec,
        acks,
        deliveryMsMax: client.retryMsMax,
        delivered: ({ recordCount, batchBytes }) => {
          written.records += recordCount;
          written.bytes += batchBytes;
          bar.update(written.records);
        },
      });
      const startedMs = performance.now();
      const interruption = terminal.interruption();
      const records = count === null ? fromLines(call, shape) : madeUp(options, shape, count);
      try {
        await pushAll(producer, records, interruption);
      } finally {
        bar.end();
      }
      const seconds = (performance.now() - startedMs) / 1_000;
      if (options.isSet("json")) terminal.print(JSON.stringify({ topic, ...written, seconds }));
      else terminal.complain(summary(written, seconds));
      return EXIT_CODE.ok;
    });
  },
};

/** Delivers what could be read, even when the rest could not. */
async function pushAll(
  producer: Producer,
  records: AsyncIterable<OutgoingRecord>,
  interruption: AbortSignal,
): Promise<void> {
  let failure: unknown = null;
  try {
    for await (const record of records) {
      await producer.push(record);
      if (interruption.aborted) break;
    }
  } catch (error) {
    failure = error;
  }
  await producer.flush();
  if (failure !== null) throw failure;
}

function summary({ records, bytes }: { records: number; bytes: number }, seconds: number): string {
  const rate = seconds > 0 ? Math.round(records / seconds) : 0;
  return `${grouped(records)} records, ${grouped(bytes)} bytes, ${seconds.toFixed(2)} s, ${grouped(rate)} records/s`;
}

/** What all records of one call have in common. */
interface RecordShape {
  readonly topic: string;
  readonly partition?: number;
  readonly headers: readonly RecordHeader[];
  readonly separator: Uint8Array | null;
}

function recordShape(options: OptionReader, topic: string): RecordShape {
  const separator = options.text("key-separator");
  if (separator === "") throw usageFailure("--key-separator needs at least one character");
  const partition = wholeNumber(options, "partition", { fallback: null, min: 0 });
  return {
    topic,
    separator: separator === null ? null : Buffer.from(separator),
    headers: options.list("header").map((written) => {
      const [key, value] = pair(written, "header");
      return { key, value: Buffer.from(value) };
    }),
    ...(partition === null ? {} : { partition }),
  };
}

function recordOf(
  { topic, partition, headers }: RecordShape,
  key: Uint8Array | null,
  value: Uint8Array,
): OutgoingRecord {
  return { topic, headers, key, value, ...(partition === undefined ? {} : { partition }) };
}

async function* fromLines(
  { options, terminal }: Invocation,
  shape: RecordShape,
): AsyncGenerator<OutgoingRecord> {
  const file = options.text("file");
  const input = file === null ? terminal.input : createReadStream(file);
  const stop = (): void => void input.destroy();
  terminal.interruption().addEventListener("abort", stop, { once: true });
  let lineNumber = 0;
  try {
    for await (const line of linesOf(input)) {
      lineNumber++;
      const at = shape.separator === null ? -1 : indexOfBytes(line, shape.separator);
      if (shape.separator === null) yield recordOf(shape, null, line);
      else if (at >= 0) {
        yield recordOf(shape, line.subarray(0, at), line.subarray(at + shape.separator.length));
      } else {
        throw new CommandFailure(EXIT_CODE.failed, `line ${lineNumber} has no key separator`);
      }
    }
  } catch (error) {
    // Ctrl-C ends the input; what was read so far is still delivered.
    if (terminal.interruption().aborted) return;
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new CommandFailure(
      EXIT_CODE.failed,
      `cannot read ${file ?? "standard input"}: ${message}`,
    );
  }
}

/** Records that are all different and compress about as well as text does. */
async function* madeUp(
  options: OptionReader,
  shape: RecordShape,
  count: number,
): AsyncGenerator<OutgoingRecord> {
  const size = wholeNumber(options, "size", { fallback: SIZE_BYTES, min: 0, max: SIZE_BYTES_MAX });
  const filler = Buffer.from("the quick brown fox jumps over the lazy dog; ".repeat(size / 45 + 1));
  for (let index = 0; index < count; index++) {
    const value = Buffer.from(filler.subarray(0, size));
    value.write(String(index).padStart(Math.min(12, size), "0").slice(0, size), "latin1");
    yield recordOf(shape, null, value);
  }
}

export function oneTopic({ positionals }: Pick<Invocation, "positionals">): string {
  const [topic, more] = positionals;
  if (topic === undefined) throw usageFailure("which topic?");
  if (more !== undefined) throw usageFailure(`one topic, please: what is ${more}?`);
  return topic;
}
