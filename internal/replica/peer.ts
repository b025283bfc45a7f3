// One session with one peer, as the replica layer uses it: what goes out (append frames, messages, assertions,
// catch-up) and what is owed for what came in. Ends with its session; nothing of it survives into the next (L1, F3).
import type { SharedJournal } from "../journal/owner.ts";
import type { ReplicaId, StartId } from "../model/ids.ts";
import type { Session } from "../transport/contract.ts";
import { AssertionOutbox } from "./assertions.ts";
import { CatchUp } from "./catch-up.ts";
import type { CatchUpEvents } from "./catch-up.ts";
import type { Assertion, Envelope } from "./control-frames.ts";
import {
  ACKNOWLEDGEMENT,
  CATCH_UP_ACKNOWLEDGEMENT,
  encodeEnvelopes,
  envelopeBytes,
  RAFT_MESSAGES,
} from "./control-frames.ts";
import type { InboxEvents } from "./inbox.ts";
import { Inbox } from "./inbox.ts";
import type { OutboxEvents } from "./outbox.ts";
import { Outbox } from "./outbox.ts";
import { isController } from "./precedence.ts";
import type { Replica } from "./replica.ts";

/** Messages of one control frame, about; the rest goes in further ones. */
const ENVELOPES_BYTES_MAX = 16_384;
/** Messages that wait for the control lane. Beyond it the oldest are dropped: Raft repeats what matters. */
const ENVELOPES_WAITING_MAX = 65_536;
const ENVELOPES_BACKLOG = 4_096;

export interface PeerOptions {
  /** Payload bytes of one frame, about; less where the follower's arena is smaller than this broker's. */
  readonly frameBytesMax: number;
  /** A bug that tests plant: acknowledge what is not durable. */
  readonly acksEarly: boolean;
}

export interface PeerEvents extends OutboxEvents, InboxEvents, CatchUpEvents {
  assertionOf(group: number, session: Session): Assertion | null;
}

export class Peer {
  readonly session: Session;
  readonly outbox: Outbox;
  readonly catchUp: CatchUp;
  readonly assertions: AssertionOutbox;
  readonly inbox: Inbox;
  readonly catchUpInbox: Inbox;
  /** Groups whose rows were refused lately: they are offered again soon. */
  readonly retrying = new Set<Replica>();
  /** Groups whose leader at the other end was left and is not known to have heard of it (L5). */
  readonly unheard = new Set<Replica>();
  /** A ping came in this session. */
  hasPinged = false;
  /** Its start, once it has given account of itself (D3). */
  start: StartId | null = null;
  /** Age of its oldest unfinished journal write, by its last ping (L4). */
  oldestWriteAgeMs = 0;
  /** Its journal takes records of clients, by its last ping (J11). */
  hasRoom = true;
  #envelopes: Envelope[] = [];
  /** Those of the controller's group: they overtake the others (L8). */
  #urgent: Envelope[] = [];

  constructor(session: Session, journal: SharedJournal, options: PeerOptions, events: PeerEvents) {
    const { acksEarly } = options;
    this.session = session;
    // A frame and an entry of any length must fit the follower's arena, half of which the longest payload is.
    const frameBytesMax = Math.min(options.frameBytesMax, session.peer.payloadBytesMax / 4);
    this.outbox = new Outbox(session, journal, frameBytesMax, {
      commitsWait: () => events.commitsWait(),
      leftMemory: (replica, peer) => events.leftMemory(replica, peer),
    });
    this.catchUp = new CatchUp(session, journal, frameBytesMax / 2, events);
    this.inbox = new Inbox(session, ACKNOWLEDGEMENT, journal, acksEarly, events);
    this.catchUpInbox = new Inbox(session, CATCH_UP_ACKNOWLEDGEMENT, journal, acksEarly, events);
    this.assertions = new AssertionOutbox(session, (group) => events.assertionOf(group, session));
    session.onDrained("control", () => this.#sendControl());
  }

  post(envelope: Envelope): void {
    const line = isController(envelope.group) ? this.#urgent : this.#envelopes;
    if (line.length >= ENVELOPES_WAITING_MAX) line.shift();
    line.push(envelope);
  }

  /** So much waits for the control lane that more campaigns would only wait behind it. */
  get isBacklogged(): boolean {
    return this.#envelopes.length > ENVELOPES_BACKLOG;
  }

  ready(replica: Replica, peer: ReplicaId): void {
    // Whoever left the group may have lived where a member lives now, and must not take its place in the outbox.
    const { machine } = replica;
    if (!machine.isVoter(peer) && !machine.isLearner(peer)) return;
    if (!this.catchUp.isBusy(replica)) this.outbox.ready(replica, peer);
  }

  /** End of turn. */
  flush(withCommits: boolean): void {
    this.#sendControl();
    this.outbox.flush(withCommits);
  }

  /** Also when the control lane has drained: what it had no room for waits for no other event (F6). */
  #sendControl(): void {
    this.#urgent = this.#send(this.#urgent);
    if (this.#urgent.length === 0) this.#envelopes = this.#send(this.#envelopes);
    this.assertions.flush();
    this.acknowledge();
  }

  /** Returns what the lane did not take. */
  #send(envelopes: Envelope[]): Envelope[] {
    let at = 0;
    while (at < envelopes.length) {
      const end = endOfFrame(envelopes, at);
      const chunk = envelopes.slice(at, end);
      if (!this.session.send("control", RAFT_MESSAGES, [encodeEnvelopes(chunk)])) break;
      at = end;
    }
    return at === 0 ? envelopes : envelopes.slice(at);
  }

  acknowledge(): void {
    this.inbox.acknowledge();
    this.catchUpInbox.acknowledge();
  }
}

/** How many of the envelopes from `start` on go into one frame. */
function endOfFrame(envelopes: readonly Envelope[], start: number): number {
  let end = start;
  for (let bytes = 0; end < envelopes.length && bytes < ENVELOPES_BYTES_MAX; end++) {
    bytes += envelopeBytes(envelopes[end] as Envelope);
  }
  return end;
}
