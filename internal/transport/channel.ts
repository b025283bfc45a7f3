// One connection of a link with its framing: bytes in become frames for the owner, who changes
// once, when the handshake ends and a session takes the connection over. After `close` or `finish`
// the owner hears nothing more.
import type { CloseReason, Connection, ConnectionEvents } from "../ports/wire.ts";
import { assert } from "../base/assert.ts";
import { FrameReader } from "./frame-reader.ts";
import type { FrameFault, FrameSink } from "./frame-reader.ts";
import { PREAMBLE } from "./frame.ts";
import type { Outbox } from "./outbox.ts";

export interface ChannelOwner {
  opened?(channel: Channel): void;
  /** A frame's body, lent until this returns. */
  frame(channel: Channel, type: number, bytes: Uint8Array, start: number, end: number): void;
  /** The peer's bytes make no sense; the owner closes the channel. */
  faulted(channel: Channel, fault: FrameFault): void;
  drained?(channel: Channel): void;
  /** The other side or the network closed the connection. */
  closed(channel: Channel, reason: CloseReason): void;
}

export class Channel implements ConnectionEvents, FrameSink {
  owner: ChannelOwner;
  /** Called once, when the wire is done with the connection, whoever ended it. */
  gone: (() => void) | null = null;
  sentBytes = 0;
  receivedBytes = 0;
  readonly #reader: FrameReader;
  #connection: Connection | null = null;
  #over = false;

  constructor(owner: ChannelOwner) {
    this.owner = owner;
    this.#reader = new FrameReader(this);
  }

  attach(connection: Connection): void {
    assert(this.#connection === null, "a channel has one connection");
    this.#connection = connection;
  }

  get connection(): Connection {
    assert(this.#connection !== null, "a channel in use has its connection");
    return this.#connection;
  }

  get over(): boolean {
    return this.#over;
  }

  get bufferedBytes(): number {
    return this.#over ? 0 : this.connection.bufferedBytes;
  }

  /** Frames up to this length are accepted from here on. */
  allowBody(bytesMax: number): void {
    this.#reader.bodyBytesMax = bytesMax;
  }

  /** Writes the preamble and one frame, at once. */
  greet(frame: Uint8Array): void {
    if (this.#over) return;
    this.sentBytes += PREAMBLE.length;
    this.connection.write(PREAMBLE);
    this.writeNow(frame);
  }

  /** Writes one ready frame, at once. */
  writeNow(frame: Uint8Array): void {
    if (this.#over) return;
    this.sentBytes += frame.length;
    this.connection.write(frame);
    this.connection.flush();
  }

  send(outbox: Outbox): void {
    assert(!this.#over, "only an open channel sends");
    this.sentBytes += outbox.queuedBytes;
    outbox.flushInto(this.connection);
  }

  /** Stops reading; what was read already is held in order. */
  pause(): void {
    if (this.#over) return;
    this.#reader.hold();
    this.connection.pause();
  }

  /**
   * Hands out what was held and reads again. Never called from inside `ChannelOwner.frame` of this
   * channel.
   */
  resume(): void {
    if (this.#over) return;
    this.#reader.release();
    if (!this.#over && !this.#reader.held) this.connection.resume();
  }

  /** Ends the connection at once. */
  close(): void {
    if (this.#over) return;
    this.#leave();
    this.#connection?.destroy();
  }

  /** Ends the connection after what was written; the caller sees to it that it does not linger. */
  finish(): void {
    if (this.#over) return;
    this.#leave();
    this.connection.end();
  }

  #leave(): void {
    this.#over = true;
    this.#reader.stop();
  }

  opened(): void {
    if (!this.#over) this.owner.opened?.(this);
  }

  received(bytes: Uint8Array): void {
    if (this.#over) return;
    this.receivedBytes += bytes.length;
    this.#reader.feed(bytes);
  }

  drained(): void {
    if (!this.#over) this.owner.drained?.(this);
  }

  closed(reason: CloseReason): void {
    const wasOver = this.#over;
    this.#leave();
    this.gone?.();
    this.gone = null;
    if (!wasOver) this.owner.closed(this, reason);
  }

  frame(type: number, bytes: Uint8Array, start: number, end: number): void {
    this.owner.frame(this, type, bytes, start, end);
  }

  faulted(fault: FrameFault): void {
    this.owner.faulted(this, fault);
  }
}
