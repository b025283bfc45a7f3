// Loops over groups in slices of a few milliseconds (L7): the event loop comes back between two slices, so pings and
// client requests never wait for a loop over all groups.
import type { Clock } from "../ports/clock.ts";

const SLICE_MS_MAX = 4;
const CHECK_EVERY = 64;

/**
 * Runs `visit` for every item, the first slice inside this call. Items are copied first: what joins or leaves meanwhile is
 * the visitor's business.
 */
export function inSlices<T>(clock: Clock, items: Iterable<T>, visit: (item: T) => void): void {
  const all = [...items];
  let at = 0;
  const slice = (): void => {
    const untilMs = clock.upMs() + SLICE_MS_MAX;
    while (at < all.length) {
      visit(all[at++] as T);
      if (at % CHECK_EVERY === 0 && clock.upMs() >= untilMs) return clock.turnEnd(slice);
    }
  };
  slice();
}
