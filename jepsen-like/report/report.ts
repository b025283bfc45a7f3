// What a run leaves behind: a report for people, as text and as a page, one for programs, and the history from which the checks
// can be repeated.
import { createWriteStream, writeFileSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import type { Finding } from "../checkers/finding.ts";
import { groupCounts } from "../checkers/group-checks.ts";
import type { GroupOutcome } from "../groups/group-run.ts";
import { acksByPartition, longestGaps, quantile, windowOf } from "../nemesis/windows.ts";
import { FAULT_KINDS } from "../nemesis/plan.ts";
import type { FaultRecord, Window } from "../nemesis/fault-record.ts";
import { lossesInWords } from "../cluster/power.ts";
import { PARTITIONS } from "../run.ts";
import type { RunOutcome } from "../run.ts";
import { pageOf } from "./page.ts";

export interface Report {
  readonly title: string;
  readonly seed: number;
  readonly timeS: number;
  readonly outcome: RunOutcome;
  readonly findings: readonly Finding[];
  /** Of a positive control: the check that must find something. */
  readonly expected?: string;
}

function summaryOf({ title, seed, timeS, outcome, findings }: Report): string {
  const { history, faults, fromMs, toMs } = outcome;
  const acks = acksByPartition(history);
  const windows = faults.map((fault) => windowOf(fault, acks));
  const gaps = longestGaps(acks, fromMs, toMs);
  const batches = history.lanes.flatMap((lane) => lane.batches);
  const records = (outcomes: string): number =>
    batches.reduce((sum, { outcome: is, count }) => sum + (is === outcomes ? count : 0), 0);
  const retried = batches.filter(({ attempts }) => attempts > 1).length;
  const lines = [
    `${title}: seed ${seed}, ${timeS} s`,
    "",
    `records       ${history.ackedRecords} acknowledged, ${records("unknown")} unknown, ` +
      `${records("failed")} refused; ${outcome.recordsRead} read from ${outcome.replicas} replicas`,
    `batches       ${batches.length}, ${retried} of them sent more than once`,
    `faults        ${faults.length}, ${faults.filter(({ kind }) => kind === "kill leader").length} ` +
      `of them kills of a leader; ${outcome.leaderChanges.length} leaders seen, ` +
      `${outcome.leadersAtFirst} brokers led at first`,
    `longest gap   ${Math.round(gaps.onePartitionMs)} ms on one partition, ` +
      `${Math.round(gaps.overallMs)} ms on all together`,
    `starts        ${outcome.startsMs.length} of brokers, until they answer: median ` +
      `${Math.round(quantile(outcome.startsMs, 0.5))}, longest ${Math.round(Math.max(0, ...outcome.startsMs))} ms`,
    ...powerLines(faults),
    ...(outcome.groups === null ? [] : groupLines(outcome.groups, outcome)),
    "",
    ...windowTable(windows),
    "",
    ...findings.map((finding) => lineOf(finding)),
  ];
  return `${lines.join("\n")}\n`;
}

/** What failures of the power took. */
function powerLines(faults: readonly FaultRecord[]): string[] {
  const struck = faults.filter(({ losses }) => losses.length > 0);
  const losses = struck.flatMap((fault) => fault.losses);
  if (losses.length === 0) return [];
  return [
    `power         ${losses.length} machines without power in ${struck.length} strikes: ${lossesInWords(losses)}`,
    `recalls       ${struck.filter(({ recalledMs }) => recalledMs !== null).length} of ${struck.length} strikes ended in all disks trusted again`,
  ];
}

/** What befell the groups. */
function groupLines(groups: GroupOutcome, { faults }: RunOutcome): string[] {
  const of = groupCounts(groups, faults);
  const settled = groups.settledMs === null ? "never" : `${Math.round(groups.settledMs)} ms`;
  const members = groups.plans.flatMap((plan) => plan.members);
  const classic = members.filter(({ protocol }) => protocol === "classic").length;
  return [
    `groups        ${groups.plans.length} with ${members.length} members (${classic} classic), ` +
      `${of.rebalances} classic generations, a partition was given ${of.moves} times`,
    `members       ${of.killed} killed, ${of.left} left, ${of.zombies} slept beyond their session, ` +
      `${of.replaced} of them replaced meanwhile, ${of.fenced} lives fenced`,
    `coordinators  ${of.coordinatorKills} kills, ${of.coordinatorPauses} pauses, ` +
      `${groups.coordinators.length} coordinators seen`,
    `commits       ${of.commits} accepted, ${of.unanswered} without answer; of zombies ` +
      `${of.zombieRefused} refused, ${of.zombieAccepted} accepted; ${of.staleRefused} echoes refused`,
    `consumed      ${of.records} records; settled after ${settled}`,
  ];
}

/** Per kind of fault: how long the affected partitions accepted nothing. */
function windowTable(windows: readonly Window[]): string[] {
  const row = (...cells: readonly (string | number)[]): string =>
    cells.map((cell, k) => (k === 0 ? String(cell).padEnd(16) : String(cell).padStart(9))).join("");
  const rows = [
    row("unavailable, ms", "faults", "median", "p90", "max", "  majority up: median", "max"),
  ];
  for (const kind of FAULT_KINDS) {
    const of = windows.filter(({ fault }) => fault.kind === kind);
    if (of.length === 0) continue;
    const since = of.map(({ sinceFaultMs }) => Math.round(sinceFaultMs));
    const quorum = of.map(({ sinceQuorumMs }) => Math.round(sinceQuorumMs));
    const counts = [of.length, quantile(since, 0.5), quantile(since, 0.9), Math.max(...since)];
    const lost = of.some(({ fault }) => fault.quorumMs > fault.startMs);
    const later = lost ? [String(quantile(quorum, 0.5)).padStart(21), Math.max(...quorum)] : [];
    rows.push(row(kind, ...counts, ...later));
  }
  return rows;
}

function lineOf({ name, promise, examined, violations, examples }: Finding): string {
  const mark = violations === 0 ? "ok     " : "FAILED ";
  const head = `${mark} ${name.padEnd(20)} ${promise} (${violations} of ${examined})`;
  return [head, ...examples.map((text) => `          ${text}`)].join("\n");
}

export async function writeReport(directory: string, report: Report): Promise<string> {
  const summary = summaryOf(report);
  const { outcome, findings, seed, timeS, title } = report;
  const acks = acksByPartition(outcome.history);
  const events = [
    ...outcome.timeline,
    ...outcome.leaderChanges.map(({ atMs, partition, broker, epoch }) => ({
      atMs,
      what: `partition ${partition} is led by broker ${broker} in epoch ${epoch}`,
    })),
    ...(outcome.groups?.coordinators ?? []).map(({ atMs, groups, broker, epoch }) => ({
      atMs,
      what: `broker ${broker} coordinates ${groups.join(", ")} in epoch ${epoch}`,
    })),
  ].toSorted((a, b) => a.atMs - b.atMs);
  const timeline = events.map(
    ({ atMs, what }) => `${(atMs / 1000).toFixed(3).padStart(9)} s  ${what}`,
  );
  writeFileSync(join(directory, "report.txt"), `${summary}\ntimeline\n${timeline.join("\n")}\n`);
  const content = {
    title,
    seed,
    timeS,
    ackedRecords: outcome.history.ackedRecords,
    recordsRead: outcome.recordsRead,
    codes: Object.fromEntries(outcome.history.codes),
    findings,
    windows: outcome.faults.map((fault) => windowOf(fault, acks)),
    gaps: longestGaps(acks, outcome.fromMs, outcome.toMs),
    groups: outcome.groups === null ? null : groupCounts(outcome.groups, outcome.faults),
    timeline: events,
  };
  writeFileSync(join(directory, "report.json"), `${JSON.stringify(content, null, 1)}\n`);
  writeFileSync(join(directory, "report.html"), pageOf({ ...report, partitions: PARTITIONS }));
  await writeHistory(join(directory, "history.jsonl"), outcome);
  return summary;
}

/** One line per lane, batch, observation and fault. */
async function writeHistory(path: string, { history, faults, groups }: RunOutcome): Promise<void> {
  const file = createWriteStream(path);
  const line = async (value: unknown): Promise<void> => {
    if (!file.write(`${JSON.stringify(value)}\n`)) await once(file, "drain");
  };
  for (const { lane, producer, partition, isIdempotent, batches } of history.lanes) {
    await line({ is: "lane", lane, producer, partition, isIdempotent });
    for (const batch of batches) await line({ is: "batch", lane, ...batch });
  }
  for (const end of history.ends) await line({ is: "end", ...end });
  for (const seen of history.seen.values()) await line({ is: "seen", ...seen });
  for (const fault of faults) await line({ is: "fault", ...fault });
  if (groups !== null) {
    const { syncs, beats, releases, heartbeats, commits, offsets, consumed } = groups.history;
    for (const sync of syncs) await line({ is: "sync", ...sync });
    for (const beat of beats) await line({ is: "beat", ...beat });
    for (const release of releases) await line({ is: "release", ...release });
    for (const heartbeat of heartbeats) await line({ is: "heartbeat", ...heartbeat });
    for (const commit of commits) await line({ is: "commit", ...commit });
    for (const offset of offsets) await line({ is: "offset", ...offset });
    for (const run of consumed) await line({ is: "consumed", ...run });
  }
  file.end();
  await once(file, "finish");
}
