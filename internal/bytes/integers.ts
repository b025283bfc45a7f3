// Big-endian integers at known places of a byte array, for fixed layouts whose bounds the caller has checked.
// Plain index arithmetic: a batch header lives at any position of any buffer, and making a DataView for each
// costs more than the reads. For bytes whose shape is not known yet there is `Reader`.

const TWO_32 = 0x1_0000_0000;

export function readI16(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) >> 16) | bytes[at + 1]!;
}

export function readI32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
}

export function readU32(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at) >>> 0;
}

/** Exact within the safe integers; outside them the nearest double, which callers refuse where it matters. */
export function readI64(bytes: Uint8Array, at: number): number {
  return readI32(bytes, at) * TWO_32 + readU32(bytes, at + 4);
}

export function writeI16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 8;
  bytes[at + 1] = value;
}

export function writeI32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 24;
  bytes[at + 1] = value >> 16;
  bytes[at + 2] = value >> 8;
  bytes[at + 3] = value;
}

/** `value` is a safe integer. */
export function writeI64(bytes: Uint8Array, at: number, value: number): void {
  writeI32(bytes, at, Math.floor(value / TWO_32) | 0);
  writeI32(bytes, at + 4, value | 0);
}
