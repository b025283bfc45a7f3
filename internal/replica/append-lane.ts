// One lane of one session in the sending direction: numbered append frames, and for each the rows that await the
// peer's cumulative acknowledgement (F3). A new session has new lanes, so an acknowledgement of an older one finds none.
import type { LogIndex, ReplicaId, Term } from "../model/ids.ts";
import type { Lane, Session } from "../transport/contract.ts";
import type { Acknowledgement } from "./control-frames.ts";
import type { Replica } from "./replica.ts";

export interface SentRow {
  readonly replica: Replica;
  readonly peer: ReplicaId;
  readonly term: Term;
  /** The last index that the row covers: its previous index when it has no entries. */
  readonly last: LogIndex;
}

interface SentFrame {
  readonly sequence: number;
  readonly bytes: number;
  readonly rows: readonly SentRow[];
}

export class AppendLane {
  readonly #session: Session;
  readonly #lane: Lane;
  readonly #type: number;
  readonly #sent: SentFrame[] = [];
  #sequence = 0;
  /** Bytes sent and not acknowledged. */
  unacknowledgedBytes = 0;

  constructor(session: Session, lane: Lane, type: number) {
    this.#session = session;
    this.#lane = lane;
    this.#type = type;
  }

  get nextSequence(): number {
    return this.#sequence + 1;
  }

  /** Sends a frame numbered `nextSequence`; false when the lane is full. */
  send(parts: readonly Uint8Array[], rows: readonly SentRow[], released: () => void): boolean {
    if (!this.#session.send(this.#lane, this.#type, parts, released)) return false;
    let bytes = 0;
    for (const part of parts) bytes += part.length;
    this.#sequence++;
    this.#sent.push({ sequence: this.#sequence, bytes, rows });
    this.unacknowledgedBytes += bytes;
    return true;
  }

  /**
   * Takes an acknowledgement. Every row that it covers goes to `accepted`, or to `excepted` when it is an exception.
   * False: it acknowledges what was never sent.
   */
  acknowledged(
    acknowledgement: Acknowledgement,
    accepted: (row: SentRow) => void,
    excepted: (row: SentRow, isRejected: boolean) => void,
  ): boolean {
    const { sequence, exceptions } = acknowledgement;
    if (sequence > this.#sequence) return false;
    const count = this.#sent.findIndex((frame) => frame.sequence > sequence);
    const frames = this.#sent.splice(0, count < 0 ? this.#sent.length : count);
    for (const frame of frames) {
      this.unacknowledgedBytes -= frame.bytes;
      frame.rows.forEach((row, k) => {
        const exception = exceptions.find((e) => e.sequence === frame.sequence && e.row === k);
        if (exception === undefined) accepted(row);
        else excepted(row, exception.isRejected);
      });
    }
    return true;
  }
}
