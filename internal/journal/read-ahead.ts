// Small reads that lie near each other, as when a coordinator loads its groups or a follower catches up with small batches:
// a piece of the file is read once and answers those that follow. A piece holds only what was in the file's written part
// when it was read, which nobody overwrites before the file is recycled. Bytes of a write that was under way are in it too,
// as they were: whoever finds a checksum wrong asks again, for the bytes that are in the file now.
import type { Result } from "../base/result.ts";
import { ok } from "../base/result.ts";
import type { DiskFault } from "../ports/disk.ts";

/** The part of a file slot that is needed here. */
export interface ReadableFile {
  readonly path: string;
  /** Where its written part ends. */
  readonly position: number;
}

export interface FileReader {
  read(path: string, position: number, into: Uint8Array): Promise<Result<number, DiskFault>>;
}

interface Piece {
  readonly file: ReadableFile;
  readonly start: number;
  readonly bytes: Uint8Array;
}

const PIECE_BYTES = 128 * 1024;
/** What is longer is worth a read of its own. */
const SMALL_BYTES_MAX = 16 * 1024;
/** As many readers as that go on at the same time without taking each other's pieces away. */
const PIECES_MAX = 16;

export class ReadAhead {
  readonly #reader: FileReader;
  /** The one that was used last is the last. */
  #pieces: Piece[] = [];

  constructor(reader: FileReader) {
    this.#reader = reader;
  }

  /** Bytes from `start` on, fewer than `length` where the file ends. */
  async read(
    file: ReadableFile,
    start: number,
    length: number,
  ): Promise<Result<Uint8Array, DiskFault>> {
    const held = this.#find(file, start, length);
    if (held !== null) return ok(held);
    const pieceBytes = Math.min(PIECE_BYTES, file.position - start);
    if (length > SMALL_BYTES_MAX || pieceBytes <= length) return this.readNow(file, start, length);
    const bytes = new Uint8Array(pieceBytes);
    const read = await this.#reader.read(file.path, start, bytes);
    // A sector beyond what was asked for may be unreadable.
    if (!read.ok || read.value < pieceBytes) return this.readNow(file, start, length);
    this.#pieces.push({ file, start, bytes });
    if (this.#pieces.length > PIECES_MAX) this.#pieces.shift();
    return ok(bytes.slice(0, length));
  }

  /** The same from the file as it is now. */
  async readNow(
    file: ReadableFile,
    start: number,
    length: number,
  ): Promise<Result<Uint8Array, DiskFault>> {
    const bytes = new Uint8Array(length);
    const read = await this.#reader.read(file.path, start, bytes);
    return read.ok ? ok(bytes.subarray(0, read.value)) : read;
  }

  /** The file is recycled. */
  forget(file: ReadableFile): void {
    this.#pieces = this.#pieces.filter((piece) => piece.file !== file);
  }

  #find(file: ReadableFile, start: number, length: number): Uint8Array | null {
    for (let at = this.#pieces.length - 1; at >= 0; at--) {
      const piece = this.#pieces[at]!;
      const from = start - piece.start;
      if (piece.file !== file || from < 0 || from + length > piece.bytes.length) continue;
      this.#pieces.splice(at, 1);
      this.#pieces.push(piece);
      return piece.bytes.slice(from, from + length);
    }
    return null;
  }
}
