// The accepting side: every connection that comes in is a stranger until its first frame says what
// it is, within a deadline and within limits. What makes no sense is closed with a log line that
// cannot be flooded; who may not have a session is told why.
import type { Cancel } from "../ports/clock.ts";
import type { Address, CloseReason, Connection, ConnectionEvents } from "../ports/wire.ts";
import { readUuid } from "../bytes/uuid.ts";
import { Channel } from "./channel.ts";
import type { ChannelOwner } from "./channel.ts";
import type { LinkFault, LinkIdentity, PeerIdentity } from "./contract.ts";
import type { LinkCore } from "./core.ts";
import type { FrameFault } from "./frame-reader.ts";
import {
  decodeHello,
  decodeJoin,
  encodeJoined,
  encodeRefusal,
  encodeWelcome,
  FRAME_TYPE,
} from "./handshake.ts";
import type { Hello } from "./handshake.ts";
import type { LinkSession } from "./session.ts";

export interface DoormanEvents {
  /**
   * Judges a hello. "stale": a delayed one, to be dropped without a word. Null: welcome; older
   * sessions of this peer have been ended.
   */
  helloArrived(hello: Hello, from: Address): LinkFault["kind"] | "stale" | null;
  /** Judges again when the session is about to begin, since time has passed. */
  judge(identity: LinkIdentity): LinkFault["kind"] | null;
  joined(peer: PeerIdentity, token: string, control: Channel, data: Channel): void;
  /** The open session whose token this is. */
  sessionOf(token: string): LinkSession | null;
  refused(fault: LinkFault): void;
}

export class Doorman {
  readonly core: LinkCore;
  readonly events: DoormanEvents;
  readonly #open = new Set<Channel>();
  readonly #strangers = new Set<Stranger>();
  #closed = false;

  constructor(core: LinkCore, events: DoormanEvents) {
    this.core = core;
    this.events = events;
  }

  accept(connection: Connection): ConnectionEvents {
    const { options, log, probe } = this.core;
    const tooMany =
      this.#open.size >= options.connectionsMax || this.#strangers.size >= options.strangersMax;
    const stranger = new Stranger(this, connection);
    const channel = stranger.channel;
    this.#open.add(channel);
    this.#strangers.add(stranger);
    channel.gone = () => this.#open.delete(channel);
    if (tooMany || this.#closed) {
      if (tooMany) log.warn({ from: connection.peer }, "link-too-many-connections");
      probe.strangersClosed.add(1);
      // Not here: the wire hands the connection over and gets its events only when this returns.
      this.core.world.clock.turnEnd(() => stranger.close());
    }
    return channel;
  }

  /** The stranger is one no longer: it became part of a session, or is being closed. */
  known(stranger: Stranger): void {
    this.#strangers.delete(stranger);
  }

