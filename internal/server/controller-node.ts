// Group 0 on this broker: the controller's machine over its command log where this broker is a voter, the image stream
// where it is not, and the desk, the forwarding client and the fencing on top (C2, C3, C8).
import type { ControllerReply, QuorumMember } from "../cluster/controller-requests.ts";
import { assert } from "../base/assert.ts";
import type { ControllerFaults } from "../cluster/controller-context.ts";
import { ControllerDesk } from "../cluster/controller-desk.ts";
import type { ControllerLog } from "../cluster/controller-desk.ts";
import { controllerMachine } from "../cluster/controller.ts";
import { defaultReplicationFactor } from "../config/topic-configs.ts";
import { Fencing } from "../cluster/fencing.ts";
import type { Contact } from "../cluster/fencing.ts";
import { ForwardingClient } from "../cluster/forwarding.ts";
import { InternalFactors } from "../cluster/internal-factors.ts";
import { ImageFollower } from "../cluster/image-follower.ts";
import { decodeImageApplied, encodeImageApplied } from "../cluster/image-messages.ts";
import { ImageSource } from "../cluster/image-source.ts";
import { MetadataImage } from "../cluster/image.ts";
import { LeaderTable } from "../cluster/leaders.ts";
import { randomId } from "../cluster/random-id.ts";
import { ImageReporter, TopicReadiness } from "../cluster/readiness.ts";
import type { Settings } from "../config/settings.ts";
import type { BrokerId, ClusterId, LogIndex } from "../model/ids.ts";
import { CONTROLLER_GROUP } from "../model/ids.ts";
import type { World } from "../ports/world.ts";
import type { MemberProgress } from "../replica/member-progress.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import type { Replica } from "../replica/replica.ts";
import { ReplicatedCommandLog } from "../statelog/replicated-command-log.ts";
import { StateLog } from "../statelog/state-log.ts";
import type { StateLogBugs } from "../statelog/state-log.ts";
import type { Session } from "../transport/contract.ts";
import type { Links } from "../transport/links.ts";
import {
  BROKER_CONFIG_RULES,
  BROKER_DEFAULT_CONFIG_RULES,
  GROUP_CONFIG_RULES,
  topicConfigRules,
} from "./config-rules.ts";

/** Message types of the cluster layer on the links. */
const CONTROLLER_REQUEST = 32;
const CONTROLLER_REPLY = 33;
const IMAGE_FETCH = 34;
const IMAGE_PIECE = 35;
const IMAGE_APPLIED = 36;

const FOUND_MS_MAX = 10_000;

/** What group 0's leader learns from the replicas beside it. */
export interface ClusterFacts {
  /** How far the members of a group that is led here have come. */
  members(of: Replica): readonly MemberProgress[];
  /** Whether a broker's journal has room for more, as far as this one has heard (J11). */
  hasRoom(broker: BrokerId): boolean;
}

export interface ControllerNodeOptions {
  readonly broker: BrokerId;
  readonly settings: Settings;
  readonly initialBrokers: number;
  readonly bugs?: StateLogBugs;
  readonly faults?: ControllerFaults;
}

export class ControllerNode {
  readonly image = new MetadataImage();
  readonly leaders = new LeaderTable();
  readonly commandLog: ReplicatedCommandLog;
  readonly readiness: TopicReadiness;
  readonly client: ForwardingClient;
  readonly #world: World;
  readonly #options: ControllerNodeOptions;
  readonly #stateLog: ControllerLog;
  readonly #desk: ControllerDesk;
  readonly #source: ImageSource;
  readonly #follower: ImageFollower;
  readonly #fencing: Fencing;
  readonly #factors: InternalFactors;
  readonly #reporter: ImageReporter;
  #links: Links | null = null;
  #self: Contact | null = null;
  #sources: readonly BrokerId[] = [];
  #facts: ClusterFacts | null = null;
  /** Group 0's replica here; null where this broker is no voter, or one that counts no more. */
  #replica: Replica | null = null;

