// CRC-32C (Castagnoli), the checksum of record batches and of our own journal and link records. A prebuilt
// native routine does the work when it loads; until then, on other platforms, and for short ranges, where
// the call costs more than the sum, the table-driven routine below does. Both give the same answer.

type Crc32c = (bytes: Uint8Array, seed: number) => number;

/** Below this many bytes the tables are faster than a slice and a native call (measured: about 230 bytes). */
const NATIVE_BYTES_MIN = 256;
const POLYNOMIAL = 0x82f63b78;
const tables = buildTables();
let native: Crc32c | null = null;

/** Settles once it is known whether the native routine loads; for benchmarks and tests only. */
export const nativeCrc32cLoaded: Promise<boolean> = import("@node-rs/crc32").then(
  (library) => {
    const usable = library.crc32c(Uint8Array.of(49, 50, 51, 52, 53, 54, 55, 56, 57)) === 0xe3069283;
    if (usable) native = (bytes, seed) => library.crc32c(bytes, seed);
    return usable;
  },
  () => false,
);

/**
 * The checksum of bytes `start` to `end`. `seed` is the checksum of the bytes before them, so that a sum can be
 * taken piece by piece.
 */
export function crc32c(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  if (native === null || end - start < NATIVE_BYTES_MIN) {
    return crc32cByTables(bytes, start, end, seed);
  }
  return native(bytes.subarray(start, end), seed) >>> 0;
}

/** The same without native code: eight bytes per step, one table for each of them. */
export function crc32cByTables(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  let crc = ~seed;
  let at = start;
  for (const lastStep = end - 8; at <= lastStep; at += 8) {
    crc ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    crc =
      tables[0x700 + (crc & 0xff)]! ^
      tables[0x600 + ((crc >>> 8) & 0xff)]! ^
      tables[0x500 + ((crc >>> 16) & 0xff)]! ^
      tables[0x400 + (crc >>> 24)]! ^
      tables[0x300 + bytes[at + 4]!]! ^
      tables[0x200 + bytes[at + 5]!]! ^
      tables[0x100 + bytes[at + 6]!]! ^
      tables[bytes[at + 7]!]!;
  }
  for (; at < end; at++) crc = (crc >>> 8) ^ tables[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}

/** Table n holds the effect of a byte that is followed by n zero bytes. */
function buildTables(): Int32Array {
  const built = new Int32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ ((crc & 1) === 0 ? 0 : POLYNOMIAL);
    built[byte] = crc;
  }
  for (let at = 256; at < built.length; at++) {
    const before = built[at - 256]!;
    built[at] = (before >>> 8) ^ built[before & 0xff]!;
  }
  return built;
}
