// The one clock of a run: milliseconds since its start, monotonic. Everything in a report and in a history is on it.

export type RunClock = () => number;

export function startClock(): RunClock {
  const startedMs = performance.now();
  return () => performance.now() - startedMs;
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
