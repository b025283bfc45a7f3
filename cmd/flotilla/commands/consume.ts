// `flotilla consume`: the records of a topic, from wherever one wants to begin.
import { Admin, LATEST } from "../../../pkg/client/kafka/admin.ts";
import { GroupReader } from "../../../pkg/client/kafka/group-reader.ts";
import type { KafkaClient } from "../../../pkg/client/kafka/kafka-client.ts";
import { Reader } from "../../../pkg/client/kafka/reader.ts";
import type { DeletedRecords } from "../../../pkg/client/kafka/reader.ts";
import type { FetchedRecord } from "../../../pkg/client/kafka/fetched-records.ts";
import { CLIENT_OPTIONS, withClient } from "../client/connect.ts";
import { ProgressBar } from "../client/progress-bar.ts";
import { formatOf, PLACEHOLDERS, RECORD_FORMATS } from "../client/record-format.ts";
import type { RecordFormat } from "../client/record-format.ts";
import { parseStart } from "../client/start-of-reading.ts";
import type { Start } from "../client/start-of-reading.ts";
import type { Command, Invocation, OptionReader } from "../command.ts";
import { EXIT_CODE, usageFailure } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { wholeNumber } from "../option-values.ts";
import type { Terminal } from "../terminal.ts";
import { oneTopic } from "./produce.ts";

/** What a member that is interrupted may take to commit and to leave. */
const END_MS_MAX = 5_000;

