// Time as the core sees it. Nothing outside the host and the simulator reads a clock by itself.

/** Cancels what returned it. Calling it twice, or after the event, does nothing. */
export type Cancel = () => void;

export interface Clock {
  /** Wall clock, whole milliseconds since 1970. May jump either way; only for what users see. */
  nowMs(): number;
  /** Monotonic milliseconds since some fixed moment, with a fraction. */
  upMs(): number;
  /**
   * The `upMs` at which this machine last came out of a suspend, during which `upMs` may have stood
   * still; -Infinity when it has not been suspended. A suspend is noticed by the first call after it.
   */
  awakeSinceMs(): number;
  /** Runs `wake` once, not before `delayMs` have passed. Never runs it inside this call. */
  after(delayMs: number, wake: () => void): Cancel;
  /**
   * Runs `flush` once, after every socket that is readable now was read: the end of the turn.
   * Calls made during a flush run at the end of the next turn. In the order of the calls.
   * From a timer this is the first moment at which buffered input has been seen (L3).
   */
  turnEnd(flush: () => void): void;
}
