// One pairing of two broker processes, from `sessionBegan` to `sessionEnded`. All its connections
// live and die together: losing one ends the session, and everything in flight is void (F3). Also
// keeps what pings tell: the newest own ping that the peer echoed (L5), and lanes that stand still
// though the peer reads them.
import { assert } from "../base/assert.ts";
import type { Cancel } from "../ports/clock.ts";
import type { Channel, ChannelOwner } from "./channel.ts";
import type { Lane, PeerIdentity, Session } from "./contract.ts";
import type { LinkCore } from "./core.ts";
import type { FrameFault } from "./frame-reader.ts";
import { FRAME_HEADER_BYTES } from "./frame.ts";
import { decodeIdentity, encodeIdentity, FRAME_TYPE } from "./handshake.ts";
import { LaneState } from "./lane-state.ts";
import {
  CONTROL_RESERVE_BYTES,
  FRAME_BODY_BYTES_MAX,
  MESSAGE_TYPE_FIRST,
  MESSAGE_TYPE_LAST,
} from "./limits.ts";
import { decodePing, encodePing } from "./ping.ts";
import type { Ping } from "./ping.ts";
import type { EndReason } from "./probe.ts";

/** What a session tells the links. */
export interface SessionOwner {
  sessionOver(session: LinkSession, reason: EndReason): void;
  pingArrived(session: LinkSession, ping: Ping): void;
  /** The peer told its cluster id or founding state anew; false ends the session. */
  identityArrived(session: LinkSession, peer: PeerIdentity): boolean;
  /**
   * The bulk lane is wanted, and this side is the one that dials. Answers what gives the dial up.
   */
  bulkWanted(session: LinkSession): Cancel;
}

export class LinkSession implements Session, ChannelOwner {
  peer: PeerIdentity;
  readonly number: number;
  /** What a further connection shows to join this session. */
  readonly token: string;
  /** This side dials the connections of the session. */
  readonly dials: boolean;
  open = true;
  /** See `Links.contactMs`. */
  contactMs = -Infinity;
  readonly #core: LinkCore;
  readonly #owner: SessionOwner;
  readonly #control: LaneState;
  readonly #data: LaneState;
  readonly #bulk: LaneState;
  #bulkAsked = false;
  #cancelBulk: Cancel | null = null;
  #pingFirstMs = NaN;
  #pingLastMs = NaN;
  /** Send time of the peer's newest ping, on the peer's clock. */
  #peerPingMs = NaN;

  constructor(
    core: LinkCore,
    owner: SessionOwner,
    facts: { peer: PeerIdentity; number: number; token: string; dials: boolean },
    control: Channel,
    data: Channel,
  ) {
    this.#core = core;
    this.#owner = owner;
    this.peer = facts.peer;
    this.number = facts.number;
    this.token = facts.token;
    this.dials = facts.dials;
    this.#control = new LaneState("control", control, core.probe.lanes.control);
    this.#data = new LaneState("data", data, core.probe.lanes.data);
    this.#bulk = new LaneState("bulk", null, core.probe.lanes.bulk);
    this.#adopt(control);
    this.#adopt(data);
  }

