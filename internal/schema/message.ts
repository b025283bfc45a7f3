// A message with versions: its schema text, parsed and compiled at its first use, and the two operations
// on it. Kafka requests and responses, the records of internal topics and those of the controller are all
// messages. Nothing here knows what a message means.
import type { Reader } from "../bytes/reader.ts";
import type { Writer } from "../bytes/writer.ts";
import type { ByteRange } from "../bytes/byte-range.ts";
import type { DecodeFault } from "../bytes/reader.ts";
import type { EncodeFault } from "../bytes/writer.ts";
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import { Reader as ByteReader } from "../bytes/reader.ts";
import { Writer as ByteWriter } from "../bytes/writer.ts";
import { assert } from "../base/assert.ts";
import { compileDecoder } from "./decode.ts";
import type { DecodeStruct } from "./decode.ts";
import { compileEncoder } from "./encode.ts";
import type { EncodeStruct } from "./encode.ts";
import type { Field } from "./field.ts";
import { parseFields } from "./parse.ts";

/** Record batches to be sent: one range, or several in order. They are lent until the chunks are flushed. */
export type LentRecords = ByteRange | readonly ByteRange[];

type Leaf = string | number | boolean | null | undefined | Uint8Array | ByteRange;

/** A message as decoding returns it: every field is present, and records are one range. */
export type Complete<T> = T extends LentRecords
  ? ByteRange
  : T extends Leaf
    ? T
    : T extends readonly (infer Item)[]
      ? readonly Complete<Item>[]
      : { readonly [Name in keyof T]-?: Complete<Exclude<T[Name], undefined>> };

/** A message as encoding accepts it: fields that are left out take their defaults. */
export type Draft<T> = T extends Leaf
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Draft<Item>[]
    : { readonly [Name in keyof T]?: Draft<T[Name]> };

export interface MessageOptions {
  readonly name: string;
  /** The first version in the flexible format; null when there is none. */
  readonly flexibleFrom: number | null;
  readonly fields: string;
}

/** `T` is the message as its author writes it. */
export class Message<T> {
  readonly name: string;
  readonly flexibleFrom: number;
  readonly #text: string;
  #fields: readonly Field[] | null = null;
  readonly #decoders: (DecodeStruct | undefined)[] = [];
  readonly #encoders: (EncodeStruct | undefined)[] = [];

  constructor(options: MessageOptions) {
    this.name = options.name;
    this.flexibleFrom = options.flexibleFrom ?? Number.POSITIVE_INFINITY;
    this.#text = options.fields;
  }

  get fields(): readonly Field[] {
    this.#fields ??= parseFields(this.#text);
    return this.#fields;
  }

  isFlexible(version: number): boolean {
    return version >= this.flexibleFrom;
  }

  /** Decodes from the reader's position. The value means nothing when `reader.fault` is set afterwards. */
  read(reader: Reader, version: number): Complete<T> {
    let decode = this.#decoders[version];
    if (decode === undefined) {
      assert(Number.isInteger(version) && version >= 0, "a version is a natural number");
      decode = compileDecoder(this.fields, version, this.isFlexible(version));
      this.#decoders[version] = decode;
    }
    return decode(reader) as Complete<T>;
  }

  /** Encodes at the writer's position; `writer.fault` says whether that failed. */
  write(writer: Writer, version: number, value: T): void {
    this.writeDraft(writer, version, value as Draft<T>);
  }

  /** The same for a value that leaves out whatever has its default. */
  writeDraft(writer: Writer, version: number, value: Draft<T>): void {
    let encode = this.#encoders[version];
    if (encode === undefined) {
      assert(Number.isInteger(version) && version >= 0, "a version is a natural number");
      encode = compileEncoder(this.fields, version, this.isFlexible(version));
      this.#encoders[version] = encode;
    }
    encode(writer, value as Record<string, unknown>);
  }

  /** Decodes a whole buffer. Bytes behind the message are ignored. */
  decode(bytes: Uint8Array, version: number): Result<Complete<T>, DecodeFault> {
    const reader = new ByteReader(bytes);
    const value = this.read(reader, version);
    return reader.fault === null ? ok(value) : failed(reader.fault);
  }

  /** Encodes into a buffer of its own. */
  encode(version: number, value: Draft<T>): Result<Uint8Array, EncodeFault> {
    const writer = new ByteWriter(256);
    this.writeDraft(writer, version, value);
    return writer.fault === null ? ok(writer.takeJoined()) : failed(writer.fault);
  }
}