  constructor(world: World, options: ControllerNodeOptions) {
    this.#world = world;
    this.#options = options;
    const { clock } = world;
    // Its replica fetches the entry again (D1); until then this broker's controller neither leads nor goes on.
    this.commandLog = new ReplicatedCommandLog(clock, (index) =>
      world.log.error({ index }, "controller-waits-for-a-repair"),
    );
    this.readiness = new TopicReadiness(this.image, this.leaders, clock);
    this.#stateLog = this.#openStateLog();
    this.#desk = new ControllerDesk(this.#stateLog, this.image, this.readiness);
    this.#source = new ImageSource(this.image, clock);
    this.#follower = new ImageFollower(this.image, {
      clock,
      sources: () => this.#openSources(),
      send: (to, fetch) => this.#send(to, IMAGE_FETCH, fetch),
      undecodable: (detail) => world.fatal("image-undecodable", { detail }),
    });
    this.client = new ForwardingClient({
      self: options.broker,
      contact: () => {
        assert(this.#self !== null, "requests are sent once the journal is open");
        return this.#self;
      },
      clock,
      leaders: this.leaders,
      ask: (request, answer) => this.#desk.ask(request, answer),
      send: (to, message) => this.#send(to, CONTROLLER_REQUEST, message),
    });
    this.#fencing = new Fencing({
      clock,
      image: this.image,
      contact: (broker) => this.#contact(broker),
      appliedBy: (broker) => this.readiness.appliedBy(broker),
      ask: (request, answer) => this.#desk.ask(request, answer),
    });
    this.#factors = new InternalFactors({
      clock,
      entropy: world.entropy,
      image: this.image,
      log: world.log,
      ask: (request, answer) => this.#desk.ask(request, answer),
    });
    this.image.listen({
      topicRemoved: (topic) => {
        for (const { group } of topic.partitions) this.leaders.forget(group);
      },
    });
    this.#reporter = new ImageReporter(this.image, this.leaders, clock, (leader, version) =>
      this.#reportApplied(leader, version),
    );
  }

  #openStateLog(): ControllerLog {
    const { settings, initialBrokers } = this.#options;
    const environment = {
      settings: () => ({
        partitionsDefault: settings.get("default.partitions"),
        factorDefault: defaultReplicationFactor(
          settings.get("default.replication.factor"),
          initialBrokers,
        ),
        topicPartitionsMax: settings.get("partitions.max"),
        clusterPartitionsMax: settings.get("partitions.max"),
      }),
      topicConfigs: topicConfigRules(settings),
      brokerConfigs: BROKER_CONFIG_RULES,
      brokerDefaultConfigs: BROKER_DEFAULT_CONFIG_RULES,
      groupConfigs: GROUP_CONFIG_RULES,
      highestTerm: (group: number) => this.leaders.highestTerm(group as never),
      hasRoom: (broker: BrokerId) => this.#facts?.hasRoom(broker) !== false,
      quorum: () => this.#quorum(),
      faults: this.#options.faults ?? {},
    };
    return new StateLog(
      controllerMachine(environment),
      this.commandLog,
      this.#world,
      {
        committed: (index, records) => this.image.advance(index, records),
        leading: () => this.#lead(),
        deposed: () => {
          this.#fencing.resign();
          this.#factors.resign();
          this.readiness.resign();
        },
        undecodable: (index, detail) =>
          this.#world.fatal("controller-entry-undecodable", { index, detail }),
      },
      undefined,
      this.#options.bugs,
    );
  }

  /** Joins the links. Before the first session. `members` tells how far those of group 0 have come, if it is led here. */
  attach(links: Links, self: Contact, facts: ClusterFacts): void {
    this.#links = links;
    this.#self = self;
    this.#facts = facts;
    // An answer goes into the session of its question: the next session may be that of another process, whose questions have
    // the same numbers.
    const answerIn = (session: Session, type: number) => (_: BrokerId, answer: Uint8Array) => {
      if (session.open) session.send("data", type, [answer]);
    };
    links.handle(CONTROLLER_REQUEST, "data", (session, bytes, start, end) =>
      this.#desk.received(
        session.peer,
        bytes.subarray(start, end),
        answerIn(session, CONTROLLER_REPLY),
      ),
    );
    links.handle(CONTROLLER_REPLY, "data", (session, bytes, start, end) =>
      this.client.received(session.peer.broker, bytes.subarray(start, end)),
    );
    links.handle(IMAGE_FETCH, "data", (session, bytes, start, end) =>
      this.#source.asked(
        session.peer.broker,
        bytes.subarray(start, end),
        answerIn(session, IMAGE_PIECE),
      ),
    );
    links.handle(IMAGE_PIECE, "data", (session, bytes, start, end) =>
      this.#follower.received(session.peer.broker, bytes.subarray(start, end)),
    );
    links.handle(IMAGE_APPLIED, "control", (session, bytes, start, end) => {
      const applied = decodeImageApplied(bytes.subarray(start, end));
      if (applied === null) return session.end("malformed image version");
      this.readiness.applied(session.peer.broker, applied.version as LogIndex);
    });
  }

  /** This broker is a voter of group 0. */
  vote(replica: Replica, raft: Pick<MultiRaft, "mayServe">): void {
    this.#follower.stop();
    this.#replica = replica;
    this.commandLog.bind(replica, raft);
  }

  get votes(): boolean {
    return this.#replica !== null;
  }

  /** It is not: the image comes over the links, from the voters. */
  follow(sources: readonly BrokerId[]): void {
    this.#sources = sources;
    this.#follower.start();
  }

  sessionBegan(session: Session): void {
    this.#follower.sessionBegan();
    this.readiness.forget(session.peer.broker);
    this.#reporter.report();
  }

  sessionEnded(session: Session): void {
    const { broker } = session.peer;
    this.#source.sessionEnded(broker);
    this.#follower.sessionEnded(broker);
    this.client.sessionEnded(broker);
  }

  close(): void {
    this.#fencing.resign();
    this.#factors.resign();
    this.#follower.stop();
  }

  /** C1: the first leader gives the cluster its id. */
  #lead(): void {
    this.#fencing.lead();
    this.#factors.lead();
    if (this.image.clusterId !== null) return;
    const clusterId = randomId(this.#world.entropy) as ClusterId;
    void this.client
      .request<"found-cluster">({ kind: "found-cluster", clusterId }, FOUND_MS_MAX)
      .then((outcome) => {
        if (!outcome.ok) this.#world.log.warn({ fault: outcome.fault }, "founding-not-recorded");
      });
  }

  /** Voters and learners of group 0, and the other brokers with the version of their image. Asked on its leader alone. */
  #quorum(): Omit<ControllerReply<"describe-quorum">, "kind"> {
    const replica = this.#replica;
    assert(replica !== null, "a quorum is described by its leader");
    const members: QuorumMember[] = (this.#facts?.members(replica) ?? []).map((member) => {
      return { ...member, end: member.index };
    });
    const known = new Set(members.map(({ broker }) => broker));
    for (const { broker, directory } of this.image.unfencedBrokers()) {
      if (known.has(broker)) continue;
      const end = this.readiness.appliedBy(broker);
      members.push({ broker, directory, isVoter: false, end, contactMs: -1, caughtUpMs: -1 });
    }
    const { term, commit } = replica.machine;
    return { leader: this.#options.broker, term, commit, members };
  }

  #openSources(): readonly BrokerId[] {
    const leader = this.leaders.leaderOf(CONTROLLER_GROUP);
    const open = this.#sources.filter((broker) => this.#links?.session(broker) !== null);
    return leader === null ? open : [leader, ...open.filter((broker) => broker !== leader)];
  }

  #contact(broker: BrokerId): Contact | null {
    if (broker === this.#options.broker) return this.#self;
    if (this.#links === null || this.#links.isSilent(broker)) return null;
    return this.#links.session(broker)?.peer ?? null;
  }

  #send(to: BrokerId, type: number, bytes: Uint8Array): boolean {
    const lane = type === IMAGE_APPLIED ? "control" : "data";
    return this.#links?.session(to)?.send(lane, type, [bytes]) ?? false;
  }

  #reportApplied(leader: BrokerId, version: LogIndex): boolean {
    if (leader !== this.#options.broker) {
      return this.#send(leader, IMAGE_APPLIED, encodeImageApplied({ version }));
    }
    this.readiness.applied(leader, version);
    return true;
  }
}
