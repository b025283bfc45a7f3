// The report as one page that needs nothing else: verdict, figures, timeline, anomalies with the history around them, faults and
// checks.
import { lossesInWords } from "../cluster/power.ts";
import { effectsInWords } from "../nemesis/network-faults.ts";
import { acksByPartition, longestGaps, windowOf } from "../nemesis/windows.ts";
import type { Finding, Place } from "../checkers/finding.ts";
import type { RunOutcome } from "../run.ts";
import { momentsAround } from "./around.ts";
import { STYLE } from "./style.ts";
import { familyOf, SILENCE_MS_MIN, timelineSvg } from "./timeline-svg.ts";
import { escaped, grouped, shortS } from "./words.ts";

export interface PageContent {
  readonly title: string;
  readonly seed: number;
  readonly timeS: number;
  readonly partitions: number;
  readonly outcome: RunOutcome;
  readonly findings: readonly Finding[];
  /** Of a positive control: the check that must find something. */
  readonly expected?: string;
}

/** Examples of one check that are shown with their history. */
const SHOWN_MAX = 3;
const NEIGHBOURS_MS = 500;

export function pageOf(content: PageContent): string {
  const { title, findings, outcome, partitions } = content;
  const failed = findings.filter(({ violations }) => violations > 0);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}: ${verdictOf(content, failed).word}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${head(content, failed)}
${figures(content)}
<section><h2>Timeline</h2>
${legend()}
${timelineSvg(outcome, partitions)}
</section>
${failed.length === 0 ? "" : anomalies(failed, outcome)}
${faults(outcome)}
${checks(findings)}
${events(outcome)}
</main>
</body>
</html>
`;
}

/** A positive control is there to be caught. */
function verdictOf({ expected }: PageContent, failed: readonly Finding[]) {
  if (expected === undefined) {
    const isFine = failed.length === 0;
    return { isFine, word: isFine ? "PASSED" : "FAILED" };
  }
  const isFine = failed.some(({ name }) => name === expected);
  return { isFine, word: isFine ? "CAUGHT" : "MISSED" };
}

function head(content: PageContent, failed: readonly Finding[]): string {
  const { title, seed, timeS, findings, expected } = content;
  const { isFine, word } = verdictOf(content, failed);
  const what =
    failed.length === 0
      ? `All ${findings.length} checks passed.`
      : `${failed.length} of ${findings.length} checks failed: ${failed.map(({ name }) => name).join(", ")}.`;
  const around =
    expected === undefined ? `, ${timeS} s of faults` : `; ${expected} must be among them`;
  return `<header class="${isFine ? "passed" : "failed"}">
<span class="verdict">${word}</span>
<div><h1>${escaped(title)}</h1><p>${escaped(what)} Seed ${seed}${around}.</p></div>
</header>`;
}

function figures({ outcome }: PageContent): string {
  const { history, faults: all, fromMs, toMs, leaderChanges } = outcome;
  const acks = acksByPartition(history);
  const windows = all.map((fault) => windowOf(fault, acks).sinceQuorumMs);
  const gaps = longestGaps(acks, fromMs, toMs);
  const unknown = history.lanes
    .flatMap(({ batches }) => batches)
    .reduce((sum, batch) => sum + (batch.outcome === "unknown" ? batch.count : 0), 0);
  const cards: readonly (readonly [string, string])[] = [
    [grouped(history.ackedRecords), "records acknowledged"],
    [grouped((1_000 * history.ackedRecords) / (toMs - fromMs)), "a second"],
    [grouped(unknown), "with unknown outcome"],
    [grouped(outcome.recordsRead), `read back from ${outcome.replicas} replicas`],
    [String(all.length), "faults"],
    [String(leaderChanges.length), "leaders seen"],
    [`${grouped(Math.max(0, ...windows))} ms`, "longest recovery with a majority"],
    [`${grouped(gaps.onePartitionMs)} ms`, "longest silence of a partition"],
  ];
  const shown = cards.map(([value, name]) => `<div><b>${value}</b><span>${name}</span></div>`);
  return `<section class="figures">${shown.join("")}</section>`;
}

function legend(): string {
  const entries = [
    ...["kill", "pause", "restart", "network", "power"].map((name) => [name, name] as const),
    ...[1, 2, 3].map((broker) => [`broker${broker}`, `broker ${broker} leads`] as const),
    ["silence", `nothing acknowledged for ${SILENCE_MS_MIN} ms or more`] as const,
  ];
  const shown = entries.map(([mark, name]) => `<span><i class="${mark}"></i>${name}</span>`);
  return `<p class="legend">${shown.join("")}</p>`;
}

function anomalies(failed: readonly Finding[], outcome: RunOutcome): string {
  const parts = failed.map(({ name, promise, violations, examined, examples, places }) => {
    const told: Place[] = [];
    const shown = examples.map((text, k) => {
      const place = places[k] ?? null;
      // Neighbours have the same history.
      const isNew = place !== null && !told.some((other) => areNeighbours(place, other));
      if (!isNew || told.length === SHOWN_MAX) return `<li><code>${escaped(text)}</code></li>`;
      told.push(place);
      const around = historyTable(momentsAround(place, outcome));
      return `<li><code>${escaped(text)}</code>${around}</li>`;
    });
    const more =
      violations > examples.length
        ? `<p>and ${grouped(violations - examples.length)} more</p>`
        : "";
    return `<article><h3>${escaped(name)} <small>${grouped(violations)} of ${grouped(examined)}</small></h3>
