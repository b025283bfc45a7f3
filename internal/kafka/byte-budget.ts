// What all connections together may hold in requests and answers. Above the limit none is read, except one: the first
// that stopped in the middle of a frame goes on until that frame is complete, because a broker whose whole budget is
// halves of frames would otherwise wait for ever.

export interface BudgetHolder {
  /** Whether it holds the beginning of a frame. */
  readonly isMidFrame: boolean;
  /** Tries to read again; answers whether it does. */
  readAgain(): boolean;
}

export class ByteBudget {
  bytes = 0;
  readonly #bytesMax: number;
  readonly #waiting = new Set<BudgetHolder>();
  #favoured: BudgetHolder | null = null;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get waitingCount(): number {
    return this.#waiting.size;
  }

  /** Counts what a connection holds more, or less, than before. */
  change(delta: number): void {
    this.bytes += delta;
    if (delta < 0 && this.#waiting.size > 0 && this.bytes <= this.#bytesMax) this.#wake();
  }

  /** Whether `holder` may be read now. If not, it is told when that changes. */
  admits(holder: BudgetHolder): boolean {
    if (this.bytes <= this.#bytesMax) return true;
    if (holder.isMidFrame && (this.#favoured ?? holder) === holder) {
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
    if (this.#waiting.size > 0) this.#wake();
  }

  /** The holder is gone. */
  leave(holder: BudgetHolder): void {
    this.#waiting.delete(holder);
    this.completed(holder);
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
