// Brings entries that left the arena to a follower behind: reads them back from the journal's files, a bounded piece at a
// time, and sends them on the bulk connection, so that neither the data lane nor the event loop waits for a disk (F6).
import { assert } from "../base/assert.ts";
import type { SharedJournal } from "../journal/owner.ts";
import type { LogIndex, ReplicaId } from "../model/ids.ts";
import type { Session } from "../transport/contract.ts";
import { AppendFrameWriter } from "./append-frame.ts";
import { AppendLane } from "./append-lane.ts";
import type { SentRow } from "./append-lane.ts";
import { CATCH_UP_FRAME } from "./control-frames.ts";
import { headerOf } from "./outbox.ts";
import { readVerified } from "./read-verified.ts";
import type { Replica } from "./replica.ts";

const PIECE_ENTRIES_MAX = 256;
/** Groups that are caught up to one peer at a time. */
const CONCURRENT_MAX = 16;

export interface CatchUpEvents {
  /** This group's piece was acknowledged, or it cannot go on this way: the outbox may have it again. */
  finished(replica: Replica, peer: ReplicaId, progressed: boolean): void;
}

export class CatchUp {
  readonly lane: AppendLane;
  readonly #session: Session;
  readonly #journal: SharedJournal;
  readonly #events: CatchUpEvents;
  readonly #pieceBytesMax: number;
  readonly #waiting = new Map<Replica, ReplicaId>();
  readonly #active = new Map<Replica, ReplicaId>();

  constructor(
    session: Session,
    journal: SharedJournal,
    /** A piece ends with the entry that brings it here. */
    pieceBytesMax: number,
    events: CatchUpEvents,
  ) {
    this.#pieceBytesMax = pieceBytesMax;
    this.#session = session;
    this.#journal = journal;
    this.#events = events;
    this.lane = new AppendLane(session, "bulk", CATCH_UP_FRAME);
  }

  start(replica: Replica, peer: ReplicaId): void {
    if (this.#active.has(replica) || this.#waiting.has(replica)) return;
    this.#waiting.set(replica, peer);
    this.#next();
  }

  isBusy(replica: Replica): boolean {
    return this.#active.has(replica) || this.#waiting.has(replica);
  }

  /** The piece of a row was acknowledged, or refused. */
  settled(row: SentRow, isAccepted: boolean): void {
    this.#finish(row.replica, row.peer, isAccepted);
  }

  #next(): void {
    for (const [replica, peer] of this.#waiting) {
      if (this.#active.size >= CONCURRENT_MAX) return;
      this.#waiting.delete(replica);
      this.#active.set(replica, peer);
      void this.#bring(replica, peer);
    }
  }

  #finish(replica: Replica, peer: ReplicaId, progressed = false): void {
    this.#active.delete(replica);
    if (!this.#session.open) return;
    this.#events.finished(replica, peer, progressed);
    this.#next();
  }

  async #bring(replica: Replica, peer: ReplicaId): Promise<void> {
    const wanted = replica.machine.outgoing(peer);
    if (wanted === null || wanted.last < wanted.first) return this.#finish(replica, peer);
    const payloads = await this.#read(replica, wanted.first, wanted.last);
    if (!this.#session.open) return this.#finish(replica, peer);
    const now = replica.machine.outgoing(peer);
    const isStale = now === null || now.first !== wanted.first || now.term !== wanted.term;
    if (isStale || payloads.length === 0) return this.#finish(replica, peer);
    const writer = new AppendFrameWriter();
    writer.begin();
    const { term, prevIndex, prevTerm, commit } = now;
    const { group, self } = replica;
    writer.row({ group, to: peer, from: self, term, prevIndex, prevTerm, commit });
    payloads.forEach((_, k) => writer.entry(headerOf(replica, (now.first + k) as LogIndex)));
    const last = (now.first + payloads.length - 1) as LogIndex;
    assert(last <= now.last, "a piece ends within what Raft would send");
    const parts = [writer.take(this.lane.nextSequence), ...payloads.filter((p) => p.length > 0)];
    if (!this.lane.send(parts, [{ replica, peer, term, last }], () => {})) {
      return this.#finish(replica, peer);
    }
    replica.machine.sent(peer, last, commit);
  }

  async #read(replica: Replica, first: LogIndex, last: LogIndex): Promise<readonly Uint8Array[]> {
    const payloads: Uint8Array[] = [];
    let bytes = 0;
    for (let index = first; index <= last && payloads.length < PIECE_ENTRIES_MAX; index++) {
      if (bytes >= this.#pieceBytesMax || !replica.entries.has(index)) break;
      const length = replica.entries.length(index);
      const header = headerOf(replica, index);
      if (length > 0) {
        const payload = await readVerified(replica, this.#journal, header);
        if (payload === null) break;
        payloads.push(payload);
      } else payloads.push(new Uint8Array(0));
      bytes += length;
    }
    return payloads;
  }
}
