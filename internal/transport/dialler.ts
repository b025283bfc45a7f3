// Brings sessions about and back: dials peers with a higher broker id, knocks at those with a lower
// one, waits longer after each failure, and tells when nobody listens at a peer's address.
import type { BrokerId } from "../model/ids.ts";
import type { Address } from "../ports/wire.ts";
import type { Channel } from "./channel.ts";
import type { LinkFault, LinkIdentity, PeerIdentity } from "./contract.ts";
import type { LinkCore } from "./core.ts";
import { Dial } from "./dial.ts";
import type { DialEvents } from "./dial.ts";
import type { Hello } from "./handshake.ts";
import type { PeerState } from "./peer-state.ts";

export interface DiallerEvents {
  /** Whether this is still what the links know of the broker. */
  isCurrent(peer: PeerState): boolean;
  judge(identity: LinkIdentity, expected: BrokerId): LinkFault["kind"] | null;
  /** Both connections are open. Called from inside a frame of `data`. */
  joined(peer: PeerIdentity, token: string, control: Channel, data: Channel): void;
  refused(fault: LinkFault): void;
  /** A connect was refused while there is no session (L3). */
  unreachable(peer: PeerState): void;
}

export class Dialler {
  /** Where this broker can be dialled; told to others. */
  reachable: Address = { host: "", port: 0 };
  readonly #core: LinkCore;
  readonly #events: DiallerEvents;
  #attempt = 0;
  #closed = false;

  constructor(core: LinkCore, events: DiallerEvents) {
    this.#core = core;
    this.#events = events;
  }

  /** From here on nothing is dialled; what is under way is stopped with each peer. */
  close(): void {
    this.#closed = true;
  }

  /** Sees to it that a session comes about, now or after a back-off. */
  want(peer: PeerState): void {
    if (this.#closed || !this.#events.isCurrent(peer)) return;
    if (peer.session !== null || peer.dialling !== null || peer.waiting !== null) return;
    if (peer.address === null) return;
    const { world, options } = this.#core;
    const delayMs = peer.retryMs(options, world.entropy);
    if (delayMs === 0) {
      this.#dial(peer, peer.address);
      return;
    }
    peer.waiting = world.clock.after(delayMs, () => {
      peer.waiting = null;
      if (peer.address !== null) this.#dial(peer, peer.address);
    });
  }

  /** A peer knocked: it has no session, and by the rule of ids it may not dial one itself. */
  knocked(peer: PeerState, hello: Hello, from: Address): void {
    if (!peer.configured && hello.reachable.port !== 0) {
      const { host, port } = hello.reachable;
      peer.address = { host: host === "" ? from.host : host, port };
    }
    const { world, options } = this.#core;
    if (this.#closed || peer.dialling !== null || peer.address === null) return;
    // It is there, so the back-off is cut short; but nobody makes this broker dial without a pause.
    if (world.clock.upMs() - peer.dialledAtMs < options.retryMsMin) {
      this.want(peer);
      return;
    }
    peer.stopDialling();
    this.#dial(peer, peer.address);
  }

  #dial(peer: PeerState, address: Address): void {
    const core = this.#core;
    const purpose = core.identity.broker < peer.broker ? "session" : "knock";
    peer.dialledAtMs = core.world.clock.upMs();
    const attempt = ++this.#attempt;
    const { broker } = peer;
    const order = { broker, address, purpose, attempt, reachable: this.reachable } as const;
    const dial = new Dial(core, order, this.#eventsOf(peer));
    peer.dialling = () => dial.cancel();
  }

  #eventsOf(peer: PeerState): DialEvents {
    const over = (): void => {
      peer.dialling = null;
      this.want(peer);
    };
    return {
      judge: (identity) => this.#events.judge(identity, peer.broker),
      joined: (identity, token, control, data) => {
        peer.dialling = null;
        this.#events.joined(identity, token, control, data);
      },
      knocked: over,
      refused: (fault) => {
        this.#events.refused(fault);
        over();
      },
      failed: (why, unreachable) => {
        this.#core.log.debug({ peer: peer.broker, address: peer.address, why }, "link-dial-failed");
        if (unreachable && peer.session === null) this.#events.unreachable(peer);
        over();
      },
    };
  }
}
