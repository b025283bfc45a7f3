// How long this program waits for what must come: so long that only a hang is longer, on any machine.

export const HANG_MS = 180_000;
