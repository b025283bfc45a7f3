// What the links know of one other broker: the session with it, how long it has been silent, and
// when to try again. Silence is counted in ping intervals that this process observed (L3): a stall
// of this process, however long, adds one interval at most, and pings that were buffered meanwhile
// are read before it counts.
import type { Cancel } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { BrokerId, DirectoryId, Incarnation } from "../model/ids.ts";
import type { Address } from "../ports/wire.ts";
import type { LinkOptions } from "./contract.ts";
import type { LinkSession } from "./session.ts";

/** The process behind a broker id that was accepted last (F5). */
export interface Accepted {
  readonly directory: DirectoryId;
  readonly incarnation: Incarnation;
  /** Its newest dial. */
  readonly attempt: number;
}

export class PeerState {
  readonly broker: BrokerId;
  /** Set with `setPeers`; a guest is not, and is forgotten once it is silent. */
  configured: boolean;
  address: Address | null;
  session: LinkSession | null = null;
  accepted: Accepted | null = null;
  silent = false;
  /** Cancels the dial or knock under way. */
  dialling: Cancel | null = null;
  /** Cancels the wait for the next one. */
  waiting: Cancel | null = null;
  /** Start of the newest dial, monotonic. */
  dialledAtMs = -Infinity;
  /** What the peer said last of its own silence limit. */
  #silenceMs = 0;
  #heardMs = -Infinity;
  #heard = false;
  #missed = 0;
  #failures = 0;

  constructor(broker: BrokerId, address: Address | null, configured: boolean) {
    this.broker = broker;
    this.address = address;
    this.configured = configured;
  }

  heardPing(nowMs: number): void {
    this.#heardMs = nowMs;
    this.#heard = true;
    this.#missed = 0;
    this.#failures = 0;
    this.silent = false;
  }

  /** A session begins; one with a silent peer gets a full silence limit for its first ping. */
  sessionBegan(session: LinkSession): void {
    this.session = session;
    this.#silenceMs = session.peer.silenceMs;
    if (this.silent) this.#missed = 0;
  }

  /** One observed ping interval went by. True when the silence limit is reached. */
  countInterval(options: LinkOptions, nowMs: number): boolean {
    if (this.#heard) {
      this.#heard = false;
      return false;
    }
    this.#missed++;
    const isCounted = this.#missed * options.pingMs >= this.#limitMs(options);
    return isCounted && !this.isPromised(options, nowMs);
  }

  /**
   * Each ping is a promise to its sender: for the longer of both silence limits this broker helps
   * nobody else to lead, however sure it is that the sender is gone (L5).
   */
  isPromised(options: LinkOptions, nowMs: number): boolean {
    return nowMs - this.#heardMs < this.#limitMs(options);
  }

  #limitMs({ silenceMs }: LinkOptions): number {
    return Math.max(silenceMs, this.#silenceMs);
  }

  /** True when the peer was not silent yet. */
  fallSilent(): boolean {
    if (this.silent) return false;
    this.silent = true;
    return true;
  }

  /**
   * How long to wait before the next dial. Grows with failures since the last ping; the first comes
   * at once.
   */
  retryMs(options: LinkOptions, entropy: Entropy): number {
    const failures = this.#failures++;
    if (failures === 0) return 0;
    const delayMs = Math.min(options.retryMsMax, options.retryMsMin * 2 ** (failures - 1));
    // Up to a quarter less, so that brokers that lost each other together do not come back
    // together.
    return Math.max(1, delayMs - entropy.below(Math.ceil(delayMs / 4) + 1));
  }

  stopDialling(): void {
    this.dialling?.();
    this.dialling = null;
    this.waiting?.();
    this.waiting = null;
  }
}
