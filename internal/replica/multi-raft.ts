// All Raft groups of one broker over one journal and one set of links. It routes: journal tickets to machines, frames and
// messages to replicas, link events to the groups that they concern. Decisions are the machines'; what a turn gathered
// leaves at its end, with one journal write and one frame per peer for all groups (docs/ARCHITECTURE.md, "One turn").
import { assert } from "../base/assert.ts";
import type { SharedJournal } from "../journal/owner.ts";
import type { BrokerId, GroupId, LogIndex, ReplicaId, Term } from "../model/ids.ts";
import type { Cancel } from "../ports/clock.ts";
import type { World } from "../ports/world.ts";
import { Machine } from "../raft/machine.ts";
import type { MachineOptions } from "../raft/machine.ts";
import type { Message } from "../raft/message.ts";
import type { Session } from "../transport/contract.ts";
import type { Links } from "../transport/links.ts";
import { assertionOf, resignationOf } from "./assertions.ts";
import type { Assertion } from "./control-frames.ts";
import { ELECTION_DELAYS, Elections, electionRank } from "./elections.ts";
import type { ElectionDelays } from "./elections.ts";
import { EntryTable } from "./entry-table.ts";
import { HandOvers } from "./hand-over.ts";
import type { Unfitness } from "./hand-over.ts";
import { InSyncSet } from "./isr.ts";
import type { LogClient } from "./log-client.ts";
import { memberProgress } from "./member-progress.ts";
import type { MemberProgress } from "./member-progress.ts";
import type { Member, Membership } from "./membership.ts";
import { groupTableOf } from "./group-table.ts";
import { Leases } from "./lease.ts";
import { LinkTraffic } from "./link-traffic.ts";
import type { LeaderNews, LinkFace } from "./link-traffic.ts";
import type { RecoveredGroup } from "./recovery.ts";
import { controllerFirst, isController } from "./precedence.ts";
import { ReplicaProbe } from "./probe.ts";
import type { TransferReason } from "./probe.ts";
import { Repairs } from "./repairs.ts";
import { Replica } from "./replica.ts";
import type { Surroundings } from "./replica.ts";
import { AfterWrites, hasRoomForCampaign } from "./room.ts";
import { Standings } from "./standing.ts";
import { StallWatch } from "./stall.ts";
import type { StallLimits } from "./stall.ts";
import { WriteLedger } from "./write-ledger.ts";
import { inSlices } from "./slices.ts";

/** Bugs that tests plant on purpose. Production passes none. */
export interface ReplicaFaults {
  /** Frames are acknowledged when they were received, durable or not (breaks F1). */
  readonly ackBeforeSync?: boolean;
  /** Restarting forgets for whom this replica voted (breaks F1). */
  readonly voteForgotten?: boolean;
  /** A leader without contact to a quorum answers reads (breaks L5). */
  readonly staleLeaderAnswers?: boolean;
  /** An echoed ping counts as contact, whomever its sender follows (breaks L5). */
  readonly echoIsContact?: boolean;
  /** Replicas vote at once after a start (breaks L5). */
  readonly noQuietPeriod?: boolean;
  /** A disk that may have lost something is trusted as if it had not (breaks D3). */
  readonly neverSuspicious?: boolean;
}

export interface MultiRaftOptions extends StallLimits {
  readonly broker: BrokerId;
  readonly silenceMs: number;
  /** `replica.lag.time.max.ms`. */
  readonly lagMsMax: number;
  readonly elections?: ElectionDelays;
  /** Payload bytes of one append frame, about. */
  readonly frameBytesMax?: number;
  readonly machine?: MachineOptions;
  readonly faults?: ReplicaFaults;
}

/** What is to be a replica of a group on this broker. */
export interface GroupSpec {
  readonly group: GroupId;
  readonly partition: number;
  readonly self: ReplicaId;
  readonly membership: Membership;
  /** Place in the order in which a new group's replicas campaign (L2). */
  readonly rank: number;
  /** The term in which the group starts (C6). */
  readonly firstTerm: Term;
}