  /** The control connection that was welcomed with this token. */
  welcomed(token: string): Stranger | null {
    for (const stranger of this.#strangers) if (stranger.token === token) return stranger;
    return null;
  }

  /** A newer hello of the same broker voids what an older one began. */
  dropWelcomed(except: Stranger, identity: LinkIdentity): void {
    for (const stranger of [...this.#strangers]) {
      const same =
        stranger.welcome?.broker === identity.broker &&
        stranger.welcome.directory === identity.directory;
      if (same && stranger !== except) stranger.close();
    }
  }

  close(): void {
    this.#closed = true;
    for (const stranger of [...this.#strangers]) stranger.close();
    for (const channel of [...this.#open]) channel.close();
  }
}

class Stranger implements ChannelOwner {
  readonly channel: Channel;
  /** Set once this control connection was welcomed. */
  token: string | null = null;
  welcome: LinkIdentity | null = null;
  readonly #doorman: Doorman;
  readonly #from: Address;
  #deadline: Cancel;

  constructor(doorman: Doorman, connection: Connection) {
    this.#doorman = doorman;
    this.#from = connection.peer;
    this.channel = new Channel(this);
    this.channel.attach(connection);
    const { world, options } = doorman.core;
    this.#deadline = world.clock.after(options.helloMsMax, () => this.#reject("deadline"));
  }

  close(): void {
    this.#settled();
    this.channel.close();
  }

  #settled(): void {
    this.#deadline();
    this.#doorman.known(this);
  }

  #reject(why: string): void {
    this.#doorman.core.probe.strangersClosed.add(1);
    this.#doorman.core.log.warn({ from: this.#from, why }, "link-stranger-closed");
    this.close();
  }

  frame(_channel: Channel, type: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.token !== null) {
      this.#reject("frame-before-session");
    } else if (type === FRAME_TYPE.hello) {
      const hello = decodeHello(bytes, start, end);
      if (hello === null) this.#reject("bad-hello");
      else this.#hello(hello);
    } else if (type === FRAME_TYPE.join) {
      this.#join(bytes, start, end);
    } else {
      this.#reject("not-a-hello");
    }
  }

  #hello(hello: Hello): void {
    const { core, events } = this.#doorman;
    const verdict = events.helloArrived(hello, this.#from);
    if (verdict === "stale") {
      core.log.debug({ from: this.#from, peer: hello.identity.broker }, "link-stale-hello");
      this.close();
      return;
    }
    if (verdict !== null) {
      this.#refuse(verdict, hello.identity);
      return;
    }
    const token = newToken(core);
    this.channel.greet(encodeWelcome({ token, identity: core.identity }));
    if (hello.purpose === "knock") {
      this.#partInOrder();
      return;
    }
    this.#doorman.dropWelcomed(this, hello.identity);
    this.token = token;
    this.welcome = hello.identity;
  }

  #join(bytes: Uint8Array, start: number, end: number): void {
    const join = decodeJoin(bytes, start, end);
    const { events } = this.#doorman;
    if (join?.lane === "bulk") {
      const session = events.sessionOf(join.token);
      if (session === null || session.dials || session.hasBulk) {
        this.#reject("bulk-of-no-session");
        return;
      }
      this.#settled();
      this.channel.greet(encodeJoined());
      session.adoptBulk(this.channel);
      return;
    }
    const control = join === null ? null : this.#doorman.welcomed(join.token);
    if (join === null || control?.welcome?.broker !== join.broker) {
      this.#reject("join-of-nothing");
      return;
    }
    const fault = events.judge(control.welcome);
    if (fault !== null) {
      control.#refuse(fault, control.welcome);
      this.#reject("join-refused");
      return;
    }
    this.#settled();
    control.#settled();
    this.channel.greet(encodeJoined());
    const peer = { ...control.welcome, remoteAddress: control.#from };
    events.joined(peer, join.token, control.channel, this.channel);
  }

  #refuse(kind: LinkFault["kind"], identity: LinkIdentity): void {
    const { broker, directory, cluster } = identity;
    if (this.token === null) this.channel.greet(encodeRefusal(kind));
    this.#partInOrder();
    const from = this.#from;
    this.#doorman.events.refused({
      kind,
      side: "here",
      broker,
      directory,
      cluster,
      remoteAddress: from,
    });
  }

  /**
   * Ends after what was written; if the other side never closes, the connection is cut at the
   * deadline.
   */
  #partInOrder(): void {
    const { clock } = this.#doorman.core.world;
    const connection = this.channel.connection;
    this.#settled();
    this.channel.finish();
    const cut = clock.after(this.#doorman.core.options.helloMsMax, () => connection.destroy());
    const gone = this.channel.gone;
    this.channel.gone = () => {
      cut();
      gone?.();
    };
  }

  faulted(_channel: Channel, fault: FrameFault): void {
    if (fault.kind === "version") {
      // Our own preamble tells the other side which version this is.
      this.channel.greet(encodeRefusal("format-version"));
      this.#partInOrder();
      this.#doorman.events.refused({
        kind: "format-version",
        side: "here",
        broker: null,
        directory: null,
        cluster: null,
        remoteAddress: this.#from,
      });
    } else {
      this.#reject(fault.kind);
    }
  }

  closed(_channel: Channel, reason: CloseReason): void {
    this.#settled();
    this.#doorman.core.log.debug({ from: this.#from, reason }, "link-stranger-left");
  }
}

function newToken(core: LinkCore): string {
  const bytes = new Uint8Array(16);
  core.world.entropy.fill(bytes);
  return readUuid(new DataView(bytes.buffer), 0);
}
