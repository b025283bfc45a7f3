// What an idle journal writes: a seal that vouches for the last batch, which nothing else does (J7), and then, while the
// owner wants it, a pulse every second, so that a stalled disk shows although nobody writes (L4). A pulse takes no room: an
// idle broker does not fill its disk (J11).
import type { Cancel, Clock } from "../ports/clock.ts";

const KEEP_ALIVE_MS = 1_000;

export interface SealedJournal {
  /** Nothing is queued and nothing is being written. */
  readonly isIdle: () => boolean;
  readonly endsWithSeal: () => boolean;
  readonly seal: () => void;
  /** False: there is no place for one at the end of this file, and a seal opens the next. */
  readonly pulse: () => boolean;
}

export class IdleSeal {
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #journal: SealedJournal;
  #keepAlive = false;
  #idleSinceMs: number;
  #timer: Cancel | null = null;
  #isStopped = false;

  constructor(clock: Clock, idleMs: number, journal: SealedJournal) {
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#journal = journal;
    this.#idleSinceMs = clock.upMs();
    this.#watch();
  }

  get keepAlive(): boolean {
    return this.#keepAlive;
  }

  set keepAlive(isWanted: boolean) {
    this.#keepAlive = isWanted;
    this.#watch();
  }

  /** A write ended. */
  written(nowMs: number): void {
    this.#idleSinceMs = nowMs;
    this.#watch();
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.();
    this.#timer = null;
  }

  #watch(): void {
    if (this.#timer !== null || this.#isStopped) return;
    if (!this.#journal.isIdle()) return; // the end of the write comes back here
    const isSealed = this.#journal.endsWithSeal();
    if (isSealed && !this.#keepAlive) return;
    const waitMs = isSealed ? KEEP_ALIVE_MS : this.#idleMs;
    this.#timer = this.#clock.after(Math.max(0, waitMs - this.#idleForMs()), () => {
      this.#timer = null;
      if (!this.#journal.isIdle() || this.#idleForMs() < waitMs) return this.#watch();
      if (!this.#journal.endsWithSeal() || !this.#journal.pulse()) this.#journal.seal();
    });
  }

  #idleForMs(): number {
    return this.#clock.upMs() - this.#idleSinceMs;
  }
}
