// One side of a simulated TCP connection. Bytes are copied when written, travel in order in pieces cut at
// random places, and stall while the way is cut. The rules of the port are enforced: what is lent to a
// receiver is overwritten when it returns, and what a sender lent must be unchanged when it is released.
//
// States: opening → open → over; an accepted side begins open. A side is over when its process may
// hear of nothing more but `closed`, which follows in an event of its own.
import type {
  Address,
  CloseReason,
  Connection,
  ConnectionEvents,
} from "../../../internal/ports/wire.ts";
import { assert } from "../../../internal/base/assert.ts";
import { joined } from "./joined.ts";
import type { Life } from "./life.ts";
import { DELIVERY } from "./scheduler.ts";
import type { Fabric } from "./sim-fabric.ts";
import { contentMark } from "./trace-hash.ts";

const READ_BYTES_MAX = 64 << 10;
const POISON = 0xdb;
/** The first wait before bytes that did not arrive are sent again; it doubles. */
const RETRY_US = 200_000;
const RETRY_US_MAX = 5_000_000;

interface Written {
  /** What the caller lent. */
  readonly lent: Uint8Array;
  /** What it held at `write`. */
  readonly copy: Uint8Array;
  readonly released: (() => void) | null;
  /** How many bytes the system has taken. */
  taken: number;
}

/** Bytes or the end of the stream on their way to the other side. */
interface Segment {
  readonly bytes: Uint8Array | "end";
  readonly arrivesUs: number;
}

export class SimConnection implements Connection {
  readonly peer: Address;
  readonly peerNode: string;
  over = false;
  readonly #fabric: Fabric;
  readonly #life: Life;
  /** The open connections of the same machine. */
  readonly #siblings: Set<SimConnection>;
  #events: ConnectionEvents | null;
  #other: SimConnection | null = null;
  #open = false;
  // Sending.
  #queue: Written[] = [];
  #ready: Written[] = [];
  #bufferedBytes = 0;
  #wasBuffered = false;
  #ending: "no" | "wanted" | "sent" = "no";
  #travelling: Segment[] = [];
  /** Bytes that the system took and the other side has not read. */
  #windowUsed = 0;
  #stalledSinceUs: number | null = null;
  #retryUs = RETRY_US;
  #pumpPending = false;
  // Receiving.
  #inbox: Uint8Array[] = [];
  #inboxEnded = false;
  #paused = false;
  #readPending = false;

  constructor(
    fabric: Fabric,
    life: Life,
    peerNode: string,
    peer: Address,
    siblings: Set<SimConnection>,
    events: ConnectionEvents | null,
  ) {
    this.#fabric = fabric;
    this.#life = life;
    this.peerNode = peerNode;
    this.peer = peer;
    this.#siblings = siblings;
    this.#events = events;
  }

  get node(): string {
    return this.#life.node;
  }

  get bufferedBytes(): number {
    return this.over ? 0 : this.#bufferedBytes;
  }

