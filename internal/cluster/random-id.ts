// Random 128-bit ids in their text form: 22 characters of URL-safe base64 without padding.
import type { Entropy } from "../ports/entropy.ts";

const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/**
 * Never begins with "-", which command lines would take for an option (and which excludes no id that Kafka gives),
 * and is never one of the two ids that Kafka reserves (0 and 1), because its first digit is not "A".
 */
export function randomId(entropy: Entropy): string {
  const bytes = new Uint8Array(16);
  entropy.fill(bytes);
  // The first digit is the top six bits: one of 62.
  bytes[0] = ((1 + entropy.below(61)) << 2) | (bytes[0]! & 3);
  return idText(bytes);
}

/** The text of 16 bytes. */
export function idText(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const word = (bytes[at]! << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const digits = Math.min(4, Math.ceil(((bytes.length - at) * 8) / 6));
    for (let digit = 0; digit < digits; digit++) text += DIGITS[(word >> (18 - 6 * digit)) & 63];
  }
  return text;
}
