// Checks of what the product's own reading commands printed against the final logs: nothing left out, nothing invented, in
// order, and nothing committed that nobody printed.
import type { GroupReading, PlainReading, PrintedRecord, Readings } from "../commands/printed.ts";
import { foundNobody, hadNotBegun } from "../commands/printed.ts";
import { FindingDraft } from "./finding.ts";
import type { Finding } from "./finding.ts";
import type { FinalLogs } from "./log-checks.ts";
import type { ReplicaLog } from "./replica-log.ts";

/** In a run of 300 s each group loses and gets back so many members, at least. */
const MEMBER_ENDS_MIN = 12;
const FULL_TIME_S = 300;

export function memberEndsMin(timeS: number): number {
  return Math.floor(MEMBER_ENDS_MIN * Math.min(1, timeS / FULL_TIME_S));
}

export function checkReadings(readings: Readings, logs: FinalLogs, timeS: number): Finding[] {
  const byPartition = new Map(logs.map((log) => [log.partition, log]));
  return [
    printed(readings, byPartition),
    printedInOrder(readings),
    printedAsStored(readings, byPartition),
    committedPast(readings, byPartition),
    enoughPrinted(readings, timeS),
  ];
}

function recordsOf({ lives }: PlainReading): readonly PrintedRecord[] {
  return lives.flatMap(({ records }) => records);
}

/** Which offsets of each partition somebody printed. */
function offsetsOf(readings: readonly PlainReading[]): ReadonlyMap<number, ReadonlySet<number>> {
  const all = readings.flatMap((one) => recordsOf(one));
  const byPartition = Map.groupBy(all, ({ partition }) => partition);
  return new Map(
    [...byPartition].map(([partition, list]) => [
      partition,
      new Set(list.map((one) => one.offset)),
    ]),
  );
}

/** Every record in the logs was printed: by each command that reads alone, and by somebody of each group. */
function printed({ plain, groups }: Readings, logs: ReadonlyMap<number, ReplicaLog>): Finding {
  const draft = new FindingDraft("printed", "own readers print every record, alone and as groups");
  const readers = [
    ...plain.map((one) => [one.name, [one]] as const),
    ...groups.map(({ group, members }) => [`group ${group}`, members] as const),
  ];
  for (const [name, members] of readers) {
    const offsets = offsetsOf(members);
    for (const { partition, end } of logs.values()) {
      const seen = offsets.get(partition) ?? new Set();
      draft.examined(end);
      for (let offset = 0; offset < end; offset++) {
        if (seen.has(offset)) continue;
        draft.violation(() => `${name} never printed offset ${offset} of partition ${partition}`);
      }
    }
  }
  return draft.finding();
}

/** Who reads alone prints each offset once, one after the other; a member may be given a partition again, further back. */
function printedInOrder({ plain }: Readings): Finding {
  const draft = new FindingDraft("printed in order", "own readers print partitions in order, once");
  for (const { name, lives } of plain) {
    for (const { records } of lives) {
      const next = new Map<number, number>();
      for (const { partition, offset } of records) {
        const expected = next.get(partition) ?? 0;
        draft.examined();
        if (offset !== expected) {
          const what = `offset ${offset} of partition ${partition} in the place of ${expected}`;
          draft.violation(() => `${name} printed ${what}`);
        }
        next.set(partition, offset + 1);
      }
    }
  }
  return draft.finding();
}

function printedAsStored(
  { plain, groups }: Readings,
  logs: ReadonlyMap<number, ReplicaLog>,
): Finding {
  const draft = new FindingDraft("printed as stored", "what is printed is what lies at the offset");
  for (const reading of [...plain, ...groups.flatMap(({ members }) => members)]) {
    for (const { partition, offset, lane, counter } of recordsOf(reading)) {
      const log = logs.get(partition);
      draft.examined();
      if (log?.lanes[offset] === lane && log.counters[offset] === counter) continue;
      const what = `value ${counter} of lane ${lane} at offset ${offset} of partition ${partition}`;
      draft.violation(() => `${reading.name} printed ${what}, where another value lies`);
    }
    for (const line of reading.lives.flatMap(({ strange }) => strange)) {
      draft.violation(() => `${reading.name} printed what nobody wrote: ${line}`);
    }
  }
  return draft.finding();
}

/** Left in peace and told to end, members have committed the ends, and somebody printed all that lies before. */
function committedPast({ groups }: Readings, logs: ReadonlyMap<number, ReplicaLog>): Finding {
  const draft = new FindingDraft(
    "committed past",
    "own members commit what was printed, all of it, and nothing else",
  );
  for (const { group, members, committed } of groups) {
    if (committed === null) {
      draft.violation(() => `nobody tells what group ${group} has committed`);
      continue;
    }
    const offsets = offsetsOf(members);
    for (const { partition, end } of logs.values()) {
      const upTo = committed.get(partition) ?? 0;
      const where = `group ${group}, partition ${partition}`;
      draft.examined(end);
      if (upTo !== end) draft.violation(() => `${where}: committed ${upTo}, the end is ${end}`);
      for (let offset = 0; offset < upTo; offset++) {
        if (offsets.get(partition)?.has(offset) === true) continue;
        draft.violation(() => `${where}: committed ${upTo}, nobody printed ${offset}`);
      }
    }
  }
  return draft.finding();
}

/** Readers ended only as they were ended, printed something, and members came and went. */
function enoughPrinted({ plain, groups }: Readings, timeS: number): Finding {
  const draft = new FindingDraft(
    "own readers",
    "own readers end only when they are ended, in order if they may, and enough of them do",
  );
  for (const { name, lives } of [...plain, ...groups.flatMap(({ members }) => members)]) {
    for (const life of lives) {
      const { exit, wasKilled } = life;
      draft.examined();
      if (foundNobody(life) || hadNotBegun(life)) continue;
      const isFine = wasKilled ? exit?.signal === "SIGKILL" : exit?.code === 0;
      if (isFine) continue;
      draft.violation(() => `${name} ended by ${exit?.signal ?? exit?.code ?? "nothing"}`);
    }
    if (lives.every(({ records }) => records.length === 0)) {
      draft.violation(() => `${name} printed nothing`);
    }
  }
  for (const group of groups) enoughChange(draft, group, memberEndsMin(timeS));
  return draft.finding();
}

function enoughChange(draft: FindingDraft, { group, members }: GroupReading, min: number): void {
  const ends = members.reduce((sum, { lives }) => sum + lives.length - 1, 0);
  draft.examined();
  if (ends >= min) return;
  draft.violation(() => `members of group ${group} ended ${ends} times, ${min} are needed`);
}
