// The cluster layer of one broker over links and a log of the test's own: the image, the controller's desk and log where
// group 0 has a replica, the image stream where it has none, the client of the controller, fencing. Messages go out
// through `send` and come in through `received`, leaders through `leaders`.
import { failed } from "../../internal/base/result.ts";
import type { BrokerId, ClusterId, LogIndex } from "../../internal/model/ids.ts";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import type { Clock } from "../../internal/ports/clock.ts";
import type { Entropy } from "../../internal/ports/entropy.ts";
import type { CommandLog } from "../../internal/statelog/command-log.ts";
import type { StateLogLimits } from "../../internal/statelog/state-log.ts";
import { STATE_LOG_LIMITS, StateLog } from "../../internal/statelog/state-log.ts";
import type { SubmittedRequest } from "../../internal/cluster/controller.ts";
import { controllerMachine } from "../../internal/cluster/controller.ts";
import type { ControllerEnvironment } from "../../internal/cluster/controller-context.ts";
import type { ControllerAnswer } from "../../internal/cluster/controller-desk.ts";
import { ControllerDesk } from "../../internal/cluster/controller-desk.ts";
import { decodeRequest, encodeReply } from "../../internal/cluster/request-codec.ts";
import type { Contact, FencingSettings } from "../../internal/cluster/fencing.ts";
import { Fencing, FENCING_SETTINGS } from "../../internal/cluster/fencing.ts";
import { ForwardingClient } from "../../internal/cluster/forwarding.ts";
import { ImageFollower } from "../../internal/cluster/image-follower.ts";
import { decodeImageApplied, encodeImageApplied } from "../../internal/cluster/image-messages.ts";
import { ImageSource } from "../../internal/cluster/image-source.ts";
import { MetadataImage } from "../../internal/cluster/image.ts";
import { LeaderTable } from "../../internal/cluster/leaders.ts";
import { ImageReporter, TopicReadiness } from "../../internal/cluster/readiness.ts";
import { randomId } from "../../internal/cluster/random-id.ts";

/** Message types on the broker links, with the lane that each travels on. */
const CLUSTER_MESSAGES = {
  "controller-request": { type: 64, lane: "data" },
  "controller-reply": { type: 65, lane: "data" },
  "image-fetch": { type: 66, lane: "control" },
  "image-piece": { type: 67, lane: "bulk" },
  "image-applied": { type: 68, lane: "control" },
} as const;

export type ClusterMessage = keyof typeof CLUSTER_MESSAGES;

export interface ClusterPorts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  /** False: nothing was sent (no session, or its lane is full). The bytes are given away. */
  send(to: BrokerId, message: ClusterMessage, bytes: Uint8Array): boolean;
  /** Who an open, not silent session with this broker shows; null when there is none. */
  contact(broker: BrokerId): Contact | null;
  /** Brokers that may serve the image, voters of group 0 with an open session. */
  imageSources(): readonly BrokerId[];
  /** Committed metadata that this version does not understand: the broker ends. */
  undecodable(detail: string): void;
}

export interface ClusterSelf extends Contact {
  readonly broker: BrokerId;
}

export interface ClusterOptions {
  readonly environment: Omit<ControllerEnvironment, "highestTerm">;
  readonly fencing?: FencingSettings;
  readonly stateLog?: StateLogLimits;
}

const FOLLOWER_ANSWER = "This broker holds no replica of the controller group.";

export class ClusterNode {
  readonly image = new MetadataImage();
  readonly leaders = new LeaderTable();
  readonly readiness: TopicReadiness;
  readonly client: ForwardingClient;
  readonly #ports: ClusterPorts;
  readonly #options: ClusterOptions;
  readonly #source: ImageSource;
  readonly #follower: ImageFollower;
  readonly #reporter: ImageReporter;
  readonly #fencing: Fencing;
  #desk: ControllerDesk | null = null;

