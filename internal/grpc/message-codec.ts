// Messages of one type as bytes. Decoding never throws and has a limit on the number of parts: an embedded message takes
// two bytes on the wire and a hundred in memory. 64-bit integers are numbers; what is outside the safe integers comes out
// inexact, and the handlers refuse it like any other number out of range.
import protobuf from "protobufjs";
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";

export interface DecodeFault {
  readonly kind: "malformed" | "too-many-parts";
}

/** A decoded message and what it took on the wire. */
export interface Received<T> {
  readonly message: T;
  readonly wireBytes: number;
}

/** How many embedded messages one message may have: what can be read without holding up the event loop for long. */
export const PARTS_MAX = 10_000;

const DECODED: protobuf.IConversionOptions = {
  longs: Number,
  enums: String,
  defaults: true,
  arrays: true,
  oneofs: true,
};
const LENGTH_DELIMITED = 2;

export class MessageCodec<T> {
  readonly #type: protobuf.Type;
  readonly #hasEnums: boolean;

  constructor(type: protobuf.Type) {
    this.#type = type;
    this.#hasEnums = usesEnums(type);
  }

  encode(message: T): Buffer {
    const fields = message as Record<string, unknown>;
    // The encoder takes plain objects as they are, apart from enums, which have names here and numbers on the wire.
    const encodable = this.#hasEnums ? this.#type.fromObject(fields) : fields;
    const bytes = this.#type.encode(encodable).finish();
    return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Byte fields of the result share memory with `bytes`. */
  decode(bytes: Uint8Array): Result<Received<T>, DecodeFault> {
    try {
      const parts = countParts(this.#type, protobuf.Reader.create(bytes), bytes.length);
      if (parts > PARTS_MAX) return failed({ kind: "too-many-parts" });
      const message = this.#type.toObject(this.#type.decode(bytes), DECODED) as T;
      return ok({ message, wireBytes: bytes.length });
    } catch {
      return failed({ kind: "malformed" });
    }
  }
}

/** Counts embedded messages up to `end` without making an object for any. Message types do not nest in themselves. */
function countParts(type: protobuf.Type, reader: protobuf.Reader, end: number): number {
  let parts = 0;
  while (reader.pos < end && parts <= PARTS_MAX) {
    const tag = reader.uint32();
    const wireType = tag & 7;
    const inner = wireType === LENGTH_DELIMITED ? type.fieldsById[tag >>> 3]?.resolvedType : null;
    if (inner instanceof protobuf.Type) {
      const length = reader.uint32();
      parts += 1 + countParts(inner, reader, Math.min(reader.pos + length, end));
    } else {
      reader.skipType(wireType, 0, tag >>> 3);
    }
  }
  return parts;
}

function usesEnums(type: protobuf.Type): boolean {
  return type.fieldsArray.some(({ resolvedType }) => {
    if (resolvedType instanceof protobuf.Enum) return true;
    return resolvedType instanceof protobuf.Type && usesEnums(resolvedType);
  });
}
