// The ping: 57 bytes on the control lane, once per ping interval and session (L3–L5, D3).
import { Reader } from "../bytes/reader.ts";
import type { Incarnation } from "../model/ids.ts";

export interface Ping {
  /** Monotonic send time of this ping on the sender's clock; means nothing to anyone else. */
  readonly sentMs: number;
  /**
   * `sentMs` of the newest ping that arrived from the other side in this session; NaN when none did
   * (L5).
   */
  readonly echoMs: number;
  readonly incarnation: Incarnation;
  readonly durableSequence: number;
  readonly oldestWriteAgeMs: number;
  /** Bytes that arrived on the data and bulk connections: shows a lane that stands still. */
  readonly dataBytes: number;
  readonly bulkBytes: number;
  /** The sender does not read this lane at present, on purpose. */
  readonly dataPaused: boolean;
  readonly bulkPaused: boolean;
  /** The sender's journal takes records of clients. */
  readonly hasRoom: boolean;
}

const PING_BYTES = 57;
const DATA_PAUSED = 1;
const BULK_PAUSED = 2;
const NO_ROOM = 4;

export function encodePing(ping: Ping): Uint8Array {
  const bytes = new Uint8Array(PING_BYTES);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, ping.sentMs);
  view.setFloat64(8, ping.echoMs);
  setI64(view, 16, ping.incarnation);
  setI64(view, 24, ping.durableSequence);
  view.setFloat64(32, ping.oldestWriteAgeMs);
  setI64(view, 40, ping.dataBytes);
  setI64(view, 48, ping.bulkBytes);
  const paused = (ping.dataPaused ? DATA_PAUSED : 0) | (ping.bulkPaused ? BULK_PAUSED : 0);
  view.setUint8(56, paused | (ping.hasRoom ? 0 : NO_ROOM));
  return bytes;
}

export function decodePing(bytes: Uint8Array, start: number, end: number): Ping | null {
  const reader = new Reader(bytes, start, end);
  const sentMs = reader.f64();
  const echoMs = reader.f64();
  const incarnation = reader.i64() as Incarnation;
  const durableSequence = reader.i64();
  const oldestWriteAgeMs = reader.f64();
  const dataBytes = reader.i64();
  const bulkBytes = reader.i64();
  const flags = reader.u8();
  if (reader.fault !== null) return null;
  if (!Number.isFinite(sentMs) || !(oldestWriteAgeMs >= 0) || durableSequence < 0) return null;
  return {
    sentMs,
    echoMs,
    incarnation,
    durableSequence,
    oldestWriteAgeMs,
    dataBytes,
    bulkBytes,
    dataPaused: (flags & DATA_PAUSED) !== 0,
    bulkPaused: (flags & BULK_PAUSED) !== 0,
    hasRoom: (flags & NO_ROOM) === 0,
  };
}

function setI64(view: DataView, at: number, value: number): void {
  view.setInt32(at, Math.floor(value / 0x1_0000_0000));
  view.setUint32(at + 4, value >>> 0);
}
