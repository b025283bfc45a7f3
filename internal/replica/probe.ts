// What the replica layer shows to Prometheus: leadership, elections and in-sync sets of this broker's groups.
import type { Counter, Meter } from "../ports/meter.ts";
import type { Role } from "../raft/effect.ts";
import type { Replica } from "./replica.ts";

/** Why a leadership is handed over: the label of the metric. */
export type TransferReason = "balance" | "asked" | "drain" | "stall" | "damage" | "removal";

export interface ReplicaCounts {
  readonly leaders: () => number;
  readonly armed: () => number;
  readonly replicas: () => Iterable<Replica>;
  readonly inSync: (replica: Replica) => number;
}

export class ReplicaProbe {
  readonly #campaigns: Counter;
  readonly #won: Counter;
  readonly #shrinks: Counter;
  readonly #expands: Counter;
  readonly #transfers: Readonly<Record<TransferReason, Counter>>;
  readonly #failedTransfers: Counter;
  readonly damaged: Counter;
  readonly repaired: Counter;

  constructor(meter: Meter, counts: ReplicaCounts) {
    const name = (rest: string): string => `flotilla_replica_${rest}`;
    this.#campaigns = meter.counter(
      name("elections_started_total"),
      "Campaigns that this broker's replicas began after a successful pre-vote.",
    );
    this.#won = meter.counter(name("elections_won_total"), "Campaigns that made a replica leader.");
    this.#shrinks = meter.counter(name("isr_shrinks_total"), "In-sync sets that lost a replica.");
    this.#expands = meter.counter(name("isr_expands_total"), "In-sync sets that gained a replica.");
    this.#transfers = transferCounters(meter, name("transfers_total"));
    this.#failedTransfers = meter.counter(
      name("transfers_failed_total"),
      "Leaderships that were offered and not taken over.",
    );
    this.damaged = meter.counter(
      name("damages_found_total"),
      "Entries whose payload was found to be damaged.",
    );
    this.repaired = meter.counter(
      name("entries_repaired_total"),
      "Damaged entries that were fetched again from another broker.",
    );
    meter.observedGauge(
      name("damaged_entries"),
      "Entries whose payload is damaged here and not fetched again yet.",
      () => {
        let entries = 0;
        for (const replica of counts.replicas()) entries += replica.damaged.size;
        return entries;
      },
    );
    meter.observedGauge(name("leaders"), "Groups that this broker leads.", counts.leaders);
    meter.observedGauge(
      name("armed"),
      "Replicas that know no leader and will campaign.",
      counts.armed,
    );
    meter.observedGauge(name("groups"), "Groups with a replica here.", () => {
      return count(counts.replicas(), () => true);
    });
    meter.observedGauge(
      name("under_replicated"),
      "Groups led here with fewer replicas in sync than voters.",
      () =>
        count(counts.replicas(), (replica) => {
          return replica.leads && counts.inSync(replica) < votersOf(replica);
        }),
    );
    meter.observedGauge(
      name("leaderless"),
      "Groups with a replica here that knows no leader.",
      () => count(counts.replicas(), (replica) => replica.machine.leader === null),
    );
    meter.observedGauge(
      name("suspect"),
      "Replicas that neither vote nor acknowledge, because their data cannot be trusted.",
      () => count(counts.replicas(), (replica) => replica.machine.standing === "suspect"),
    );
  }

  roleChanged(role: Role): void {
    if (role === "candidate") this.#campaigns.add(1);
    if (role === "leader") this.#won.add(1);
  }

  transferBegan(reason: TransferReason): void {
    this.#transfers[reason].add(1);
  }

  transferFailed(): void {
    this.#failedTransfers.add(1);
  }

  inSyncChanged(before: number, after: number): void {
    if (after < before) this.#shrinks.add(1);
    else this.#expands.add(1);
  }
}

function transferCounters(meter: Meter, name: string): Record<TransferReason, Counter> {
  const counter = (reason: TransferReason): Counter =>
    meter.counter(name, "Leaderships that this broker began to hand over, by reason.", { reason });
  return {
    balance: counter("balance"),
    asked: counter("asked"),
    drain: counter("drain"),
    stall: counter("stall"),
    damage: counter("damage"),
    removal: counter("removal"),
  };
}

function votersOf(replica: Replica): number {
  return replica.machine.configuration.voters.length;
}

function count(replicas: Iterable<Replica>, isCounted: (replica: Replica) => boolean): number {
  let counted = 0;
  for (const replica of replicas) if (isCounted(replica)) counted++;
  return counted;
}
