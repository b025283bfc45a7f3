// One broker: built from a World and its settings, started, and stopped again. The order of the start is the order of
// this file: journal and groups, links, founding, group 0, then the services and their front ends.
import { assert } from "../base/assert.ts";
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { ControllerFaults } from "../cluster/controller-context.ts";
import type { FoundingConfiguration } from "../cluster/founding.ts";
import { Registration } from "../cluster/registration.ts";
import type { Endpoint } from "../cluster/records.ts";
import type { Address, InitialBroker } from "../config/addresses.ts";
import { LiveSettings } from "../config/live-settings.ts";
import type { Settings } from "../config/settings.ts";
import type { GroupCoordinators } from "../coordinator/group-coordinators.ts";
import type { GroupFaults } from "../coordinator/group-faults.ts";
import type { GroupSurvey } from "../coordinator/group-survey.ts";
import { memoryBudget } from "../config/memory-budget.ts";
import { Journal } from "../journal/journal.ts";
import type { JournalFault, JournalFaults } from "../journal/owner.ts";
import type { BrokerId, ClusterId, LogIndex, ReplicaId, Term, Ticket } from "../model/ids.ts";
import { CONTROLLER_GROUP } from "../model/ids.ts";
import { Partitions } from "../partition/partitions.ts";
import type { PartitionFaults } from "../partition/append.ts";
import type { DiskFault } from "../ports/disk.ts";
import type { World } from "../ports/world.ts";
import type { MachineOptions } from "../raft/machine.ts";
import { MultiRaft } from "../replica/multi-raft.ts";
import type { ReplicaFaults } from "../replica/multi-raft.ts";
import { GroupRecovery } from "../replica/recovery.ts";
import type { Replica } from "../replica/replica.ts";
import { AddressBook } from "../service/address.ts";
import type { ClusterService } from "../service/cluster-service.ts";
import type { GroupService } from "../service/group-service.ts";
import type { ElectionService } from "../service/election-service.ts";
import type { InspectionService } from "../service/inspection-service.ts";
import { LocalClusterService } from "../service/local-cluster-service.ts";
import { LocalElectionService } from "../service/local-election-service.ts";
import { LocalInspectionService } from "../service/local-inspection-service.ts";
import { LocalLogService } from "../service/local-log-service.ts";
import type { LogService } from "../service/log-service.ts";
import { ProducerIds } from "../service/producer-ids.ts";
import type { StateLogBugs } from "../statelog/state-log.ts";
import { Links } from "../transport/links.ts";
import { CatchUpWatch } from "./catch-up-watch.ts";
import { watchWaits } from "./waits.ts";
import { ControllerNode } from "./controller-node.ts";
import { Drain } from "./drain.ts";
import { FoundingDriver } from "./founding-driver.ts";
import { GroupNode } from "./group-node.ts";
import { Hosting } from "./hosting.ts";
import { LeaderBalance } from "./leader-balance.ts";
import { Leadership } from "./leadership.ts";
import { LeadershipDesk } from "./leadership-desk.ts";
import { followBrokerConfigs, logSettings, producerLimits } from "./live-configs.ts";
import type { MoveFaults } from "./move-faults.ts";
import { Reconfiguration } from "./reconfiguration.ts";

/** Bugs that tests plant, and limits that they make small. Production passes none. */
export interface BrokerFaults {
  readonly machine?: MachineOptions["faults"];
  readonly limits?: Pick<MachineOptions, "appendEntriesMax" | "inflightMax">;
  readonly partition?: PartitionFaults;
  readonly replica?: ReplicaFaults;
  readonly journal?: JournalFaults;
  readonly stateLog?: StateLogBugs;
  readonly controller?: ControllerFaults;
  readonly groups?: GroupFaults;
  readonly moves?: MoveFaults;
}

export type StartFault =
  | JournalFault
  | DiskFault
  | { readonly kind: "founding-file" }
  | { readonly kind: "listen"; readonly code: string; readonly at: Address };

