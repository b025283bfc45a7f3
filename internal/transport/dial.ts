// The dialling side of a handshake. The broker with the lower id dials: hello and welcome on the
// control connection, then join and joined on the data connection, and the session begins. The
// broker with the higher id knocks: the same hello on a connection that only asks to be dialled
// back.
import type { BrokerId } from "../model/ids.ts";
import type { Address, CloseReason } from "../ports/wire.ts";
import type { Channel } from "./channel.ts";
import type { LinkFault, LinkIdentity, PeerIdentity } from "./contract.ts";
import type { LinkCore } from "./core.ts";
import type { FrameFault } from "./frame-reader.ts";
import { Greeting } from "./greeting.ts";
import { decodeRefusal, decodeWelcome, encodeHello, encodeJoin, FRAME_TYPE } from "./handshake.ts";
import type { Purpose } from "./handshake.ts";

export interface DialOrder {
  readonly broker: BrokerId;
  readonly address: Address;
  readonly purpose: Purpose;
  readonly attempt: number;
  /** Where this broker can be dialled. */
  readonly reachable: Address;
}

export interface DialEvents {
  /** Judges who answered; the dial ends when it is refused. */
  judge(identity: LinkIdentity): LinkFault["kind"] | null;
  /** Both connections are open. Called from inside a frame of `data`. */
  joined(peer: PeerIdentity, token: string, control: Channel, data: Channel): void;
  knocked(): void;
  refused(fault: LinkFault): void;
  /** `unreachable`: the connect itself was refused (L3). */
  failed(why: string, unreachable: boolean): void;
}

export class Dial {
  readonly #core: LinkCore;
  readonly #order: DialOrder;
  readonly #events: DialEvents;
  #control: Greeting;
  #data: Greeting | null = null;
  #over = false;

  constructor(core: LinkCore, order: DialOrder, events: DialEvents) {
    this.#core = core;
    this.#order = order;
    this.#events = events;
    const hello = encodeHello({
      purpose: order.purpose,
      target: order.broker,
      attempt: order.attempt,
      reachable: order.reachable,
      identity: core.identity,
    });
    this.#control = new Greeting(core, order.address, hello, {
      answered: (channel, type, bytes, start, end) =>
        this.#controlAnswered(channel, type, bytes, start, end),
      failed: (why) => this.#failed(why),
    });
  }

  /** Gives up; no event follows. */
  cancel(): void {
    this.#over = true;
    this.#control.cancel();
    this.#data?.cancel();
  }

  #failed(why: CloseReason | "deadline" | FrameFault): void {
    if (this.#over) return;
    this.cancel();
    if (typeof why === "string") this.#events.failed(why, why === "refused");
    else if (why.kind === "version") this.#refused("format-version", "here", null);
    else this.#events.failed(why.kind, false);
  }

  #refused(kind: LinkFault["kind"], side: LinkFault["side"], identity: LinkIdentity | null): void {
    this.cancel();
    this.#events.refused({
      kind,
      side,
      broker: identity?.broker ?? this.#order.broker,
      directory: identity?.directory ?? null,
      cluster: identity?.cluster ?? null,
      remoteAddress: this.#order.address,
    });
  }

  #controlAnswered(
    control: Channel,
    type: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const refusal = type === FRAME_TYPE.refusal ? decodeRefusal(bytes, start, end) : null;
    if (refusal !== null) {
      this.#refused(refusal, "there", null);
      return;
    }
    const welcome = type === FRAME_TYPE.welcome ? decodeWelcome(bytes, start, end) : null;
    if (welcome === null) {
      this.#failed({ kind: "bad-header" });
      return;
    }
    const fault = this.#events.judge(welcome.identity);
    if (fault !== null) {
      this.#refused(fault, "here", welcome.identity);
      return;
    }
    if (this.#order.purpose === "knock") {
      this.cancel();
      this.#events.knocked();
      return;
    }
    // What follows the welcome belongs to the session, which begins when the data connection has
    // joined.
    control.pause();
    const peer = { ...welcome.identity, remoteAddress: this.#order.address };
    this.#data = joinLane(this.#core, this.#order.address, "data", welcome.token, {
      joined: (data) => {
        const late = this.#events.judge(welcome.identity);
        if (late !== null) {
          this.#refused(late, "here", welcome.identity);
          return;
        }
        this.#over = true;
        this.#events.joined(peer, welcome.token, control, data);
      },
      failed: (why) => this.#failed(why),
    });
  }
}

export interface JoinEvents {
  /** Called from inside the first frame of the channel. */
  joined(channel: Channel): void;
  failed(why: CloseReason | "deadline" | FrameFault): void;
}

/** Opens a further connection of a session. */
export function joinLane(
  core: LinkCore,
  address: Address,
  lane: "data" | "bulk",
  token: string,
  events: JoinEvents,
): Greeting {
  const join = encodeJoin({ broker: core.identity.broker, lane, token });
  const greeting: Greeting = new Greeting(core, address, join, {
    answered: (channel, type) => {
      if (type === FRAME_TYPE.joined) {
        events.joined(channel);
        return;
      }
      greeting.cancel();
      events.failed({ kind: "bad-header" });
    },
    failed: events.failed,
  });
  return greeting;
}