export interface MultiRaftEvents {
  /** A leader said that it leads, or that it does no longer; also said of own leaderships. */
  leaderSaid(news: LeaderNews): void;
}

/** A follower's commit position may wait this long for entries to ride with. */
const COMMIT_WAIT_MS = 3;
const SWEEP_MS = 100;
const FRAME_BYTES_MAX = 1024 * 1024;

export class MultiRaft implements Surroundings {
  readonly journal: SharedJournal;
  /** Whether a replica that is placed here, and is not here, will not be either. Who knows placements sets it. */
  isMissing: (group: GroupId, replica: ReplicaId) => boolean = () => false;
  readonly #world: World;
  readonly #links: Links;
  readonly #options: MultiRaftOptions;
  readonly #events: MultiRaftEvents;
  readonly #replicas = new Map<GroupId, Replica>();
  /** Sessions with peers; the link events of this broker go to it. */
  readonly #traffic: LinkTraffic;
  readonly #inSync = new Map<Replica, InSyncSet>();
  readonly #leases: Leases;
  readonly #elections: Elections;
  readonly #standings: Standings;
  readonly #deferred = new Set<Replica>();
  readonly #ledger = new WriteLedger();
  readonly #probe: ReplicaProbe;
  readonly #repairs: Repairs;
  readonly #handOvers: HandOvers;
  readonly #stall: StallWatch;
  readonly #afterWrites: AfterWrites;
  #turnScheduled = false;
  #commitTimer: Cancel | null = null;
  #sweepTimer: Cancel | null = null;
  #closed = false;

