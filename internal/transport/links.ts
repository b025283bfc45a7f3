// The broker's links to all other brokers: who they are, the open session with each, and who is
// silent. Knows nothing of Raft or groups; messages are opaque and go to registered handlers. The
// broker with the lower id dials, so that two brokers never hold two sessions with each other.
import { assert } from "../base/assert.ts";
import { ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { BrokerId, ClusterId } from "../model/ids.ts";
import type { Cancel } from "../ports/clock.ts";
import type { Address, Listener } from "../ports/wire.ts";
import { judge } from "./admission.ts";
import type { Channel } from "./channel.ts";
import type {
  Lane,
  LinkEvents,
  LinkFault,
  LinkIdentity,
  LinkOptions,
  MessageHandler,
  OwnFacts,
  Peer,
  PeerIdentity,
  Session,
} from "./contract.ts";
import { DEFAULT_OPTIONS, LimitedLog } from "./core.ts";
import type { LinkCore, LinkWorld } from "./core.ts";
import { joinLane } from "./dial.ts";
import { Dialler } from "./dialler.ts";
import { Doorman } from "./doorman.ts";
import { Flusher } from "./flusher.ts";
import type { Hello } from "./handshake.ts";
import {
  FOUNDING_STATE_BYTES_MAX,
  GUESTS_MAX,
  MESSAGE_TYPE_FIRST,
  MESSAGE_TYPE_LAST,
} from "./limits.ts";
import { PeerState } from "./peer-state.ts";
import type { Ping } from "./ping.ts";
import { LinkProbe } from "./probe.ts";
import type { EndReason } from "./probe.ts";
import { LinkSession } from "./session.ts";
import type { SessionOwner } from "./session.ts";

export type ListenFault = { readonly kind: "listen"; readonly code: string; readonly at: Address };

/**
 * The part of a voter's loyalty that a leader relies on. What is left of it covers clocks of which
 * one runs up to a tenth faster than the other.
 */
const LEASE_PART = 0.9;
const NOWHERE: Address = { host: "", port: 0 };
const LANES = ["control", "data", "bulk"] as const satisfies readonly Lane[];

export class Links implements SessionOwner {
  readonly #core: LinkCore;
  readonly #events: LinkEvents;
  readonly #doorman: Doorman;
  readonly #dialler: Dialler;
  readonly #peers = new Map<BrokerId, PeerState>();
  readonly #sessions = new Map<string, LinkSession>();
  #listener: Listener | null = null;
  #sessionNumber = 0;
  #pulse: Cancel | null = null;
  #beatAsked = false;
  #closed = false;

  constructor(
    world: LinkWorld,
    options: Partial<LinkOptions>,
    identity: Omit<LinkIdentity, "silenceMs">,
    events: LinkEvents,
    ownFacts: () => OwnFacts,
  ) {
    this.#events = events;
    const allOptions = { ...DEFAULT_OPTIONS, ...options };
    this.#core = {
      world,
      options: allOptions,
      probe: new LinkProbe(
        world.meter,
        () => this.#sessions.size,
        () => this.#bufferedBytes(),
      ),
      flusher: new Flusher(world.clock),
      log: new LimitedLog(world.log.child({ mod: "links" }), () => world.clock.upMs()),
      ownFacts,
      handlers: [],
      identity: { ...identity, silenceMs: allOptions.silenceMs },
    };
    this.#dialler = new Dialler(this.#core, {
      isCurrent: (peer) => this.#peers.get(peer.broker) === peer,
      judge: (peer, expected) => this.#judge(peer, expected),
      joined: (peer, token, control, data) => this.#begin(peer, token, true, control, data),
      refused: (fault) => this.#refused(fault),
      // L3: nobody listens there, which is as good as silence.
      unreachable: (peer) => {
        const isPromised = peer.isPromised(allOptions, world.clock.upMs());
        if (!isPromised && peer.fallSilent()) this.#fellSilent(peer);
      },
    });
    this.#dialler.reachable = this.#core.options.advertised ?? NOWHERE;
    this.#doorman = new Doorman(this.#core, {
      helloArrived: (hello, from) => this.#helloArrived(hello, from),
      judge: (peer) => this.#judge(peer, null),
      joined: (peer, token, control, data) => this.#begin(peer, token, false, control, data),
      sessionOf: (token) => this.#sessions.get(token) ?? null,
      refused: (fault) => this.#refused(fault),
    });
  }

  /** Accepts links at `at`. The listener is closed by `close`. */
  async listen(at: Address): Promise<Result<Listener, ListenFault>> {
    assert(this.#listener === null && !this.#closed, "the links listen once");
    const listened = await this.#core.world.wire.listen(at, (connection) =>
      this.#doorman.accept(connection),
    );
    if (!listened.ok) return listened;
    this.#listener = listened.value;
    const { port } = listened.value.address;
    this.#dialler.reachable = this.#core.options.advertised ?? { host: "", port };
    if (this.#closed) await listened.value.close();
    else this.#startPulse();
    return ok(listened.value);
  }

  /**
   * Replaces the configured peers. An entry with the own broker id is skipped; sessions with peers
   * left out end.
   */
  setPeers(peers: readonly Peer[]): void {
    if (this.#closed) return;
    const own = this.#core.identity.broker;
    const wanted = new Map(
      peers.filter((one) => one.broker !== own).map((one) => [one.broker, one]),
    );
    for (const peer of [...this.#peers.values()]) {
      if (peer.configured && !wanted.has(peer.broker)) this.#forget(peer);
    }
    for (const { broker, address } of wanted.values()) {
      const peer = this.#peers.get(broker);
      if (peer === undefined) {
        this.#peers.set(broker, new PeerState(broker, address, true));
      } else {
        const moved = peer.address?.host !== address.host || peer.address.port !== address.port;
        peer.configured = true;
        peer.address = address;
        if (moved) peer.stopDialling();
      }
    }
    this.#startPulse();
    for (const broker of wanted.keys()) this.#reconnect(broker);
  }

  /** From here on hellos carry the cluster's id; open sessions are told. */
  setCluster(id: ClusterId): void {
    if (this.#core.identity.cluster === id) return;
    this.#setIdentity({ ...this.#core.identity, cluster: id });
  }

  /**
   * At most FOUNDING_STATE_BYTES_MAX opaque bytes that every peer sees in hellos and on change.
   * Given away.
   */
  setFoundingState(state: Uint8Array): void {
    assert(state.length <= FOUNDING_STATE_BYTES_MAX, "a founding state fits in a hello");
    this.#setIdentity({ ...this.#core.identity, foundingState: state });
  }

  #setIdentity(identity: LinkIdentity): void {
    this.#core.identity = identity;
    for (const session of [...this.#sessions.values()]) {
      if (this.#clusterAgrees(session, session.peer)) session.sendIdentity();
      else session.finish("refused");
    }
  }

  /** Registers the handler of one message type on one lane, before the first session. */
  handle(type: number, lane: Lane, handler: MessageHandler): void {
    assert(
      type >= MESSAGE_TYPE_FIRST && type <= MESSAGE_TYPE_LAST,
      "a message type belongs to the layers above the links",
    );
    assert(this.#core.handlers[type] === undefined, "a message type has one handler");
    this.#core.handlers[type] = { lane, handler };
  }

  /** The open session with a broker. */
  session(broker: BrokerId): Session | null {
    return this.#peers.get(broker)?.session ?? null;
  }

  /**
   * Monotonic send time of the newest own ping that the peer echoed in the open session; -Infinity
   * when none (L5).
   */
  contactMs(broker: BrokerId): number {
    return this.#peers.get(broker)?.session?.contactMs ?? -Infinity;
  }

  /**
   * How long after `contactMs` the broker at the other end helps nobody else to lead a group whose
   * leader is here. Both sides measure by clocks of their own, and neither knows when the other
   * changes its setting: the shorter of both counts, less a margin (L5).
   */
  leaseMs(broker: BrokerId): number {
    const peer = this.#peers.get(broker)?.session?.peer;
    if (peer === undefined) return 0;
    return LEASE_PART * Math.min(this.#core.options.silenceMs, peer.silenceMs);
  }

  /**
   * True from `peerSilent` to the next ping, and for a broker that is neither a peer nor linked.
   */
  isSilent(broker: BrokerId): boolean {
    return this.#peers.get(broker)?.silent ?? true;
  }

  /**
   * Sends what is queued now: for callers that run in a turn end themselves. Otherwise it leaves at
   * the turn's end.
   */
  flush(): void {
    this.#core.flusher.flush();
  }

  /** Ends every session (with its event) and stops listening, dialling and counting. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#pulse?.();
    this.#dialler.close();
    for (const peer of this.#peers.values()) peer.stopDialling();
    for (const session of [...this.#sessions.values()]) session.finish("closed");
    this.#doorman.close();
    await this.#listener?.close();
  }

  #reconnect(broker: BrokerId): void {
    const peer = this.#peers.get(broker);
    if (peer !== undefined) this.#dialler.want(peer);
  }

  #bufferedBytes(): number {
    let bytes = 0;
    for (const session of this.#sessions.values()) {
      for (const lane of LANES) bytes += session.bufferedBytes(lane);
    }
    return bytes;
  }

  // ---- silence

  #startPulse(): void {
    if (this.#pulse !== null) return;
    const { clock } = this.#core.world;
    const tick = (): void => {
      this.#pulse = clock.after(this.#core.options.pingMs, tick);
      if (this.#beatAsked) return;
      this.#beatAsked = true;
      // L3: at the end of the turn the sockets have been read, so pings that waited in them are
      // seen before silence is.
      clock.turnEnd(() => {
        this.#beatAsked = false;
        if (!this.#closed) this.#beat();
      });
    };
    this.#pulse = clock.after(this.#core.options.pingMs, tick);
  }

  #beat(): void {
    for (const peer of [...this.#peers.values()]) {
      if (peer.countInterval(this.#core.options, this.#core.world.clock.upMs())) {
        if (peer.fallSilent()) this.#fellSilent(peer);
        else peer.session?.finish("silent");
      }
      peer.session?.sendPing();
    }
    this.#core.flusher.flush();
  }

  #fellSilent(peer: PeerState): void {
    this.#core.probe.silences.add(1);
    this.#core.log.info({ peer: peer.broker }, "link-peer-silent");
    peer.session?.finish("silent");
    if (!peer.configured) this.#forget(peer);
    this.#events.peerSilent(peer.broker);
  }

  #forget(peer: PeerState): void {
    peer.stopDialling();
    this.#peers.delete(peer.broker);
    peer.session?.finish("peer-removed");
  }

  // ---- those who come

  #judge(identity: LinkIdentity, expected: BrokerId | null): LinkFault["kind"] | null {
    return judge(this.#core.identity, identity, expected, this.#peers.get(identity.broker) ?? null);
  }

  #helloArrived(hello: Hello, from: Address): LinkFault["kind"] | "stale" | null {
    const { identity } = hello;
    const own = this.#core.identity.broker;
    const fault = this.#judge(identity, null);
    if (fault !== null) return fault;
    const dialsSessions = identity.broker < own;
    if (hello.target !== own || dialsSessions !== (hello.purpose === "session")) {
      return "unexpected-broker";
    }
    const known = this.#peers.get(identity.broker) ?? null;
    if (isStale(hello, known)) return "stale";
    const peer = known ?? this.#admitGuest(identity.broker);
    if (peer === null) return "too-many";
    if (hello.purpose === "session") {
      const { directory, incarnation } = identity;
      peer.accepted = { directory, incarnation, attempt: hello.attempt };
      peer.session?.finish("replaced");
    } else {
      this.#knockArrived(hello, from, peer);
    }
    return null;
  }

  #admitGuest(broker: BrokerId): PeerState | null {
    let guests = 0;
    for (const peer of this.#peers.values()) if (!peer.configured) guests++;
    if (guests >= GUESTS_MAX) return null;
    const peer = new PeerState(broker, null, false);
    this.#peers.set(broker, peer);
    return peer;
  }

  #knockArrived(hello: Hello, from: Address, peer: PeerState): void {
    const session = peer.session;
    if (session !== null) {
      if (hello.identity.incarnation <= session.peer.incarnation) return;
      session.finish("replaced");
    }
    this.#dialler.knocked(peer, hello, from);
  }

  #refused(fault: LinkFault): void {
    this.#core.probe.refused[fault.kind].add(1);
    this.#core.log.warn(
      { ...fault, own: this.#core.identity.broker },
      `link-refused-${fault.kind}`,
    );
    if (!this.#closed) this.#events.refused(fault);
  }

  // ---- sessions

  #begin(
    identity: PeerIdentity,
    token: string,
    dials: boolean,
    control: Channel,
    data: Channel,
  ): void {
    const peer = this.#peers.get(identity.broker) ?? this.#admitGuest(identity.broker);
    if (peer === null || this.#closed) {
      control.close();
      data.close();
      return;
    }
    peer.session?.finish("replaced");
    peer.stopDialling();
    const { directory, incarnation, broker } = identity;
    const attempt = peer.accepted?.incarnation === incarnation ? peer.accepted.attempt : 0;
    peer.accepted = { directory, incarnation, attempt };
    const number = ++this.#sessionNumber;
    const facts = { peer: identity, number, token, dials };
    const session = new LinkSession(this.#core, this, facts, control, data);
    peer.sessionBegan(session);
    this.#sessions.set(token, session);
    this.#core.probe.began.add(1);
    this.#core.log.info({ peer: broker, session: number, directory, incarnation }, "link-began");
    if (identity.silenceMs !== this.#core.options.silenceMs) this.#warnOfSilence(identity);
    // The hello may have been said before the identity changed.
    session.sendIdentity();
    session.sendPing();
    this.#events.sessionBegan(session);
    session.start();
  }

  /** The pair works, but elects later and serves reads for less: most likely nobody meant it (ADR 0011). */
  #warnOfSilence({ broker, silenceMs }: LinkIdentity): void {
    const here = this.#core.options.silenceMs;
    const help = "give link.silence.ms one value on all brokers";
    this.#core.log.warn({ peer: broker, here, there: silenceMs, help }, "link-silence-differs");
  }

  sessionOver(session: LinkSession, reason: EndReason): void {
    this.#core.probe.ended[reason].add(1);
    const { broker } = session.peer;
    this.#core.log.info({ peer: broker, session: session.number, reason }, "link-ended");
    this.#sessions.delete(session.token);
    const peer = this.#peers.get(broker);
    if (peer?.session === session) peer.session = null;
    this.#events.sessionEnded(session);
    this.#reconnect(broker);
  }

  pingArrived(session: LinkSession, ping: Ping): void {
    this.#peers.get(session.peer.broker)?.heardPing(this.#core.world.clock.upMs());
    const { incarnation, durableSequence, oldestWriteAgeMs, hasRoom } = ping;
    this.#events.pinged(session, { incarnation, durableSequence, oldestWriteAgeMs, hasRoom });
  }

  identityArrived(session: LinkSession, peer: PeerIdentity): boolean {
    if (!this.#clusterAgrees(session, peer)) return false;
    const before = session.peer;
    const changed =
      before.cluster !== peer.cluster || !same(before.foundingState, peer.foundingState);
    session.peer = peer;
    if (changed) this.#events.peerChanged?.(session);
    return true;
  }

  #clusterAgrees(session: LinkSession, peer: PeerIdentity): boolean {
    const own = this.#core.identity.cluster;
    if (own === null || peer.cluster === null || own === peer.cluster) return true;
    const { broker, directory, cluster, remoteAddress } = peer;
    assert(broker === session.peer.broker, "a session keeps its peer");
    this.#refused({
      kind: "other-cluster",
      side: "here",
      broker,
      directory,
      cluster,
      remoteAddress,
    });
    return false;
  }

  bulkWanted(session: LinkSession): Cancel {
    const greeting = joinLane(this.#core, session.peer.remoteAddress, "bulk", session.token, {
      joined: (channel) => session.adoptBulk(channel),
      failed: (why) => {
        this.#core.log.warn({ peer: session.peer.broker, why }, "link-bulk-failed");
        session.finish("reset");
      },
    });
    return () => greeting.cancel();
  }
}

/** A hello that was overtaken by a newer one of the same process. */
function isStale(hello: Hello, known: PeerState | null): boolean {
  const accepted = known?.accepted ?? null;
  if (accepted === null || hello.purpose === "knock") return false;
  const { directory, incarnation } = hello.identity;
  if (directory !== accepted.directory || incarnation !== accepted.incarnation) return false;
  return hello.attempt <= accepted.attempt;
}

function same(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}
