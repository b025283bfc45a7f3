// Sessions with peers and what goes over them: frames and messages to the replicas that they are for, acknowledgements to
// the leaders that wait for them, assertions to everybody (L1), silence to the groups that it concerns (L6). What is
// true of a group is decided elsewhere; this file knows who said it, and in which session.
import type { SharedJournal } from "../journal/owner.ts";
import type { SeenStart, StartAccount } from "../journal/starts.ts";
import type {
  BrokerId,
  DirectoryId,
  GroupId,
  LogIndex,
  ReplicaId,
  Term,
  Ticket,
} from "../model/ids.ts";
import type { World } from "../ports/world.ts";
import type { Message } from "../raft/message.ts";
import { isQuorum } from "../raft/quorum.ts";
import type { PingFacts, Session } from "../transport/contract.ts";
import type { Links } from "../transport/links.ts";
import type { ReceivedRow } from "./append-frame.ts";
import type { SentRow } from "./append-lane.ts";
import type { Assertion, Envelope } from "./control-frames.ts";
import {
  ACKNOWLEDGEMENT,
  APPEND_FRAME,
  ASSERTIONS,
  CATCH_UP_ACKNOWLEDGEMENT,
  CATCH_UP_FRAME,
  decodeAcknowledgement,
  decodeAssertions,
  decodeEnvelopes,
  decodeSeen,
  decodeStarts,
  encodeSeen,
  encodeStarts,
  JOURNAL_STARTS,
  RAFT_MESSAGES,
  SEEN_START,
} from "./control-frames.ts";
import type { GroupsOfBroker } from "./group-table.ts";
import { Peer } from "./peer.ts";
import type { PeerOptions } from "./peer.ts";
import type { Replica } from "./replica.ts";
import { hasRoomForCampaign } from "./room.ts";
import { inSlices } from "./slices.ts";

/** Who leads a group, as its leader says. */
export interface LeaderNews {
  readonly group: GroupId;
  readonly term: Term;
  /** Null: it does not lead any more. */
  readonly leader: BrokerId | null;
  readonly isr: readonly BrokerId[];
  readonly version: number;
}

export interface LinkTrafficOptions extends PeerOptions {
  readonly silenceMs: number;
  /** A bug that tests plant: an echo is contact with whoever lives at its sender. */
  readonly echoIsContact: boolean;
}

export interface LinkTrafficEvents {
  /** Something waits for the end of the turn. */
  touch(): void;
  /** Only commit positions wait: end a turn with them soon. */
  commitsWait(): void;
  ready(replica: Replica, peer: ReplicaId): void;
  /** A session with some peer began, in which a replica may find who votes for it, or has what it lacks. */
  reached(replica: Replica): void;
  leaderSaid(news: LeaderNews): void;
  /** What to say of a group in this session; null: nothing. */
  assertionOf(group: GroupId, session: Session): Assertion | null;
  /** Whether a replica may take leadership over when it is offered (D1, and not while this broker drains). */
  mayTakeOver(replica: Replica): boolean;
  /** This directory's disk has lost something for certain. */
  isDistrusted(): boolean;
  /** A replica that is not here will not be: nobody is to wait for its answer (D3). */
  isMissing(group: GroupId, replica: ReplicaId): boolean;
  /** A peer said what it had seen of this directory's journal before this session (D3). */
  peerSaw(peer: DirectoryId, seen: SeenStart): void;
}

/** Messages of campaigns, which make the machine write, and which are not heard while the journal has no room (J11). */
const LOSABLE: ReadonlySet<Message["say"]> = new Set([
  "vote-request",
  "vote-response",
  "pre-vote-response",
]);
/** Groups whose leader is told again that it was left, with each of its pings (L7). */
const REMINDED_PER_PING = 256;
/** After a row was refused without a reason of Raft's, the peer is offered it again after this long. */
const RETRY_MS = 50;
/** The same, while its journal is near its limit: what does not fit now will not for a while. */
const RETRY_FULL_MS = 1_000;

const TOO_LONG_HELP =
  "this replica gets no further: start the broker with a larger journal.arena.bytes, or move the replica to another broker";

/** Of it, what a broker hands link events to and asks. */
export type LinkFace = Pick<
  LinkTraffic,
  "sessionBegan" | "sessionEnded" | "peerSilent" | "pinged" | "hasRoom" | "canStore"
>;

