// How many bytes a variable-length number takes, for writers that must know a size before they write.
// The numbers themselves are read by `Reader` and written by `Writer`.

/** Bytes of an unsigned 32-bit number. */
export function uvarintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

/** Bytes of a signed 32-bit number in zig-zag form. */
export function varintBytes(value: number): number {
  return uvarintBytes(((value << 1) ^ (value >> 31)) >>> 0);
}

/** Bytes of a signed safe integer in zig-zag form. */
export function varlongBytes(value: number): number {
  // -1 takes the same room as 0, -64 the same as 63: the magnitude without the sign bit decides.
  let rest = value < 0 ? -(value + 1) : value;
  let bytes = 1;
  for (rest = Math.floor(rest / 64); rest > 0; rest = Math.floor(rest / 128)) bytes++;
  return bytes;
}
