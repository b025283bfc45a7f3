// What a broker does with each way in which a producer's batch may be right or wrong: one line per case. `code` is what
// this project answers; where Apache Kafka 4.3 answers something else, `kafka` says what, and the line why we differ.
// `record-table.ts` plays them against whatever speaks the protocol.
import { gzipSync, zstdCompressSync } from "node:zlib";
import { compress } from "../../internal/bytes/compress.ts";
import { packBlock } from "../../internal/bytes/snappy.ts";
import { ErrorCode } from "../../internal/kafka/codec/errors.ts";
import { rawBatch } from "./raw-batch.ts";
import type { Codec, RawBatch, RawRecord } from "./raw-batch.ts";
import { lz4Frame, snappyStream, zigZagPadded } from "./raw-streams.ts";

/** The topics of the table, and what is special about them. */
export const RECORD_TOPICS = {
  plain: {},
  stamped: { "message.timestamp.type": "LogAppendTime" },
  compacted: { "cleanup.policy": "compact" },
  recent: { "message.timestamp.before.max.ms": "3600000" },
  small: { "max.message.bytes": "2000" },
} as const satisfies Record<string, Readonly<Record<string, string>>>;

export interface RecordCase {
  readonly name: string;
  readonly topic: keyof typeof RECORD_TOPICS;
  readonly version: number;
  readonly batch: (nowMs: number) => Uint8Array | null;
  readonly code: number;
  /** Apache Kafka's answer, where it is another one. */
  readonly kafka?: number;
  /** The records that are named, by their place. */
  readonly blamed?: readonly number[];
  /** The times that readers are told, relative to the time of the case; and the header's maximum. */
  readonly times?: readonly number[];
  readonly maxTime?: number;
}

type More = Partial<Omit<RecordCase, "name" | "batch" | "code">>;
type Make = (nowMs: number) => Uint8Array | null;

const CODECS: readonly Codec[] = [0, 1, 2, 3, 4];
const CODEC_NAMES = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
const PACKED: readonly Codec[] = [1, 2, 3, 4];
const HOUR = 3_600_000;
const TWO_63 = 1n << 63n;

function line(name: string, code: number, batch: Make, more: More = {}): RecordCase {
  return { name, code, batch, topic: "plain", version: 9, ...more };
}

const taken = (name: string, batch: Make, more: More = {}) =>
  line(name, ErrorCode.NONE, batch, more);
const invalid = (name: string, batch: Make, more: More = {}) =>
  line(name, ErrorCode.INVALID_RECORD, batch, more);
const corrupt = (name: string, batch: Make, more: More = {}) =>
  line(name, ErrorCode.CORRUPT_MESSAGE, batch, more);
const badTime = (name: string, batch: Make, more: More = {}) =>
  line(name, ErrorCode.INVALID_TIMESTAMP, batch, more);

/** Records with the present as their base time. */
function of(records: readonly RawRecord[], batch: RawBatch = {}): Make {
  return (nowMs) => rawBatch(records, { baseTimestamp: nowMs, ...batch });
}

/** Two records whose payload somebody else packs. */
function packed(codec: Codec, pack: (plain: Uint8Array) => Uint8Array): Make {
  return of([{}, {}], { codec, pack });
}

function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

function cut(bytes: Uint8Array | null, end: number): Uint8Array | null {
  return bytes === null ? null : bytes.slice(0, end);
}

/** Not an answer: the connection is closed. */
export const CLOSES = -100;
/** Nor is this: nothing comes. */
export const HANGS = -101;
const NO_ANSWER = ErrorCode.UNKNOWN_SERVER_ERROR;
const KAFKA_TAKES = { kafka: ErrorCode.NONE } as const;
/** What Kafka answers when a library of its own throws something that it has no code for. */
const KAFKA_THROWS = { kafka: NO_ANSWER } as const;
/** It looks at the lengths of records only where they are not compressed, so its own consumers stumble over these. */
const KAFKA_PASSES_OVER = (codec: Codec) => (codec === 0 ? {} : KAFKA_TAKES);
/** It keeps such offsets where records are not compressed; elsewhere it would write the batch anew, and fails. */
const KAFKA_REBUILDS = (codec: Codec) => (codec === 0 ? KAFKA_TAKES : KAFKA_THROWS);
const many = (count: number): RawRecord[] => Array.from({ length: count }, () => ({}));
const header = (key: string | null, value: string | null) => ({ key, value });

