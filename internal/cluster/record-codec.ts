// Controller records as bytes: one log entry, or one piece of a snapshot, is
//
//   u8 format (2), then records until the end: uvarint type, uvarint version, uvarint length, body
//
// The length lets a tool pass over a record that it does not know; a broker that meets one cannot go on (feature levels
// exist so that it never does).
import { assert } from "../base/assert.ts";
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import { Reader } from "../bytes/reader.ts";
import { Writer } from "../bytes/writer.ts";
import type { BrokerId } from "../model/ids.ts";
import type { Message } from "../schema/message.ts";
import type { RecordSchema } from "../schema/records/controller.ts";
import { CONTROLLER_RECORDS } from "../schema/records/controller.ts";
import type { RecordCodec, UndecodableEntry } from "../statelog/machine.ts";
import type {
  ControllerRecord,
  EndpointProtocol,
  EntrySpace,
  PartitionPlacement,
} from "./records.ts";

const FORMAT = 3;
const PROTOCOLS: readonly EndpointProtocol[] = ["kafka", "grpc", "http", "link"];
const SPACES: readonly EntrySpace[] = ["acl", "credential", "quota"];
const ALL_BROKERS = -1;

type Kind = ControllerRecord["kind"];
/** A record's fields as its message has them. */
type Row = Record<string, unknown>;

const SCHEMAS = CONTROLLER_RECORDS as unknown as Readonly<Record<Kind, RecordSchema<Row>>>;
const KIND_OF_TYPE = new Map(
  (Object.keys(CONTROLLER_RECORDS) as Kind[]).map((kind) => [SCHEMAS[kind].type, kind]),
);

export const CONTROLLER_RECORD_CODEC: RecordCodec<ControllerRecord> = {
  bytesMax,
  encode: encodeRecords,
  decode: decodeRecords,
};

export function encodeRecords(records: readonly ControllerRecord[]): Uint8Array {
  const writer = new Writer(Math.max(256, records.length * 64));
  writer.u8(FORMAT);
  for (const record of records) {
    const { type, version, message } = SCHEMAS[record.kind];
    const body = encodeBody(message, version, toRow(record));
    writer.uvarint(type);
    writer.uvarint(version);
    writer.uvarint(body.length);
    writer.copy(body, 0, body.length);
  }
  return writer.takeJoined();
}

function encodeBody(message: Message<Row>, version: number, row: Row): Uint8Array {
  const body = message.encode(version, row as Parameters<typeof message.encode>[1]);
  assert(body.ok, "handlers refuse what a record cannot hold");
  return body.value;
}

export function decodeRecords(
  bytes: Uint8Array,
  start: number,
  end: number,
): Result<readonly ControllerRecord[], UndecodableEntry> {
  const reader = new Reader(bytes, start, end);
  const records: ControllerRecord[] = [];
  if (reader.u8() !== FORMAT) return undecodable("unknown format");
  while (reader.remaining > 0) {
    const [type, version, length] = [reader.uvarint(), reader.uvarint(), reader.uvarint()];
    if (reader.fault !== null || length > reader.remaining) return undecodable("truncated");
    const kind = KIND_OF_TYPE.get(type);
    if (kind === undefined) return undecodable(`record type ${type}`);
    const schema = SCHEMAS[kind];
    if (version > schema.version) return undecodable(`version ${version} of ${kind}`);
    const body = new Reader(bytes, reader.at, reader.at + length);
    const record = fromRow(kind, schema.message.read(body, version));
    if (record === null || body.fault !== null) return undecodable(`a value in ${kind}`);
    records.push(record);
    reader.skip(length);
  }
  return ok(records);
}

function undecodable(detail: string): Result<never, UndecodableEntry> {
  return failed({ kind: "undecodable", detail });
}

/** At least the bytes of the record: strings count three bytes a character, which UTF-8 never exceeds in UTF-16 units. */
function bytesMax(record: ControllerRecord): number {
  return 16 + valueBytesMax(record);
}

const REPLICA_BYTES = 29;
const PLACEMENT_BYTES = 36;

function valueBytesMax(value: unknown): number {
  if (typeof value === "string") return 5 + value.length * 3;
  if (value instanceof Uint8Array) return 5 + value.length;
  if (Array.isArray(value)) {
    let bytes = 6;
    for (const item of value) bytes += valueBytesMax(item);
    return bytes;
  }
  if (typeof value !== "object" || value === null) return 8;
  if ("replicas" in value) {
    const { replicas, leaving, founders } = value as PartitionPlacement;
    const placed = replicas.length + leaving.length + founders.length;
    return PLACEMENT_BYTES + placed * REPLICA_BYTES;
  }
  let bytes = 1;
  for (const key in value) bytes += valueBytesMax((value as Row)[key]);
  return bytes;
}

function toRow(record: ControllerRecord): Row {
  switch (record.kind) {
    case "broker-registered": {
      const endpoints = record.endpoints.map((endpoint) => {
        return { ...endpoint, protocol: PROTOCOLS.indexOf(endpoint.protocol) };
      });
      return { ...record, endpoints };
    }
    case "broker-configs-set":
      return { ...record, broker: record.broker ?? ALL_BROKERS };
    case "entry-set":
      return { ...record, space: SPACES.indexOf(record.space) };
    default:
      return record;
  }
}

/** Null: a value that this version does not know. */
function fromRow(kind: Kind, row: Row): ControllerRecord | null {
  switch (kind) {
    case "broker-registered": {
      const rows = row["endpoints"] as readonly { readonly protocol: number }[];
      const endpoints = rows.map((of) => ({ ...of, protocol: PROTOCOLS[of.protocol] }));
      if (endpoints.some((of) => of.protocol === undefined)) return null;
      return { kind, ...row, endpoints } as unknown as ControllerRecord;
    }
    case "broker-configs-set": {
      const broker = row["broker"] === ALL_BROKERS ? null : (row["broker"] as BrokerId);
      return { kind, ...row, broker } as unknown as ControllerRecord;
    }
    case "request-answered": {
      const reply = (row["reply"] as Uint8Array | null)?.slice() ?? null; // lent bytes are kept
      return { kind, ...row, reply } as unknown as ControllerRecord;
    }
    case "entry-set": {
      const space = SPACES[row["space"] as number];
      const value = (row["value"] as Uint8Array | null)?.slice() ?? null; // lent bytes are kept
      return space === undefined ? null : ({ kind, ...row, space, value } as ControllerRecord);
    }
    default:
      return { kind, ...row } as unknown as ControllerRecord;
  }
}
