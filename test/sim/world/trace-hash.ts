// A running hash of everything that happened. Two runs of one seed must end with the same value;
// comparing it is how the determinism of the whole simulation is tested.
import { scramble } from "./seeded-entropy.ts";

const CONTENT_BYTES_MAX = 64;

export class TraceHash {
  #high = 0x6a09e667;
  #low = 0xbb67ae85 | 0;
  #count = 0;

  /** How many values went in. */
  get count(): number {
    return this.#count;
  }

  /** Mixes one non-negative safe integer in. */
  add(value: number): void {
    this.#count++;
    const low = scramble((value | 0) ^ this.#low);
    const high = scramble(Math.floor(value / 0x1_0000_0000) + this.#high + low);
    this.#low = (low + ((high << 5) | (high >>> 27))) | 0;
    this.#high = high;
  }

  /** 16 hexadecimal digits. */
  digest(): string {
    return [this.#high, this.#low]
      .map((word) => (word >>> 0).toString(16).padStart(8, "0"))
      .join("");
  }
}

/** A number that depends on the length and the first bytes: cheap, and enough to see runs part. */
export function contentMark(bytes: Uint8Array): number {
  let mark = bytes.length;
  const end = Math.min(bytes.length, CONTENT_BYTES_MAX);
  for (let at = 0; at < end; at++) mark = Math.imul(mark ^ (bytes[at] as number), 0x01000193);
  return mark >>> 0;
}
