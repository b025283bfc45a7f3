// Checks of what groups consumed and where they committed: every record reaches every group, a committed offset survives
// its coordinator, and in the end everything is committed.
import type { CommitSeen, GroupHistory } from "../groups/group-history.ts";
import type { History } from "../history.ts";
import { FindingDraft } from "./finding.ts";
import type { Finding } from "./finding.ts";
import { at } from "./group-owners.ts";

/** At least once: the final wait lets members read to the ends, so what is missing then was skipped. */
export function notConsumed(
  history: History,
  { consumed }: GroupHistory,
  groups: readonly string[],
): Finding {
  const draft = new FindingDraft(
    "not consumed",
    "every acknowledged record is processed by some member of every group",
  );
  const runs = Map.groupBy(consumed, ({ group, partition }) => `${group}/${partition}`);
  for (const group of groups) {
    for (const { partition, batches } of history.lanes) {
      const covered = merged(runs.get(`${group}/${partition}`) ?? []);
      for (const { outcome, baseOffset, count, first } of batches) {
        if (outcome !== "acked") continue;
        draft.examined(count);
        if (covered.includes(baseOffset, baseOffset + count)) continue;
        draft.violation(
          () =>
            `${group} never saw partition ${partition} from ${baseOffset} to ` +
            `${baseOffset + count - 1} (value ${first} and after)`,
        );
      }
    }
  }
  return draft.finding();
}

interface Run {
  readonly from: number;
  readonly to: number;
}

function merged(runs: readonly Run[]): { includes(from: number, to: number): boolean } {
  const pieces: { from: number; to: number }[] = [];
  for (const { from, to } of runs.toSorted((a, b) => a.from - b.from)) {
    const last = pieces.at(-1);
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to);
    else pieces.push({ from, to });
  }
  return {
    includes: (from, to) => pieces.some((piece) => piece.from <= from && to <= piece.to),
  };
}

/** What is known to be committed by a moment. */
interface Promised {
  readonly offset: number;
  readonly atMs: number;
  /** Null: somebody was told this offset. */
  readonly commit: CommitSeen | null;
}

/**
 * Who asks is told at least the highest offset that was accepted, or told to somebody, before the question was sent.
 * Members never commit less than before; but a commit without answer may rest in a socket and be accepted after a later
 * one of the same member and generation. Only the offset of such a commit is excused.
 */
export function offsetsGoBack({ commits, offsets }: GroupHistory): Finding {
  const draft = new FindingDraft(
    "offset went back",
    "a committed offset never goes back: what was accepted is told to all who ask later",
  );
  const keyOf = ({ group, partition }: { group: string; partition: number }): string =>
    `${group}/${partition}`;
  const commitsOf = Map.groupBy(commits, keyOf);
  for (const [key, questions] of Map.groupBy(offsets, keyOf)) {
    const own = commitsOf.get(key) ?? [];
    const promises: Promised[] = [
      ...questions.map(({ offset, answeredMs }) => ({ offset, atMs: answeredMs, commit: null })),
      ...own.flatMap((commit) =>
        commit.code === 0 && commit.answeredMs !== null
          ? [{ offset: commit.offset, atMs: commit.answeredMs, commit }]
          : [],
      ),
    ].toSorted((a, b) => a.atMs - b.atMs);
    let next = 0;
    let highest: Promised | null = null;
    for (const seen of questions.toSorted((a, b) => a.sentMs - b.sentMs)) {
      draft.examined();
      for (; (promises[next]?.atMs ?? Infinity) < seen.sentMs; next++) {
        const one = promises[next] as Promised;
        if (highest === null || one.offset > highest.offset) highest = one;
      }
      const before: Promised | null = highest;
      if (before === null || before.offset <= seen.offset) continue;
      const higher = promises.slice(0, next).filter(({ offset }) => offset > seen.offset);
      const late = own.filter((commit) => mayBeLate(commit, seen));
      if (late.some((commit) => higher.every((one) => mayFollow(commit, one)))) continue;
      draft.violation(
        () =>
          `partition ${seen.partition} of ${seen.group}: ${seen.offset} is told after ` +
          `${at(seen.sentMs)}; ${before.offset} was ` +
          `${before.commit === null ? "told" : "accepted"} at ${at(before.atMs)}`,
      );
    }
  }
  return draft.finding();
}

function mayBeLate(
  commit: CommitSeen,
  seen: { readonly offset: number; readonly answeredMs: number },
): boolean {
  return (
    commit.answeredMs === null && commit.offset === seen.offset && commit.sentMs < seen.answeredMs
  );
}

/** Whether a commit without answer may have been accepted after what was promised. */
function mayFollow(late: CommitSeen, { commit }: Promised): boolean {
  if (commit === null) return true;
  return late.memberId === commit.memberId && late.generation === commit.generation;
}

export interface FinalOffset {
  readonly group: string;
  readonly partition: number;
  /** Null: nobody could tell. */
  readonly offset: number | null;
  readonly end: number;
}

/** After the last fault members read and commit everything, and it stays so. */
export function finalOffsets(offsets: readonly FinalOffset[], { commits }: GroupHistory): Finding {
  const draft = new FindingDraft(
    "final offset",
    "in the end every group has committed every partition to its end, and not less than it did before",
  );
  const accepted = new Map<string, number>();
  for (const { group, partition, offset, code, answeredMs } of commits) {
    if (code !== 0 || answeredMs === null) continue;
    const key = `${group}/${partition}`;
    accepted.set(key, Math.max(offset, accepted.get(key) ?? 0));
  }
  for (const { group, partition, offset, end } of offsets) {
    draft.examined();
    const least = accepted.get(`${group}/${partition}`) ?? 0;
    if (offset !== null && offset === end && offset >= least) continue;
    draft.violation(
      () =>
        `partition ${partition} of ${group} ends at ${end}; committed is ${offset ?? "unknown"}, ` +
        `and ${least} was accepted`,
    );
  }
  return draft.finding();
}
