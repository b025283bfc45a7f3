// A client that does nothing but ask: now and then every broker that holds itself for a partition's leader is asked where
// the partition ends, whether or not it has answered before. Two leaders at a time must not tell two histories (P1, L5).
import type { Book } from "../checkers/book.ts";
import type { Simulation } from "../world/sim-world.ts";
import type { Gateway, Target } from "./gateway.ts";

export class Prober {
  readonly #simulation: Simulation;
  readonly #book: Book;
  readonly #gateway: Gateway;
  #isStopping = false;
  isDone = false;

  constructor(simulation: Simulation, book: Book, gateway: Gateway) {
    this.#simulation = simulation;
    this.#book = book;
    this.#gateway = gateway;
  }

  stop(): void {
    this.#isStopping = true;
  }

  async run(targets: readonly Target[], everyMsMax: number): Promise<void> {
    const entropy = this.#simulation.entropy("prober");
    while (!this.#isStopping) {
      await this.#simulation.sleepMs(1 + entropy.below(everyMsMax));
      const target = targets[entropy.below(targets.length)] as Target;
      for (const broker of this.#gateway.leaders(target)) this.#ask(target, broker);
    }
    this.isDone = true;
  }

  #ask(target: Target, broker: ReturnType<Gateway["leaders"]>[number]): void {
    const { group } = target;
    this.#gateway.latest(target, broker, (by, highWatermark) =>
      this.#book.reads.shown(by, group, highWatermark, this.#book.settled(group)),
    );
  }
}
