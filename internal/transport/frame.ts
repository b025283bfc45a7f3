// The shape of what travels on a link connection (docs/formats/link.md): a preamble once, then
// frames. A frame is a 16-byte header and a body. The checksum covers the header and the first
// `coveredBytes` of the body: all of it on control; on data and bulk the head, since record
// payloads carry Kafka's own CRC-32C.
import { crc32c } from "../bytes/crc32c.ts";

export const FORMAT_VERSION = 4;
export const PREAMBLE_BYTES = 8;
export const FRAME_HEADER_BYTES = 16;

const MAGIC = [0x46, 0x4c, 0x4f, 0x54]; // "FLOT"

/** What each side sends first: magic, format version, two zero bytes. */
export const PREAMBLE = Uint8Array.of(...MAGIC, FORMAT_VERSION >>> 8, FORMAT_VERSION & 0xff, 0, 0);

/** The version in a preamble, or null when the bytes are none. */
export function preambleVersion(bytes: Uint8Array, at: number): number | null {
  for (let index = 0; index < MAGIC.length; index++) {
    if (bytes[at + index] !== MAGIC[index]) return null;
  }
  return (bytes[at + 4]! << 8) | bytes[at + 5]!;
}

/**
 * Writes a header but for its checksum. Answers the checksum so far, to be continued over the
 * covered bytes.
 */
export function writeHeader(
  block: Uint8Array,
  at: number,
  type: number,
  bodyBytes: number,
  coveredBytes: number,
): number {
  writeU32(block, at + 4, bodyBytes);
  writeU32(block, at + 8, coveredBytes);
  block[at + 12] = type;
  block[at + 13] = 0;
  block[at + 14] = 0;
  block[at + 15] = 0;
  return crc32c(block, at + 4, at + FRAME_HEADER_BYTES);
}

export function writeChecksum(block: Uint8Array, at: number, crc: number): void {
  writeU32(block, at, crc);
}

/** One frame with its whole body covered, as one array; for handshakes. */
export function wholeFrame(type: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + body.length);
  frame.set(body, FRAME_HEADER_BYTES);
  const crc = writeHeader(frame, 0, type, body.length, body.length);
  writeChecksum(frame, 0, crc32c(body, 0, body.length, crc));
  return frame;
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
