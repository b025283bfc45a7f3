// The output of a decompressor whose result size is unknown: it grows by doubling up to a limit, so that a
// small hostile input can neither allocate more than the limit nor allocate it before producing it.

/** Up to so many bytes a loop is faster than a call into the runtime (measured). */
const BY_HAND_MAX = 48;

export class BoundedOutput {
  bytes: Uint8Array;
  length = 0;
  readonly #bytesMax: number;

  constructor(bytesExpected: number, bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.bytes = new Uint8Array(Math.min(Math.max(bytesExpected, 64), bytesMax));
  }

  /** Makes room for `count` more bytes. False when the limit forbids it. */
  reserve(count: number): boolean {
    const needed = this.length + count;
    if (needed <= this.bytes.length) return true;
    if (needed > this.#bytesMax) return false;
    const grown = new Uint8Array(Math.min(Math.max(needed, this.bytes.length * 2), this.#bytesMax));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    return true;
  }

  /** Appends bytes for which there is room. */
  append(source: Uint8Array, start: number, end: number): void {
    if (end - start > BY_HAND_MAX) {
      this.bytes.set(source.subarray(start, end), this.length);
      this.length += end - start;
      return;
    }
    const { bytes } = this;
    let to = this.length;
    for (let from = start; from < end; from++) bytes[to++] = source[from]!;
    this.length = to;
  }

  /** Repeats `count` bytes from `distance` back, which may overlap what is being written; there is room. */
  repeat(distance: number, count: number): void {
    const { bytes } = this;
    let to = this.length;
    if (distance >= count && count > BY_HAND_MAX) {
      bytes.copyWithin(to, to - distance, to - distance + count);
    } else {
      for (const end = to + count; to < end; to++) bytes[to] = bytes[to - distance]!;
    }
    this.length += count;
  }

  /** Everything written so far. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }
}