export interface Services {
  readonly log: LogService;
  readonly cluster: ClusterService;
  readonly groups: GroupService;
  readonly inspection: InspectionService;
  readonly elections: ElectionService;
}

/** Why a broker is not ready; empty when it is. */
export type Readiness = readonly string[];

const SECOND_MS = 1_000;
/** A frame that a follower has no room for is never taken, so it is a small part of the arena. */
const FRAME_BYTES_MAX = 1024 * 1024;

export class Broker {
  readonly world: World;
  readonly settings: LiveSettings;
  readonly id: BrokerId;
  readonly journal: Journal;
  readonly links: Links;
  readonly raft: MultiRaft;
  readonly partitions: Partitions;
  readonly controller: ControllerNode;
  readonly services: Services;
  /** All other brokers that there should be links to, as far as this one knows. */
  peers: readonly BrokerId[] = [];
  readonly #startedUpMs: number;
  readonly #initialBrokers: readonly InitialBroker[];
  readonly #groups: GroupNode;
  readonly #hosting: Hosting;
  readonly #reconfiguration: Reconfiguration;
  readonly #balance: LeaderBalance;
  readonly #leadershipDesk: LeadershipDesk;
  readonly #drain: Drain;
  readonly #catchUp: CatchUpWatch;
  readonly #log: LocalLogService;
  readonly #onReady: (() => void)[] = [];
  #founding: FoundingDriver | null = null;
  #registration: Registration | null = null;
  #isUnfenced = false;
  #isDraining = false;
  #isStopping = false;

  /** Opens the data directory and everything above it; nothing listens yet. */
  static async open(
    world: World,
    asked: Settings,
    faults: BrokerFaults = {},
  ): Promise<Result<Broker, StartFault>> {
    const settings = new LiveSettings(asked);
    const broker = settings.get("broker.id") as BrokerId;
    const initialBrokers = initialBrokersOf(settings, broker);
    const controller = new ControllerNode(world, {
      broker,
      settings,
      initialBrokers: initialBrokers.length,
      ...(faults.stateLog === undefined ? {} : { bugs: faults.stateLog }),
      ...(faults.controller === undefined ? {} : { faults: faults.controller }),
    });
    const partitions = new Partitions(
      world,
      producerLimits(settings),
      () => settings.get("max.decompressed.bytes"),
      faults.partition,
    );
    const memory = { bytesMax: settings.get("memory.bytes.max"), limits: memoryBudget(settings) };
    world.log.info({ memory }, "memory-budget");
    const recovery = new GroupRecovery((group) =>
      group === CONTROLLER_GROUP ? controller.commandLog : partitions.of(group),
    );
    const directory = settings.get("data.directory");
    const journal = await Journal.open(
      world,
      {
        directory,
        broker,
        arenaBytes: settings.get("journal.arena.bytes"),
        fileBytes: settings.get("journal.file.bytes"),
        bytesMax: settings.get("journal.bytes.max"),
        reserveBytes: settings.get("journal.reserve.bytes"),
        batchBytesMax: settings.get("journal.batch.bytes.max"),
        isDiskTrusted: settings.get("disk.trusted"),
        promiseMs: settings.get("link.silence.ms"),
        ...(faults.journal === undefined ? {} : { faults: faults.journal }),
      },
      recovery,
    );
    if (!journal.ok) return journal;
    const parts = { world, settings, broker, initialBrokers, controller, partitions, faults };
    const built = new Broker(parts, journal.value);
    const opened = await built.#openGroups(recovery);
    return opened.ok ? ok(built) : opened;
  }

