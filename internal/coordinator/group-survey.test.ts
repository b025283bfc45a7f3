import { NO_LOG } from "./group-requests.ts";
import { expect, it } from "vitest";
import type { Cancel, Clock } from "../ports/clock.ts";
import { GroupRow } from "./group-state.ts";
import { EMPTY_SURVEY, GroupSurveyor } from "./group-survey.ts";
import type { GroupSurvey, SurveyedCoordinator } from "./group-survey.ts";
import { GROUP_LABEL_CHARS_MAX, SURVEY_EVERY_MS } from "./limits.ts";

type Offsets = Readonly<Record<string, readonly number[]>>;

/** Reading the time takes time, so that slices end; turns end when the test says so. */
class SlowClock implements Clock {
  readonly timers: { readonly delayMs: number; readonly wake: () => void }[] = [];
  readonly turnEnds: (() => void)[] = [];
  readonly #readingMs: number;
  #ms = 0;

  constructor(readingMs: number) {
    this.#readingMs = readingMs;
  }

  nowMs(): number {
    return this.upMs();
  }

  awakeSinceMs(): number {
    return -Infinity;
  }

  upMs(): number {
    return (this.#ms += this.#readingMs);
  }

  after(delayMs: number, wake: () => void): Cancel {
    this.timers.push({ delayMs, wake });
    return () => void this.timers.splice(0);
  }

  turnEnd(flush: () => void): void {
    this.turnEnds.push(flush);
  }
}

function coordinator(
  groups: Readonly<Record<string, Offsets>>,
  phase: "Stable" | "Empty" = "Empty",
): SurveyedCoordinator {
  const rows = new Map<string, GroupRow>();
  for (const [group, topics] of Object.entries(groups)) {
    const row = new GroupRow();
    for (const [topic, offsets] of Object.entries(topics)) {
      const entries = offsets.map((offset, partition) => {
        const committed = {
          log: NO_LOG,
          offset,
          leaderEpoch: -1,
          metadata: "",
          commitMs: 0,
          expireMs: -1,
        };
        return [partition, committed] as const;
      });
      row.offsets.set(topic, new Map(entries));
    }
    rows.set(group, row);
  }
  const listing = [...rows.keys()].map((group) => {
    return { group, type: "classic", protocolType: "consumer", phase } as const;
  });
  return { list: () => ({ ok: true, value: listing }), state: { rows } as never };
}

/** Partitions of "t": 100 records each, the third one elsewhere. No other topic exists. */
function ends(topic: string): ((partition: number) => number | null) | null {
  return topic === "t" ? (partition) => (partition === 2 ? null : 100) : null;
}

function survey(
  coordinators: readonly SurveyedCoordinator[],
  options: { readonly namedMax?: number; readonly readingMs?: number } = {},
): { readonly outcome: GroupSurvey; readonly slices: number } {
  const clock = new SlowClock(options.readingMs ?? 0);
  const namedMax = options.namedMax ?? 10;
  const surveyor = new GroupSurveyor({ clock, namedMax, coordinators: () => coordinators, ends });
  surveyor.start();
  expect(surveyor.latest).toBe(EMPTY_SURVEY);
  clock.timers.pop()?.wake();
  let slices = 1;
  for (; clock.turnEnds.length > 0; slices++) {
    expect(surveyor.latest).toBe(EMPTY_SURVEY);
    clock.turnEnds.pop()?.();
  }
  // The next one is due.
  expect(clock.timers.map(({ delayMs }) => delayMs)).toEqual([SURVEY_EVERY_MS]);
  return { outcome: surveyor.latest, slices };
}

it("the lag of a group is what lies between its offsets and the ends that are known here", () => {
  const { outcome } = survey([coordinator({ g: { t: [40, 100, 70] } })]);
  const g = { group: "g", lag: 60, committed: 210, partitions: 3, unmeasured: 1 };
  expect(outcome.named).toEqual([g]);
  expect(outcome.others.groups).toBe(0);
});

it("an end before what a group has read is not known, and offsets of a topic that is gone do not count", () => {
  const { outcome } = survey([coordinator({ g: { t: [101, 99], gone: [5] } })]);
  const g = { group: "g", lag: 1, committed: 200, partitions: 2, unmeasured: 1 };
  expect(outcome.named).toEqual([g]);
});

it("names those behind most, and sums up the others, however many there are", () => {
  const groups = Array.from({ length: 300 }, (_, at) => [`g${at}`, { t: [at % 100] }] as const);
  const { outcome } = survey([coordinator(Object.fromEntries(groups))], { namedMax: 3 });
  expect(outcome.named.map(({ group, lag }) => `${group} ${lag}`)).toEqual([
    "g0 100",
    "g100 100",
    "g200 100",
  ]);
  const all = 3 * ((100 * 101) / 2);
  expect(outcome.others).toEqual({
    groups: 297,
    lag: all - 300,
    committed: 3 * 4_950,
    partitions: 297,
    unmeasured: 0,
  });
});

it("a group whose name is too long for a label, and every group where none is named, is one of the others", () => {
  const long = "x".repeat(GROUP_LABEL_CHARS_MAX + 1);
  const groups = { [long]: { t: [0] }, short: { t: [50] } };
  const { outcome } = survey([coordinator(groups)]);
  expect(outcome.named.map(({ group }) => group)).toEqual(["short"]);
  expect(outcome.others).toMatchObject({ groups: 1, lag: 100 });
  const { outcome: nobody } = survey([coordinator(groups)], { namedMax: 0 });
  expect(nobody.named).toEqual([]);
  expect(nobody.others).toMatchObject({ groups: 2, lag: 150 });
});

it("counts groups by phase, those without offsets too, over all coordinators that answer", () => {
  const refusing: SurveyedCoordinator = {
    list: () => ({ ok: false, fault: "coordinator-loading" }),
    state: { rows: new Map() } as never,
  };
  const coordinators = [coordinator({ a: {}, b: {} }), coordinator({ c: {} }, "Stable"), refusing];
  const { outcome } = survey(coordinators);
  expect([...outcome.phases]).toEqual([
    ["classic Empty", 2],
    ["classic Stable", 1],
  ]);
  expect(outcome.named).toEqual([]);
});

it("gives the event loop back after each slice, and the former outcome stands meanwhile", () => {
  const groups = Array.from({ length: 100 }, (_, at) => [`g${at}`, { t: [0], gone: [1] }] as const);
  const { outcome, slices } = survey([coordinator(Object.fromEntries(groups))], { readingMs: 1 });
  expect(slices).toBeGreaterThan(40);
  expect(outcome.named.length + outcome.others.groups).toBe(100);
});

it("stops when it is closed, in the middle of a survey too", () => {
  const clock = new SlowClock(10);
  const coordinators = () => [coordinator({ g: { t: [1] } })];
  const surveyor = new GroupSurveyor({ clock, namedMax: 1, coordinators, ends });
  surveyor.start();
  clock.timers.pop()?.wake();
  surveyor.close();
  while (clock.turnEnds.length > 0) clock.turnEnds.pop()?.();
  expect(surveyor.latest).toBe(EMPTY_SURVEY);
  expect(clock.timers).toEqual([]);
});