const LEGAL: readonly RecordCase[] = [
  ...CODECS.map((codec) => taken(`${CODEC_NAMES[codec]}: two records`, of([{}, {}], { codec }))),
  taken("a null key and a null value", of([{ key: null, value: null }])),
  taken("an empty key and an empty value", of([{ key: "", value: "" }])),
  taken("a header without a value", of([{ headers: [header("h", null)] }])),
  taken(
    "headers with empty and repeated keys",
    of([{ headers: [header("", ""), header("", "x")] }]),
  ),
  taken("fifty headers", of([{ headers: Array.from({ length: 50 }, () => header("h", "x")) }])),
  taken("attributes of a record that nobody knows", of([{ attributes: -1 }])),
  taken("times that go back", of([{ timestampDelta: 9 }, { timestampDelta: -9 }]), {
    times: [9, -9],
    maxTime: 9,
  }),
  taken("no time at all", (_nowMs) => rawBatch([{}], { baseTimestamp: -1 })),
  taken("no time in an old record's place", (nowMs) =>
    rawBatch([{ timestampDelta: -nowMs - 1 }, {}], { baseTimestamp: nowMs }),
  ),
  taken(
    "a base time that no record has",
    (nowMs) => rawBatch([{ timestampDelta: nowMs + 5 }], { baseTimestamp: -5 }),
    { times: [0] },
  ),
  taken(
    "numbers in more bytes than they need",
    of([{ body: [0, 0x80, 0, ...zigZagPadded(0), 1, 1, 0] }]),
  ),
  taken("a leader epoch", of([{}], { leaderEpoch: 77 })),
  taken("a sequence without a producer", of([{}], { baseSequence: 5 })),
  taken(
    "a producer's first batch",
    of([{}], { producerId: 4001n, producerEpoch: 0, baseSequence: 0 }),
  ),
  taken("snappy without a stream around it", packed(2, packBlock)),
  taken(
    "snappy in two chunks",
    packed(2, (plain) => snappyStream([plain.subarray(0, 5), plain.subarray(5)])),
  ),
  taken(
    "lz4 with stored blocks",
    packed(3, (plain) => lz4Frame(plain, { isStored: true })),
  ),
  taken(
    "lz4 with sums and its size",
    packed(3, (plain) => lz4Frame(plain, { blockSums: true, contentSum: true, contentSize: true })),
  ),
  taken("five thousand records", of(many(5_000))),
];

