// The page says what happened, needs nothing from elsewhere, and shows an anomaly with the history around it.
import { expect, test } from "vitest";
import { HandHistory } from "../checkers/by-hand.ts";
import { FindingDraft } from "../checkers/finding.ts";
import type { Finding } from "../checkers/finding.ts";
import type { RunOutcome } from "../run.ts";
import { momentsAround } from "./around.ts";
import { pageOf } from "./page.ts";
import { bins, reigns, silences } from "./series.ts";

/** Two batches on partition 0, with two seconds of silence between them in which broker 1 is killed. */
function outcomeByHand(): RunOutcome {
  const hand = new HandHistory();
  const lane = hand.lane();
  hand.acked(lane, 5, 0, 1_000);
  hand.acked(lane, 5, 5, 3_000);
  const fault = {
    ...{ kind: "kill leader" as const, victims: [1], partitions: [0], unanswered: 3, groups: [] },
    ...{ groupRequests: 0, effects: null, losses: [], recalledMs: null, complaint: null },
    ...{ startMs: 1_500, quorumMs: 1_500, endMs: 2_500 },
  };
  return {
    ...{ history: hand.history, findings: [], faults: [fault], groups: null },
    timeline: [{ atMs: 1_500, what: "kill leader: <broker 1>" }],
    leaderChanges: [
      { atMs: 500, partition: 0, broker: 1, epoch: 1 },
      { atMs: 2_000, partition: 0, broker: 2, epoch: 2 },
    ],
    ...{ leadersAtFirst: 1, fromMs: 0, toMs: 4_000, recordsRead: 30, replicas: 3, startsMs: [400] },
  };
}

function finding(isFine: boolean): Finding {
  const draft = new FindingDraft("lost", "nothing is lost");
  draft.examined(10);
  if (!isFine) draft.violation(() => "value 5 & more", { atMs: 3_010, partition: 0 });
  return draft.finding();
}

function page(isFine: boolean): string {
  const content = { title: "by hand", seed: 7, timeS: 4, partitions: 1, outcome: outcomeByHand() };
  return pageOf({ ...content, findings: [finding(isFine)] });
}

test("a page needs nothing from elsewhere and escapes what it shows", () => {
  const text = page(false);
  expect(text).not.toMatch(/https?:|src=|href=|<script|@import|url\(/);
  expect(text).toContain("kill leader: &lt;broker 1&gt;");
  expect(text).toContain("value 5 &amp; more");
});

test("the verdict is that of the checks", () => {
  expect(page(true)).toContain('<span class="verdict">PASSED</span>');
  expect(page(true)).not.toContain("Anomalies");
  expect(page(false)).toContain('<span class="verdict">FAILED</span>');
});

test("the verdict of a positive control is whether the right check found something", () => {
  const content = { title: "by hand", seed: 7, timeS: 0, partitions: 1, outcome: outcomeByHand() };
  const verdict = (isFine: boolean) =>
    /<span class="verdict">(\w+)/.exec(
      pageOf({ ...content, findings: [finding(isFine)], expected: "lost" }),
    )?.[1];
  expect([verdict(true), verdict(false)]).toEqual(["MISSED", "CAUGHT"]);
});

test("an anomaly comes with what happened around it, in order", () => {
  const moments = momentsAround({ atMs: 3_010, partition: 0 }, outcomeByHand());
  expect(moments.map(({ atMs, is }) => [atMs, is])).toEqual([
    [500, "leader"],
    [1_500, "event"],
    [2_000, "leader"],
    [3_000, "batch"],
    [3_010, "batch"],
    [3_010, "anomaly"],
  ]);
});

test("records, latencies, reigns and silences are those of the history", () => {
  const { history, leaderChanges } = outcomeByHand();
  expect(bins(history, 0, 4_000, 1_000).map(({ recordsPerS }) => recordsPerS)).toEqual([
    0, 5, 0, 5,
  ]);
  expect(bins(history, 0, 4_000, 4_000)[0]).toMatchObject({ p50Ms: 10, p99Ms: 10 });
  expect(
    reigns(leaderChanges, 4_000)
      .get(0)
      ?.map(({ broker, toMs }) => [broker, toMs]),
  ).toEqual([
    [1, 2_000],
    [2, 4_000],
  ]);
  expect(silences(history, 0, 4_000, 1_500).get(0)).toEqual([{ fromMs: 1_010, toMs: 3_010 }]);
});
