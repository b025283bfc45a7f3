// What the layers above see of the broker links: identities, sessions, lanes, events, options and
// faults. A session is one pairing of two broker processes: a control and a data connection, and a
// bulk connection from first use. Messages are opaque; order holds inside a lane and nowhere else
// (F6).
import type { BrokerId, ClusterId, DirectoryId, Incarnation } from "../model/ids.ts";
import type { Address } from "../ports/wire.ts";

/** What a broker says of itself when it meets another one. */
export interface LinkIdentity {
  readonly broker: BrokerId;
  readonly directory: DirectoryId;
  readonly incarnation: Incarnation;
  readonly cluster: ClusterId | null;
  /** Opaque, at most FOUNDING_STATE_BYTES_MAX; set by the cluster layer with `setFoundingState`. */
  readonly foundingState: Uint8Array;
  /** Its `link.silence.ms`: so long at least it is loyal to whoever it hears (L5). */
  readonly silenceMs: number;
  /** The longest payload of an entry that its journal takes: its settings may be others than here (J12). */
  readonly payloadBytesMax: number;
}

export interface PeerIdentity extends LinkIdentity {
  /** Where the connection came from or went to. */
  readonly remoteAddress: Address;
}

/**
 * `control`: never paused by back-pressure. `data`: replication. `bulk`: catch-up, opened on first
 * use.
 */
export type Lane = "control" | "data" | "bulk";

/** One ping as it arrived. */
export interface PingFacts {
  readonly incarnation: Incarnation;
  /** The peer's durable journal sequence (D3). */
  readonly durableSequence: number;
  /** Age of the peer's oldest unfinished journal write, 0 when none is under way (L4). */
  readonly oldestWriteAgeMs: number;
  /** The peer's journal takes records of clients (J11). */
  readonly hasRoom: boolean;
}

/** What a ping says of the sender's own journal. */
export interface OwnFacts {
  readonly durableSequence: number;
  readonly oldestWriteAgeMs: number;
  readonly hasRoom: boolean;
}

/**
 * Why a peer was refused. `side` says who refused: "here" when this broker did, "there" when the
 * other side refused this broker and said so.
 */
export interface LinkFault {
  readonly kind:
    | "other-cluster"
    /** Somebody claims this broker's own id (another directory, or this broker dialled itself). */
    | "own-broker-id"
    /** A second live directory under one broker id (C1). */
    | "second-directory"
    /** A lower incarnation of a directory whose higher one was met (F5). */
    | "old-incarnation"
    /** The broker at this address is not the one that was dialled. */
    | "unexpected-broker"
    | "format-version"
    | "too-many";
  readonly side: "here" | "there";
  /** Who is concerned; null when the connection ended before it said so. */
  readonly broker: BrokerId | null;
  readonly directory: DirectoryId | null;
  readonly cluster: ClusterId | null;
  readonly remoteAddress: Address;
}

/**
 * Called by the links, never inside a call that the receiver makes, with four exceptions:
 * `Session.end` and `say`, `Links.setPeers` (when it drops a peer) and `Links.close` end sessions at once.
 * For one broker `sessionBegan` and `sessionEnded` alternate, beginning with `sessionBegan`.
 */
export interface LinkEvents {
  /**
   * A session with this peer began; control and data are open. Everything of older sessions is
   * void.
   */
  sessionBegan(session: Session): void;
  /**
   * The session ended (reset, replaced, silent). Comes before `sessionBegan` of a newer one. Not
   * yet silence.
   */
  sessionEnded(session: Session): void;
  /**
   * The silence limit passed without a ping (L3). Once per
   * silence: again only after a ping ended this one. Also for configured peers that were never
   * reached.
   */
  peerSilent(broker: BrokerId): void;
  /** A ping arrived. Called for each one; `isSilent` is already false. */
  pinged(session: Session, ping: PingFacts): void;
  refused(fault: LinkFault): void;
  /**
   * The peer's cluster id or founding state changed during the session (`session.peer` has the new
   * ones).
   */
  peerChanged?(session: Session): void;
}

/** Delays in milliseconds, sizes in bytes. */
export interface LinkOptions {
  /** Between two pings, and the unit in which silence is counted. Default 100. */
  readonly pingMs: number;
  /** Silence limit (L3). Default 400. */
  readonly silenceMs: number;
  /** A connect that takes longer is given up. Default 1000. */
  readonly connectMsMax: number;
  /** Deadline of a handshake, from the open connection to the session. Default 2000. */
  readonly helloMsMax: number;
  /** First back-off after a failed connect; doubles up to `retryMsMax`. Default 25. */
  readonly retryMsMin: number;
  /** Default 500. */
  readonly retryMsMax: number;
  /**
   * A session whose data or bulk lane makes no progress for so long, though the peer reads, ends.
   * Default 10000.
   */
  readonly stallMsMax: number;
  /** Bytes queued on a lane before `send` refuses. Defaults 64 KiB, 8 MiB, 8 MiB. */
  readonly controlBytesMax: number;
  readonly dataBytesMax: number;
  readonly bulkBytesMax: number;
  /** Accepted connections, and those of them that have not said hello. Defaults 256 and 64. */
  readonly connectionsMax: number;
  readonly strangersMax: number;
  /**
   * Where other brokers reach this one, told to them in hellos; default: the listener's port at the
   * address they see.
   */
  readonly advertised: Address | null;
}

export interface Peer {
  readonly broker: BrokerId;
  readonly address: Address;
}

/** The bytes are lent until it returns: keep = copy. */
export type MessageHandler = (
  session: Session,
  bytes: Uint8Array,
  start: number,
  end: number,
) => void;

export interface Session {
  readonly peer: PeerIdentity;
  /** Unique in this process; grows. */
  readonly number: number;
  /** False before `sessionBegan` and from `sessionEnded` on. */
  readonly open: boolean;
  /**
   * Queues one message on a lane; it leaves at the end of the turn (one flush per connection and
   * turn). Returns false, with nothing queued and `released` never called, when the session is not
   * open or the lane is full: a control lane would exceed its limit, or a data or bulk lane that
   * already holds something would. A control message longer than the control lane and a body longer
   * than FRAME_BODY_BYTES_MAX are bugs.
   *
   * `parts` go out one after another as one message. They are lent until `released` runs: exactly
   * once, also when the session ends, never inside this call. On the control lane all parts are
   * under the frame's checksum; on data and bulk only the first part (the head) is: the others must
   * bring their own (record payloads do).
   */
  send(lane: Lane, type: number, parts: readonly Uint8Array[], released?: () => void): boolean;
  /**
   * Queues a control message that nobody says again in this session, with the reserve of the lane: where it does not fit, the
   * session ends, and the next one says it anew.
   */
  say(type: number, body: Uint8Array): void;
  /** Bytes of this lane that the system has not taken yet. */
  bufferedBytes(lane: Lane): number;
  /**
   * `callback` runs each time everything queued on the lane was taken by the system, after there
   * was something; never inside `send`. It may call `send`. One callback per lane; null removes it.
   */
  onDrained(lane: Lane, callback: (() => void) | null): void;
  /**
   * Stops delivering messages of a lane (back-pressure towards the peer) until `resume`. Control is
   * never paused.
   */
  pause(lane: "data" | "bulk"): void;
  /**
   * Delivers again; messages that were held come later in this turn or in the next one, not inside
   * this call.
   */
  resume(lane: "data" | "bulk"): void;
  /**
   * Ends the session because of what the peer sent or did; a new one begins after the usual
   * handshake.
   */
  end(reason: string): void;
}