  #adopt(channel: Channel): void {
    channel.owner = this;
    channel.allowBody(FRAME_BODY_BYTES_MAX);
  }

  /** Gives the bulk lane its connection. */
  adoptBulk(channel: Channel): void {
    assert(this.#bulk.channel === null, "a session has one bulk connection");
    this.#cancelBulk = null;
    this.#bulk.channel = channel;
    this.#adopt(channel);
    if (this.#bulk.paused) channel.pause();
    this.#core.flusher.mark(this.#bulk);
  }

  get hasBulk(): boolean {
    return this.#bulk.channel !== null;
  }

  #state(lane: Lane): LaneState {
    return lane === "control" ? this.#control : lane === "data" ? this.#data : this.#bulk;
  }

  send(lane: Lane, type: number, parts: readonly Uint8Array[], released?: () => void): boolean {
    assert(
      type >= MESSAGE_TYPE_FIRST && type <= MESSAGE_TYPE_LAST,
      "a message type belongs to the layers above the links",
    );
    if (!this.open) return false;
    const sent = this.#queue(this.#state(lane), type, parts, this.#bytesMax(lane), released);
    if (!sent) this.#core.probe.lanes[lane].full.add(1);
    else if (lane === "bulk" && this.#bulk.channel === null) this.#wantBulk();
    return sent;
  }

  say(type: number, body: Uint8Array): void {
    assert(type >= MESSAGE_TYPE_FIRST, "a message type belongs to the layers above the links");
    this.#mustQueue(type, body);
  }

  #bytesMax(lane: Lane): number {
    const options = this.#core.options;
    if (lane === "control") return options.controlBytesMax;
    return lane === "data" ? options.dataBytesMax : options.bulkBytesMax;
  }

  #queue(
    state: LaneState,
    type: number,
    parts: readonly Uint8Array[],
    bytesMax: number,
    released?: () => void,
  ): boolean {
    let bodyBytes = 0;
    for (const part of parts) bodyBytes += part.length;
    assert(bodyBytes <= FRAME_BODY_BYTES_MAX, "a message fits in one frame");
    const isControl = state === this.#control;
    const frameBytes = FRAME_HEADER_BYTES + bodyBytes;
    assert(!isControl || frameBytes <= bytesMax, "a control message fits in the control lane"); // F6
    const buffered = state.bufferedBytes;
    if (buffered > 0 && buffered + frameBytes > bytesMax) return false;
    const covered = isControl ? parts.length : Math.min(1, parts.length);
    state.outbox.put(type, parts, bodyBytes, covered, released);
    this.#core.flusher.mark(state);
    return true;
  }

  bufferedBytes(lane: Lane): number {
    return this.open ? this.#state(lane).bufferedBytes : 0;
  }

  onDrained(lane: Lane, callback: (() => void) | null): void {
    if (this.open) this.#state(lane).onDrained = callback;
  }

  pause(lane: "data" | "bulk"): void {
    const state = this.#state(lane);
    if (!this.open || state.paused) return;
    state.paused = true;
    state.channel?.pause();
  }

  resume(lane: "data" | "bulk"): void {
    const state = this.#state(lane);
    if (!this.open || !state.paused) return;
    state.paused = false;
    // Not at once: the caller may be inside a handler of this very lane.
    this.#core.world.clock.turnEnd(() => {
      if (this.open && !state.paused) state.channel?.resume();
    });
  }

  end(reason: string): void {
    if (!this.open) return;
    this.#core.log.warn({ ...this.#names(), reason }, "link-session-ended-by-owner");
    this.finish("by-owner");
  }

  /** Ends the session: connections are cut, queued parts given back, and the owner is told. */
  finish(reason: EndReason): void {
    if (!this.open) return;
    this.open = false;
    this.#cancelBulk?.();
    this.#control.close();
    this.#data.close();
    this.#bulk.close();
    this.#owner.sessionOver(this, reason);
  }

  /** Delivers what arrived on control before the session began. */
  start(): void {
    this.#control.channel?.resume();
  }

  #wantBulk(): void {
    if (this.#bulkAsked) return;
    this.#bulkAsked = true;
    if (this.dials) this.#cancelBulk = this.#owner.bulkWanted(this);
    else this.#bulkAsked = this.#queueOwn(FRAME_TYPE.openBulk, new Uint8Array(0));
  }

  /** May use the reserve of the control lane. */
  #queueOwn(type: number, body: Uint8Array): boolean {
    const bytesMax = this.#core.options.controlBytesMax + CONTROL_RESERVE_BYTES;
    return this.#queue(this.#control, type, [body], bytesMax);
  }

  sendIdentity(): void {
    // The peer must not keep an old picture.
    this.#mustQueue(FRAME_TYPE.identity, encodeIdentity(this.#core.identity));
  }

  /** What is said once in a session: a new one begins where it cannot be said. */
  #mustQueue(type: number, body: Uint8Array): void {
    if (!this.open || this.#queueOwn(type, body)) return;
    this.#core.log.warn({ ...this.#names(), type }, "link-control-lane-full");
    this.finish("stalled");
  }

  sendPing(): void {
    if (!this.open) return;
    const { world, ownFacts, identity, probe } = this.#core;
    const sentMs = world.clock.upMs();
    const own = ownFacts();
    const ping = encodePing({
      sentMs,
      echoMs: this.#peerPingMs,
      incarnation: identity.incarnation,
      durableSequence: own.durableSequence,
      oldestWriteAgeMs: own.oldestWriteAgeMs,
      hasRoom: own.hasRoom,
      dataBytes: this.#data.channel?.receivedBytes ?? 0,
      bulkBytes: this.#bulk.channel?.receivedBytes ?? 0,
      dataPaused: this.#data.paused,
      bulkPaused: this.#bulk.paused,
    });
    if (!this.#queueOwn(FRAME_TYPE.ping, ping)) return;
    probe.pingsSent.add(1);
    // The peer could not be asked for the connection when something was first queued for it.
    if (this.#bulk.bufferedBytes > 0 && !this.hasBulk) this.#wantBulk();
    if (Number.isNaN(this.#pingFirstMs)) this.#pingFirstMs = sentMs;
    this.#pingLastMs = sentMs;
  }

  frame(channel: Channel, type: number, bytes: Uint8Array, start: number, end: number): void {
    if (!this.open) return;
    const lane = this.#laneOf(channel);
    const laneProbe = this.#core.probe.lanes[lane];
    laneProbe.receivedFrames.add(1);
    laneProbe.receivedBytes.add(FRAME_HEADER_BYTES + end - start);
    if (type < MESSAGE_TYPE_FIRST) {
      if (lane !== "control") this.#bad(lane, "own-message-on-wrong-lane");
      else this.#ownFrame(type, bytes, start, end);
      return;
    }
    const registered = this.#core.handlers[type];
    if (registered === undefined) {
      this.#core.probe.unhandled.add(1);
      this.#core.log.warn({ ...this.#names(), type }, "link-message-unhandled");
    } else if (registered.lane !== lane) this.#bad(lane, "message-on-wrong-lane");
    else registered.handler(this, bytes, start, end);
  }

  #laneOf(channel: Channel): Lane {
    if (channel === this.#control.channel) return "control";
    return channel === this.#data.channel ? "data" : "bulk";
  }

  #ownFrame(type: number, bytes: Uint8Array, start: number, end: number): void {
    if (type === FRAME_TYPE.ping) {
      const ping = decodePing(bytes, start, end);
      if (ping === null) this.#bad("control", "ping");
      else this.#pingArrived(ping);
    } else if (type === FRAME_TYPE.identity) {
      const identity = decodeIdentity(bytes, start, end);
      if (identity === null) this.#bad("control", "identity");
      else this.#identityArrived({ ...identity, remoteAddress: this.peer.remoteAddress });
    } else if (type === FRAME_TYPE.openBulk && this.dials) {
      this.#wantBulk();
    } else {
      this.#bad("control", "own-message-type");
    }
  }

  #pingArrived(ping: Ping): void {
    if (ping.incarnation !== this.peer.incarnation) {
      this.#bad("control", "ping-of-another-incarnation"); // F5
      return;
    }
    this.#core.probe.pingsReceived.add(1);
    const first = Number.isNaN(this.#peerPingMs);
    this.#peerPingMs = ping.sentMs;
    // L5: only an echo of a ping sent in this session is contact.
    if (ping.echoMs >= this.#pingFirstMs && ping.echoMs <= this.#pingLastMs) {
      this.contactMs = Math.max(this.contactMs, ping.echoMs);
    }
    // Without waiting for the next interval, so that contact is known one round trip after the
    // beginning.
    if (first) this.sendPing();
    if (this.#stalled(ping)) return;
    this.#owner.pingArrived(this, ping);
  }

  #stalled(ping: Ping): boolean {
    const pings = Math.max(
      this.#data.pingsWithoutProgress(ping.dataBytes, ping.dataPaused),
      this.#bulk.pingsWithoutProgress(ping.bulkBytes, ping.bulkPaused),
    );
    if (pings * this.#core.options.pingMs < this.#core.options.stallMsMax) return false;
    this.#core.log.warn(this.#names(), "link-lane-stalled");
    this.finish("stalled");
    return true;
  }

  #identityArrived(peer: PeerIdentity): void {
    const same =
      peer.broker === this.peer.broker &&
      peer.directory === this.peer.directory &&
      peer.incarnation === this.peer.incarnation;
    if (!same) {
      this.#bad("control", "identity-of-another-process");
      return;
    }
    if (!this.#owner.identityArrived(this, peer)) this.finish("refused");
  }

  #bad(lane: Lane, why: string): void {
    this.#core.log.warn({ ...this.#names(), lane, why }, "link-bad-frame");
    this.finish("bad-frame");
  }

  faulted(channel: Channel, fault: FrameFault): void {
    this.#bad(this.#laneOf(channel), fault.kind);
  }

  drained(channel: Channel): void {
    this.#state(this.#laneOf(channel)).drainedMaybe();
  }

  closed(): void {
    this.finish("reset");
  }

  #names(): Record<string, unknown> {
    return { peer: this.peer.broker, session: this.number };
  }
}
