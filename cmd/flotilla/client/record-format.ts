// How a record that was read is written out.
import type { FetchedRecord } from "../../../pkg/client/kafka/reader.ts";

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
