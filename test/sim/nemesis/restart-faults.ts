// Restarts that an operator orders: clean ones, and ones with other settings than before and than the other brokers have.
import type { SettingValues } from "../../../internal/config/settings.ts";
import type { SmallSizes } from "../cluster/small-settings.ts";
import type { SimBroker } from "../cluster/sim-cluster.ts";
import type { Stage } from "./stage.ts";

const DRAIN_MS_MAX = 1_500;
const KIB = 1024;

export class RestartFaults {
  readonly #stage: Stage;

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  /** A clean stop; now and then in haste. It starts again as if it had died. */
  stop(at: SimBroker): void {
    const { entropy, totals } = this.#stage;
    totals.stops++;
    const isHasty = entropy.chance(200);
    at.stop(isHasty ? 1 : entropy.between(50, DRAIN_MS_MAX));
  }

  /** What may differ between brokers, and between two starts of one. */
  reconfigure(at: SimBroker): void {
    const { entropy, totals } = this.#stage;
    totals.reconfigured++;
    const change = CHANGES[entropy.below(CHANGES.length)] as (typeof CHANGES)[number];
    const { sizes = {}, ...given } = change;
    at.reconfigure(given, sizes);
    if (entropy.chance(500)) this.stop(at);
    else at.crash("kill");
  }
}

const CHANGES: readonly (SettingValues & { readonly sizes?: Partial<SmallSizes> })[] = [
  { sizes: { arenaBytes: 256 * KIB } },
  { sizes: { arenaBytes: 1024 * KIB } },
  { "journal.stall.transfer.ms": 100, "journal.stall.fence.ms": 500 },
  { "journal.stall.exit.ms": 60_000 },
  { "replica.lag.time.max.ms": 500 },
  { "link.ping.ms": 50 },
  { "link.silence.ms": 1_200 },
];