  private constructor(
    parts: {
      readonly world: World;
      readonly settings: LiveSettings;
      readonly broker: BrokerId;
      readonly initialBrokers: readonly InitialBroker[];
      readonly controller: ControllerNode;
      readonly partitions: Partitions;
      readonly faults: BrokerFaults;
    },
    journal: Journal,
  ) {
    const { world, settings, broker, controller, partitions, faults } = parts;
    this.world = world;
    this.#startedUpMs = world.clock.upMs();
    this.settings = settings;
    this.id = broker;
    this.journal = journal;
    this.partitions = partitions;
    this.controller = controller;
    this.#initialBrokers = parts.initialBrokers;
    this.links = this.#buildLinks();
    this.raft = this.#buildRaft(faults);
    this.#groups = new GroupNode(world, journal, controller, {
      settings,
      partitions,
      initialBrokers: this.#initialBrokers.length,
      ...(faults.groups === undefined ? {} : { faults: faults.groups }),
    });
    const { image } = controller;
    const { observer } = this.#groups;
    const { clock, log: own } = world;
    const hosted = { image, raft: this.raft, clock, log: own, faults: faults.moves ?? {} };
    this.#hosting = new Hosting({ ...hosted, partitions, settings }, observer);
    followBrokerConfigs(image, broker, settings, world.log);
    this.#reconfiguration = new Reconfiguration({ ...hosted, client: controller.client });
    const leadership = new Leadership(image, this.raft);
    this.#balance = new LeaderBalance(world.clock, world.log, this.raft, leadership, {
      checkMs: settings.get("leader.imbalance.check.interval.seconds") * SECOND_MS,
      transfersPerSecond: settings.get("leader.rebalance.transfers.per.second"),
    });
    this.#leadershipDesk = new LeadershipDesk(
      broker,
      world.clock,
      this.links,
      this.raft,
      leadership,
    );
    this.#drain = new Drain({
      world,
      broker,
      incarnation: journal.recovered.incarnation,
      image,
      client: controller.client,
      raft: this.raft,
      links: this.links,
      leadership,
    });
    const { leaders } = controller;
    const self = { broker, directory: journal.recovered.directory };
    this.#catchUp = new CatchUpWatch(self, world.clock, this.raft, leaders, this.#hosting);
    const { services, log } = this.#buildServices();
    this.services = services;
    this.#log = log;
    controller.attach(this.links, journal.recovered, {
      members: (of) => this.raft.memberProgress(of),
      hasRoom: (of) => (of === broker ? journal.room() === "ok" : this.raft.links.hasRoom(of)),
    });
  }

  #buildLinks(): Links {
    const { settings, journal } = this;
    const { recovered } = journal;
    return new Links(
      this.world,
      {
        pingMs: settings.get("link.ping.ms"),
        silenceMs: settings.get("link.silence.ms"),
        connectMsMax: settings.get("link.connect.ms.max"),
        retryMsMax: settings.get("link.retry.ms.max"),
        stallMsMax: settings.get("link.stall.ms.max"),
        controlBytesMax: settings.get("link.control.bytes.max"),
        dataBytesMax: settings.get("link.data.bytes.max"),
        bulkBytesMax: settings.get("link.bulk.bytes.max"),
        advertised: settings.get("link.advertised"),
      },
      {
        broker: this.id,
        directory: recovered.directory,
        incarnation: recovered.incarnation,
        cluster: recovered.cluster,
        foundingState: new Uint8Array(0),
        payloadBytesMax: journal.payloadBytesMax,
      },
      {
        sessionBegan: (session) => {
          this.raft.links.sessionBegan(session);
          this.controller.sessionBegan(session);
          this.#founding?.peerIs(session.peer);
        },
        sessionEnded: (session) => {
          this.raft.links.sessionEnded(session);
          this.controller.sessionEnded(session);
          this.#founding?.peerGone(session.peer.broker);
        },
        peerSilent: (broker) => this.raft.links.peerSilent(broker),
        pinged: (session, ping) => this.raft.links.pinged(session, ping),
        // The links log it, and count it, and not more often than is of use.
        refused: () => {},
        peerChanged: (session) => this.#founding?.peerIs(session.peer),
      },
      () => ({
        durableSequence: journal.durableTicket,
        oldestWriteAgeMs: journal.oldestUnfinishedWriteMs(),
        hasRoom: journal.room() === "ok",
      }),
    );
  }

  #buildRaft(faults: BrokerFaults): MultiRaft {
    const { settings } = this;
    return new MultiRaft(
      this.world,
      this.journal,
      this.links,
      {
        broker: this.id,
        silenceMs: settings.get("link.silence.ms"),
        get lagMsMax() {
          return settings.get("replica.lag.time.max.ms");
        },
        stallTransferMs: settings.get("journal.stall.transfer.ms"),
        stallFenceMs: settings.get("journal.stall.fence.ms"),
        stallExitMs: settings.get("journal.stall.exit.ms"),
        frameBytesMax: Math.min(FRAME_BYTES_MAX, settings.get("journal.arena.bytes") / 8),
        machine: {
          ...faults.limits,
          ...(faults.machine === undefined ? {} : { faults: faults.machine }),
        },
        ...(faults.replica === undefined ? {} : { faults: faults.replica }),
      },
      { leaderSaid: (row) => void this.controller.leaders.accept(row) },
    );
  }

  #buildServices(): { readonly services: Services; readonly log: LocalLogService } {
    const { settings, world, controller, partitions, journal } = this;
    const { image, leaders, client } = controller;
    const book = new AddressBook(image, leaders, partitions);
    const limits = logSettings(settings);
    const log = new LocalLogService(book, partitions, journal, world.clock, world.tasks, limits);
    const { incarnation } = journal.recovered;
    const cluster = new LocalClusterService({
      broker: this.id,
      image,
      leaders,
      controller: client,
      settings,
      entropy: world.entropy,
      producerIds: new ProducerIds(client, this.id, incarnation),
      controllerGroup: {
        commit: () => this.raft.replica(CONTROLLER_GROUP)?.machine.commit ?? (0 as LogIndex),
        voters: () =>
          [...(this.raft.replica(CONTROLLER_GROUP)?.members() ?? [])].map((m) => m.broker),
        endIndex: (broker) => {
          const replica = this.raft.replica(CONTROLLER_GROUP);
          const found = [...(replica?.members() ?? [])].find((m) => m.broker === broker);
          if (replica === null || found === undefined) return 0 as LogIndex;
          if (found.replica === replica.self) return replica.machine.lastIndex;
          return replica.machine.match(found.replica);
        },
      },
    });
    const inspection = new LocalInspectionService({
      broker: this.id,
      directory: settings.get("data.directory"),
      disk: world.disk,
      book,
      partitions,
      raft: this.raft,
      controller: client,
    });
    const elections = new LocalElectionService({
      image,
      leaders,
      clock: world.clock,
      ask: (broker, groups, withinMs) => this.#leadershipDesk.ask(broker, groups, withinMs),
    });
    const services = { log, cluster, groups: this.#groups.service, inspection, elections };
    return { services, log };
  }

  async #openGroups(recovery: GroupRecovery): Promise<Result<null, StartFault>> {
    const { recovered } = this.journal;
    for (const group of recovery.groups()) {
      const replica = this.raft.adopt(group);
      if (replica.group !== CONTROLLER_GROUP)
        this.partitions.of(replica.group).bind(replica, this.raft);
      // Who counts no more (D1) is told nothing by its leader: the image comes over the links then, unless nothing here counts.
      else if (!group.suspect || recovered.suspectAll) this.controller.vote(replica, this.raft);
    }
    // The journal still told of groups that were dropped.
    for (const { group } of [...this.partitions.all()]) {
      if (this.raft.replica(group) === null) this.partitions.retire(group);
    }
    const founding = await FoundingDriver.open(
      this.world,
      this.settings.get("data.directory"),
      this.id,
      recovered.directory,
      this.#initialBrokers,
      recovered.cluster,
      {
        say: (state) => this.links.setFoundingState(state),
        activate: (configuration) => this.#activate(configuration),
        joined: (clusterId) => this.#joined(clusterId),
      },
    );
    if (!founding.ok) return founding;
    this.#founding = founding.value;
    return ok(null);
  }

  /** Listens for links and begins to take part. */
  async start(): Promise<Result<null, StartFault>> {
    const at = this.settings.get("link.listen");
    const listening = await this.links.listen(at);
    if (!listening.ok) return failed({ ...listening.fault, at });
    this.controller.image.listen({
      brokerChanged: () => this.#setPeers(),
      advanced: () => this.#imageAdvanced(),
    });
    this.#setPeers();
    const { recovered } = this.journal;
    this.partitions.start(this.journal);
    this.raft.start();
    this.#hosting.start(this.id, recovered.directory, recovered.incarnation);
    this.#reconfiguration.start();
    this.#groups.start();
    if (this.settings.get("auto.leader.rebalance.enable")) this.#balance.start();
    assert(this.#founding !== null, "the data directory was opened");
    this.#founding.start();
    watchWaits(this.world, this);
    return ok(null);
  }

  /** Group 0's first configuration; a voter that knew the group before its start keeps what it has. */
  #activate(configuration: FoundingConfiguration): void {
    const isVoter = configuration.voters.some((voter) => voter.broker === this.id);
    if (!isVoter) return this.controller.follow(configuration.voters.map(({ broker }) => broker));
    if (this.raft.replica(CONTROLLER_GROUP) !== null) return;
    const members = configuration.voters.map(({ broker, directory }) => ({
      replica: broker as number as ReplicaId,
      broker,
      directory,
    }));
    const voters = members.map(({ replica }) => replica).sort((a, b) => a - b);
    const replica = this.raft.create({
      group: CONTROLLER_GROUP,
      partition: 0,
      self: this.id as number as ReplicaId,
      membership: {
        configuration: { voters, votersOutgoing: [], learners: [], revision: 1 },
        members,
      },
      rank: configuration.voters.findIndex(({ broker }) => broker === this.id),
      firstTerm: 0 as Term,
    });
    this.controller.vote(replica, this.raft);
  }

  /** This directory belongs to a cluster from now on (C1). */
  #joined(clusterId: ClusterId): void {
    this.links.setCluster(clusterId);
    void this.journal.joinCluster(clusterId).then((kept) => {
      if (!kept.ok) this.world.fatal("cluster-id-not-durable", kept.fault);
    });
    if (!this.controller.votes) {
      this.controller.follow(this.#initialBrokers.map(({ id }) => id));
    }
    if (this.#registration !== null) return;
    const { image, client } = this.controller;
    this.#registration = new Registration(
      { clock: this.world.clock, image, client },
      this.#self(),
      clusterId,
      {
        fenced: (fenced) => this.#fenced(fenced),
        refused: (fault) => this.world.log.error({ fault }, "registration-refused"),
      },
    );
    this.#registration.start();
  }

  #self() {
    const { settings, journal } = this;
    const { directory, incarnation } = journal.recovered;
    const rack = settings.get("rack");
    const host = settings.get("host.label");
    const endpoint = (protocol: Endpoint["protocol"], at: Address): Endpoint => {
      return { protocol, listener: protocol, tls: false, host: at.host, port: at.port };
    };
    const endpoints = [
      endpoint("kafka", settings.get("kafka.advertised") ?? settings.get("kafka.listen")),
      endpoint("grpc", settings.get("grpc.listen")),
      endpoint("http", settings.get("http.listen")),
      endpoint("link", settings.get("link.advertised") ?? settings.get("link.listen")),
    ];
    return {
      broker: this.id,
      directory,
      incarnation,
      rack: rack === "" ? null : rack,
      host: host === "" ? null : host,
      endpoints,
    };
  }

  #fenced(fenced: boolean): void {
    this.#isUnfenced = !fenced;
    this.world.log.info({ fenced }, "broker-fencing");
    if (fenced) return;
    this.#catchUp.start();
    for (const ready of this.#onReady.splice(0)) ready();
  }

  #imageAdvanced(): void {
    const { clusterId } = this.controller.image;
    if (clusterId === null || this.#registration !== null) return;
    void this.#founding?.recorded(clusterId).then(() => this.#joined(clusterId));
  }

  #setPeers(): void {
    const peers = new Map(this.#initialBrokers.map(({ id, address }) => [id, address]));
    for (const { broker, endpoints } of this.controller.image.brokers()) {
      const link = endpoints.find((endpoint) => endpoint.protocol === "link");
      if (link !== undefined) peers.set(broker, { host: link.host, port: link.port });
    }
    peers.delete(this.id);
    this.peers = [...peers.keys()].sort((left, right) => left - right);
    this.links.setPeers([...peers].map(([broker, address]) => ({ broker, address })));
  }

  /** What still keeps this broker from serving. */
  readiness(): Readiness {
    const reasons: string[] = [];
    if (this.#isDraining || this.#isStopping) reasons.push("stopping");
    if (this.controller.image.clusterId === null) {
      const isMember = this.journal.recovered.cluster !== null;
      reasons.push(
        isMember
          ? `it has not heard from the controller since it started ${this.upSeconds} s ago`
          : "the cluster is not founded",
      );
    } else if (!this.#isUnfenced) reasons.push("the broker is fenced");
    return reasons;
  }

  /** Since this process began. */
  get upSeconds(): number {
    return Math.round((this.world.clock.upMs() - this.#startedUpMs) / SECOND_MS);
  }

  /** Whether its replicas were in sync at some time since the start. */
  get hasCaughtUp(): boolean {
    return this.#catchUp.hasCaughtUp;
  }

  /** Long polls are answered with what there is, and none waits any more. */
  endWaits(): void {
    this.#log.endWaits();
  }

  /** Runs once, as soon as the controller lists this broker as alive. */
  whenReady(ready: () => void): void {
    if (this.#isUnfenced) ready();
    else this.#onReady.push(ready);
  }

  get coordinators(): GroupCoordinators {
    return this.#groups.coordinators;
  }

  get groupSurvey(): GroupSurvey {
    return this.#groups.survey;
  }

  replicas(): IterableIterator<Replica> {
    return this.raft.replicas();
  }

  get durableTicket(): Ticket {
    return this.journal.durableTicket;
  }

  /**
   * Tells the cluster that it is about to stop, and hands over what it leads. Clients are served all the while, and sent on
   * to the new leaders; it resolves with how many of the brokers it leaves them to, 0 when it was alone.
   */
  async drain(withinMs: number): Promise<number> {
    if (this.#isDraining || this.#isStopping) return 0;
    this.#isDraining = true;
    this.#balance.stop();
    this.#reconfiguration.stop();
    return this.#drain.run(withinMs);
  }

  /** Closes everything. Whoever has time drains first. */
  async stop(): Promise<void> {
    if (this.#isStopping) return;
    this.#isStopping = true;
    this.#balance.stop();
    this.#catchUp.stop();
    this.#reconfiguration.stop();
    this.#registration?.stop();
    this.#hosting.stop();
    this.#groups.close();
    this.controller.close();
    this.partitions.close();
    this.raft.close();
    await this.links.close();
    await this.journal.close();
  }
}

/** A broker without a list is a cluster of its own. */
function initialBrokersOf(settings: Settings, broker: BrokerId): readonly InitialBroker[] {
  const listed = settings.get("initial.brokers");
  return listed.length > 0 ? listed : [{ id: broker, address: settings.get("link.listen") }];
}