  write(bytes: Uint8Array, released?: () => void): void {
    if (!this.#life.alive) return;
    if (this.over || this.#ending !== "no") {
      if (released !== undefined) this.#soon("wire dropped", released);
      return;
    }
    const copy = bytes.slice();
    this.#queue.push({ lent: bytes, copy, released: released ?? null, taken: 0 });
    this.#bufferedBytes += copy.length;
  }

  flush(): void {
    if (!this.#life.alive || this.over) return;
    this.#ready.push(...this.#queue);
    this.#queue = [];
    if (this.#open) this.#pump();
    if (this.#bufferedBytes > 0) this.#wasBuffered = true;
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#wantRead();
  }

  end(): void {
    if (!this.#life.alive || this.over || this.#ending !== "no") return;
    this.flush();
    this.#ending = "wanted";
    if (this.#open) this.#pump();
    this.#limitEnd();
  }

  destroy(): void {
    if (!this.#life.alive || this.over) return;
    this.#hangUp(this.#fabric.entropy.chance(500));
    this.#finish("destroyed");
  }

  // ---- for the network ----

  register(): void {
    this.#siblings.add(this);
  }

  pair(other: SimConnection): void {
    this.#other = other;
  }

  /** The other side has accepted. */
  establish(): void {
    if (this.over) {
      this.#sendReset(); // given up meanwhile
      return;
    }
    this.#open = true;
    this.#pump();
    this.#soon("wire opened", () => {
      if (!this.over) this.#events?.opened?.();
    });
  }

  /** The process takes the connection from its listener. */
  accept(accept: (connection: Connection) => ConnectionEvents): void {
    this.#open = true;
    this.#events = accept(this);
    this.#pump();
  }

  refuse(): void {
    this.#finish("refused");
  }

  timeOut(): void {
    this.#finish("timed-out");
  }

  /** Both sides see a reset. */
  breakBoth(): void {
    this.#other?.takeReset();
    this.takeReset();
  }

  /** The process is dead: its system closes the connection, or the machine is gone without a word. */
  abandon(silently: boolean): void {
    if (this.over) return;
    this.over = true;
    this.#queue = [];
    this.#ready = [];
    this.#inbox = [];
    if (silently) this.#travelling = [];
    else this.#hangUp(this.#fabric.entropy.chance(500));
  }

  takeReset(): void {
    this.#finish("reset");
  }

  /** Bytes, or the end, reach this side's system. */
  takeSegment(bytes: Uint8Array | "end"): void {
    if (this.over) {
      if (bytes !== "end") this.#sendReset(); // nobody holds this end any more
      return;
    }
    if (bytes === "end") this.#inboxEnded = true;
    else this.#inbox.push(bytes);
    this.#wantRead();
  }

  /** The other side has read `length` bytes: there is room for more. */
  credit(length: number): void {
    this.#windowUsed -= length;
    if (this.#ready.length === 0 || this.#pumpPending) return;
    this.#pumpPending = true;
    this.#world(this.#fabric.latencyUs(this.peerNode, this.node), "wire window", () => {
      this.#pumpPending = false;
      this.#pump();
    });
  }

  // ---- sending ----

  /** Hands to the system what fits into its window. */
  #pump(): void {
    if (this.over || !this.#open) return;
    const taken: Written[] = [];
    const pieces: Uint8Array[] = [];
    while (this.#ready.length > 0) {
      const room = this.#fabric.options.windowBytes - this.#windowUsed;
      const written = this.#ready[0] as Written;
      const piece = written.copy.subarray(written.taken, written.taken + Math.max(0, room));
      if (piece.length === 0 && written.copy.length > 0) break;
      pieces.push(piece);
      written.taken += piece.length;
      this.#windowUsed += piece.length;
      this.#bufferedBytes -= piece.length;
      if (written.taken < written.copy.length) break;
      taken.push(written);
      this.#ready.shift();
    }
    for (const piece of this.#cut(joined(pieces))) this.#send(piece);
    if (this.#ready.length === 0 && this.#ending === "wanted") {
      this.#ending = "sent";
      this.#send("end");
      if (this.#inboxEnded) this.#endIfRead();
    }
    if (taken.length > 0) this.#soon("wire taken", () => this.#release(taken), pieces.length);
  }

  #release(taken: readonly Written[]): void {
    for (const written of taken) {
      assert(same(written.lent, written.copy), "written bytes are unchanged until released");
      written.released?.();
    }
    if (this.over || !this.#wasBuffered || this.#bufferedBytes > 0) return;
    this.#wasBuffered = false;
    this.#events?.drained?.();
  }

  /** Cuts a chunk at random places: the receiver must not rely on where reads begin and end. */
  #cut(chunk: Uint8Array): Uint8Array[] {
    const { entropy, options } = this.#fabric;
    if (chunk.length === 0) return [];
    const pieces: Uint8Array[] = [];
    let rest = chunk;
    while (rest.length > 1 && entropy.chance(options.splitPermille)) {
      const most = entropy.chance(300) ? Math.min(16, rest.length - 1) : rest.length - 1;
      const at = entropy.between(1, most);
      pieces.push(rest.subarray(0, at));
      rest = rest.subarray(at);
    }
    pieces.push(rest);
    return pieces;
  }

  #send(bytes: Uint8Array | "end"): void {
    const fabric = this.#fabric;
    // Drawn for each segment alone: one that is faster waits behind the one before it.
    const arrivesUs = fabric.scheduler.nowUs + fabric.latencyUs(this.node, this.peerNode);
    this.#travelling.push({ bytes, arrivesUs });
    if (this.#travelling.length === 1) this.#awaitArrival(arrivesUs - fabric.scheduler.nowUs);
  }

  #awaitArrival(delayUs: number): void {
    const head = this.#travelling[0] as Segment;
    const mark = head.bytes === "end" ? 1 : contentMark(head.bytes);
    this.#world(delayUs, "wire arrival", () => this.#arrive(), mark);
  }

  /** The oldest segment would arrive now; if the way is cut it is tried again later. */
  #arrive(): void {
    const { scheduler, links, options, entropy } = this.#fabric;
    const head = this.#travelling[0];
    if (head === undefined) return; // the machine lost power, or a reset overtook it
    const clogUs = links.cloggedUntilUs(this.node, this.peerNode) - scheduler.nowUs;
    if (clogUs > 0) {
      this.#awaitArrival(clogUs + entropy.below(1_000));
      return;
    }
    if (!this.#fabric.reaches(this.node, this.peerNode)) {
      this.#stalledSinceUs ??= scheduler.nowUs;
      if (scheduler.nowUs - this.#stalledSinceUs > options.stallUsMax) {
        this.#finish("timed-out");
        return;
      }
      this.#awaitArrival(this.#retryUs + entropy.below(this.#retryUs / 2));
      this.#retryUs = Math.min(RETRY_US_MAX, this.#retryUs * 2);
      return;
    }
    this.#stalledSinceUs = null;
    this.#retryUs = RETRY_US;
    this.#travelling.shift();
    const next = this.#travelling[0];
    if (next !== undefined) this.#awaitArrival(Math.max(0, next.arrivesUs - scheduler.nowUs));
    this.#other?.takeSegment(head.bytes);
  }

  // ---- receiving ----

  #wantRead(): void {
    if (this.over || this.#paused || this.#readPending) return;
    if (this.#inbox.length === 0 && !this.#inboxEnded) return;
    this.#readPending = true;
    this.#soon("wire read", () => {
      this.#readPending = false;
      this.#read();
    });
  }

  #read(): void {
    if (this.over || this.#paused) return;
    const events = this.#events;
    if (events === null) return this.#wantRead(); // not accepted yet
    const chunk = this.#takeInbox();
    if (chunk.length > 0) {
      this.#other?.credit(chunk.length);
      events.received(chunk);
      chunk.fill(POISON);
    }
    if (this.#inbox.length === 0 && this.#inboxEnded && !this.#paused) this.#takeEnd();
    else this.#wantRead();
  }

  /** Up to one read buffer of what has arrived. */
  #takeInbox(): Uint8Array {
    const [only] = this.#inbox;
    if (this.#inbox.length === 1 && only !== undefined && only.length <= READ_BYTES_MAX) {
      this.#inbox = [];
      return only;
    }
    const pieces: Uint8Array[] = [];
    let room = READ_BYTES_MAX;
    while (room > 0) {
      const first = this.#inbox.shift();
      if (first === undefined) break;
      const piece = first.subarray(0, room);
      if (piece.length < first.length) this.#inbox.unshift(first.subarray(room));
      pieces.push(piece);
      room -= piece.length;
    }
    return joined(pieces);
  }

  /** The other side has ended: this side ends as soon as the system has taken what was flushed. */
  #takeEnd(): void {
    if (this.over) return;
    if (this.#ending === "no") {
      this.#ending = "wanted";
      this.#limitEnd();
      this.#pump();
    }
    this.#endIfRead();
  }

  #endIfRead(): void {
    if (this.#ending === "sent" && this.#inbox.length === 0) this.#finish("ended");
  }

  // ---- ending ----

  #limitEnd(): void {
    this.#world(this.#fabric.options.endUsMax, "wire end timeout", () => this.#finish("ended"));
  }