<p>Broken: ${escaped(promise)}.</p><ol>${shown.join("")}</ol>${more}</article>`;
  });
  return `<section class="anomalies"><h2>Anomalies</h2>${parts.join("")}</section>`;
}

function areNeighbours(one: Place, other: Place): boolean {
  return one.partition === other.partition && Math.abs(one.atMs - other.atMs) < NEIGHBOURS_MS;
}

function historyTable(moments: ReturnType<typeof momentsAround>): string {
  const rows = moments.map(
    ({ atMs, what, is }) =>
      `<tr class="${is}"><td>${(atMs / 1_000).toFixed(3)} s</td><td>${escaped(what)}</td></tr>`,
  );
  return `<details open><summary>the history around it</summary><table class="around">${rows.join("")}</table></details>`;
}

function faults(outcome: RunOutcome): string {
  const acks = acksByPartition(outcome.history);
  const rows = outcome.faults.map((fault, k) => {
    const { sinceFaultMs, sinceQuorumMs, stuck } = windowOf(fault, acks);
    const ofGroups =
      fault.groupRequests === 0 ? "" : ` and ${fault.groupRequests} requests of groups`;
    const unanswered = `${fault.unanswered} batches${ofGroups} unanswered`;
    const effect =
      fault.effects !== null
        ? effectsInWords(fault.effects)
        : fault.losses.length > 0
          ? `${unanswered}; ${lossesInWords(fault.losses)}`
          : unanswered;
    const never = stuck.length > 0 ? ` <em>never on ${stuck.join(", ")}</em>` : "";
    const lost = fault.quorumMs - fault.startMs > 1 ? `${grouped(sinceQuorumMs)}` : "";
    return `<tr><td>${k + 1}</td><td>${shortS(fault.startMs)}</td><td>${shortS(fault.endMs - fault.startMs)}</td>
<td><i class="${familyOf(fault.kind)}"></i>${fault.kind}</td><td>${fault.victims.join(", ")}</td>
<td>${escaped(effect)}${fault.complaint === null ? "" : ` <em>${escaped(fault.complaint)}</em>`}</td>
<td class="number">${grouped(sinceFaultMs)}${never}</td><td class="number">${lost}</td></tr>`;
  });
  return `<section><h2>Faults</h2><div class="wide"><table>
<thead><tr><th></th><th>at</th><th>for</th><th>fault</th><th>broker</th><th>effect</th>
<th class="number">unavailable, ms</th><th class="number">of it since it could serve</th></tr></thead>
<tbody>${rows.join("")}</tbody></table></div></section>`;
}

function checks(findings: readonly Finding[]): string {
  const rows = findings.map(
    ({ name, promise, examined, violations }) =>
      `<tr class="${violations === 0 ? "ok" : "broken"}"><td>${violations === 0 ? "ok" : "FAILED"}</td>
<td>${escaped(name)}</td><td>${escaped(promise)}</td><td class="number">${grouped(violations)}</td>
<td class="number">${grouped(examined)}</td></tr>`,
  );
  return `<section><h2>Checks</h2><div class="wide"><table><thead><tr><th></th><th>check</th><th>promise</th>
<th class="number">broken</th><th class="number">examined</th></tr></thead><tbody>${rows.join("")}</tbody></table></div></section>`;
}

function events({ timeline }: RunOutcome): string {
  const rows = timeline.map(
    ({ atMs, what }) => `<tr><td>${(atMs / 1_000).toFixed(3)} s</td><td>${escaped(what)}</td></tr>`,
  );
  return `<section><details><summary>All ${timeline.length} events</summary><table class="around">${rows.join("")}</table></details></section>`;
}
