// Random 128-bit ids in their text form: 22 characters of URL-safe base64 without padding.
import { isUuid, readUuid } from "../bytes/uuid.ts";
import type { Entropy } from "../ports/entropy.ts";

/**
 * Never begins with "-", which command lines would take for an option (and which excludes no id that Kafka gives),
 * and is never one of the two ids that Kafka reserves (0 and 1), because its first digit is not "A".
 */
export function randomId(entropy: Entropy): string {
  const bytes = new Uint8Array(16);
  entropy.fill(bytes);
  // The first digit is the top six bits, here from B to 9.
  bytes[0] = ((1 + entropy.below(61)) << 2) | (bytes[0]! & 3);
  return readUuid(new DataView(bytes.buffer), 0);
}

/** Sixteen zero bytes mean "no id" wherever ids are written. */
const NO_ID = "A".repeat(22);

export function isId(text: string): boolean {
  return isUuid(text) && text !== NO_ID;
}
