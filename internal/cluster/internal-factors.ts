// Internal topics keep what must not be lost with one disk: when the cluster has grown, their partitions get the replicas
// that they could not have at first (C7). Group 0's leader looks for brokers that have been there for a while, and sets new
// targets, a few at a time; the groups follow by themselves (C4). The factor is raised, never lowered.
import type { BrokerId } from "../model/ids.ts";
import { isInternalTopic } from "../model/internal-topics.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { Log } from "../ports/log.ts";
import type { Topic } from "./cluster-state.ts";
import type { ControllerAnswer } from "./controller-desk.ts";
import type { ControllerRequest } from "./controller-requests.ts";
import type { MetadataImage } from "./image.ts";
import { extendReplicas } from "./placement.ts";
import type { PlacementBroker } from "./placement.ts";

export interface InternalFactorPorts {
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly image: MetadataImage;
  readonly log: Log;
  /** The own desk. */
  ask(request: ControllerRequest, answer: ControllerAnswer): void;
}

/** Replicas of an internal topic, where there are so many brokers. */
const FACTOR_MAX = 3;
const LOOK_MS = 1_000;
/** Looks in a row at which the same brokers must be there before anything is placed on them. */
const STEADY_LOOKS = 5;
/** New targets of one look. */
const CHANGES_MAX = 16;
const START_LIMIT = 1 << 20;

export class InternalFactors {
  readonly #ports: InternalFactorPorts;
  #cancel: Cancel | null = null;
  #brokers = "";
  #looks = 0;
  #isAsking = false;

  constructor(ports: InternalFactorPorts) {
    this.#ports = ports;
  }

  /** This broker leads group 0 from now on. */
  lead(): void {
    this.resign();
    this.#schedule();
  }

  resign(): void {
    this.#cancel?.();
    this.#cancel = null;
    this.#looks = 0;
    this.#isAsking = false;
  }

  #schedule(): void {
    this.#cancel = this.#ports.clock.after(LOOK_MS, () => {
      this.#schedule();
      this.#look();
    });
  }

  #look(): void {
    const brokers = this.#staying();
    const ids = brokers.map(({ broker }) => broker).join(" ");
    this.#looks = ids === this.#brokers ? this.#looks + 1 : 0;
    this.#brokers = ids;
    if (this.#isAsking || this.#looks < STEADY_LOOKS) return;
    const factor = Math.min(FACTOR_MAX, brokers.length);
    for (const topic of this.#ports.image.topics()) {
      if (!isInternalTopic(topic.name)) continue;
      if (this.#raise(topic, brokers, factor)) return;
    }
  }

  /** Brokers that are up and mean to stay. */
  #staying(): PlacementBroker[] {
    const { image } = this.#ports;
    return image
      .unfencedBrokers()
      .filter(({ draining }) => !draining)
      .map(({ broker, rack, host }) => ({
        broker,
        rack,
        host,
        fenced: false,
        ...image.state.load(broker),
      }))
      .toSorted((a, b) => a.broker - b.broker);
  }

  /** True: something of this topic was asked for. */
  #raise(topic: Topic, brokers: readonly PlacementBroker[], factor: number): boolean {
    const { entropy, log } = this.#ports;
    const short = topic.partitions.filter(({ replicas }) => replicas.length < factor);
    if (short.length === 0) return false;
    const held = topic.partitions.map(({ replicas }) => replicas.map(({ broker }) => broker));
    // All partitions are laid out together, so that first places are even; only those that are short change now.
    const extended = extendReplicas(brokers, held, factor, entropy.below(START_LIMIT));
    if (!extended.ok) return false;
    const changes = short.slice(0, CHANGES_MAX).map(({ partition, revision }) => {
      const wanted = extended.value[partition] as readonly BrokerId[];
      return { topicId: topic.topicId, partition, revision, brokers: wanted };
    });
    log.info({ topic: topic.name, factor, partitions: changes.length }, "internal-factor-raised");
    this.#isAsking = true;
    this.#ports.ask({ kind: "place-replicas", changes }, () => {
      this.#isAsking = false;
    });
    return true;
  }
}
