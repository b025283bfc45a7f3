// Ids of members that do not choose their own.
import { toHex } from "../bytes/hex.ts";
import type { Entropy } from "../ports/entropy.ts";
import { ID_PREFIX_CHARS_MAX } from "./limits.ts";

/** As Kafka's own: the client's or the instance's name, and a random UUID. */
export function newMemberId(prefix: string, entropy: Entropy): string {
  const bytes = new Uint8Array(16);
  entropy.fill(bytes);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = toHex(bytes);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  // Half a character would become another one on its way to the client and back.
  const begin = prefix.slice(0, ID_PREFIX_CHARS_MAX).toWellFormed();
  return `${begin}-${parts.join("-")}-${hex.slice(20)}`;
}
