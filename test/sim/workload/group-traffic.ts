// All consumer groups of a run: some groups of several members each, one group of a simple consumer, and whoever asks all
// coordinators what is committed.
import type { TopicId } from "../../../internal/model/ids.ts";
import type { Book } from "../checkers/book.ts";
import type { SimCluster } from "../cluster/sim-cluster.ts";
import type { GroupPlan } from "../plan.ts";
import { NEWER_SESSION_MS } from "../plan.ts";
import type { CoordinatorWatch } from "../watch/coordinator-watch.ts";
import type { SeededEntropy } from "../world/seeded-entropy.ts";
import { ClassicMember } from "./classic-member.ts";
import { ConsumerMember } from "./consumer-member.ts";
import { GroupClient } from "./group-client.ts";
import { GroupGateway } from "./group-gateway.ts";
import type { GroupMember } from "./group-member.ts";
import { OffsetProber } from "./offset-prober.ts";
import { SimpleConsumer } from "./simple-consumer.ts";
import { TOPIC } from "./targets.ts";

export class GroupTraffic {
  readonly gateway: GroupGateway;
  readonly members: GroupMember[] = [];
  readonly #others: (SimpleConsumer | OffsetProber)[] = [];
  readonly #cluster: SimCluster;
  readonly #book: Book;
  readonly #plan: GroupPlan;
  readonly #partitions: readonly number[];

  constructor(
    cluster: SimCluster,
    book: Book,
    watch: CoordinatorWatch,
    plan: GroupPlan,
    partitions: number,
  ) {
    this.#cluster = cluster;
    this.#book = book;
    this.#plan = plan;
    this.#partitions = Array.from({ length: partitions }, (_, k) => k);
    this.gateway = new GroupGateway(cluster, book, watch, cluster.simulation.entropy("groups"));
  }

  start(): void {
    const { simulation } = this.#cluster;
    const entropy = simulation.entropy("group traffic");
    const { groups, membersMax, newerPermille, mixedPermille, pauseMsMax } = this.#plan;
    for (let g = 0; g < groups; g++) {
      const members = 1 + entropy.below(membersMax);
      const share = entropy.chance(mixedPermille) ? 500 : null;
      const isNewer = entropy.chance(newerPermille);
      for (let m = 0; m < members; m++) {
        const client = this.#client(`m${m}`, `g${g}`, pauseMsMax);
        const speaksNewer = share === null ? isNewer : entropy.chance(share);
        const member = this.#member(client, speaksNewer, entropy);
        this.members.push(member);
        void member.run();
      }
    }
    const simple = new SimpleConsumer(this.#client("s", "simple", pauseMsMax), this.#partitions);
    const names = Array.from({ length: groups }, (_, g) => `g${g}`);
    const prober = new OffsetProber(simulation, this.gateway, [...names, "simple"]);
    this.#others.push(simple, prober);
    void simple.run();
    void prober.run(TOPIC, this.#partitions);
  }

  #member(client: GroupClient, isNewer: boolean, entropy: SeededEntropy): GroupMember {
    const { staticPermille, sessionMs, rebalanceMs } = this.#plan;
    const instanceId = entropy.chance(staticPermille) ? `i-${client.name}` : null;
    const common = { instanceId, sessionMs, rebalanceMs };
    if (isNewer) {
      return new ConsumerMember(client, this.#book, {
        ...common,
        sessionMs: NEWER_SESSION_MS,
        topicId: () => this.#topicId(),
      });
    }
    return new ClassicMember(client, this.#book, {
      ...common,
      requiresMemberId: entropy.chance(700),
      partitions: this.#partitions.length,
    });
  }

  #topicId(): TopicId | null {
    for (const { broker } of this.#cluster.brokers) {
      const topic = broker?.controller.image.topicNamed(TOPIC) ?? null;
      if (topic !== null) return topic.topicId;
    }
    return null;
  }

  #client(name: string, group: string, pauseMsMax: number): GroupClient {
    const options = { name, group, topic: TOPIC, pauseMsMax };
    return new GroupClient(this.#cluster.simulation, this.gateway, options);
  }

  calm(): void {
    for (const member of this.members) member.calm();
  }

  /** How long groups may take to settle after the last fault, beyond finding a coordinator. */
  get settleMsMax(): number {
    const { sessionMs, rebalanceMs, initialDelayMs } = this.#plan;
    return 4 * (Math.max(sessionMs, NEWER_SESSION_MS) + rebalanceMs + initialDelayMs);
  }

  /** Groups of which some member is none, or some partition has no owner; empty when all is well. */
  unsettled(): string[] {
    const groups = Map.groupBy(this.members, ({ client }) => client.group);
    return [...groups].flatMap(([group, members]) => {
      const standings = members.map(({ standing }) => standing);
      const generations = new Set(standings.map((standing) => standing?.generation ?? -1));
      const owned = standings.flatMap((standing) => standing?.partitions ?? []);
      const isWell =
        generations.size === 1 &&
        !generations.has(-1) &&
        owned.length === this.#partitions.length &&
        new Set(owned).size === owned.length;
      const said = standings.map((one, k) => {
        const what = one === null ? "none" : `${one.generation} [${one.partitions.join(" ")}]`;
        return `${members[k]?.client.name}: ${what}`;
      });
      return isWell ? [] : [`${group}: ${said.join(", ")}`];
    });
  }

  /** Reads everything back, in the background; what is returned tells whether it is done. */
  readAll(): () => boolean {
    const names = new Set([...this.members.map(({ client }) => client.group), "simple"]);
    let left = names.size;
    for (const name of names) {
      const client = this.#client("reader", name, this.#plan.pauseMsMax);
      void (async () => {
        while ((await client.resume(this.#partitions)) === "moved");
        left--;
      })();
    }
    return () => left === 0;
  }

  stop(): void {
    for (const client of [...this.members, ...this.#others]) client.stop();
  }

  get isDone(): boolean {
    return [...this.members, ...this.#others].every(({ isDone }) => isDone);
  }
}
