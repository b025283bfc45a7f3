// Where the payloads of one journal file lie: for each batch with payload the stream position of its first byte and
// the file offset of that byte, in columns, since a file may hold sixteen thousand batches.

export class BatchIndex {
  #positions = new Float64Array(64);
  #ends = new Float64Array(64);
  #offsets = new Uint32Array(64);
  #count = 0;

  /** Stream range covered by this file; empty when `end` is not above `start`. */
  get start(): number {
    return this.#count === 0 ? Infinity : this.#positions[0]!;
  }

  get end(): number {
    return this.#count === 0 ? -1 : this.#ends[this.#count - 1]!;
  }

  add(position: number, length: number, fileOffset: number): void {
    if (this.#count === this.#positions.length) this.#grow();
    this.#positions[this.#count] = position;
    this.#ends[this.#count] = position + length;
    this.#offsets[this.#count] = fileOffset;
    this.#count++;
  }

  /** File offset of a range that lies within one batch, or -1. */
  find(position: number, length: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#positions[middle]! <= position) low = middle + 1;
      else high = middle;
    }
    const at = low - 1;
    if (at < 0 || position + length > this.#ends[at]!) return -1;
    return this.#offsets[at]! + (position - this.#positions[at]!);
  }

  #grow(): void {
    const count = this.#count * 2;
    const positions = new Float64Array(count);
    const ends = new Float64Array(count);
    const offsets = new Uint32Array(count);
    positions.set(this.#positions);
    ends.set(this.#ends);
    offsets.set(this.#offsets);
    this.#positions = positions;
    this.#ends = ends;
    this.#offsets = offsets;
  }
}
