// Failures of the power: who loses it, what it dropped, and whose disk is trusted again. And the one failure after which a
// disk has lied, arranged so that nobody but a broker that doubts it can keep what it had promised.
import type { BrokerProcess } from "../cluster/broker-process.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { lossInWords, standingOf, TEARS } from "../cluster/power.ts";
import type { PowerLoss } from "../cluster/power.ts";
import type { Random } from "../random.ts";
import type { FaultRecord } from "./fault-record.ts";
import type { FaultKind } from "./plan.ts";

const STRIKES: ReadonlySet<FaultKind> = new Set([
  "power leader",
  "power two",
  "power all",
  "power again",
]);

export function isPowerStrike(kind: FaultKind): boolean {
  return STRIKES.has(kind);
}

export class PowerCuts {
  /** Brokers whose disk has lied. */
  readonly liars = new Set<number>();
  /** What must not be, in words. */
  readonly complaints: string[] = [];
  readonly #cluster: Cluster;
  readonly #random: Random;
  readonly #say: (what: string) => void;
  #cuts = 0;

  constructor(cluster: Cluster, random: Random, say: (what: string) => void) {
    this.#cluster = cluster;
    this.#random = random;
    this.#say = say;
  }

  /** `liesMs`: how far back which broker's disk loses what it had acknowledged. */
  async cut(
    victims: readonly BrokerProcess[],
    liesMs: ReadonlyMap<number, number> = new Map(),
  ): Promise<PowerLoss[]> {
    const cut = this.#cuts++;
    const losses = await Promise.all(
      victims.map(async (victim, k) => {
        // The same to all, and to each something else, in turns.
        const turn = Math.floor(cut / 2) + (cut % 2) * k;
        const tear = TEARS[turn % TEARS.length] ?? "torn";
        const lostMs = liesMs.get(victim.id) ?? 0;
        if (lostMs > 0) this.liars.add(victim.id);
        const loss = await victim.losePower({
          seed: this.#random.between(0, 2 ** 31),
          tear,
          lostMs,
        });
        if (loss === null) this.complaints.push(`broker ${victim.id} did not lose its power`);
        else this.#say(`broker ${victim.id} without power: ${lossInWords(loss)}`);
        return loss;
      }),
    );
    return losses.filter((loss) => loss !== null);
  }

  /** Brokers that are not known to have recalled; who is distrusted without a lie is complained of. */
  recalling(): number[] {
    return this.#cluster.brokers.flatMap(({ id, plan, powerLosses }) => {
      if (powerLosses === 0 || this.liars.has(id)) return [];
      const standing = standingOf(plan.dataDirectory, powerLosses);
      if (standing === "distrusted") {
        const what = `broker ${id} is distrusted, and its disk was honest`;
        if (!this.complaints.includes(what)) this.complaints.push(what);
      }
      return standing === "doubted" ? [id] : [];
    });
  }

  /** Whether every disk that lied is known to have. */
  get areLiarsFound(): boolean {
    return this.#cluster.brokers.every(
      ({ id, plan, powerLosses }) =>
        !this.liars.has(id) || standingOf(plan.dataDirectory, powerLosses) === "distrusted",
    );
  }

  /** Every recall since a fault is over. */
  recalled(faults: readonly FaultRecord[], nowMs: number): void {
    for (const fault of faults) {
      if (fault.losses.length > 0) fault.recalledMs ??= nowMs;
    }
  }
}
