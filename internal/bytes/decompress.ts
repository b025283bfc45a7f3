// Undoes the four compressions of record batches, with a limit on the output. A pure function of its input, so
// it may run anywhere: inline in the simulator and for small internal batches, on the pool in a broker.
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { unpackLz4 } from "./lz4.ts";
import { BoundedOutput } from "./output.ts";
import { unpackSnappy } from "./snappy.ts";
import type { UnpackOutcome } from "./snappy.ts";

export type DecompressFault =
  | { readonly kind: "too-large" }
  | { readonly kind: "corrupt-compression" }
  | { readonly kind: "unsupported-compression" };

const GZIP = 1;
const SNAPPY = 2;
const LZ4 = 3;
const ZSTD = 4;
/** How much bigger than its input an output is guessed to be. */
const GROWTH_EXPECTED = 4;

/** `codec` is the number in a batch's attributes. Refused when the output would be longer than `bytesMax`. */
export function decompress(
  codec: number,
  bytes: Uint8Array,
  bytesMax: number,
): Result<Uint8Array, DecompressFault> {
  switch (codec) {
    case GZIP:
      return inflate(gunzipSync, bytes, bytesMax);
    case ZSTD:
      return inflate(zstdDecompressSync, bytes, bytesMax);
    case SNAPPY:
      return unpack(unpackSnappy, bytes, bytesMax);
    case LZ4:
      return unpack(unpackLz4, bytes, bytesMax);
    default:
      return failed({ kind: "unsupported-compression" });
  }
}

type Inflate = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;

function inflate(
  run: Inflate,
  bytes: Uint8Array,
  bytesMax: number,
): Result<Uint8Array, DecompressFault> {
  try {
    return ok(run(bytes, { maxOutputLength: Math.max(1, bytesMax) }));
  } catch (thrown) {
    const isTooLarge = (thrown as { readonly code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
    return failed({ kind: isTooLarge ? "too-large" : "corrupt-compression" });
  }
}

function unpack(
  run: (bytes: Uint8Array, output: BoundedOutput) => UnpackOutcome,
  bytes: Uint8Array,
  bytesMax: number,
): Result<Uint8Array, DecompressFault> {
  const output = new BoundedOutput(bytes.length * GROWTH_EXPECTED, bytesMax);
  const outcome = run(bytes, output);
  if (outcome === "done") return ok(output.view());
  return failed({ kind: outcome === "corrupt" ? "corrupt-compression" : "too-large" });
}
