// What the records say: who wrote them, the how-manieth it is, and a checksum of that. So a record that is found
// anywhere names its writer, and one that nobody wrote is recognised.
import { crc32c } from "../wire/crc32c.ts";

export interface ValueName {
  readonly lane: number;
  readonly counter: number;
}

const FILLER = "the quick brown fleet jumps over the lazy raft ".repeat(20);

/** `<run>/<lane>/<counter>/<filler>/<checksum>`, with `fillerBytes` of filler. */
export function encodeValue(
  run: string,
  { lane, counter }: ValueName,
  fillerBytes: number,
): Buffer {
  const body = `${run}/${lane}/${counter}/${FILLER.slice(0, fillerBytes)}`;
  return Buffer.from(`${body}/${crc32c(Buffer.from(body)).toString(16)}`);
}

/** Null when this run did not write the value. */
export function decodeValue(run: string, value: Buffer | null): ValueName | null {
  if (value === null) return null;
  const text = value.toString();
  const cut = text.lastIndexOf("/");
  const body = text.slice(0, cut);
  if (cut < 0 || crc32c(Buffer.from(body)).toString(16) !== text.slice(cut + 1)) return null;
  const [writer, lane, counter] = body.split("/");
  if (writer !== run) return null;
  return { lane: Number(lane), counter: Number(counter) };
}
