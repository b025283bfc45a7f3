// What this broker's leaders send to one peer in one session: once per turn, one append frame with the news of all groups
// (docs/ARCHITECTURE.md, "One turn"). Entries that the arena lends are sent as slices of it; older ones go through catch-up.
import type { SharedJournal } from "../journal/owner.ts";
import type { LogIndex, ReplicaId } from "../model/ids.ts";
import type { Outgoing } from "../raft/event.ts";
import type { RecordHeader } from "../record/record.ts";
import type { Session } from "../transport/contract.ts";
import { AppendFrameWriter } from "./append-frame.ts";
import { AppendLane } from "./append-lane.ts";
import type { SentRow } from "./append-lane.ts";
import { APPEND_FRAME } from "./control-frames.ts";
import { PinnedSlices } from "./pinned-slices.ts";
import { isController } from "./precedence.ts";
import type { Replica } from "./replica.ts";

const FRAME_PARTS_MAX = 512;
/** A frame's acknowledgement must fit the control lane even if every row of it is refused. */
const FRAME_ROWS_MAX = 512;
/** Bytes on their way to one peer; beyond it the outbox waits for acknowledgements. */
const UNACKNOWLEDGED_BYTES_MAX = 16 * 1024 * 1024;

export interface OutboxEvents {
  /** The next entry for this peer left memory: bring it by catch-up, then say ready again. */
  leftMemory(replica: Replica, peer: ReplicaId): void;
  /** Only commit positions wait: call `flush(true)` soon. */
  commitsWait(): void;
}

export class Outbox {
  readonly session: Session;
  readonly lane: AppendLane;
  readonly #journal: SharedJournal;
  readonly #events: OutboxEvents;
  readonly #frameBytesMax: number;
  readonly #ready = new Map<Replica, ReplicaId>();
  /** The controller's group, which goes before all others (L8). */
  readonly #controller = new Map<Replica, ReplicaId>();
  readonly #writer = new AppendFrameWriter();
  #payloads: PinnedSlices;
  #rows: SentRow[] = [];

  constructor(
    session: Session,
    journal: SharedJournal,
    /** A frame is closed when it has this many payload bytes; one larger entry still travels whole. */
    frameBytesMax: number,
    events: OutboxEvents,
  ) {
    this.#frameBytesMax = frameBytesMax;
    this.session = session;
    this.lane = new AppendLane(session, "data", APPEND_FRAME);
    this.#journal = journal;
    this.#events = events;
    this.#payloads = new PinnedSlices(journal);
  }

  ready(replica: Replica, peer: ReplicaId): void {
    (isController(replica.group) ? this.#controller : this.#ready).set(replica, peer);
  }

  /** End of turn. `withCommits` also sends rows that carry nothing but a commit position. */
  flush(withCommits: boolean): void {
    if (this.#ready.size === 0 && this.#controller.size === 0) return;
    this.#begin();
    if (this.#drainAll(this.#controller, withCommits)) this.#drainAll(this.#ready, withCommits);
    this.#close();
  }

  /** False: no more goes out now. */
  #drainAll(ready: Map<Replica, ReplicaId>, withCommits: boolean): boolean {
    for (const [replica, peer] of ready) {
      if (this.lane.unacknowledgedBytes > UNACKNOWLEDGED_BYTES_MAX) return false;
      const drained = this.#drain(replica, peer, withCommits);
      if (drained === "full") return false;
      // What waits stays: the machine says "ready" again only after it was asked in vain, and new entries must not wait.
      if (drained === "empty") ready.delete(replica);
    }
    return true;
  }

  /** Puts all that a peer may get of one group into frames. "waits": only a commit position is left. */
  #drain(replica: Replica, peer: ReplicaId, withCommits: boolean): "empty" | "waits" | "full" {
    for (;;) {
      const outgoing = replica.machine.outgoing(peer);
      if (outgoing === null) return "empty";
      const isCommitOnly = outgoing.last < outgoing.first;
      if (isCommitOnly && !withCommits && this.#mayWait(replica, peer, outgoing)) {
        this.#events.commitsWait();
        return "waits";
      }
      if (!isCommitOnly && !this.#inMemory(replica, outgoing.first)) {
        this.#events.leftMemory(replica, peer);
        return "empty";
      }
      this.#row(replica, peer, outgoing);
      if (this.#isFull()) {
        if (!this.#close()) return "full";
        this.#begin();
      }
    }
  }

  /** A probe without entries must go out at once; a commit position of a peer in step may ride with the next entries. */
  #mayWait(replica: Replica, peer: ReplicaId, outgoing: Outgoing): boolean {
    return replica.machine.match(peer) >= outgoing.prevIndex;
  }

  #row(replica: Replica, peer: ReplicaId, outgoing: Outgoing): void {
    const { term, prevIndex, prevTerm, commit } = outgoing;
    this.#writer.row({
      group: replica.group,
      to: peer,
      from: replica.self,
      term,
      prevIndex,
      prevTerm,
      commit,
    });
    let last = (outgoing.first - 1) as LogIndex;
    while (last < outgoing.last) {
      const next = (last + 1) as LogIndex;
      if (this.#isFull() || !this.#entry(replica, next)) break;
      last = next;
    }
    this.#rows.push({ replica, peer, term, last: last < prevIndex ? prevIndex : last });
    replica.machine.sent(peer, last, commit);
  }

  #entry(replica: Replica, index: LogIndex): boolean {
    const length = replica.entries.length(index);
    if (length > 0 && !this.#payloads.add(replica.entries.position(index), length)) return false;
    this.#writer.entry(headerOf(replica, index));
    return true;
  }

  #inMemory(replica: Replica, index: LogIndex): boolean {
    const length = replica.entries.length(index);
    return length === 0 || this.#journal.lends(replica.entries.position(index), length);
  }

  #isFull(): boolean {
    const { bytes, count } = this.#payloads;
    return (
      bytes >= this.#frameBytesMax ||
      count >= FRAME_PARTS_MAX ||
      this.#rows.length >= FRAME_ROWS_MAX
    );
  }

  #begin(): void {
    this.#writer.begin();
    this.#payloads = new PinnedSlices(this.#journal);
    this.#rows = [];
  }

  /** Sends the frame under construction. When the lane refuses it, its rows are void: the peer is probed again. */
  #close(): boolean {
    if (this.#rows.length === 0) return true;
    const payloads = this.#payloads;
    const rows = this.#rows;
    const parts = [this.#writer.take(this.lane.nextSequence), ...payloads.slices];
    this.#rows = [];
    if (this.lane.send(parts, rows, () => payloads.release())) return true;
    payloads.release();
    for (const row of rows) {
      row.replica.handle({ on: "peer-back", peer: row.peer });
      this.ready(row.replica, row.peer);
    }
    return false;
  }
}

/** The record header of an entry of a replica's log, as it stands in the journal and goes over a link (J2). */
export function headerOf(replica: Replica, index: LogIndex): RecordHeader {
  const { entries, machine, group, partition, self } = replica;
  return {
    type: "append",
    kind: entries.kind(index),
    group,
    partition,
    replica: self,
    term: machine.termAt(index) ?? (0 as never),
    index,
    baseOffset: entries.baseOffset(index),
    recordCount: entries.recordCount(index),
    length: entries.length(index),
    checksum: entries.checksum(index),
    headSum: entries.headSum(index),
    vote: 0 as ReplicaId,
  };
}
