// Undoes the four compressions of record batches, with a limit on the output. A pure function of its input, so
// it may run anywhere: inline in the simulator and for small batches, on the pool in a broker.
//
// What is opened here is one stream from the first byte to the last, as every consumer reads it: of two gzip members or
// LZ4 frames, and of what lies behind a stream, some see the first part only.
import { constants, gunzipSync, zstdDecompressSync } from "node:zlib";
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

const CORRUPT: DecompressFault = { kind: "corrupt-compression" };
const GZIP = 1;
const SNAPPY = 2;
const LZ4 = 3;
const ZSTD = 4;
/** How much bigger than its input an output is guessed to be. */
const GROWTH_EXPECTED = 4;

/** The largest window that producers use, as a power of two. */
const WINDOW_LOG_MAX = 27;

/**
 * `codec` is the number in a batch's attributes. Refused as too large when the output would be longer than `bytesMax`, or
 * needs a larger window: its memory is taken and given back for each call, however short the output is.
 */
export function decompress(
  codec: number,
  bytes: Uint8Array,
  bytesMax: number,
  windowLogMax = WINDOW_LOG_MAX,
): Result<Uint8Array, DecompressFault> {
  switch (codec) {
    case GZIP: {
      const opened = inflate(gunzipSync, bytes, { maxOutputLength: Math.max(1, bytesMax) });
      return opened.ok && !isOneMember(bytes, opened.value) ? failed(CORRUPT) : opened;
    }
    case ZSTD:
      return inflate(zstdDecompressSync, bytes, {
        maxOutputLength: Math.max(1, bytesMax),
        params: { [constants.ZSTD_d_windowLogMax]: windowLogMax },
      });
    case SNAPPY:
      return unpack(unpackSnappy, bytes, bytesMax);
    case LZ4:
      return unpack(unpackLz4, bytes, bytesMax);
    default:
      return failed({ kind: "unsupported-compression" });
  }
}

interface Inflated {
  readonly buffer: Uint8Array;
  /** `bytesWritten`: what the stream took of its input. */
  readonly engine: { readonly bytesWritten: number };
}

interface InflateOptions {
  readonly maxOutputLength: number;
  readonly params?: Readonly<Record<number, number>>;
}

type Inflate = (bytes: Uint8Array, options: InflateOptions & { readonly info: true }) => unknown;

const TOO_LARGE: ReadonlySet<unknown> = new Set([
  "ERR_BUFFER_TOO_LARGE",
  "ZSTD_error_frameParameter_windowTooLarge",
]);

function inflate(
  run: Inflate,
  bytes: Uint8Array,
  options: InflateOptions,
): Result<Uint8Array, DecompressFault> {
  try {
    const { buffer, engine } = run(bytes, { ...options, info: true }) as Inflated;
    return engine.bytesWritten === bytes.length ? ok(buffer) : failed(CORRUPT);
  } catch (thrown) {
    const isTooLarge = TOO_LARGE.has((thrown as { readonly code?: unknown }).code);
    return failed(isTooLarge ? { kind: "too-large" } : CORRUPT);
  }
}

/** A gzip member ends with its length; what was opened is longer when there were several. */
function isOneMember(bytes: Uint8Array, opened: Uint8Array): boolean {
  const at = bytes.length - 4;
  const length =
    bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
  return length === (opened.length | 0);
}

function unpack(
  run: (bytes: Uint8Array, output: BoundedOutput) => UnpackOutcome,
  bytes: Uint8Array,
  bytesMax: number,
): Result<Uint8Array, DecompressFault> {
  const output = new BoundedOutput(bytes.length * GROWTH_EXPECTED, bytesMax);
  const outcome = run(bytes, output);
  if (outcome === "done") return ok(output.view());
  return failed(outcome === "corrupt" ? CORRUPT : { kind: "too-large" });
}
