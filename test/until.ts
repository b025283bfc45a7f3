// For tests with real processes, sockets and disks: they wait for what must happen, for as long as it takes, and never for a
// length of time, because nobody knows how fast the machine is.
import { setTimeout as pause } from "node:timers/promises";

/** Of any test, hook or program: no machine is so slow, only what hangs gets there. */
export const HANG_MS = 600_000;

const LOOK_EVERY_MS = 5;

/** Resolves when `holds` does. The test's own time-out ends it when it never does. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await pause(LOOK_EVERY_MS);
}
