// The one checksum of the journal: CRC-32C, which for record batches is also Kafka's own.
import { crc32c } from "@node-rs/crc32";

/** The sum of `bytes`, or of what `previous` is the sum of followed by `bytes`. */
export function sumOf(bytes: Uint8Array, previous = 0): number {
  return crc32c(bytes as Buffer, previous);
}
