// One consuming client: reads a partition from its beginning, over and over, from the leader or from any replica. What
// it is served is judged as it comes.
import type { Book } from "../checkers/book.ts";
import type { SimCluster } from "../cluster/sim-cluster.ts";
import type { SeededEntropy } from "../world/seeded-entropy.ts";
import type { Simulation } from "../world/sim-world.ts";
import type { Gateway, ReadAnswer, Target } from "./gateway.ts";

export interface ConsumerOptions {
  readonly name: string;
  readonly target: Target;
  /** Of a thousand reads, how many go to any broker rather than to the leader. */
  readonly followerPermille: number;
  readonly waitMsMax: number;
  readonly bytesMax: number;
  readonly pauseMsMax: number;
}

/** Of a thousand reads, after how many it begins anew. */
const REWIND_PERMILLE = 20;
/** In one read, once all that is left is to get to the end. */
const LAST_BYTES_MAX = 500_000;

export class Consumer {
  readonly #simulation: Simulation;
  readonly #cluster: SimCluster;
  readonly #book: Book;
  readonly #gateway: Gateway;
  readonly #options: ConsumerOptions;
  readonly #entropy: SeededEntropy;
  #position = 0;
  #isStopping = false;
  isDone = false;

  constructor(
    simulation: Simulation,
    cluster: SimCluster,
    book: Book,
    gateway: Gateway,
    options: ConsumerOptions,
  ) {
    this.#simulation = simulation;
    this.#cluster = cluster;
    this.#book = book;
    this.#gateway = gateway;
    this.#options = options;
    this.#entropy = simulation.entropy(`consumer ${options.name}`);
  }

  /** Ends when it has read all that is committed by then. */
  stop(): void {
    this.#isStopping = true;
  }

  get #isAtEnd(): boolean {
    return this.#position >= this.#book.settled(this.#options.target.group).end;
  }

  async run(): Promise<void> {
    const { target, followerPermille, waitMsMax, bytesMax, pauseMsMax } = this.#options;
    const log = this.#book.log(target.group);
    while ((!this.#isStopping || !this.#isAtEnd) && !log.isForgiven) {
      const waitMs = this.#entropy.below(waitMsMax + 1);
      const anybody = this.#cluster.brokers[this.#entropy.below(this.#cluster.brokers.length)];
      const isAstray = this.#entropy.chance(followerPermille);
      const broker = isAstray && anybody !== undefined ? anybody.id : null;
      const options = { waitMs, bytesMax: this.#isStopping ? LAST_BYTES_MAX : bytesMax, broker };
      const asked = await this.#gateway.fetch(target, this.#position, options, (answer) =>
        this.#take(answer),
      );
      if (this.#entropy.chance(REWIND_PERMILLE) && !this.#isStopping) this.#position = 0;
      const pauseMs = this.#entropy.below(this.#isStopping ? 2 : pauseMsMax + 1);
      await this.#simulation.sleepMs(asked ? pauseMs : 20 + pauseMs);
    }
    this.isDone = true;
  }

  #take(answer: ReadAnswer): void {
    const { group } = this.#options.target;
    const { highWatermark, slices } = answer;
    const served = { group, fetchOffset: this.#position, highWatermark, slices };
    this.#position = this.#book.reads.served(answer.by, served, this.#book.settled(group));
  }
}
