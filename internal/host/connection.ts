// One TCP connection of the host. Bytes queued by `write` leave at `flush` in one system call; nothing of
// the user is ever called inside a call of the user's.
import type { Socket } from "node:net";
import { assert } from "../base/assert.ts";
import { takeBack } from "../base/lent.ts";
import type { Address, CloseReason, Connection, ConnectionEvents } from "../ports/wire.ts";
import type { BytesReader } from "./static-read.ts";

type Release = () => void;

/** Limits in milliseconds. */
export interface ConnectionWaits {
  /** From `connect` until the connection is open. */
  readonly openMsMax: number;
  /** From the end of one direction until the connection is over. */
  readonly endMsMax: number;
}

export class HostConnection implements Connection {
  readonly peer: Address;
  readonly #waits: ConnectionWaits;
  #socket: Socket | null = null;
  #events: ConnectionEvents | null = null;
  #queue: Uint8Array[] = [];
  #queuedBytes = 0;
  #queuedReleases: Release[] = [];
  /** Releases of the flushes that the socket has not confirmed yet, oldest first. */
  readonly #handedOver: Release[][] = [];
  #reason: CloseReason | null = null;
  #opened = false;
  #ended = false;
  #over = false;
  #wasBuffered = false;
  #deadline: NodeJS.Timeout | null = null;

  constructor(peer: Address, waits: ConnectionWaits) {
    this.peer = peer;
    this.#waits = waits;
  }

  /** For the wire: what the socket's reads are given to. */
  readonly reader = (): BytesReader => this.#receive;

  /** For the wire: takes the socket over. Once. */
  attach(socket: Socket, events: ConnectionEvents): void {
    assert(this.#socket === null, "a connection has one socket");
    this.#socket = socket;
    this.#events = events;
    this.#opened = !socket.connecting;
    if (socket.connecting) {
      this.#limit("timed-out", this.#waits.openMsMax);
      socket.once("connect", () => {
        this.#unlimit();
        this.#opened = true;
        events.opened?.();
      });
    }
    socket.once("end", () => this.#limit("ended", this.#waits.endMsMax));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.#reason ??= reasonOf(error.code, this.#opened);
    });
    socket.once("close", () => this.#finish());
  }

  get bufferedBytes(): number {
    if (this.#over || this.#socket === null) return 0;
    return this.#queuedBytes + this.#socket.writableLength;
  }

  write(bytes: Uint8Array, released?: Release): void {
    if (this.#over || this.#ended) {
      if (released !== undefined) process.nextTick(released);
      return;
    }
    this.#queue.push(bytes);
    this.#queuedBytes += bytes.length;
    if (released !== undefined) this.#queuedReleases.push(released);
  }

  flush(): void {
    const socket = this.#socket;
    if (this.#queue.length === 0 || socket === null || this.#over) return;
    const queue = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    this.#handedOver.push(this.#queuedReleases);
    this.#queuedReleases = [];
    const last = queue.length - 1;
    if (last > 0) socket.cork();
    for (let index = 0; index < last; index++) socket.write(queue[index] as Uint8Array);
    socket.write(queue[last] as Uint8Array, this.#taken);
    if (last > 0) socket.uncork();
    if (socket.writableLength > 0) this.#wasBuffered = true;
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  end(): void {
    if (this.#over || this.#ended) return;
    this.flush();
    this.#ended = true;
    this.#socket?.end();
    this.#limit("ended", this.#waits.endMsMax);
  }

  destroy(): void {
    if (this.#over) return;
    this.#ended = true;
    this.#reason ??= "destroyed";
    this.#socket?.destroy();
  }

  readonly #receive: BytesReader = (bytes) => {
    if (!this.#over) this.#events?.received(bytes);
    takeBack(bytes);
  };

  /** The socket is done with the oldest flush: the system has it, or the connection failed. */
  readonly #taken = (): void => {
    if (this.#over) return;
    for (const release of this.#handedOver.shift() ?? []) release();
    if (!this.#wasBuffered || this.#reason !== null || this.bufferedBytes > 0) return;
    this.#wasBuffered = false;
    this.#events?.drained?.();
  };

  /** Gives the connection `waitMs` to get on, then closes it for `reason`. */
  #limit(reason: CloseReason, waitMs: number): void {
    if (this.#over) return;
    this.#unlimit();
    this.#deadline = setTimeout(() => {
      this.#reason ??= reason;
      this.#socket?.destroy();
    }, waitMs);
  }

  #unlimit(): void {
    if (this.#deadline !== null) clearTimeout(this.#deadline);
    this.#deadline = null;
  }

  #finish(): void {
    this.#over = true;
    this.#unlimit();
    this.#queue = [];
    for (const releases of this.#handedOver.splice(0)) for (const release of releases) release();
    for (const release of this.#queuedReleases.splice(0)) release();
    this.#events?.closed(this.#reason ?? "ended");
  }
}

function reasonOf(code: string | undefined, opened: boolean): CloseReason {
  if (code === "ETIMEDOUT") return "timed-out";
  if (opened) return "reset";
  // Nobody is there, or no such name; any other failure to connect means that the way is broken.
  return code === "ECONNREFUSED" || code === "ENOTFOUND" ? "refused" : "timed-out";
}
