// Notices that the machine was suspended: the monotonic clock stood still, the wall clock did not. A wall clock may also be
// set; then the time since boot, which runs on in a suspend and cannot be set, decides. It costs a system call, the other
// two do not.

export interface SuspendClocks {
  wallMs(): number;
  /** Stands still in a suspend. */
  upMs(): number;
  /** Runs on in a suspend. */
  bootMs(): number;
}

/** Readings of clocks further apart than this may have the thread's own pause between them. */
const TORN_MS_MIN = 5;
const READINGS_MAX = 3;
/** Shorter ones are within the margin of a lease; the time since boot comes in hundredths of a second. */
const SUSPEND_MS_MIN = 20;

export class SuspendWatch {
  readonly #clocks: SuspendClocks;
  #wallAheadMs: number;
  #bootAheadMs: number;
  #awakeSinceMs = -Infinity;

  constructor(clocks: SuspendClocks) {
    this.#clocks = clocks;
    const upMs = clocks.upMs();
    this.#wallAheadMs = clocks.wallMs() - upMs;
    this.#bootAheadMs = clocks.bootMs() - upMs;
  }

  /** See `Clock.awakeSinceMs`. */
  awakeSinceMs(): number {
    const clocks = this.#clocks;
    let upMs = 0;
    let wallAheadMs = 0;
    let bootAheadMs = 0;
    // A thread that was kept from running between two readings would look suspended. After many of them it counts as such.
    for (let reading = 0; reading < READINGS_MAX; reading++) {
      upMs = clocks.upMs();
      wallAheadMs = clocks.wallMs() - upMs;
      if (Math.abs(wallAheadMs - this.#wallAheadMs) < SUSPEND_MS_MIN) return this.#awakeSinceMs;
      bootAheadMs = clocks.bootMs() - upMs;
      if (clocks.upMs() - upMs < TORN_MS_MIN) break;
    }
    this.#wallAheadMs = wallAheadMs;
    if (bootAheadMs - this.#bootAheadMs < SUSPEND_MS_MIN) return this.#awakeSinceMs;
    this.#bootAheadMs = bootAheadMs;
    this.#awakeSinceMs = upMs;
    return upMs;
  }
}
