// One run of one simulated process: node name and incarnation. After its death nothing of it runs any
// more; while it is frozen (SIGSTOP) what is due waits here and is delivered at once when it thaws.

/** What kind of moment an event is in its process's event loop; after a freeze, timers come first (L3). */
export type EventPhase = 0 | 1 | 2;

/** Something that will happen, to one life or to the world itself. */
export interface SimEvent {
  timeUs: number;
  order: number;
  readonly phase: EventPhase;
  readonly life: Life | null;
  readonly label: string;
  readonly mark: number;
  /** Null once it ran or was cancelled. */
  run: (() => void) | null;
}

export class Life {
  readonly node: string;
  readonly incarnation: number;
  /** Distinct for every life of a simulation; goes into the trace hash. */
  readonly number: number;
  /** Events that came due while frozen, in the order in which they came due. */
  backlog: SimEvent[] = [];
  frozen = false;
  /** Since when the machine sleeps, µs; null while it does not. */
  suspendedAtUs: number | null = null;
  /** When it last went on after a freeze. */
  thawedAtUs = -1;
  #alive = true;
  readonly #endings: (() => void)[] = [];

  constructor(node: string, incarnation: number, number: number) {
    this.node = node;
    this.incarnation = incarnation;
    this.number = number;
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Runs `ending` when this life ends: what the kernel does for a dead process (locks, sockets). */
  onEnd(ending: () => void): void {
    this.#endings.push(ending);
  }

  /** Ends this life. Twice is the same as once. */
  end(): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.backlog = [];
    for (const ending of this.#endings.splice(0)) ending();
  }
}
