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
    const upMs = this.#clocks.upMs();
    const wallAheadMs = this.#clocks.wallMs() - upMs;
    if (Math.abs(wallAheadMs - this.#wallAheadMs) < SUSPEND_MS_MIN) return this.#awakeSinceMs;
    this.#wallAheadMs = wallAheadMs;
    const bootAheadMs = this.#clocks.bootMs() - upMs;
    if (bootAheadMs - this.#bootAheadMs < SUSPEND_MS_MIN) return this.#awakeSinceMs;
    this.#bootAheadMs = bootAheadMs;
    this.#awakeSinceMs = upMs;
    return upMs;
  }
}
