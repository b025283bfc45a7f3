// Compresses the records of a batch, for clients, tests and the batches that a broker itself writes.
import { gzipSync, zstdCompressSync } from "node:zlib";
import { packLz4 } from "./lz4.ts";
import { packSnappy } from "./snappy.ts";

/** `codec` as in a batch's attributes: 1 gzip, 2 snappy (xerial framing), 3 lz4 (frame), 4 zstd. */
export function compress(codec: 1 | 2 | 3 | 4, bytes: Uint8Array): Uint8Array {
  switch (codec) {
    case 1:
      return gzipSync(bytes);
    case 2:
      return packSnappy(bytes);
    case 3:
      return packLz4(bytes);
    case 4:
      return zstdCompressSync(bytes);
  }
}
