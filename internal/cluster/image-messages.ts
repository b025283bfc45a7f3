// What brokers that are no voters of group 0 say to its voters to follow the metadata image, and the answers.
import { Message } from "../schema/message.ts";
import type { Complete } from "../schema/message.ts";
import { assert } from "../base/assert.ts";

export interface ImageFetch {
  /** Pairs the answer with the question; grows. */
  readonly question: number;
  /** What the asker has: it wants the entries after this one. */
  readonly version: number;
  /** The version of the snapshot that is being fetched, with the number of the next piece; 0, 0 otherwise. */
  readonly snapshot: number;
  readonly piece: number;
}

export interface ImagePiece {
  readonly question: number;
  /** 0: `entries` follow the asker's version, in order. Else they are one piece of a snapshot at this version. */
  readonly snapshot: number;
  readonly piece: number;
  readonly pieceCount: number;
  /** `records` as encodeRecords makes them. */
  readonly entries: readonly { readonly index: number; readonly records: Uint8Array }[];
}

export interface ImageApplied {
  readonly version: number;
}

const FETCH = new Message<ImageFetch>({
  name: "ImageFetch",
  flexibleFrom: 0,
  fields: "question i64, version i64, snapshot i64, piece i32",
});

const PIECE = new Message<ImagePiece>({
  name: "ImagePiece",
  flexibleFrom: 0,
  fields:
    "question i64, snapshot i64, piece i32, pieceCount i32, entries[]{index i64, records bytes}",
});

const APPLIED = new Message<ImageApplied>({
  name: "ImageApplied",
  flexibleFrom: 0,
  fields: "version i64",
});

export const encodeImageFetch = (fetch: ImageFetch): Uint8Array => encode(FETCH, fetch);
export const encodeImagePiece = (piece: ImagePiece): Uint8Array => encode(PIECE, piece);
export const encodeImageApplied = (applied: ImageApplied): Uint8Array => encode(APPLIED, applied);

/** Null: malformed. Byte fields are lent, like `bytes`. */
export const decodeImageFetch = (bytes: Uint8Array): ImageFetch | null => decode(FETCH, bytes);
export const decodeImagePiece = (bytes: Uint8Array): ImagePiece | null => decode(PIECE, bytes);
export const decodeImageApplied = (bytes: Uint8Array): ImageApplied | null =>
  decode(APPLIED, bytes);

function encode<T>(message: Message<T>, value: T): Uint8Array {
  const encoded = message.encode(0, value as Parameters<typeof message.encode>[1]);
  assert(encoded.ok, "a message without texts always fits");
  return encoded.value;
}

function decode<T>(message: Message<T>, bytes: Uint8Array): Complete<T> | null {
  const decoded = message.decode(bytes, 0);
  return decoded.ok ? decoded.value : null;
}
