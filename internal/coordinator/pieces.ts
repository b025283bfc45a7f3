// A long list of records as commands that the log takes, in order.
import { groupCodec } from "./group-codec.ts";
import type { GroupRecord } from "./group-records.ts";

export function inPieces(
  records: readonly GroupRecord[],
  bytesMax: number,
): readonly (readonly GroupRecord[])[] {
  const pieces: GroupRecord[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    const more = groupCodec.bytesMax(record);
    if (bytes + more > bytesMax) {
      pieces.push([]);
      bytes = 0;
    }
    pieces.at(-1)?.push(record);
    bytes += more;
  }
  return pieces;
}
