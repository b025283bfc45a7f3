// How a record that was read is written out.
import type { FetchedRecord } from "../../../pkg/client/kafka/fetched-records.ts";

export type RecordFormat = (record: FetchedRecord) => Uint8Array;

const LINE_FEED = Buffer.from("\n");
const TAB = Buffer.from("\t");
const NOTHING = new Uint8Array(0);
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const RECORD_FORMATS = {
  /** The value's bytes. */
  value: ({ value }) => Buffer.concat([value ?? NOTHING, LINE_FEED]),
  "key-value": ({ key, value }) =>
    Buffer.concat([key ?? NOTHING, TAB, value ?? NOTHING, LINE_FEED]),
  /** One object for each record. Bytes that are no text are written as `{"base64":"…"}`. */
  json: (record) => Buffer.from(`${JSON.stringify(asJson(record))}\n`),
  /** The value in base64, so that a value with line feeds stays one line. */
  base64: ({ value }) => Buffer.from(`${Buffer.from(value ?? NOTHING).toString("base64")}\n`),
} as const satisfies Readonly<Record<string, RecordFormat>>;

const ESCAPES: Readonly<Record<string, string>> = {
  n: "\n",
  t: "\t",
  r: "\r",
  0: "\0",
  "\\": "\\",
};

/** What may stand behind a percent sign in a format of one's own. */
export const PLACEHOLDERS: Readonly<Record<string, string>> = {
  "%t": "topic",
  "%p": "partition",
  "%o": "offset",
  "%k": "key",
  "%v": "value",
  "%K": "key in base64",
  "%V": "value in base64",
  "%h": "headers as name=value, comma between them",
  "%T": "timestamp in milliseconds since 1970",
  "%D": "timestamp as a date",
  "%%": "a percent sign",
};

/** A format such as `%p:%o %k=%v\n`. Null: it names a placeholder or escape that does not exist. */
export function formatOf(pattern: string): RecordFormat | null {
  const parts: ((record: FetchedRecord) => Uint8Array)[] = [];
  for (const [token] of pattern.matchAll(/%[\s\S]?|\\[\s\S]?|[^%\\]+/g)) {
    const part = partOf(token);
    if (part === null) return null;
    parts.push(part);
  }
  return (record) => Buffer.concat(parts.map((part) => part(record)));
}

function partOf(token: string): RecordFormat | null {
  if (token.startsWith("\\")) {
    const escape = ESCAPES[token.slice(1)];
    if (escape === undefined) return null;
    const bytes = Buffer.from(escape);
    return () => bytes;
  }
  const text = (show: (record: FetchedRecord) => string): RecordFormat => {
    return (record) => Buffer.from(show(record));
  };
  switch (token) {
    case "%t":
      return text(({ topic }) => topic);
    case "%p":
      return text(({ partition }) => String(partition));
    case "%o":
      return text(({ offset }) => String(offset));
    case "%k":
      return ({ key }) => key ?? NOTHING;
    case "%v":
      return ({ value }) => value ?? NOTHING;
    case "%K":
      return text(({ key }) => Buffer.from(key ?? NOTHING).toString("base64"));
    case "%V":
      return text(({ value }) => Buffer.from(value ?? NOTHING).toString("base64"));
    case "%h":
      return text(({ headers }) => headers.map(headerText).join(","));
    case "%T":
      return text(({ timestampMs }) => String(timestampMs));
    case "%D":
      return text(({ timestampMs }) => dateText(timestampMs));
    case "%%":
      return text(() => "%");
    default: {
      if (token.startsWith("%")) return null;
      const bytes = Buffer.from(token);
      return () => bytes;
    }
  }
}

function headerText({ key, value }: FetchedRecord["headers"][number]): string {
  return `${key}=${value === null ? "" : Buffer.from(value).toString("utf8")}`;
}

/** A timestamp that is no date stays a number: clients may send any. */
function dateText(timestampMs: number): string {
  const date = new Date(timestampMs);
  return Number.isNaN(date.getTime()) ? String(timestampMs) : date.toISOString();
}

function asJson({ topic, partition, offset, timestampMs, key, value, headers }: FetchedRecord) {
  return {
    topic,
    partition,
    offset,
    timestampMs,
    key: textOf(key),
    value: textOf(value),
    ...(headers.length === 0
      ? {}
      : { headers: headers.map((header) => [header.key, textOf(header.value)]) }),
  };
}

function textOf(bytes: Uint8Array | null): string | { readonly base64: string } | null {
  if (bytes === null) return null;
  try {
    return decoder.decode(bytes);
  } catch {
    return { base64: Buffer.from(bytes).toString("base64") };
  }
}