const HEADERS: readonly RecordCase[] = [
  invalid("no records", () => null, { kafka: HANGS }),
  invalid("nothing", () => new Uint8Array(0), { kafka: CLOSES }),
  invalid("five bytes", () => new Uint8Array(5)),
  invalid("half a header", (nowMs) => cut(of([{}])(nowMs), 30)),
  invalid("half a batch", (nowMs) => cut(of([{}, {}])(nowMs), 70)),
  invalid("a length beyond the end", of([{}], { lengthMore: 100 })),
  corrupt("a length short of the end", of([{}], { lengthMore: -1 })),
  corrupt("a length of less than a header", of([{}], { lengthMore: -20 })),
  corrupt("a negative length", of([{}], { lengthMore: -1000 })),
  invalid("two batches", (nowMs) =>
    joined(rawBatch([{}], { baseTimestamp: nowMs }), rawBatch([{}])),
  ),
  invalid(
    "bytes behind the batch",
    (nowMs) => joined(rawBatch([{}], { baseTimestamp: nowMs }), Uint8Array.of(1, 2, 3)),
    KAFKA_TAKES,
  ),
  corrupt("a sum that is wrong", of([{}], { breaksSum: true })),
  invalid("magic 0", of([{}], { magic: 0 })),
  invalid("magic 1", of([{}], { magic: 1 })),
  corrupt("magic 3", of([{}], { magic: 3 })),
  invalid("a base offset", of([{}], { baseOffset: 1n })),
  invalid("a negative base offset", of([{}], { baseOffset: -1n })),
  invalid("no records by count", of([], { count: 0, lastOffsetDelta: -1 })),
  invalid("no records by count and one by offset", of([{}], { count: 0, lastOffsetDelta: 0 })),
  invalid("a negative count", of([{}], { count: -1, lastOffsetDelta: 0 })),
  invalid("a count that the last offset contradicts", of([{}, {}], { lastOffsetDelta: 5 })),
  invalid("the largest count", of([{}], { count: 0x7fff_ffff, lastOffsetDelta: 0x7fff_fffe })),
  invalid("a control batch", of([{}], { attributes: 0x20 })),
  line(
    "a transaction that nobody began",
    ErrorCode.INVALID_TXN_STATE,
    of([{}], { attributes: 0x10, producerId: 4002n, producerEpoch: 0, baseSequence: 0 }),
    { kafka: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED },
  ),
  line(
    "a transaction without a producer",
    ErrorCode.INVALID_TXN_STATE,
    of([{}], { attributes: 0x10 }),
    { kafka: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED },
  ),
  invalid(
    "a delete horizon, which only compaction sets",
    of([{}], { attributes: 0x40 }),
    KAFKA_TAKES,
  ),
  invalid("an attribute without a meaning", of([{}], { attributes: 0x80 }), KAFKA_TAKES),
  invalid("an attribute of the upper byte", of([{}], { attributes: 0x4000 }), KAFKA_TAKES),
  invalid("a producer without a sequence", of([{}], { producerId: 4003n, producerEpoch: 0 })),
  invalid(
    "a producer without an epoch",
    of([{}], { producerId: 4004n, producerEpoch: -1, baseSequence: 0 }),
    KAFKA_TAKES,
  ),
  invalid(
    "a producer of a negative number",
    of([{}], { producerId: -2n, producerEpoch: 0, baseSequence: 0 }),
    KAFKA_TAKES,
  ),
  line(
    "codec 5",
    ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    of([{}], { attributes: 5 }),
    KAFKA_THROWS,
  ),
  line(
    "zstd from a client that is older than it",
    ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
    of([{}], { codec: 4 }),
    { version: 6 },
  ),
  line(
    "more bytes than the topic takes",
    ErrorCode.MESSAGE_TOO_LARGE,
    of([{ value: "x".repeat(2000) }]),
    { topic: "small" },
  ),
];

/** Each record is wrong by itself; all codecs are tried. */
const WRONG_RECORDS: readonly (readonly [string, RawRecord, (More | ((codec: Codec) => More))?])[] =
  [
    ["a header with a null key", { headers: [header(null, "x")] }],
    ["a header key of negative length", { headers: [{ ...header("", "x"), keyLength: -7 }] }],
    ["a header key beyond the record", { headers: [{ ...header("h", "x"), keyLength: 99 }] }],
    ["a header value beyond the record", { headers: [{ ...header("h", "x"), valueLength: 99 }] }],
    [
      "a header value of negative length",
      { headers: [{ ...header("h", ""), valueLength: -2 }] },
      KAFKA_TAKES,
    ],
    ["a header count of -27", { headerCount: -27 }],
    ["a header count of a billion", { headerCount: 1_000_000_000 }],
    ["one header fewer than it says", { headers: [header("h", "x")], headerCount: 2 }],
    ["one header more than it says", { headers: [header("h", "x")], headerCount: 0 }],
    ["a key of negative length", { key: "", keyLength: -2 }, KAFKA_TAKES],
    ["a key beyond the record", { key: "k", keyLength: 1000 }],
    ["a value of negative length", { value: "", valueLength: -9 }, KAFKA_TAKES],
    ["a value beyond the record", { value: "v", valueLength: 0x7fff_ffff }],
    ["bytes behind the headers", { tail: [1, 2, 3] }],
    ["a length beyond the batch", { length: 1000 }, KAFKA_PASSES_OVER],
    ["a length short of its fields", { length: 3 }, KAFKA_PASSES_OVER],
    ["a length of nothing", { length: 0 }, KAFKA_PASSES_OVER],
    ["a negative length", { length: -5 }, KAFKA_PASSES_OVER],
    ["an empty body", { body: [] }],
    ["a number that does not end", { body: [0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1, 0] }],
    ["a time that does not end", { body: [0, ...new Array<number>(11).fill(0xff), 0, 1, 1, 0] }],
    ["another record's offset", { offsetDelta: 1 }, KAFKA_REBUILDS],
    ["a negative offset", { offsetDelta: -1 }, KAFKA_REBUILDS],
  ];

