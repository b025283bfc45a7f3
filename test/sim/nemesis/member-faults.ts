// Disturbances that an operator orders: leaderships handed over, replicas moved to other brokers.
import type { BrokerId, TopicId } from "../../../internal/model/ids.ts";
import { CONSUMER_OFFSETS } from "../../../internal/model/internal-topics.ts";
import type { MultiRaft } from "../../../internal/replica/multi-raft.ts";
import type { Replica } from "../../../internal/replica/replica.ts";
import type { SimBroker } from "../cluster/sim-cluster.ts";
import type { Plan } from "../plan.ts";
import type { Stage } from "./stage.ts";
import { SINGLE_TOPIC, TOPIC } from "../workload/targets.ts";

export class MemberFaults {
  readonly #stage: Stage;
  readonly #plan: Plan;

  constructor(stage: Stage, plan: Plan) {
    this.#stage = stage;
    this.#plan = plan;
  }

  /** Some leader is told to hand over to some other voter. */
  transfer(): boolean {
    const { cluster, entropy } = this.#stage;
    const leading = cluster.brokers.flatMap((at) => {
      const broker = at.reachable;
      if (broker === null) return [];
      return [...broker.raft.replicas()]
        .filter((replica) => replica.leads)
        .map((replica) => ({ raft: broker.raft, replica }));
    });
    const chosen = leading[entropy.below(Math.max(1, leading.length))];
    return chosen !== undefined && this.handOver(chosen.raft, chosen.replica);
  }

  handOver(raft: MultiRaft, replica: Replica): boolean {
    const { entropy } = this.#stage;
    const others = replica.machine.configuration.voters.filter((id) => id !== replica.self);
    const to = others[entropy.below(Math.max(1, others.length))];
    if (to === undefined) return false;
    raft.transfer(replica, to);
    return true;
  }

  /** The leader of some partition of __consumer_offsets, if it can be talked to. */
  coordinator(): { at: SimBroker; raft: MultiRaft; replica: Replica } | null {
    const { cluster, entropy } = this.#stage;
    const leading = cluster.brokers.flatMap((at) => {
      const broker = at.reachable;
      const topic = broker?.controller.image.topicNamed(CONSUMER_OFFSETS) ?? null;
      if (broker === null || topic === null) return [];
      const { raft } = broker;
      return topic.partitions.flatMap(({ group }) => {
        const replica = raft.replica(group);
        return replica?.leads === true ? [{ at, raft, replica }] : [];
      });
    });
    return leading[entropy.below(Math.max(1, leading.length))] ?? null;
  }

  /** The replicas of some partition are to be elsewhere. */
  async move(): Promise<void> {
    const { cluster, entropy, totals } = this.#stage;
    const reachable = cluster.brokers.filter((at) => at.reachable !== null);
    const asked = reachable[entropy.below(Math.max(1, reachable.length))];
    const broker = asked?.reachable ?? null;
    const topic = broker?.controller.image.topicNamed(this.#toMove()) ?? null;
    if (broker === null || topic === null) return;
    const partition = entropy.below(topic.partitions.length);
    const placement = topic.partitions[partition];
    if (placement === undefined) return;
    const brokers = this.#draw(placement.replicas.length);
    const change = {
      topicId: topic.topicId as TopicId,
      partition,
      revision: placement.revision,
      brokers,
    };
    totals.moves++;
    // The outcome may never come; the nemesis does not wait for it.
    void broker.controller.client.request({ kind: "place-replicas", changes: [change] }, 1_000);
  }

  /** Among three brokers only single replicas can go elsewhere. */
  #toMove(): string {
    const { singles, brokers } = this.#plan;
    if (singles === 0) return TOPIC;
    return brokers === 3 || this.#stage.entropy.chance(500) ? SINGLE_TOPIC : TOPIC;
  }

  #draw(count: number): BrokerId[] {
    const { cluster, entropy } = this.#stage;
    const left: SimBroker[] = [...cluster.brokers];
    const drawn: BrokerId[] = [];
    while (drawn.length < Math.min(count, this.#plan.brokers)) {
      const [at] = left.splice(entropy.below(left.length), 1);
      if (at !== undefined) drawn.push(at.id);
    }
    return drawn;
  }
}
