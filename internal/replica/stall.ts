// What a slow or hung journal does to the leaderships of its broker (L4): they are handed over, then withdrawn, and at last
// the broker ends. A stall is the age of the oldest write that has not finished; it is looked at a few times a second.
import type { World } from "../ports/world.ts";
import type { Replica } from "./replica.ts";
import { inSlices } from "./slices.ts";

/** "slow": leaderships are handed over. "fenced": nothing is led and nothing answered. */
export type Stall = "no" | "slow" | "fenced";

export interface StallLimits {
  /** `journal.stall.transfer.ms`, `.fence.ms`, `.exit.ms`. */
  readonly stallTransferMs: number;
  readonly stallFenceMs: number;
  readonly stallExitMs: number;
}

export interface StallPorts {
  /** Age of the oldest unfinished write. */
  ageMs(): number;
  led(): Iterable<Replica>;
  handOver(replica: Replica): void;
  /** Gives the leadership up, whoever may take it. */
  resign(replica: Replica): void;
  /** The journal goes on: whoever waits to campaign need not wait any longer. */
  goOn(): void;
  touch(): void;
}

export class StallWatch {
  readonly #world: Pick<World, "clock" | "log" | "fatal">;
  readonly #limits: StallLimits;
  readonly #ports: StallPorts;
  #state: Stall = "no";

  constructor(
    world: Pick<World, "clock" | "log" | "fatal">,
    limits: StallLimits,
    ports: StallPorts,
  ) {
    this.#world = world;
    this.#limits = limits;
    this.#ports = ports;
  }

  get state(): Stall {
    return this.#state;
  }

  watch(): void {
    const ageMs = this.#ports.ageMs();
    const { stallTransferMs, stallFenceMs, stallExitMs } = this.#limits;
    if (ageMs > stallExitMs) return this.#world.fatal("journal-stalled", { ageMs });
    const now = ageMs > stallFenceMs ? "fenced" : ageMs > stallTransferMs ? "slow" : "no";
    const before = this.#state;
    if (now === before) return;
    this.#state = now;
    this.#world.log.warn({ ageMs, state: now }, "journal-stall");
    if (before === "fenced") this.#ports.goOn();
    if (now === "no") return;
    inSlices(this.#world.clock, this.#ports.led(), (replica) => {
      // What came after is dealt with by its own round.
      if (this.#state !== now || !replica.leads) return;
      if (now === "fenced") this.#ports.resign(replica);
      else this.#ports.handOver(replica);
      this.#ports.touch();
    });
  }
}
