// Who opened a connection, read from the first bytes that the opener sends: a broker says its id in the first frame of every
// link connection (docs/formats/link.md). Whoever connects to the Kafka port is a client.
import { CLIENTS } from "./weather.ts";

export type Port = "link" | "kafka";

const PREAMBLE_BYTES = 8;
const HEADER_BYTES = 16;
const TYPE_AT = 12;
const BODY = PREAMBLE_BYTES + HEADER_BYTES;
const HELLO = 1;
const JOIN = 4;
/** purpose u8, target u32, attempt i64. */
const HELLO_FIXED_BYTES = 13;
const BROKER_ID_MAX = 1_000;

/** The end that opened it; null when it is none of the known ones; undefined while too little has come. */
export function diallerOf(port: Port, bytes: Buffer): number | null | undefined {
  if (port === "kafka") return CLIENTS;
  if (bytes.length < BODY + 4) return undefined;
  const type = bytes[PREAMBLE_BYTES + TYPE_AT];
  if (type === JOIN) return broker(bytes.readUInt32BE(BODY));
  if (type !== HELLO) return null;
  const host = BODY + HELLO_FIXED_BYTES;
  if (bytes.length < host + 2) return undefined;
  const identity = host + 2 + bytes.readUInt16BE(host) + 2;
  return bytes.length < identity + 4 ? undefined : broker(bytes.readUInt32BE(identity));
}

function broker(id: number): number | null {
  return id > 0 && id <= BROKER_ID_MAX ? id : null;
}
