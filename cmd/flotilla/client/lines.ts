// Lines of a stream as bytes, whatever their encoding: text is not decoded and encoded again on its way to the cluster.
import { CommandFailure, EXIT_CODE } from "../exit-code.ts";

const LINE_FEED = 10;
/** No broker takes a record of this size. */
const LINE_BYTES_MAX = 64 << 20;

/** The lines without their line feeds. A last line without one counts. */
export async function* linesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest: Uint8Array[] = [];
  let restBytes = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      yield joined(rest, chunk.subarray(start, end));
      rest = [];
      restBytes = 0;
      start = end + 1;
    }
    if (start === chunk.length) continue;
    rest.push(chunk.subarray(start));
    restBytes += chunk.length - start;
    if (restBytes > LINE_BYTES_MAX) {
      throw new CommandFailure(EXIT_CODE.failed, `a line is longer than ${LINE_BYTES_MAX} bytes`);
    }
  }
  if (restBytes > 0) yield joined(rest, new Uint8Array(0));
}

function joined(parts: readonly Uint8Array[], last: Uint8Array): Uint8Array {
  return parts.length === 0 ? last : Buffer.concat([...parts, last]);
}

/** Where `separator` begins in `line`; -1 when it does not. */
export function indexOfBytes(line: Uint8Array, separator: Uint8Array): number {
  return Buffer.from(line.buffer, line.byteOffset, line.length).indexOf(separator);
}