const RECORDS: readonly RecordCase[] = WRONG_RECORDS.flatMap(([name, record, more]) =>
  CODECS.map((codec) => {
    const also = typeof more === "function" ? more(codec) : more;
    return invalid(`${CODEC_NAMES[codec]}: ${name}`, of([record], { codec }), also);
  }),
);

const PAYLOADS: readonly RecordCase[] = CODECS.flatMap((codec) => {
  const word = CODEC_NAMES[codec];
  return [
    invalid(`${word}: one record fewer than it says`, of([{}, {}], { codec, count: 3 })),
    invalid(`${word}: one record more than it says`, of([{}, {}], { codec, count: 1 })),
    invalid(`${word}: bytes behind the last record`, of([{}], { codec, tail: [0] })),
    invalid(
      `${word}: offsets in the wrong order`,
      of([{ offsetDelta: 1 }, { offsetDelta: 0 }], { codec }),
      KAFKA_REBUILDS(codec),
    ),
    invalid(
      `${word}: the same offset twice`,
      of([{}, { offsetDelta: 0 }], { codec }),
      KAFKA_REBUILDS(codec),
    ),
    invalid(
      `${word}: the last of five thousand is wrong`,
      of([...many(4_999), { headerCount: -1 }], { codec }),
    ),
  ];
});

const STREAMS: readonly RecordCase[] = [
  ...PACKED.flatMap((codec) => {
    const word = CODEC_NAMES[codec];
    return [
      invalid(
        `${word}: what is none`,
        packed(codec, (plain) => plain),
        KAFKA_THROWS,
      ),
      invalid(
        `${word}: nothing`,
        packed(codec, () => new Uint8Array(0)),
        codec === 4 ? {} : KAFKA_THROWS,
      ),
      invalid(
        `${word}: cut off`,
        packed(codec, (plain) => compress(codec as 1, plain).slice(0, -5)),
        KAFKA_THROWS,
      ),
      invalid(
        `${word}: garbage behind it`,
        packed(codec, (plain) => joined(compress(codec as 1, plain), Uint8Array.of(1, 2, 3, 4, 5))),
        codec === 1 || codec === 3 ? KAFKA_TAKES : KAFKA_THROWS,
      ),
    ];
  }),
  invalid(
    "gzip: a sum that is wrong",
    packed(1, (plain) => withFlip(gzipSync(plain), -6)),
    KAFKA_THROWS,
  ),
  invalid(
    "gzip: two members",
    packed(1, (plain) => joined(gzipSync(plain.subarray(0, 9)), gzipSync(plain.subarray(9)))),
    KAFKA_TAKES,
  ),
  invalid(
    "snappy: a chunk longer than the stream",
    packed(2, (plain) => withFlip(snappyStream([plain]), 18)),
    KAFKA_THROWS,
  ),
  invalid(
    "lz4: blocks that need each other",
    packed(3, (plain) => lz4Frame(plain, { isLinked: true })),
    KAFKA_THROWS,
  ),
  invalid(
    "lz4: two frames",
    packed(3, (plain) => joined(lz4Frame(plain.subarray(0, 9)), lz4Frame(plain.subarray(9)))),
  ),
  invalid(
    "lz4: a frame to skip",
    packed(3, (plain) =>
      joined(Uint8Array.of(0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9), lz4Frame(plain)),
    ),
    KAFKA_THROWS,
  ),
  invalid(
    "lz4: a sum of its header that is wrong",
    packed(3, (plain) => withFlip(lz4Frame(plain), 6)),
    KAFKA_THROWS,
  ),
  invalid(
    "lz4: a sum of a block that is wrong",
    packed(3, (plain) => withFlip(lz4Frame(plain, { blockSums: true }), -5)),
    KAFKA_THROWS,
  ),
  invalid(
    "lz4: a block larger than its header allows",
    packed(3, (plain) => lz4Frame(plain, { zeros: 70_000 })),
    KAFKA_THROWS,
  ),
  invalid(
    "zstd: two frames, the second one garbage",
    packed(4, (plain) => joined(zstdCompressSync(plain.subarray(0, 9)), plain.subarray(9))),
    KAFKA_THROWS,
  ),
  line(
    "gzip: a bomb",
    ErrorCode.MESSAGE_TOO_LARGE,
    packed(1, () => gzipSync(new Uint8Array(80 << 20))),
    { kafka: ErrorCode.INVALID_RECORD },
  ),
  line(
    "zstd: a bomb",
    ErrorCode.MESSAGE_TOO_LARGE,
    packed(4, () => zstdCompressSync(new Uint8Array(80 << 20))),
    { kafka: ErrorCode.INVALID_RECORD },
  ),
];

