// Opens one connection, says one frame, and waits for the one frame that answers it.
import type { Cancel } from "../ports/clock.ts";
import type { Address, CloseReason } from "../ports/wire.ts";
import { Channel } from "./channel.ts";
import type { ChannelOwner } from "./channel.ts";
import type { LinkCore } from "./core.ts";
import type { FrameFault } from "./frame-reader.ts";

export interface GreetingEvents {
  /**
   * The answer: the first frame. The events of the channel stay with the greeting until its owner
   * changes.
   */
  answered(channel: Channel, type: number, bytes: Uint8Array, start: number, end: number): void;
  /** No answer will come, or the connection ended after the answer. */
  failed(why: CloseReason | "deadline" | FrameFault): void;
}

export class Greeting implements ChannelOwner {
  readonly channel: Channel;
  readonly #core: LinkCore;
  readonly #frame: Uint8Array;
  readonly #events: GreetingEvents;
  #deadline: Cancel;
  #answered = false;

  constructor(core: LinkCore, to: Address, frame: Uint8Array, events: GreetingEvents) {
    this.#core = core;
    this.#frame = frame;
    this.#events = events;
    this.channel = new Channel(this);
    this.#deadline = core.world.clock.after(core.options.connectMsMax, () =>
      this.#fail("deadline"),
    );
    core.probe.connects.add(1);
    this.channel.attach(core.world.wire.connect(to, this.channel));
  }

  /** Gives up; no event follows. */
  cancel(): void {
    this.#deadline();
    this.channel.close();
  }

  #fail(why: CloseReason | "deadline" | FrameFault): void {
    this.cancel();
    this.#events.failed(why);
  }

  opened(): void {
    this.#deadline();
    const { world, options } = this.#core;
    this.#deadline = world.clock.after(options.helloMsMax, () => this.#fail("deadline"));
    this.channel.greet(this.#frame);
  }

  frame(channel: Channel, type: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.#answered) {
      this.#fail({ kind: "bad-header" });
      return;
    }
    this.#answered = true;
    this.#deadline();
    this.#events.answered(channel, type, bytes, start, end);
  }

  faulted(_channel: Channel, fault: FrameFault): void {
    this.#fail(fault);
  }

  closed(_channel: Channel, reason: CloseReason): void {
    this.#fail(reason);
  }
}