export const consume: Command = {
  name: "consume",
  positionals: "TOPIC",
  summary: "Read records of a topic.",
  about: [
    "Reads all partitions from the beginning and then waits for more, until Ctrl-C, --count or --exit. Records of one " +
      "partition come in order. Nothing is remembered: the next call begins where --from says again.",
    "With --group it reads as a member of a consumer group: it shares the partitions with the other members, commits how " +
      "far it has come, and goes on from there the next time; --from is where a group begins that has committed nothing.",
    "While brokers are away it goes on trying and says so on standard error; --exit and --timeout have it give up.",
    `A format of one's own is made of ${Object.entries(PLACEHOLDERS)
      .map(([mark, what]) => `${mark} (${what})`)
      .join(", ")}, and \\n, \\t, \\r, \\0, \\\\.`,
    "On a screen control characters are shown as escapes, since a terminal would obey them; a file or a pipe gets the bytes.",
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
    group: { type: "string", short: "g", value: "GROUP", doc: "Read as a member of this group." },
    partition: { type: "string", short: "p", value: "N", doc: "Only this partition." },
    count: { type: "string", short: "n", value: "N", doc: "Stop after N records." },
    exit: { type: "boolean", short: "e", doc: "Stop at the end of all partitions." },
    format: {
      type: "string",
      short: "f",
      value: "FORMAT",
      doc: `${Object.keys(RECORD_FORMATS).join(", ")}, or one such as '%p:%o %k=%v\\n' (value).`,
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
    { line: "flotilla consume orders --group billing", does: "As one of a group" },
    { line: "flotilla consume orders -e --format '%D %k\\t%v\\n'", does: "With dates and keys" },
  ],
  async run(call) {
    const { options, terminal } = call;
    const topic = oneTopic(call);
    const start = parseStart(options.text("from") ?? "earliest", "consume");
    const only = wholeNumber(options, "partition", { fallback: null, min: 0 });
    const count = wholeNumber(options, "count", { fallback: null, min: 0 });
    const format = formatOption(options);
    const group = options.text("group");
    if (group !== null && only !== null) {
      throw usageFailure(
        "--group shares out partitions; --partition names one",
        "flotilla help consume",
      );
    }
    const follows = !options.isSet("exit");
    const work = async (client: KafkaClient): Promise<ExitCode> => {
      const until = { count, exits: options.isSet("exit") };
      const readCommitted = !options.isSet("uncommitted");
      const deleted = (gap: DeletedRecords): void => terminal.complain(gapText(gap));
      if (group !== null) {
        await client.topic(topic);
        const how = { group, topic, start, readCommitted, deleted, ...until };
        await copyAsMember(client, call, format, how);
        return EXIT_CODE.ok;
      }
      const reader = new Reader(client, { readCommitted, deleted });
      const { partitions } = await client.topic(topic);
      const wanted = partitions
        .map(({ partitionIndex }) => partitionIndex)
        .filter((partition) => only === null || only === partition);
      if (wanted.length === 0) throw usageFailure(`${topic} has no partition ${only ?? 0}`);
      await Promise.all(
        wanted.map(async (partition) => {
          reader.add(topic, partition, await startOffset(client, topic, partition, start));
        }),
      );
      await copy(client, reader, terminal, format, until);
      return EXIT_CODE.ok;
    };
    return withClient(call, work, follows);
  },
};

function formatOption(options: OptionReader): RecordFormat {
  const written = options.isSet("json") ? "json" : (options.text("format") ?? "value");
  if (Object.hasOwn(RECORD_FORMATS, written)) {
    return RECORD_FORMATS[written as keyof typeof RECORD_FORMATS];
  }
  const known = Object.keys(RECORD_FORMATS).join(", ");
  if (!written.includes("%")) throw usageFailure(`--format ${written} is none of ${known}`);
  const format = formatOf(written);
  if (format !== null) return format;
  throw usageFailure(
    `--format ${written} holds a mark that means nothing`,
    `known are ${Object.keys(PLACEHOLDERS).join(" ")} and \\n \\t \\r \\0 \\\\`,
  );
}

interface Until {
  readonly count: number | null;
  readonly exits: boolean;
}

async function copyAsMember(
  client: KafkaClient,
  { terminal }: Pick<Invocation, "terminal">,
  format: RecordFormat,
  how: Until & {
    readonly group: string;
    readonly topic: string;
    readonly start: Start;
    readonly readCommitted: boolean;
    readonly deleted: (gap: DeletedRecords) => void;
  },
): Promise<void> {
  const { group, topic, start, readCommitted, deleted } = how;
  const reader = new GroupReader(client, {
    group,
    topics: [topic],
    readCommitted,
    deleted,
    startOffset: (name, partition) => startOffset(client, name, partition, start),
    reassigned: (held) => {
      const numbers = held.map(({ partition }) => partition).toSorted((a, b) => a - b);
      const what = numbers.length === 0 ? "no partitions" : `partitions ${numbers.join(", ")}`;
      terminal.complain(`member of ${group}: ${what} of ${topic}`);
    },
  });
  // What was printed is done, whatever ends this.
  const failure = await copy(client, reader, terminal, format, how).then(
    () => null,
    (error: unknown) => ({ error }),
  );
  const closing = reader.close();
  if (failure === null) return closing;
  await closing.catch(() => {}); // it fails for the same reason, or a lesser one
  throw failure.error;
}

function gapText({ topic, partition, from, to }: DeletedRecords): string {
  const what = to - from === 1 ? `offset ${from}` : `offsets ${from} to ${to - 1}`;
  return `${topic}/${partition}: ${what} deleted before they were read; going on at ${to}`;
}

interface Source {
  poll(): Promise<readonly FetchedRecord[]>;
  readonly isAtEnd: boolean;
  /** Only so many of the records that were polled last are taken. */
  done?(count: number): void;
}

async function copy(
  client: KafkaClient,
  reader: Source,
  terminal: Terminal,
  format: RecordFormat,
  until: Until,
): Promise<void> {
  const interruption = terminal.interruption();
  const interrupted = new Promise<null>((resolve) => {
    const end = (): void => {
      client.endWithin(END_MS_MAX);
      resolve(null);
    };
    interruption.addEventListener("abort", end, { once: true });
  });
  const bar = new ProgressBar(terminal, until.count, "records");
  let done = 0;
  try {
    while (!interruption.aborted && done !== until.count) {
      const polling = reader.poll();
      const polled = await Promise.race([polling, interrupted]);
      if (polled === null) {
        // Nobody takes what it brings; it must not be under way any more when a member leaves its group.
        if (reader.done !== undefined) await polling.catch(() => null);
        reader.done?.(0);
        break;
      }
      const left = until.count === null ? polled.length : until.count - done;
      const records = polled.slice(0, left);
      try {
        if (records.length > 0) await terminal.write(Buffer.concat(records.map(format)));
      } catch (failure) {
        reader.done?.(0);
        throw failure;
      }
      reader.done?.(records.length);
      done += records.length;
      // A bar between the records themselves would only be noise.
      if (!terminal.printsToScreen) bar.update(done);
      if (until.exits && reader.isAtEnd) break;
    }
  } finally {
    bar.end();
  }
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