  constructor(
    world: World,
    journal: SharedJournal,
    links: Links,
    options: MultiRaftOptions,
    events: MultiRaftEvents,
  ) {
    this.#world = world;
    this.journal = journal;
    this.#links = links;
    this.#options = options;
    this.#events = events;
    const isNeverAsked = options.faults?.neverSuspicious === true;
    this.#afterWrites = new AfterWrites(journal);
    this.#standings = new Standings(world, journal, () => this.replicas(), isNeverAsked);
    const delays = options.elections ?? ELECTION_DELAYS;
    const writeMs = (): number => journal.lastWriteMs;
    this.#elections = new Elections(world, delays, writeMs, this, (replica) => {
      const isBacklogged = this.#traffic.isBacklogged && !isController(replica.group);
      const isAble = !this.#handOvers.isDraining && this.#stall.state !== "fenced";
      // It begins nothing, and only asks again (D3).
      if (isRecalling(replica)) return replica.handle({ on: "election-timeout" });
      if (isBacklogged || !isAble || replica.damaged.size > 0) return;
      if (hasRoomForCampaign(journal)) replica.handle({ on: "election-timeout" });
    });
    this.#probe = new ReplicaProbe(world.meter, {
      leaders: () => this.#inSync.size,
      armed: () => this.#elections.armedCount,
      replicas: () => this.#replicas.values(),
      inSync: (replica) => this.inSync(replica).length,
    });
    journal.onDurable = () => this.#durable();
    journal.groupTable = groupTableOf(this, (one) => this.#standings.of(one) === "suspect");
    if (options.faults?.noQuietPeriod === true) this.#standings.settle();
    this.#traffic = this.#makeTraffic(links);
    this.#leases = new Leases(world.clock, this.#traffic);
    this.#handOvers = new HandOvers({
      clock: world.clock,
      probe: this.#probe,
      stallMs: options.stallTransferMs,
      peerOf: (replica, member) => this.#traffic.peerOf(replica, member),
      inSync: (replica) => this.inSync(replica),
      touch: () => this.#touch(),
    });
    this.#stall = new StallWatch(world, options, {
      ageMs: () => journal.oldestUnfinishedWriteMs(),
      led: () => this.led(),
      handOver: (replica) => void this.#handOvers.away(replica, "stall"),
      resign: (replica) => replica.handle({ on: "resign" }),
      goOn: () => this.#elections.hurry(),
      touch: () => this.#touch(),
    });
    this.#repairs = new Repairs(world, journal, links, this, {
      sessionOf: (replica, member) => this.#traffic.peerOf(replica, member)?.session ?? null,
      mustNotLead: (replica) => {
        if (replica.machine.transferTarget === null) this.#handOvers.away(replica, "damage");
      },
      repaired: (replica, index) => this.#repaired(replica, index),
      touch: () => this.#touch(),
    });
  }

  #makeTraffic(links: Links): LinkTraffic {
    const options = {
      silenceMs: this.#options.silenceMs,
      acksEarly: this.#options.faults?.ackBeforeSync === true,
      echoIsContact: this.#options.faults?.echoIsContact === true,
      frameBytesMax: this.#options.frameBytesMax ?? FRAME_BYTES_MAX,
    };
    return new LinkTraffic(this.#world, this.journal, links, this, options, {
      touch: () => this.#touch(),
      commitsWait: () => this.#commitsWait(),
      ready: (replica, peer) => this.ready(replica, peer),
      reached: (replica) => {
        this.#elections.tryAgain(replica);
        this.#repairs.tryAgain(replica);
      },
      leaderSaid: (news) => this.#events.leaderSaid(news),
      assertionOf: (group, session) => this.#assertionOf(group, session),
      isDistrusted: () => this.#standings.isDistrusted,
      isMissing: (group, replica) => this.isMissing(group, replica),
      peerSaw: (peer, seen) => this.#standings.peerSaw(peer, seen),
      mayTakeOver: (replica) => this.#mayTakeOver(replica),
    });
  }

  /** Begins to serve: recovered groups were added before. */
  start(): void {
    const quietMs = Math.max(this.#options.silenceMs, this.journal.recovered.promisedMs);
    this.#world.clock.after(quietMs, () => {
      this.#world.clock.turnEnd(() => this.#standings.settle());
    });
    this.#scheduleSweep();
  }

  /** Takes a group that the journal knew. */
  adopt(recovered: RecoveredGroup): Replica {
    const { identity, boot, entries, members, damaged, suspect } = recovered;
    const vote = this.#options.faults?.voteForgotten === true ? 0 : boot.vote;
    const machine = new Machine({ ...boot, vote, standing: "quiet" }, this.#options.machine);
    const replica = new Replica(identity, machine, entries, members, this);
    for (const index of damaged) {
      replica.damaged.add(index);
      this.damageFound(replica, index);
    }
    replica.baseOffset = recovered.baseOffset;
    replica.logStart = recovered.logStart;
    if (suspect) this.#standings.distrustGroup(replica);
    return this.#add(replica, electionRank(replica));
  }

  /** Runs once, when everything that was written until now is durable. */
  afterWrite(run: () => void): void {
    this.#afterWrites.add(run);
    this.#touch();
  }

  /** Creates a group's replica here. Its existence is durable before anything else of it can be. */
  create(spec: GroupSpec): Replica {
    assert(!this.#replicas.has(spec.group), "a group has one replica on a broker");
    const index = 0 as LogIndex;
    const machine = new Machine(
      {
        self: spec.self,
        term: spec.firstTerm,
        vote: 0,
        base: { index, term: 0 as Term },
        runs: [],
        last: index,
        configurations: [{ index, configuration: spec.membership.configuration }],
        standing: "full",
      },
      this.#options.machine,
    );
    const entries = new EntryTable(1 as LogIndex);
    const replica = new Replica(spec, machine, entries, spec.membership.members, this);
    replica.recordExistence(spec.firstTerm);
    return this.#add(replica, spec.rank);
  }

  #add(replica: Replica, rank: number): Replica {
    this.#replicas.set(replica.group, replica);
    this.#standings.apply(replica);
    // Its own voters are for ever those that founded the cluster.
    if (isController(replica.group)) this.placed(replica.group, []);
    this.#traffic.tellGone(replica);
    if (replica.machine.isVoter(replica.self) || isRecalling(replica))
      this.#elections.arm(replica, rank);
    this.#touch();
    return replica;
  }

  /** The controller's word on who may be in a group, as of after this start (D3). */
  placed(group: GroupId, members: readonly Member[]): void {
    const replica = this.#replicas.get(group);
    if (replica === undefined || !isRecalling(replica)) return;
    replica.learnMembers(members);
    this.#traffic.tellGone(replica);
    const others = members.map((member) => member.replica).filter((id) => id !== replica.self);
    replica.handle({ on: "placed", others });
  }

  /** The group's data leaves this broker (C5 is the caller's duty). */
  drop(group: GroupId): void {
    const replica = this.#replicas.get(group);
    if (replica === undefined) return;
    replica.handle({ on: "standing", standing: "gone" });
    if (replica.ledTerm > 0) this.#traffic.say(group, resignationOf(replica));
    // While the group is here: a group table that is being written takes its row before it goes (J5).
    replica.recordDrop();
    this.#replicas.delete(group);
    this.#deferred.delete(replica);
    this.#elections.disarm(replica);
    this.#inSync.delete(replica);
    this.#touch();
  }

  replica(group: GroupId): Replica | null {
    return this.#replicas.get(group) ?? null;
  }

  replicas(): IterableIterator<Replica> {
    return controllerFirst(this.#replicas.values()).values();
  }

  attach(replica: Replica, client: LogClient): void {
    replica.attach(client);
  }

  /** Brokers in sync with a group that is led here (P2). */
  inSync(replica: Replica): readonly BrokerId[] {
    return this.#inSync.get(replica)?.brokers ?? [];
  }

  /** How far each member of a group that is led here has come, for people. */
  memberProgress(replica: Replica): readonly MemberProgress[] {
    const inSync = this.#inSync.get(replica);
    if (inSync === undefined) return [];
    return memberProgress(replica, inSync, this.#world.clock, (broker) =>
      this.#links.contactMs(broker),
    );
  }

  /** Whether this leader may answer reads: its log is the newest, and it knows what of it is committed (F7). */
  mayServe(replica: Replica): boolean {
    return replica.serves && this.isNewest(replica);
  }

  /** Whether no successor wrote: the lease holds (L5), the journal is not stalled (L4), and no transfer is under way. */
  isNewest(replica: Replica): boolean {
    if (!replica.leads || this.#stall.state === "fenced") return false;
    if (replica.machine.transferTarget !== null) return false;
    return this.#options.faults?.staleLeaderAnswers === true || this.#leases.holds(replica);
  }

  /** Whether this leader answers readers, and does so on the strength of what that voter promised. */
  reliesOn(replica: Replica, voter: ReplicaId): boolean {
    return this.mayServe(replica) && this.#leases.countsOn(replica, voter);
  }

  /** Hands leadership of a group to another broker's replica; given up after a second. `ended` says whether it moved. */
  transfer(
    replica: Replica,
    to: ReplicaId,
    reason: TransferReason = "asked",
    ended?: (moved: boolean) => void,
  ): void {
    this.#handOvers.transfer(replica, to, reason, ended);
  }

  /** Why a member should not be given the leadership now; null: it could take it. */
  unfitness(replica: Replica, to: ReplicaId): Unfitness | null {
    return this.#handOvers.unfitness(replica, to);
  }

  /** Groups that this broker leads. */
  led(): IterableIterator<Replica> {
    return this.#inSync.keys();
  }

  /** D1, and L4: who would have to hand it over again at once does not take it. */
  #mayTakeOver(replica: Replica): boolean {
    const isWell = replica.damaged.size === 0 && this.#stall.state === "no";
    return isWell && !this.#handOvers.isDraining && hasRoomForCampaign(this.journal);
  }

  /** Something changed that leaves at the end of the turn. */
  #touch(): void {
    if (this.#turnScheduled || this.#closed) return;
    this.#turnScheduled = true;
    this.#world.clock.turnEnd(() => this.#endTurn(false));
  }

  #endTurn(withCommits: boolean): void {
    this.#turnScheduled = false;
    if (this.#closed) return;
    for (const replica of this.#deferred) this.#afterRoleChange(replica);
    this.#deferred.clear();
    this.journal.flush();
    this.#traffic.flush(withCommits);
  }

  damageFound(replica: Replica, index: LogIndex): void {
    const { group, self, machine } = replica;
    this.#world.log.error(
      { group, replica: self, index, term: machine.termAt(index) },
      "entry-damaged",
    );
    this.#probe.damaged.add(1);
    this.#repairs.want(replica);
  }

  #repaired(replica: Replica, index: LogIndex): void {
    const { group, self, damaged } = replica;
    this.#world.log.info({ group, replica: self, index, left: damaged.size }, "entry-repaired");
    this.#probe.repaired.add(1);
  }

  // What replicas ask for.

  wrote(replica: Replica, write: number): void {
    this.#ledger.note(this.journal.lastTicket, replica, write);
    this.#touch();
  }

  ready(replica: Replica, peer: ReplicaId): void {
    this.#traffic.peerOf(replica, peer)?.ready(replica, peer);
    this.#touch();
  }

  send(
    replica: Replica,
    to: ReplicaId,
    message: Exclude<Message, { say: "append-request" }>,
  ): void {
    this.#traffic.peerOf(replica, to)?.post(replica.envelope(to, message));
    this.#touch();
  }

  hasQuorumWithRoom(replica: Replica): boolean {
    return this.#traffic.hasQuorumWithRoom(replica);
  }

  needBase(replica: Replica, peer: ReplicaId): void {
    const fields = { group: replica.group, peer };
    this.#world.log.error(fields, "replica-behind-the-log-base");
  }

  transferFailed(replica: Replica, to: ReplicaId): void {
    this.#handOvers.failed(replica, to);
  }

  configurationChanged(replica: Replica, _committed: boolean): void {
    this.#deferred.add(replica);
    this.#touch();
  }

  recalled(replica: Replica): void {
    if (replica.machine.leader !== null || !replica.machine.isVoter(replica.self)) {
      this.#elections.disarm(replica);
    }
    this.#deferred.add(replica);
    this.#touch();
  }

  roleChanged(replica: Replica): void {
    const { machine } = replica;
    this.#probe.roleChanged(machine.role);
    if (replica.leads) {
      replica.ledTerm = machine.term;
      this.#inSync.set(replica, new InSyncSet(replica, this.#world.clock.upMs()));
    } else this.#inSync.delete(replica);
    for (const leader of machine.unheard()) {
      this.#traffic.peerOf(replica, leader)?.unheard.add(replica);
    }
    const isSettled = replica.leads || machine.leader !== null;
    // Who recalls asks again with each try, whoever leads: who was asked may have had no replica yet (D3).
    if (isSettled && !isRecalling(replica)) this.#elections.disarm(replica);
    else if (replica.machine.isVoter(replica.self)) {
      const rank = electionRank(replica);
      if (replica.hasJustVoted) this.#elections.giveWay(replica, rank);
      // Who was told to take over campaigns without having been armed, and may have to try again.
      else this.#elections.arm(replica, machine.role === "follower" ? rank : rank + 1);
    }
    replica.saidTerm = machine.term;
    this.#deferred.add(replica);
    this.#touch();
  }

  /** Steps that a role change asks for, and that must not happen inside the step that made it. */
  #afterRoleChange(replica: Replica): void {
    this.#standings.apply(replica);
    if (replica.ledTerm > 0) this.#traffic.say(replica.group);
    this.#announce(replica);
    this.#handOvers.roleChanged(replica);
    if (!replica.leads) return;
    for (const member of [...replica.members()]) {
      if (member.replica === replica.self) continue;
      const isReached = this.#traffic.peerOf(replica, member.replica) !== null;
      if (!isReached) replica.handle({ on: "peer-lost", peer: member.replica });
    }
  }

  /** Tells this broker's own layers who leads, as far as its replica knows. */
  #announce(replica: Replica): void {
    const { group, machine } = replica;
    const inSync = this.#inSync.get(replica);
    if (inSync === undefined) return;
    const { brokers: isr, version } = inSync;
    const leader = this.#options.broker;
    this.#events.leaderSaid({ group, term: machine.term, leader, isr, version });
  }

  /** What the journal's disk may have lost of this replica is made good (D3). */
  hasRecalled(replica: Replica): boolean {
    return this.#standings.hasRecalled(replica);
  }

  /** What the disk may have lost, or is known to (D3). */
  get disk(): Pick<Standings, "mustRecall" | "isDistrusted"> {
    return this.#standings;
  }

  /** The brokers that a recalling replica waits for. */
  recallAwaits(replica: Replica): readonly BrokerId[] {
    return replica.machine.recallAwaits.flatMap((voter) => replica.member(voter)?.broker ?? []);
  }

  /** Every replica has recalled. */
  vouch(): void {
    this.#standings.vouch();
  }

  get links(): LinkFace {
    return this.#traffic;
  }

  #durable(): void {
    this.#ledger.settle(this.journal.durableTicket, (replica, write) => {
      replica.handle({ on: "durable", write });
      if (replica.leads) replica.client?.progressed();
    });
    this.#repairs.durable(this.journal.durableTicket);
    this.#traffic.acknowledge();
    this.#afterWrites.durable();
    this.#touch();
  }

  #assertionOf(group: GroupId, session: Session): Assertion | null {
    const replica = this.#replicas.get(group);
    if (replica === undefined) return null;
    return assertionOf(replica, this.#inSync.get(replica) ?? null, session.peer.broker);
  }

  // Timers.

  #commitsWait(): void {
    if (this.#commitTimer !== null) return;
    this.#commitTimer = this.#world.clock.after(COMMIT_WAIT_MS, () => {
      this.#commitTimer = null;
      this.#endTurn(true);
    });
  }

  #scheduleSweep(): void {
    this.#sweepTimer = this.#world.clock.after(SWEEP_MS, () => {
      this.#sweep();
      if (!this.#closed) this.#scheduleSweep();
    });
  }

  #sweep(): void {
    this.#stall.watch();
    this.journal.keepAlive = this.#inSync.size > 0;
    const nowMs = this.#world.clock.upMs();
    const facts = {
      isSilent: (broker: BrokerId) => this.#links.isSilent(broker),
      ownJournalStalled: this.#stall.state !== "no",
    };
    inSlices(this.#world.clock, this.#inSync.entries(), ([replica, inSync]) => {
      if (replica.machine.mustLeave) this.#handOvers.away(replica, "removal");
      const before = inSync.brokers.length;
      if (!replica.leads || !inSync.sweep(nowMs, this.#options.lagMsMax, facts)) return;
      this.#probe.inSyncChanged(before, inSync.brokers.length);
      this.#traffic.say(replica.group);
      this.#announce(replica);
      replica.client?.progressed();
      this.#touch();
    });
  }

  /**
   * Takes no leadership any more, and hands over those that brokers for which `mayLead` holds can take. Resolves when nobody
   * can take what is left, or after `withinMs`.
   */
  drain(withinMs: number, mayLead: (broker: BrokerId) => boolean): Promise<void> {
    return this.#handOvers.drain(() => this.led(), withinMs, mayLead);
  }

  close(): void {
    this.#closed = true;
    this.#elections.close();
    this.#repairs.close();
    this.#handOvers.close();
    this.#commitTimer?.();
    this.#sweepTimer?.();
  }

  get leaderCount(): number {
    return this.#inSync.size;
  }

  get armedCount(): number {
    return this.#elections.armedCount;
  }
}

function isRecalling({ machine }: Replica): boolean {
  return machine.standing === "recalling";
}