export class LinkTraffic {
  readonly #world: World;
  readonly #journal: SharedJournal;
  readonly #links: Links;
  readonly #groups: GroupsOfBroker;
  readonly #options: LinkTrafficOptions;
  readonly #events: LinkTrafficEvents;
  readonly #peers = new Map<BrokerId, Peer>();
  /** Some peer's journal is near its limit. */
  #isAnyFull = false;
  /** The longest payload that the journals of all peers take. */
  #payloadBytesMin = Infinity;

  constructor(
    world: World,
    journal: SharedJournal,
    links: Links,
    groups: GroupsOfBroker,
    options: LinkTrafficOptions,
    events: LinkTrafficEvents,
  ) {
    this.#world = world;
    this.#journal = journal;
    this.#links = links;
    this.#groups = groups;
    this.#options = options;
    this.#events = events;
    this.#register();
  }

  /** End of turn. */
  flush(withCommits: boolean): void {
    for (const peer of this.#peers.values()) peer.flush(withCommits);
    this.#links.flush();
  }

  /** What became durable is acknowledged; the machines have learnt of it before. */
  acknowledge(): void {
    for (const peer of this.#peers.values()) peer.acknowledge();
  }

  /** Whether more campaigns would only wait behind those before them (L8). */
  get isBacklogged(): boolean {
    for (const peer of this.#peers.values()) if (peer.isBacklogged) return true;
    return false;
  }

  /** Says to everybody what is true of a group now; `last`: what is true of one that leaves this broker. */
  say(group: GroupId, last: Assertion | null = null): void {
    for (const peer of this.#peers.values()) peer.assertions.say(group, last);
  }

  /** The open session that reaches a member, if the directory that it counts is at the other end (F5). */
  peerOf(replica: Replica, id: ReplicaId): Peer | null {
    const member = replica.member(id);
    if (member === null) return null;
    const peer = this.#peers.get(member.broker);
    // A wiped disk is no member: the configuration counts the directory it had (F5).
    return peer !== undefined && peer.session.peer.directory === member.directory ? peer : null;
  }

  /**
   * Until when a member helps nobody else to lead, by this broker's clock: from the send time of the newest ping after
   * `sinceMs` that its broker echoed, in a session in which the member acknowledged something of this term (L5). An echo
   * alone proves nothing: while this broker slept, its peers may have elected another leader, and they echo its pings all
   * the same when it wakes up.
   */
  loyalUntilMs(replica: Replica, id: ReplicaId, sinceMs: number): number {
    const peer = this.peerOf(replica, id);
    if (peer === null) return -Infinity;
    const follows = replica.followedIn.get(id) === peer.session.number;
    if (!follows && !this.#options.echoIsContact) return -Infinity;
    const { broker } = peer.session.peer;
    const contactMs = this.#links.contactMs(broker);
    return contactMs > sinceMs ? contactMs + this.#links.leaseMs(broker) : -Infinity;
  }

  /** Whether most voters can take what a client would append here, as far as this broker has heard (J11). */
  hasQuorumWithRoom(replica: Replica): boolean {
    return !this.#isAnyFull || this.#haveRoom(replica);
  }

  /**
   * Whether every member that is connected can ever store a payload: one whose journal takes only shorter ones would never
   * get beyond it (J12).
   */
  canStore(replica: Replica, bytes: number): boolean {
    if (bytes <= this.#payloadBytesMin) return true;
    for (const member of replica.members()) {
      const peer = this.peerOf(replica, member.replica);
      if (peer !== null && bytes > peer.session.peer.payloadBytesMax) return false;
    }
    return true;
  }

  #haveRoom(replica: Replica): boolean {
    const { configuration } = replica.machine;
    return isQuorum(configuration, (voter) => this.peerOf(replica, voter)?.hasRoom !== false);
  }

  /** Whether a broker's journal has room for more, as far as this one has heard. */
  hasRoom(broker: BrokerId): boolean {
    return this.#peers.get(broker)?.hasRoom !== false;
  }

  sessionBegan(session: Session): void {
    const peer = new Peer(session, this.#journal, this.#options, {
      commitsWait: () => this.#events.commitsWait(),
      leftMemory: (replica, to) => this.#peers.get(session.peer.broker)?.catchUp.start(replica, to),
      replicaFor: (row, from) => this.#replicaFor(row, from),
      cannotStore: ({ group }, bytes) => {
        const limit = this.#journal.payloadBytesMax;
        const fields = { group, bytes, bytesMax: limit, help: TOO_LONG_HELP };
        this.#world.log.error(fields, "entry-too-long-for-this-broker");
      },
      finished: (replica, to, progressed) => this.#caughtUp(peer, replica, to, progressed),
      assertionOf: (group, to) => this.#events.assertionOf(group as GroupId, to),
    });
    this.#peers.set(session.peer.broker, peer);
    this.#payloadBytesMin = Math.min(this.#payloadBytesMin, session.peer.payloadBytesMax);
    session.onDrained("data", () => this.#events.touch());
    session.say(JOURNAL_STARTS, encodeStarts(this.#journal.starts()));
    inSlices(this.#world.clock, this.#groups.replicas(), (replica) =>
      this.#joinSession(replica, peer),
    );
    this.#world.clock.after(this.#options.silenceMs, () => {
      this.#world.clock.turnEnd(() => this.#lapse(session));
    });
    this.#events.touch();
  }

  #joinSession(replica: Replica, peer: Peer): void {
    if (!peer.session.open || !(this.#groups.replica(replica.group) === replica)) return;
    const { standing } = replica.machine;
    if (standing === "recalling" || standing === "suspect") this.#recallFrom(replica, peer);
    else this.tellGone(replica);
    this.#events.reached(replica);
    if (!replica.leads) return;
    peer.assertions.say(replica.group);
    for (const member of replica.members()) {
      if (this.peerOf(replica, member.replica) !== peer) continue;
      replica.handle({ on: "peer-back", peer: member.replica });
      peer.ready(replica, member.replica);
    }
    this.#events.touch();
  }

  /**
   * A member that lives at the other end is asked, or told that this disk has lost something (D3); one that lived there in
   * another directory is gone (F5).
   */
  #recallFrom(replica: Replica, peer: Peer): void {
    for (const member of [...replica.members()]) {
      if (this.peerOf(replica, member.replica) !== peer) continue;
      replica.handle({ on: "peer-back", peer: member.replica });
    }
    this.tellGone(replica);
    this.#events.touch();
  }

  /**
   * Tells a replica that recalls, or has recalled, which members' logs are lost, as far as it is seen who lives in their
   * place: it waits neither for their answers nor for what they once told of.
   */
  tellGone(replica: Replica): void {
    const { standing, recalled } = replica.machine;
    if (standing !== "recalling" && !recalled) return;
    const home = replica.member(replica.self)?.broker;
    for (const member of [...replica.members()]) {
      const { broker } = member;
      // This broker too may have had another disk before.
      const there =
        broker === home
          ? this.#journal.recovered.directory
          : (this.#peers.get(broker)?.session.peer.directory ?? member.directory);
      if (there !== member.directory) replica.handle({ on: "peer-gone", peer: member.replica });
    }
  }

  sessionEnded(session: Session): void {
    const peer = this.#peers.get(session.peer.broker);
    if (peer?.session !== session) return;
    this.#peers.delete(session.peer.broker);
    // Silence is told once, and what this session brought came after it: whoever believed that must not go on (L1).
    if (!peer.hasPinged) this.peerSilent(session.peer.broker);
  }

  /** Groups whose leader sits at the other end and did not assert itself in this session lose it (L1). */
  #lapse(session: Session): void {
    if (!session.open) return;
    inSlices(this.#world.clock, this.#groups.replicas(), (replica) => {
      if (replica.leads || replica.leaderBroker !== session.peer.broker) return;
      if (replica.assertedIn !== session.number) replica.handle({ on: "leader-lost" });
    });
  }

  peerSilent(broker: BrokerId): void {
    inSlices(this.#world.clock, this.#groups.replicas(), (replica) => {
      if (!this.#links.isSilent(broker)) return;
      if (!replica.leads) {
        if (replica.leaderBroker === broker) replica.handle({ on: "leader-lost" });
        return;
      }
      for (const member of replica.members()) {
        if (member.broker === broker && member.replica !== replica.self) {
          replica.handle({ on: "peer-lost", peer: member.replica });
        }
      }
    });
  }

  pinged(session: Session, ping: PingFacts): void {
    const peer = this.#peerFor(session);
    if (peer === null) return;
    peer.hasPinged = true;
    this.#noteDurable(peer, ping.durableSequence as Ticket);
    peer.oldestWriteAgeMs = ping.oldestWriteAgeMs;
    peer.hasRoom = ping.hasRoom;
    this.#isAnyFull = [...this.#peers.values()].some((each) => !each.hasRoom);
    this.#remind(peer);
  }

  /** A leader that was left answers readers for as long as its pings are echoed: it is told until it has heard (L5). */
  #remind(peer: Peer): void {
    let count = 0;
    for (const replica of peer.unheard) {
      if (++count > REMINDED_PER_PING) break;
      // Behind those that were not told this time.
      peer.unheard.delete(replica);
      if (this.#groups.replica(replica.group) !== replica) continue;
      for (const leader of replica.machine.unheard()) {
        if (this.peerOf(replica, leader) !== peer) continue;
        peer.unheard.add(replica);
        replica.handle({ on: "remind", peer: leader });
        break;
      }
    }
  }

  #register(): void {
    const links = this.#links;
    links.handle(APPEND_FRAME, "data", (session, bytes, start, end) => {
      this.#peerFor(session)?.inbox.receive(bytes, start, end);
      this.#events.touch();
    });
    links.handle(CATCH_UP_FRAME, "bulk", (session, bytes, start, end) => {
      this.#peerFor(session)?.catchUpInbox.receive(bytes, start, end);
      this.#events.touch();
    });
    links.handle(ACKNOWLEDGEMENT, "control", (session, bytes, start, end) =>
      this.#acknowledged(session, "data", bytes, start, end),
    );
    links.handle(CATCH_UP_ACKNOWLEDGEMENT, "control", (session, bytes, start, end) =>
      this.#acknowledged(session, "bulk", bytes, start, end),
    );
    links.handle(RAFT_MESSAGES, "control", (session, bytes, start, end) => {
      const envelopes = decodeEnvelopes(bytes, start, end);
      if (!envelopes.ok) return session.end("malformed Raft messages");
      for (const envelope of envelopes.value) this.#deliver(session, envelope);
    });
    links.handle(ASSERTIONS, "control", (session, bytes, start, end) => {
      const rows = decodeAssertions(bytes, start, end);
      if (!rows.ok) return session.end("malformed assertions");
      for (const row of rows.value) this.#asserted(session, row);
    });
    links.handle(JOURNAL_STARTS, "control", (session, bytes, start, end) => {
      const account = decodeStarts(bytes, start, end);
      if (!account.ok) return session.end("malformed journal-starts");
      const peer = this.#peerFor(session);
      if (peer !== null) this.#compareStarts(peer, account.value);
    });
    links.handle(SEEN_START, "control", (session, bytes, start, end) => {
      const seen = decodeSeen(bytes, start, end);
      if (!seen.ok) return session.end("malformed seen-start");
      this.#events.peerSaw(session.peer.directory, seen.value);
    });
  }

  /** What is remembered is told before it is replaced: the peer judges whether it has lost something (D3). */
  #compareStarts(peer: Peer, account: StartAccount): void {
    const { directory } = peer.session.peer;
    const memory = this.#journal.peers;
    peer.session.say(SEEN_START, encodeSeen(memory.of(directory)));
    memory.compare(directory, account);
    peer.start = account.starts.at(-1)?.start ?? null;
    this.#events.touch();
  }

  #noteDurable(peer: Peer, ticket: Ticket): void {
    if (peer.start === null) return;
    this.#journal.peers.note(peer.session.peer.directory, peer.start, ticket);
  }

  #peerFor(session: Session): Peer | null {
    const peer = this.#peers.get(session.peer.broker);
    return peer?.session === session ? peer : null;
  }

