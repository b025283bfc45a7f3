// What operators ask of all groups that this broker coordinates: how many are in which phase, and how far each is behind
// the ends of what it reads. The groups are walked every few seconds, in slices (L7), and in between the last outcome
// stands. Committed offsets are the coordinator's own knowledge; the end of a partition is known where a replica of it
// lives, and only there: partitions without one are counted, not guessed.
import type { Cancel, Clock } from "../ports/clock.ts";
import type { GroupCoordinator } from "./group-coordinator.ts";
import type { GroupRow } from "./group-state.ts";
import { GROUP_LABEL_CHARS_MAX, SURVEY_EVERY_MS, SURVEY_SLICE_MS_MAX } from "./limits.ts";

/** The offset after the last committed record of each partition; null: no replica lives here. */
export type EndsOfTopic = (partition: number) => number | null;

export type SurveyedCoordinator = Pick<GroupCoordinator, "list" | "state">;

export interface SurveyedBroker {
  readonly clock: Clock;
  /** Groups that are named; those behind most come first. */
  readonly namedMax: number;
  coordinators(): Iterable<SurveyedCoordinator>;
  /** Null: there is no such topic. */
  ends(topic: string): EndsOfTopic | null;
}

export interface GroupProgress {
  readonly group: string;
  /** Records between what is committed and the end, over all partitions whose end is known here. */
  readonly lag: number;
  /** Sum of all committed offsets. */
  readonly committed: number;
  readonly partitions: number;
  /** Those of them whose end this broker does not know. */
  readonly unmeasured: number;
}

export interface GroupSurvey {
  /** Groups by "protocol phase". */
  readonly phases: ReadonlyMap<string, number>;
  readonly named: readonly GroupProgress[];
  /** All other groups that have committed something, as one. */
  readonly others: Omit<GroupProgress, "group"> & { readonly groups: number };
}

const NOBODY = { lag: 0, committed: 0, partitions: 0, unmeasured: 0 };

export const EMPTY_SURVEY: GroupSurvey = {
  phases: new Map(),
  named: [],
  others: { ...NOBODY, groups: 0 },
};

export class GroupSurveyor {
  readonly #broker: SurveyedBroker;
  #latest = EMPTY_SURVEY;
  #timer: Cancel | null = null;
  #isClosed = false;

  constructor(broker: SurveyedBroker) {
    this.#broker = broker;
  }

  get latest(): GroupSurvey {
    return this.#latest;
  }

  start(): void {
    this.#timer = this.#broker.clock.after(SURVEY_EVERY_MS, () => this.#survey());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.();
  }

  #survey(): void {
    const { clock } = this.#broker;
    const walk = surveyed(this.#broker);
    const slice = (): void => {
      const untilMs = clock.upMs() + SURVEY_SLICE_MS_MAX;
      while (!this.#isClosed) {
        const { done, value } = walk.next();
        if (done === true) {
          this.#latest = value;
          return this.start();
        }
        if (clock.upMs() >= untilMs) return clock.turnEnd(slice);
      }
    };
    slice();
  }
}

/** Walks all groups, and yields where it may be interrupted. */
function* surveyed(broker: SurveyedBroker): Generator<null, GroupSurvey> {
  const phases = new Map<string, number>();
  const tally = new Tally(broker.namedMax);
  for (const coordinator of broker.coordinators()) {
    const listed = coordinator.list();
    for (const { type, phase } of listed.ok ? listed.value : []) {
      const key = `${type} ${phase}`;
      phases.set(key, (phases.get(key) ?? 0) + 1);
    }
    yield null;
    // Rows come and go between two slices; a map is walked as it is then.
    for (const [group, row] of coordinator.state.rows) {
      if (row.offsets.size > 0) tally.add(yield* progressOf(group, row, broker));
    }
  }
  return { phases, ...tally.result() };
}

function* progressOf(
  group: string,
  row: GroupRow,
  broker: SurveyedBroker,
): Generator<null, GroupProgress> {
  let { lag, committed, partitions, unmeasured } = NOBODY;
  for (const [topic, offsets] of row.offsets) {
    const ends = broker.ends(topic);
    for (const [partition, { offset }] of ends === null ? [] : offsets) {
      partitions++;
      committed += offset;
      const end = ends?.(partition) ?? null;
      // A replica whose end is before what the group has read is not up to date itself.
      if (end === null || end < offset) unmeasured++;
      else lag += end - offset;
    }
    yield null;
  }
  return { group, lag, committed, partitions, unmeasured };
}

/** Keeps those who are behind most, in bounded room. */
class Tally {
  readonly #namedMax: number;
  #named: GroupProgress[] = [];
  #others = { ...NOBODY, groups: 0 };

  constructor(namedMax: number) {
    this.#namedMax = namedMax;
  }

  add(progress: GroupProgress): void {
    // A name becomes a label, which is no place for long texts.
    if (progress.group.length > GROUP_LABEL_CHARS_MAX) return this.#merge(progress);
    this.#named.push(progress);
    if (this.#named.length >= 2 * this.#namedMax + 64) this.#cut();
  }

  result(): Pick<GroupSurvey, "named" | "others"> {
    this.#cut();
    return { named: this.#named, others: this.#others };
  }

  #cut(): void {
    this.#named.sort((a, b) => b.lag - a.lag || (a.group < b.group ? -1 : 1));
    for (const progress of this.#named.splice(this.#namedMax)) this.#merge(progress);
  }

  #merge({ lag, committed, partitions, unmeasured }: GroupProgress): void {
    const { groups, ...sums } = this.#others;
    this.#others = {
      groups: groups + 1,
      lag: sums.lag + lag,
      committed: sums.committed + committed,
      partitions: sums.partitions + partitions,
      unmeasured: sums.unmeasured + unmeasured,
    };
  }
}