  /** The system's goodbye: an end behind what is under way, or a reset that overtakes it. */
  #hangUp(orderly: boolean): void {
    if (this.#ending === "sent") return;
    this.#ending = "sent";
    if (orderly && this.#open) this.#send("end");
    else this.#sendReset();
  }

  #sendReset(): void {
    const { node, peerNode } = this;
    this.#world(this.#fabric.latencyUs(node, peerNode), "wire reset", () => {
      if (this.#fabric.reaches(node, peerNode)) this.#other?.takeReset();
    });
  }

  /** This side is over; its process hears why, after everything that it lent was given back. */
  #finish(reason: CloseReason): void {
    if (this.over) return;
    this.over = true;
    const lent = [...this.#ready, ...this.#queue];
    this.#ready = [];
    this.#queue = [];
    this.#inbox = [];
    if (reason === "reset" || reason === "timed-out") this.#travelling = [];
    this.#siblings.delete(this);
    this.#soon("wire closed", () => {
      for (const written of lent) written.released?.();
      this.#events?.closed(reason);
    });
  }

  /** An event of this side's process. */
  #soon(label: string, run: () => void, mark = 0): void {
    this.#fabric.scheduler.at(0, this.#life, DELIVERY, label, run, mark);
  }

  /** An event of the system or the network, which go on while the process is frozen or dead. */
  #world(delayUs: number, label: string, run: () => void, mark = 0): void {
    this.#fabric.scheduler.at(delayUs, null, DELIVERY, label, run, mark);
  }
}

function same(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
