// What all connections together may hold in requests and answers. Above the limit none is read: what is under way ends
// and makes room. Where nothing is under way, because the whole budget is halves of frames, one connection after another
// is read all the same until its frame is complete, or the broker would wait for ever.

export interface BudgetHolder {
  /** Whether it holds the beginning of a frame. */
  readonly isMidFrame: boolean;
  /** Tries to read again; answers whether it does. */
  readAgain(): boolean;
}

export class ByteBudget {
  bytes = 0;
  /** How much of it belongs to requests and answers under way, which end by themselves. */
  #busyBytes = 0;
  readonly #bytesMax: number;
  readonly #waiting = new Set<BudgetHolder>();
  #favoured: BudgetHolder | null = null;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /**
   * Counts what a connection holds more, or less, than before: received bytes that are no request yet, and requests and
   * answers under way.
   */
  change(pendingDelta: number, busyDelta: number): void {
    this.bytes += pendingDelta + busyDelta;
    this.#busyBytes += busyDelta;
    this.#wakeIfDue();
  }

  get #isStuck(): boolean {
    return this.#busyBytes === 0 && this.#favoured === null;
  }

  /** Whether `holder` may be read now. If not, it is told when that changes. */
  admits(holder: BudgetHolder): boolean {
    if (this.bytes <= this.#bytesMax) return true;
    if (this.#favoured === holder) return true;
    if (this.#isStuck && holder.isMidFrame) {
      this.#favoured = holder;
      return true;
    }
    this.#waiting.add(holder);
    return false;
  }

  /** The holder has completed its frame. */
  completed(holder: BudgetHolder): void {
    if (this.#favoured !== holder) return;
    this.#favoured = null;
    this.#wakeIfDue();
  }

  /** The holder is gone. */
  leave(holder: BudgetHolder): void {
    this.#waiting.delete(holder);
    this.completed(holder);
  }

  #wakeIfDue(): void {
    if (this.#waiting.size === 0) return;
    if (this.bytes <= this.#bytesMax || this.#isStuck) this.#wake();
  }

  /** Above the limit, only the first that may go on; below it, one after another until it is reached again. */
  #wake(): void {
    for (const holder of [...this.#waiting]) {
      if (!this.#waiting.delete(holder)) continue;
      const reads = holder.readAgain();
      if (reads && this.bytes > this.#bytesMax) return;
    }
  }
}
