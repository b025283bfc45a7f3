// What is read off two looks at a process: how much CPU a unit of work took, how many a second there were, and how two
// figures compare. Nothing here measures.

export interface Look {
  readonly atMs: number;
  readonly cpuSeconds: number;
}

export interface Spent {
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Part of one core. */
  readonly share: number;
}

/** Nothing divided by nothing is nothing known. */
export function ratio(part: number, whole: number): number {
  return whole === 0 ? NaN : part / whole;
}

export function spent(from: Look, to: Look): Spent {
  const seconds = (to.atMs - from.atMs) / 1_000;
  const cpuSeconds = to.cpuSeconds - from.cpuSeconds;
  return { seconds, cpuSeconds, share: ratio(cpuSeconds, seconds) };
}

/** CPU microseconds of one unit of work, without what the process takes when nothing is asked of it. */
export function cpuMicrosEach(work: Spent, count: number, idleShare = 0): number {
  const own = Math.max(0, work.cpuSeconds - idleShare * work.seconds);
  return ratio(own * 1e6, count);
}

export function perSecond(count: number, { seconds }: Spent): number {
  return ratio(count, seconds);
}

/** "3.2 x"; a dash where there is nothing to compare. */
export function showRatio(part: number, whole: number): string {
  const value = ratio(part, whole);
  return Number.isFinite(value) ? `${value.toFixed(value < 10 ? 2 : 0)} x` : "-";
}
