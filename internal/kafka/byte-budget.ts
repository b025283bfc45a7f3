// What all connections together may hold in requests and answers. Above the limit none is read: what is under way ends
// and makes room. Where nothing is under way, because the whole budget is halves of frames, one connection after another
// is read all the same until its frame is complete, or the broker would wait for ever.
//
// The last quarter is kept for connections that hold little, so that a few greedy ones do not stop all the others.

export interface BudgetHolder {
  /** What it holds itself of the budget. */
  readonly heldBytes: number;
  /** Whether it holds the beginning of a frame. */
  readonly isMidFrame: boolean;
  /** Tries to read again; answers whether it does. */
  readAgain(): boolean;
}

/** A connection that holds less may use the last quarter. */
export const SMALL_BYTES_MAX = 256 << 10;

export class ByteBudget {
  bytes = 0;
  /** How much of it belongs to requests and answers under way, which end by themselves. */
  #busyBytes = 0;
  readonly #bytesMax: number;
  /** The limit for whoever does not hold little. */
  readonly #crowdBytesMax: number;
  readonly #waiting = new Set<BudgetHolder>();
  readonly #waitingSmall = new Set<BudgetHolder>();
  #favoured: BudgetHolder | null = null;
  /** Whether it was full when `staysFull` was asked last, and has been ever since. */
  #isFull = false;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#crowdBytesMax = bytesMax - Math.floor(bytesMax / 4);
  }

  get waitingCount(): number {
    return this.#waiting.size + this.#waitingSmall.size;
  }

  /** Whether connections have been waiting for room without a break since this was asked last. */
  staysFull(): boolean {
    const wasFull = this.#isFull;
    this.#isFull = this.waitingCount > 0 && this.bytes > this.#crowdBytesMax;
    return wasFull && this.#isFull;
  }

  /** Whether this one is read although there is no room. */
  favours(holder: BudgetHolder): boolean {
    return this.#favoured === holder;
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
    const isSmall = holder.heldBytes < SMALL_BYTES_MAX;
    if (this.bytes <= (isSmall ? this.#bytesMax : this.#crowdBytesMax)) return true;
    if (this.#favoured === holder) return true;
    if (this.#isStuck && holder.isMidFrame) {
      this.#favoured = holder;
      return true;
    }
    (isSmall ? this.#waitingSmall : this.#waiting).add(holder);
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
    this.#waitingSmall.delete(holder);
    this.completed(holder);
  }

  #wakeIfDue(): void {
    if (this.bytes <= this.#crowdBytesMax) this.#isFull = false;
    this.#wake(this.#waitingSmall, this.#bytesMax);
    this.#wake(this.#waiting, this.#crowdBytesMax);
  }

  /** Above the limit, only the first that may go on; below it, one after another until it is reached again. */
  #wake(waiting: Set<BudgetHolder>, limitBytes: number): void {
    if (waiting.size === 0 || (this.bytes > limitBytes && !this.#isStuck)) return;
    for (const holder of [...waiting]) {
      if (!waiting.delete(holder)) continue;
      const reads = holder.readAgain();
      if (reads && this.bytes > limitBytes) return;
    }
  }
}
