// The links' own messages before and around a session, except pings (docs/formats/link.md). They
// come from outside: decoding answers null for anything that is not exactly meaningful. Bytes
// behind the known fields are ignored, so that a field can be added without a new format version.
import { Reader } from "../bytes/reader.ts";
import { Writer } from "../bytes/writer.ts";
import type { BrokerId, ClusterId, DirectoryId, Incarnation } from "../model/ids.ts";
import type { Address } from "../ports/wire.ts";
import type { Lane, LinkFault, LinkIdentity } from "./contract.ts";
import { FOUNDING_STATE_BYTES_MAX, HOST_BYTES_MAX } from "./limits.ts";
import { wholeFrame } from "./frame.ts";

export const FRAME_TYPE = {
  hello: 1,
  welcome: 2,
  refusal: 3,
  join: 4,
  joined: 5,
  ping: 6,
  identity: 7,
  openBulk: 8,
} as const;

/**
 * `session` asks for one; `knock` asks the other side, which has the lower broker id, to dial back.
 */
export type Purpose = "session" | "knock";

/** First frame of a control connection or of a knock. */
export interface Hello {
  readonly purpose: Purpose;
  /** Who the sender believes to have dialled. */
  readonly target: BrokerId;
  /** Counts the sender's dials since it started; tells a delayed hello from the newest. */
  readonly attempt: number;
  /**
   * Where the sender listens; an empty host means "where you see me coming from", port 0 means
   * nowhere.
   */
  readonly reachable: Address;
  readonly identity: LinkIdentity;
}

/** The answer to a hello that is accepted. The token is the key by which the other lanes join. */
export interface Welcome {
  readonly token: string;
  readonly identity: LinkIdentity;
}

/** First frame of a data or bulk connection. */
export interface Join {
  readonly broker: BrokerId;
  readonly lane: Lane;
  readonly token: string;
}

const REFUSALS = [
  "other-cluster",
  "own-broker-id",
  "second-directory",
  "old-incarnation",
  "unexpected-broker",
  "format-version",
  "too-many",
] as const satisfies readonly LinkFault["kind"][];
const LANES = ["control", "data", "bulk"] as const satisfies readonly Lane[];
const PURPOSES = ["session", "knock"] as const satisfies readonly Purpose[];

function frameOf(type: number, write: (writer: Writer) => void): Uint8Array {
  const writer = new Writer(512);
  write(writer);
  return wholeFrame(type, writer.takeJoined());
}

function writeIdentity(writer: Writer, identity: LinkIdentity): void {
  writer.u32(identity.broker);
  writer.uuid(identity.directory);
  writer.i64(identity.incarnation);
  writer.uuid(identity.cluster ?? "");
  writer.u16(identity.foundingState.length);
  writer.copy(identity.foundingState, 0, identity.foundingState.length);
  writer.u32(identity.silenceMs);
  writer.u32(identity.payloadBytesMax);
}

function readIdentity(reader: Reader): LinkIdentity | null {
  const broker = reader.u32() as BrokerId;
  const directory = reader.uuid() as DirectoryId;
  const incarnation = reader.i64() as Incarnation;
  const cluster = reader.uuid() as ClusterId;
  const foundingBytes = reader.u16();
  if (foundingBytes > FOUNDING_STATE_BYTES_MAX) return null;
  const foundingState = reader.view(foundingBytes).slice();
  const silenceMs = reader.u32();
  const payloadBytesMax = reader.u32();
  if (reader.fault !== null || broker === 0 || directory === "" || incarnation < 0) return null;
  if (silenceMs === 0 || payloadBytesMax === 0) return null;
  return {
    broker,
    directory,
    incarnation,
    cluster: cluster === "" ? null : cluster,
    foundingState,
    silenceMs,
    payloadBytesMax,
  };
}

export function encodeHello(hello: Hello): Uint8Array {
  return frameOf(FRAME_TYPE.hello, (writer) => {
    writer.u8(PURPOSES.indexOf(hello.purpose));
    writer.u32(hello.target);
    writer.i64(hello.attempt);
    writer.string(hello.reachable.host);
    writer.u16(hello.reachable.port);
    writeIdentity(writer, hello.identity);
  });
}

export function decodeHello(bytes: Uint8Array, start: number, end: number): Hello | null {
  const reader = new Reader(bytes, start, end);
  const purpose = PURPOSES[reader.u8()];
  const target = reader.u32() as BrokerId;
  const attempt = reader.i64();
  const host = reader.string();
  const port = reader.u16();
  const identity = readIdentity(reader);
  if (identity === null || purpose === undefined || host.length > HOST_BYTES_MAX) return null;
  return { purpose, target, attempt, reachable: { host, port }, identity };
}

export function encodeWelcome(welcome: Welcome): Uint8Array {
  return frameOf(FRAME_TYPE.welcome, (writer) => {
    writer.uuid(welcome.token);
    writeIdentity(writer, welcome.identity);
  });
}

export function decodeWelcome(bytes: Uint8Array, start: number, end: number): Welcome | null {
  const reader = new Reader(bytes, start, end);
  const token = reader.uuid();
  const identity = readIdentity(reader);
  return identity === null ? null : { token, identity };
}

export function encodeJoin(join: Join): Uint8Array {
  return frameOf(FRAME_TYPE.join, (writer) => {
    writer.u32(join.broker);
    writer.u8(LANES.indexOf(join.lane));
    writer.uuid(join.token);
  });
}

export function decodeJoin(bytes: Uint8Array, start: number, end: number): Join | null {
  const reader = new Reader(bytes, start, end);
  const broker = reader.u32() as BrokerId;
  const lane = LANES[reader.u8()];
  const token = reader.uuid();
  if (reader.fault !== null || lane === undefined || lane === "control") return null;
  return { broker, lane, token };
}

export function encodeJoined(): Uint8Array {
  return wholeFrame(FRAME_TYPE.joined, new Uint8Array(0));
}

export function encodeRefusal(kind: LinkFault["kind"]): Uint8Array {
  return wholeFrame(FRAME_TYPE.refusal, Uint8Array.of(REFUSALS.indexOf(kind)));
}

export function decodeRefusal(
  bytes: Uint8Array,
  start: number,
  end: number,
): LinkFault["kind"] | null {
  return end > start ? (REFUSALS[bytes[start]!] ?? null) : null;
}

/** The body of an identity message: cluster id and founding state as they are now. */
export function encodeIdentity(identity: LinkIdentity): Uint8Array {
  const writer = new Writer(512);
  writeIdentity(writer, identity);
  return writer.takeJoined();
}

export function decodeIdentity(bytes: Uint8Array, start: number, end: number): LinkIdentity | null {
  return readIdentity(new Reader(bytes, start, end));
}
