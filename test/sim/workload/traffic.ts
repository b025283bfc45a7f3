// All clients of a run: makes the topic, starts producers and consumers, and stops them again.
import type { Book } from "../checkers/book.ts";
import type { Broker } from "../../../internal/server/broker.ts";
import type { NewTopic, TopicOutcome } from "../../../internal/service/cluster-service.ts";
import type { SimCluster } from "../cluster/sim-cluster.ts";
import type { Plan } from "../plan.ts";
import type { CoordinatorWatch } from "../watch/coordinator-watch.ts";
import { Consumer } from "./consumer.ts";
import type { Gateway, Target } from "./gateway.ts";
import { GroupTraffic } from "./group-traffic.ts";
import { OwnReader, serveKafka } from "./own-reader.ts";
import { Prober } from "./prober.ts";
import { Producer } from "./producer.ts";
import { ServiceGateway } from "./service-gateway.ts";
import { SINGLE_TOPIC, TOPIC } from "./targets.ts";

const CREATE_MS_MAX = 5_000;
const PROBE_EVERY_MS_MAX = 40;

/** A fraction of the largest journal: a run whose cluster is quick must not fill it, and nobody would settle any more. */
const VOLUME_BYTES_MAX = 32 << 20;

const BUSY_PAUSE_MS = 50;

export class Traffic {
  readonly gateway: Gateway;
  targets: readonly Target[] = [];
  /** Partitions of a single replica. */
  singles: readonly Target[] = [];
  readonly producers: Producer[] = [];
  readonly consumers: (Consumer | OwnReader | Prober)[] = [];
  ownReader: OwnReader | null = null;
  /** Null: a run without consumer groups. */
  readonly groups: GroupTraffic | null;
  readonly #cluster: SimCluster;
  readonly #book: Book;
  readonly #plan: Plan;
  readonly #volume = { leftBytes: VOLUME_BYTES_MAX };

  constructor(cluster: SimCluster, book: Book, watch: CoordinatorWatch, plan: Plan) {
    this.#cluster = cluster;
    this.#book = book;
    this.#plan = plan;
    this.gateway = new ServiceGateway(cluster, cluster.simulation.entropy("gateway"), book.verdict);
    if (plan.hasOwnReader) serveKafka(cluster);
    const { groups } = plan;
    this.groups =
      groups === null ? null : new GroupTraffic(cluster, book, watch, groups, plan.partitions);
  }

  /** Creates the topic; false when that did not work out. */
  async open(): Promise<boolean> {
    const { partitions, factor, minInSync, singles } = this.#plan;
    const broker = this.#cluster.brokers[0]?.broker ?? null;
    if (broker === null) return false;
    const configs =
      minInSync === 0 ? [] : [{ name: "min.insync.replicas", value: String(minInSync) }];
    const shape = { name: TOPIC, partitions, factor, assignments: [], configs };
    const replicated = await this.#create(broker, shape);
    if (replicated === null) return false;
    this.targets = replicated;
    if (singles === 0) return true;
    const alone = { ...shape, name: SINGLE_TOPIC, partitions: singles, factor: 1, configs: [] };
    this.singles = (await this.#create(broker, alone)) ?? [];
    for (const { group } of this.singles) this.#book.single.add(group);
    return this.singles.length > 0;
  }

  async #create(broker: Broker, topic: NewTopic): Promise<readonly Target[] | null> {
    const { simulation } = this.#cluster;
    const untilMs = simulation.nowMs + CREATE_MS_MAX;
    const create = () => broker.services.cluster.createTopics([topic], false, CREATE_MS_MAX);
    let [created] = await create();
    // A controller with a slow disk and small limits has much to do when brokers have just come.
    while (isBusy(created) && simulation.nowMs < untilMs) {
      await simulation.sleepMs(BUSY_PAUSE_MS);
      [created] = await create();
    }
    const placed = broker.controller.image.topicNamed(topic.name)?.partitions;
    if (created?.outcome.ok !== true || placed === undefined) return null;
    return placed.map(({ group }, partition) => ({ topic: topic.name, partition, group }));
  }

  start(): void {
    const { simulation } = this.#cluster;
    const entropy = simulation.entropy("traffic");
    const { producers, consumers, idempotentPermille, valueBytesMax, pauseMsMax } = this.#plan;
    const targetOf = (k: number): Target => this.targets[k % this.targets.length] as Target;
    for (let k = 0; k < producers; k++) {
      const producer = new Producer(simulation, this.#book, this.gateway, {
        name: `p${k}`,
        target: targetOf(k),
        idempotent: entropy.chance(idempotentPermille),
        inFlightMax: 1 + entropy.below(5),
        pauseMsMax,
        recordsMax: 1 + entropy.below(4),
        valueBytesMax,
        volume: this.#volume,
        timeoutMs: 300 + entropy.below(1_200),
      });
      this.producers.push(producer);
      void producer.run();
    }
    this.#useSingles();
    const prober = new Prober(simulation, this.#book, this.gateway);
    this.consumers.push(prober);
    void prober.run(this.all, PROBE_EVERY_MS_MAX);
    for (let k = 0; k < consumers; k++) {
      const consumer = new Consumer(simulation, this.#cluster, this.#book, this.gateway, {
        name: `c${k}`,
        target: targetOf(k),
        followerPermille: entropy.below(600),
        waitMsMax: entropy.below(400),
        bytesMax: 1 + entropy.below(60_000),
        pauseMsMax: 1 + entropy.below(60),
      });
      this.consumers.push(consumer);
      void consumer.run();
    }
    if (this.#plan.hasOwnReader) {
      this.ownReader = new OwnReader(this.#cluster, this.#book, this.targets);
      this.consumers.push(this.ownReader);
      void this.ownReader.run();
    }
    this.groups?.start();
  }

  get all(): readonly Target[] {
    return [...this.targets, ...this.singles];
  }

  /** A producer and a consumer for each. */
  #useSingles(): void {
    const { simulation } = this.#cluster;
    const { valueBytesMax, pauseMsMax, idempotentPermille } = this.#plan;
    const entropy = simulation.entropy("singles");
    for (const [k, target] of this.singles.entries()) {
      const producer = new Producer(simulation, this.#book, this.gateway, {
        ...{ name: `s${k}`, target, pauseMsMax, valueBytesMax, volume: this.#volume },
        idempotent: entropy.chance(idempotentPermille),
        inFlightMax: 1 + entropy.below(5),
        recordsMax: 1 + entropy.below(4),
        timeoutMs: 300 + entropy.below(1_200),
      });
      const consumer = new Consumer(simulation, this.#cluster, this.#book, this.gateway, {
        ...{ name: `s${k}`, target, followerPermille: 0 },
        waitMsMax: entropy.below(400),
        bytesMax: 1 + entropy.below(60_000),
        pauseMsMax: 1 + entropy.below(60),
      });
      this.producers.push(producer);
      this.consumers.push(consumer);
      void producer.run();
      void consumer.run();
    }
  }
}

function isBusy(one: TopicOutcome<unknown> | undefined): boolean {
  return one?.outcome.ok === false && one.outcome.fault.kind === "busy";
}