const TIMES: readonly RecordCase[] = [
  ...CODECS.flatMap((codec) => {
    const word = CODEC_NAMES[codec];
    return [
      taken(
        `${word}: a header without the latest time`,
        of([{}, { timestampDelta: 7 }], { codec, maxTimestamp: -1 }),
        { times: [0, 7], maxTime: 7 },
      ),
      taken(
        `${word}: a header that is ahead of its records`,
        of([{}], { codec, maxTimestamp: TWO_63 - 1n }),
        { times: [0], maxTime: 0 },
      ),
      badTime(
        `${word}: a day ahead behind an honest header`,
        of([{}, { timestampDelta: 24 * HOUR }], { codec }),
        { blamed: [1] },
      ),
      badTime(
        `${word}: two hours old where one is the limit`,
        of([{ timestampDelta: -2 * HOUR }, {}, { timestampDelta: -3 * HOUR }], { codec }),
        { topic: "recent", blamed: [0, 2] },
      ),
      taken(
        `${word}: any time where the broker stamps`,
        of([{ timestampDelta: 99 * HOUR }, { timestampDelta: -1n << 50n }], {
          codec,
          maxTimestamp: 3,
        }),
        { topic: "stamped" },
      ),
      badTime(
        `${word}: the broker's stamp from a client, where the broker stamps`,
        of([{}], { codec, attributes: 8 }),
        { topic: "stamped", blamed: [0] },
      ),
      badTime(
        `${word}: the broker's stamp from a client`,
        of([{}], { codec, attributes: 8 }),
        KAFKA_TAKES,
      ),
    ];
  }),
  badTime(
    "a delta beyond the safe integers where the broker stamps",
    of([{ timestampDelta: -TWO_63 }]),
    { topic: "stamped", ...KAFKA_TAKES },
  ),
  badTime("a time before 1970", of([{}], { baseTimestamp: -2 }), KAFKA_TAKES),
  badTime("a base time that is no number here", of([{}], { baseTimestamp: TWO_63 - 1n }), {
    blamed: [0],
  }),
  badTime(
    "a sum of times that is none",
    of([{ timestampDelta: TWO_63 - 1n }], { baseTimestamp: 1 << 30 }),
    { blamed: [0] },
  ),
  badTime("a delta beyond the safe integers", of([{ timestampDelta: 1n << 60n }]), { blamed: [0] }),
];

const KEYS: readonly RecordCase[] = CODECS.flatMap((codec) => {
  const word = CODEC_NAMES[codec];
  const keys = [{ key: "a" }, { key: null }, { key: "" }, { key: null }];
  return [
    invalid(`${word}: no key where records are compacted`, of(keys, { codec }), {
      topic: "compacted",
      blamed: [1, 3],
    }),
    taken(
      `${word}: keys where records are compacted`,
      of([{ key: "a" }, { key: "", value: null }], { codec }),
      { topic: "compacted" },
    ),
    badTime(
      `${word}: no key and no possible time`,
      of([{ key: null }, { key: "b", timestampDelta: 24 * HOUR }], { codec }),
      { topic: "compacted", blamed: [0, 1] },
    ),
  ];
});

function withFlip(bytes: Uint8Array, at: number): Uint8Array {
  const copy = bytes.slice();
  const place = at < 0 ? copy.length + at : at;
  copy[place] = (copy[place] as number) ^ 0x55;
  return copy;
}

export const RECORD_CASES: readonly RecordCase[] = [
  ...LEGAL,
  ...HEADERS,
  ...RECORDS,
  ...PAYLOADS,
  ...STREAMS,
  ...TIMES,
  ...KEYS,
];