  #deliver(session: Session, envelope: Envelope): void {
    const replica = this.#groups.replica(envelope.group);
    if (replica === null && this.#isLost(envelope)) return this.#sayLost(session, envelope);
    if (replica === null || replica.self !== envelope.to) return;
    if (!this.#isMember(replica, envelope.from, session)) return;
    const { message, from } = envelope;
    // Of a later term the machine knows better: it may have campaigned, and cannot take that back.
    const isAsked = message.say === "timeout-now" && message.term >= replica.machine.term;
    if (isAsked && !this.#events.mayTakeOver(replica)) {
      const refusal = { say: "transfer-refused", term: message.term } as const;
      this.#peerFor(session)?.post(replica.envelope(from, refusal));
      return this.#events.touch();
    }
    // Lost, like on a bad link: whoever asked for the vote, or was given it, tries again.
    if (LOSABLE.has(message.say) && !hasRoomForCampaign(this.#journal)) return;
    if (envelope.membership !== null) replica.learnMembers(envelope.membership.members);
    replica.handle({ on: "message", from: envelope.from, message: envelope.message });
    if (message.say === "recall-response") this.tellGone(replica);
    this.#events.touch();
  }

  /**
   * A disk that lost something may have lost the group itself, and never hears of new ones; another never had it, and will
   * not. Nobody waits for them (D3).
   */
  #isLost({ group, to }: Envelope): boolean {
    return this.#events.isDistrusted() || this.#events.isMissing(group, to);
  }

  #sayLost(session: Session, { group, to, from, message }: Envelope): void {
    if (message.say !== "recall-request") return;
    const nothing = { term: 0 as Term, lastIndex: 0 as LogIndex, lastTerm: 0 as Term };
    const configuration = { voters: [], votersOutgoing: [], learners: [], revision: 0 };
    const answer = {
      say: "recall-response",
      round: 0,
      lost: true,
      ...nothing,
      configuration,
    } as const;
    const membership = { configuration, members: [] };
    this.#peerFor(session)?.post({ group, to: from, from: to, message: answer, membership });
    this.#events.touch();
  }

  #isMember(replica: Replica, id: ReplicaId, session: Session): boolean {
    const { broker, directory } = session.peer;
    const member = replica.member(id);
    if (member === null) {
      // A configuration that is not here yet may have members that are not known here yet, its leader among them. Their
      // ids were never used before (F5), and who is not counted can be answered without harm.
      return replica.meet({ replica: id, broker, directory });
    }
    return member.broker === broker && member.directory === directory;
  }

