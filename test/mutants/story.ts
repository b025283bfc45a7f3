// Stories on a simulated cluster, for bugs that random runs reach too rarely: each plays one course of events and says
// how it ended.
import { assert } from "../../internal/base/assert.ts";
import type { Offset } from "../../internal/model/ids.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { Broker, BrokerFaults } from "../../internal/server/broker.ts";
import type { Fetched } from "../../internal/service/log-service.ts";
import type { SimBroker } from "../sim/cluster/sim-cluster.ts";
import { SimCluster } from "../sim/cluster/sim-cluster.ts";
import { Simulation } from "../sim/world/sim-world.ts";

const TOPIC = "story";

export class Story {
  readonly #simulation: Simulation;
  readonly #cluster: SimCluster;

  private constructor(simulation: Simulation, cluster: SimCluster) {
    this.#simulation = simulation;
    this.#cluster = cluster;
  }

  /**
   * A leader sleeps (SIGSTOP) while another one is elected and acknowledges a record; the moment it wakes up, it is asked
   * to read (L5).
   */
  static async readFromLeaderThatSlept(
    faults: BrokerFaults,
  ): Promise<"refused" | "answered with an old end"> {
    const story = await Story.#begin(faults);
    const sleeper = story.#leader();
    assert((await story.#append(sleeper, "before")) === 0, "the first record has offset 0");
    sleeper.node.freeze();
    await story.#simulation.runForMs(3_000);
    const successor = story.#leader(sleeper);
    assert((await story.#append(successor, "meanwhile")) === 1, "the successor serves");
    const old = story.#running(sleeper);
    sleeper.node.thaw();
    const fetched = await story.#fetch(old, 0);
    const answer = fetched.partitions[0];
    fetched.release();
    if (answer?.fault?.kind === "not-leader") return "refused";
    assert(answer?.fault === null && answer.highWatermark === 1, "it knows of one record only");
    return "answered with an old end";
  }

  /**
   * A leader that is cut off takes an append that nobody else gets. Another one is elected and fills the same place in the log;
   * then the old one is back, and its log follows (F4).
   */
  static async appendOnLeaderThatWasCutOff(
    faults: BrokerFaults,
  ): Promise<"refused" | "acknowledged, and somebody else's record is there"> {
    const story = await Story.#begin(faults);
    const loner = story.#leader();
    await story.#append(loner, "before");
    const others = story.#cluster.brokers.filter((broker) => broker !== loner);
    const { links } = story.#simulation.network;
    links.partition(
      [loner.node.name],
      others.map(({ node }) => node.name),
    );
    const append = story.#append(loner, "never replicated");
    await story.#simulation.runForMs(3_000);
    const successor = story.#leader(loner);
    for (let k = 0; k < 3; k++) await story.#append(successor, `successor ${k}`);
    links.healAll();
    const offset = await story.#simulation.settle(append);
    if (offset === null) return "refused";
    const records = await story.#values(successor);
    assert(!records.includes("never replicated"), "the record is in no surviving log");
    return "acknowledged, and somebody else's record is there";
  }

  static async #begin(faults: BrokerFaults): Promise<Story> {
    const simulation = new Simulation({ seed: 1 });
    const cluster = new SimCluster(simulation, { brokers: 3, faults });
    cluster.startAll();
    await simulation.run({ until: () => cluster.isReady, untilUs: 20_000_000 });
    const story = new Story(simulation, cluster);
    const [first] = cluster.brokers;
    assert(first !== undefined, "the cluster has brokers");
    const topic = { name: TOPIC, partitions: 1, factor: 3, assignments: [], configs: [] };
    const created = await simulation.settle(
      story.#running(first).services.cluster.createTopics([topic], false, 5_000),
    );
    assert(created[0]?.outcome.ok === true, "the topic is created");
    await simulation.runForMs(1_000);
    return story;
  }

  #running(at: SimBroker): Broker {
    const { broker } = at;
    assert(broker !== null, "the broker runs");
    return broker;
  }

  /** The broker that serves the partition, other than `except`. */
  #leader(except?: SimBroker): SimBroker {
    const found = this.#cluster.brokers.find((at) => {
      if (at === except) return false;
      const { image } = this.#running(at).controller;
      const group = image.partition(TOPIC, 0)?.group;
      return group !== undefined && this.#running(at).raft.replica(group)?.serves === true;
    });
    assert(found !== undefined, "somebody leads the partition");
    return found;
  }

  /** The record's offset; null when the append was refused or its outcome is unknown. */
  #append(at: SimBroker, value: string): Promise<number | null> {
    const bytes = encodeBatch([
      { key: null, value: new TextEncoder().encode(value), timestampMs: 1_000 },
    ]);
    const done = new Promise<number | null>((resolve) => {
      const taken = this.#running(at).services.log.append(
        {
          name: TOPIC,
          topicId: null,
          partition: 0,
          batch: { bytes, start: 0, end: bytes.length },
          acks: -1,
          timeoutMs: 20_000,
          allowsZstd: true,
        },
        (outcome) => resolve(outcome.ok ? outcome.value.baseOffset : null),
      );
      assert(taken === "taken", "there is room");
    });
    return value === "never replicated" ? done : this.#simulation.settle(done);
  }

  #fetch(from: Broker, offset: number): Promise<Fetched> {
    return new Promise((resolve) => {
      from.services.log.fetch(
        {
          partitions: [
            {
              name: TOPIC,
              topicId: null,
              partition: 0,
              fetchOffset: offset as Offset,
              leaderEpoch: -1,
              lastFetchedEpoch: -1,
              bytesMax: 1_000_000,
            },
          ],
          waitMsMax: 0,
          bytesMin: 0,
          bytesMax: 1_000_000,
          readCommitted: false,
          allowsFollower: false,
        },
        resolve,
      );
    });
  }

  /** What the log holds, as text: the values are in it as they were sent. */
  async #values(at: SimBroker): Promise<string> {
    const fetched = await this.#simulation.settle(this.#fetch(this.#running(at), 0));
    const text = fetched.partitions[0]?.slices.map((slice) => new TextDecoder().decode(slice));
    fetched.release();
    return (text ?? []).join("");
  }
}