  constructor(ports: ClusterPorts, self: ClusterSelf, options: ClusterOptions) {
    this.#ports = ports;
    this.#options = options;
    const { image, leaders } = this;
    const { clock } = ports;
    this.readiness = new TopicReadiness(image, leaders, clock);
    this.#source = new ImageSource(image, clock);
    this.#follower = new ImageFollower(image, {
      clock,
      sources: () => this.#imageSources(),
      send: (to, fetch) => ports.send(to, "image-fetch", fetch),
      undecodable: (detail) => ports.undecodable(detail),
    });
    this.#reporter = new ImageReporter(image, leaders, clock, (leader, version) => {
      if (leader !== self.broker) {
        return ports.send(leader, "image-applied", encodeImageApplied({ version }));
      }
      this.readiness.applied(self.broker, version);
      return true;
    });
    this.#fencing = new Fencing(
      {
        clock,
        image,
        contact: (broker) => (broker === self.broker ? self : ports.contact(broker)),
        appliedBy: (broker) => this.readiness.appliedBy(broker),
        ask: (request, answer) => this.#ask(request, answer),
      },
      options.fencing ?? FENCING_SETTINGS,
    );
    this.client = new ForwardingClient({
      self: self.broker,
      contact: () => self,
      clock,
      leaders,
      ask: (request, answer) => this.#ask(request, answer),
      send: (to, message) => ports.send(to, "controller-request", message),
    });
  }

  /** This broker has a replica of group 0: the image follows its log. Called before the group starts. */
  lead(log: CommandLog): void {
    this.#follower.stop();
    const { environment, stateLog } = this.#options;
    const { clock, entropy, undecodable } = this.#ports;
    const machine = controllerMachine({
      ...environment,
      highestTerm: (group) => this.leaders.highestTerm(group),
    });
    const events = {
      committed: this.image.advance.bind(this.image),
      leading: (): void => this.#leading(),
      deposed: (): void => this.#deposed(),
      undecodable: (_: number, detail: string): void => undecodable(detail),
    };
    const limits = stateLog ?? STATE_LOG_LIMITS;
    const controller = new StateLog(machine, log, { clock, entropy }, events, limits);
    this.#desk = new ControllerDesk(controller, this.image, this.readiness);
  }

  /** This broker has no replica of group 0: the image is pulled from those that have. */
  follow(): void {
    if (this.#desk === null) this.#follower.start();
  }

  stop(): void {
    this.#follower.stop();
    this.#fencing.resign();
  }

  /** A message came in. `bytes` are lent. */
  received(from: BrokerId, message: ClusterMessage, bytes: Uint8Array): void {
    switch (message) {
      case "controller-request":
        return this.#requested(from, bytes);
      case "controller-reply":
        return this.client.received(from, bytes);
      case "image-fetch":
        return this.#source.asked(from, bytes, (to, piece) => {
          this.#ports.send(to, "image-piece", piece);
        });
      case "image-piece":
        return this.#follower.received(from, bytes);
      case "image-applied": {
        const applied = decodeImageApplied(bytes);
        if (applied !== null) this.readiness.applied(from, applied.version as LogIndex);
        return;
      }
    }
  }

  sessionBegan(broker: BrokerId): void {
    this.readiness.forget(broker); // It may be a new process, whose image starts anew.
    this.#reporter.report();
    this.#follower.sessionBegan();
  }

  sessionEnded(broker: BrokerId): void {
    this.client.sessionEnded(broker);
    this.#source.sessionEnded(broker);
    this.#follower.sessionEnded(broker);
  }

  #imageSources(): readonly BrokerId[] {
    const leader = this.leaders.leaderOf(CONTROLLER_GROUP);
    const sources = this.#ports.imageSources();
    if (leader === null || !sources.includes(leader)) return sources;
    return [leader, ...sources.filter((other) => other !== leader)];
  }

  #requested(from: BrokerId, bytes: Uint8Array): void {
    const reply = (to: BrokerId, message: Uint8Array): void => {
      this.#ports.send(to, "controller-reply", message);
    };
    const contact = this.#ports.contact(from);
    if (this.#desk !== null && contact !== null) {
      const { directory, incarnation } = contact;
      return this.#desk.received({ broker: from, directory, incarnation }, bytes, reply);
    }
    const asked = decodeRequest(bytes);
    const refusal = failed({ kind: "not-leader", detail: FOLLOWER_ANSWER } as const);
    if (asked !== null) reply(from, encodeReply(asked.id, "describe", refusal));
  }

  #ask(request: SubmittedRequest, answer: ControllerAnswer): void {
    if (this.#desk !== null) return this.#desk.ask(request, answer);
    answer(failed({ kind: "not-leader", detail: FOLLOWER_ANSWER }));
  }

  #leading(): void {
    this.#reporter.report();
    this.#fencing.lead();
    if (this.image.clusterId !== null) return;
    const clusterId = randomId(this.#ports.entropy) as ClusterId;
    // The id is the first record of the first leader that gets it committed; if this one fails, the next tries (C1).
    this.#ask({ kind: "found-cluster", clusterId }, () => undefined);
  }

  #deposed(): void {
    this.#fencing.resign();
    this.readiness.resign();
  }
}