  #replicaFor(row: ReceivedRow, session: Session): Replica | null {
    const replica = this.#groups.replica(row.group);
    if (replica === null || replica.self !== row.to) return null;
    return this.#isMember(replica, row.from, session) ? replica : null;
  }

  #acknowledged(
    session: Session,
    lane: "data" | "bulk",
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const peer = this.#peerFor(session);
    const acknowledgement = decodeAcknowledgement(bytes, start, end);
    if (!acknowledgement.ok) return session.end("malformed acknowledgement");
    if (peer === null) return;
    this.#noteDurable(peer, acknowledgement.value.durable);
    const sent = lane === "data" ? peer.outbox.lane : peer.catchUp.lane;
    const isKnown = sent.acknowledged(
      acknowledgement.value,
      (row) => this.#accepted(peer, row, lane === "bulk"),
      (row, isRejected) => this.#excepted(peer, row, lane === "bulk", isRejected),
    );
    if (!isKnown) return session.end("acknowledgement of a frame that was not sent");
    for (const envelope of acknowledgement.value.messages) this.#deliver(session, envelope);
    this.#events.touch();
  }

  #accepted(peer: Peer, row: SentRow, wasCatchUp: boolean): void {
    const { replica, term, last } = row;
    const isHere = this.#groups.replica(replica.group) === replica;
    if (isHere && replica.leads && replica.machine.term === term) {
      replica.followedIn.set(row.peer, peer.session.number);
      const message = { say: "append-accepted", term, match: last } as const;
      replica.handle({ on: "message", from: row.peer, message });
      replica.client?.progressed();
    }
    if (wasCatchUp) peer.catchUp.settled(row, true);
  }

  /** Refused for a reason that is none of Raft's (no replica there yet, no room): offered again after a while. */
  #excepted(peer: Peer, row: SentRow, wasCatchUp: boolean, isRejected: boolean): void {
    if (wasCatchUp) peer.catchUp.settled(row, false);
    if (!isRejected) this.#retryLater(peer, row.replica, row.peer);
  }

  /** One retry at a time, however many rows were refused, or each of them would bring forth another row each time. */
  #retryLater(peer: Peer, replica: Replica, to: ReplicaId): void {
    if (peer.retrying.has(replica)) return;
    peer.retrying.add(replica);
    this.#world.clock.after(peer.hasRoom ? RETRY_MS : RETRY_FULL_MS, () => {
      peer.retrying.delete(replica);
      if (!peer.session.open || !replica.leads) return;
      if (this.peerOf(replica, to) !== peer) return;
      replica.handle({ on: "peer-back", peer: to });
      this.#events.ready(replica, to);
    });
  }

  #caughtUp(peer: Peer, replica: Replica, to: ReplicaId, progressed: boolean): void {
    if (!progressed) return this.#retryLater(peer, replica, to);
    this.#events.ready(replica, to);
  }

  #asserted(session: Session, row: Assertion): void {
    const { group, term, isr, version, leads, leader, commit } = row;
    const { broker } = session.peer;
    if (leads) this.#events.leaderSaid({ group, term, leader: broker, isr, version });
    const replica = this.#groups.replica(group);
    if (replica === null || !this.#isMember(replica, leader, session)) return;
    if (leads) {
      replica.handle({ on: "message", from: leader, message: { say: "assert", term, commit } });
      const { machine } = replica;
      if (machine.leader === leader && machine.term === term) replica.assertedIn = session.number;
    } else replica.handle({ on: "resigned", peer: leader, term });
    this.#events.touch();
  }
}
