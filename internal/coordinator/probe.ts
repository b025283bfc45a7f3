// What coordinators show to Prometheus. Groups are labels only as far as the survey names them: those behind most, and of
// the others one sum. Members and partitions are none.
import type { Term } from "../model/ids.ts";
import type { Partition } from "../partition/partition.ts";
import type { Clock } from "../ports/clock.ts";
import type { Counter, Histogram, Labels, Meter } from "../ports/meter.ts";
import type { GroupCoordinator } from "./group-coordinator.ts";
import type { CoordinatorsEvents } from "./group-coordinators.ts";
import type { GroupRecord } from "./group-records.ts";
import type { GroupProgress, GroupSurvey } from "./group-survey.ts";

const PHASES = {
  classic: ["Empty", "PreparingRebalance", "CompletingRebalance", "Stable", "Dead"],
  consumer: ["Empty", "Assigning", "Reconciling", "Stable"],
} as const;

export class CoordinatorProbe implements CoordinatorsEvents {
  readonly #clock: Clock;
  readonly #loadSeconds: Histogram;
  readonly #loadedRecords: Counter;
  readonly #commits: Counter;
  readonly #expired: Counter;
  readonly #classicRebalances: Counter;
  readonly #consumerRebalances: Counter;

  constructor(meter: Meter, clock: Clock, survey: () => GroupSurvey) {
    this.#clock = clock;
    const name = (rest: string): string => `flotilla_coordinator_${rest}`;
    this.#loadSeconds = meter.histogram(
      name("load_duration_seconds"),
      "From winning the election of a partition of __consumer_offsets to serving its groups.",
    );
    this.#loadedRecords = meter.counter(
      name("loaded_records_total"),
      "Records that replicas took from the log: all after a start, then those of leaders elsewhere.",
    );
    this.#commits = meter.counter(
      name("offset_commits_total"),
      "Offsets of partitions that groups committed here.",
    );
    this.#expired = meter.counter(
      name("expired_offsets_total"),
      "Committed offsets that were removed because nobody used them any more.",
    );
    const rebalances = (protocol: string): Counter =>
      meter.counter(
        name("rebalances_total"),
        "Assignments of whole groups that were committed here.",
        { protocol },
      );
    this.#classicRebalances = rebalances("classic");
    this.#consumerRebalances = rebalances("consumer");
    showPhases(meter, survey);
    showProgress(meter, survey);
  }

  hosted(_index: number, partition: Partition, coordinator: GroupCoordinator): void {
    let wonTerm: Term | null = null;
    let wonUpMs = 0;
    let isLeading = false;
    const moved = (): void => {
      if (!partition.leads || partition.term === wonTerm) return;
      wonTerm = partition.term;
      wonUpMs = this.#clock.upMs();
    };
    // A new partition may have been elected before it is known here.
    moved();
    partition.watch(moved);
    coordinator.listen({
      leading: (term) => {
        isLeading = true;
        if (term === wonTerm) this.#loadSeconds.observe((this.#clock.upMs() - wonUpMs) / 1000);
      },
      deposed: () => {
        isLeading = false;
      },
      committed: (_at, records) => {
        if (isLeading) this.#committed(records);
        else this.#loadedRecords.add(records.length);
      },
      expired: (offsets) => this.#expired.add(offsets),
    });
  }

  #committed(records: readonly GroupRecord[]): void {
    for (const record of records) {
      if (record.kind === "offset-set") this.#commits.add(1);
      else if (record.kind === "group-set" && record.stored.members.length > 0) {
        this.#classicRebalances.add(1);
      } else if (record.kind === "target-epoch" && record.value !== null) {
        this.#consumerRebalances.add(1);
      }
    }
  }
}

function showPhases(meter: Meter, survey: () => GroupSurvey): void {
  for (const [protocol, phases] of Object.entries(PHASES)) {
    for (const phase of phases) {
      meter.observedGauge(
        "flotilla_coordinator_groups",
        "Groups that this broker coordinates.",
        () => survey().phases.get(`${protocol} ${phase}`) ?? 0,
        { protocol, phase },
      );
    }
  }
}

type Measure = Exclude<keyof GroupProgress, "group">;

function showProgress(meter: Meter, survey: () => GroupSurvey): void {
  const show = (name: string, measure: Measure, what: string): void => {
    meter.observedSeries(`flotilla_group_${name}`, what, () =>
      survey().named.map((progress): readonly [Labels, number] => {
        return [{ group: progress.group }, progress[measure]];
      }),
    );
    meter.observedGauge(
      `flotilla_group_others_${name}`,
      `The same of all groups without a series of their own. ${what}`,
      () => survey().others[measure],
    );
  };
  show("lag_records", "lag", "Records between committed offsets and ends known here.");
  show("committed_records", "committed", "Sum of committed offsets: its rate is the group's.");
  show("partitions", "partitions", "Partitions with a committed offset.");
  show("unmeasured_partitions", "unmeasured", "Those of them whose end is not known here.");
  meter.observedGauge(
    "flotilla_group_others",
    "Groups that have committed something and have no series of their own.",
    () => survey().others.groups,
  );
}
