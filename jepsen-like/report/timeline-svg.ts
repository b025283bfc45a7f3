// The timeline of a run as one drawing: faults above, then records a second, latencies, and for each partition who led it
// and when it accepted nothing, all over the same seconds.
import type { FaultRecord } from "../nemesis/fault-record.ts";
import { NETWORK_FAULTS } from "../nemesis/network-faults.ts";
import type { FaultKind } from "../nemesis/plan.ts";
import type { RunOutcome } from "../run.ts";
import { escaped, shortS } from "./words.ts";
import { bins, reigns, silences } from "./series.ts";
import type { Bin } from "./series.ts";

const WIDTH = 1180;
const LEFT = 96;
const RIGHT = 16;
const FAULTS = { top: 26, row: 19, rows: 3 };
const THROUGHPUT = { top: 100, height: 110 };
const LATENCY = { top: 240, height: 110 };
const LEADERS = { top: 384, row: 15 };
const BIN_MS = 500;
/** Shorter silences are the pauses of the producers. */
export const SILENCE_MS_MIN = 1_000;
const LATENCY_MS_MAX = 30_000;

export type Family = "kill" | "pause" | "restart" | "network" | "power";

export function familyOf(kind: FaultKind): Family {
  if (NETWORK_FAULTS[kind] !== undefined) return "network";
  if (kind.startsWith("pause")) return "pause";
  if (kind.startsWith("power") || kind === "lying disk") return "power";
  return kind.startsWith("restart") ? "restart" : "kill";
}

interface Scale {
  readonly x: (atMs: number) => number;
  readonly fromMs: number;
  readonly toMs: number;
}

export function timelineSvg(outcome: RunOutcome, partitions: number): string {
  const { fromMs, toMs } = outcome;
  const width = WIDTH - LEFT - RIGHT;
  const x = (atMs: number): number =>
    LEFT + (width * (Math.min(Math.max(atMs, fromMs), toMs) - fromMs)) / (toMs - fromMs);
  const scale: Scale = { x, fromMs, toMs };
  const height = LEADERS.top + partitions * LEADERS.row + 30;
  const series = bins(outcome.history, fromMs, toMs, BIN_MS);
  return [
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Timeline of the run">`,
    seconds(scale, height),
    shadows(outcome.faults, scale, height),
    faultBars(outcome.faults, scale),
    throughput(series, scale),
    latency(series, scale),
    leaderRows(outcome, partitions, scale),
    "</svg>",
  ].join("\n");
}

function seconds({ x, fromMs, toMs }: Scale, height: number): string {
  const spanS = (toMs - fromMs) / 1_000;
  const stepS = [1, 2, 5, 10, 20, 30, 60, 120, 300].find((step) => spanS / step <= 16) ?? 600;
  const marks: string[] = [];
  for (let atS = Math.ceil(fromMs / 1_000 / stepS) * stepS; atS * 1_000 <= toMs; atS += stepS) {
    const at = x(atS * 1_000).toFixed(1);
    marks.push(
      `<line class="grid" x1="${at}" y1="18" x2="${at}" y2="${height - 20}"/>`,
      `<text class="tick" x="${at}" y="${height - 6}" text-anchor="middle">${atS} s</text>`,
    );
  }
  return marks.join("");
}

/** Each fault's time behind everything, so that the eye finds what else happened then. */
function shadows(faults: readonly FaultRecord[], { x }: Scale, height: number): string {
  return faults
    .map(({ kind, startMs, endMs }) => {
      const from = x(startMs);
      const width = Math.max(1.5, x(endMs) - from).toFixed(1);
      const at = `x="${from.toFixed(1)}" y="20" width="${width}" height="${height - 42}"`;
      return `<rect class="shadow ${familyOf(kind)}" ${at}/>`;
    })
    .join("");
}

function faultBars(faults: readonly FaultRecord[], { x }: Scale): string {
  const ends = Array.from({ length: FAULTS.rows }, () => 0);
  const bars = faults.map(({ kind, startMs, endMs, victims, complaint }, k) => {
    const from = x(startMs);
    const width = Math.max(4, x(endMs) - from);
    const free = ends.findIndex((end) => end <= from);
    const row = free < 0 ? k % FAULTS.rows : free;
    const label = `${kind} ${victims.join(",")}`;
    ends[row] = from + Math.max(width, 8 + 5.4 * label.length);
    const top = FAULTS.top + row * FAULTS.row;
    const at = `x="${from.toFixed(1)}" y="${top}" width="${width.toFixed(1)}" height="5"`;
    const title = `${label}: ${shortS(startMs)} to ${shortS(endMs)}${complaint === null ? "" : `; ${complaint}`}`;
    return (
      `<g><title>${escaped(title)}</title><rect class="bar ${familyOf(kind)}" ${at} rx="2"/>` +
      `<text class="barText" x="${from.toFixed(1)}" y="${top + 14}">${escaped(label)}</text></g>`
    );
  });
  return `<text class="name" x="0" y="${FAULTS.top + 12}">faults</text>${bars.join("")}`;
}

function path(points: readonly (readonly [number, number])[]): string {
  return points
    .map(([x, y], k) => `${k === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`)
    .join("");
}

function throughput(series: readonly Bin[], { x }: Scale): string {
  const { top, height } = THROUGHPUT;
  const highest = Math.max(1, ...series.map(({ recordsPerS }) => recordsPerS));
  const step = niceStep(highest);
  const limit = Math.ceil(highest / step) * step;
  const y = (rate: number): number => top + height - (height * rate) / limit;
  const points = series.flatMap(({ fromMs, recordsPerS }) => [
    [x(fromMs), y(recordsPerS)] as const,
    [x(fromMs + BIN_MS), y(recordsPerS)] as const,
  ]);
  const first = points[0]?.[0] ?? LEFT;
  const last = points.at(-1)?.[0] ?? LEFT;
  const area = `${path(points)}L${last.toFixed(1)} ${top + height}L${first.toFixed(1)} ${top + height}Z`;
  const marks = Array.from({ length: Math.round(limit / step) + 1 }, (_, k) =>
    level(y(k * step), k * step >= 1_000 ? `${(k * step) / 1_000}k` : String(k * step)),
  );
  return (
    `<text class="name" x="0" y="${top + 4}">records</text><text class="name" x="0" y="${top + 17}">a second</text>` +
    `${marks.join("")}<path class="area" d="${area}"/>`
  );
}

function niceStep(highest: number): number {
  const rough = highest / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map((k) => k * power).find((step) => step >= rough) ?? rough;
}

function level(y: number, label: string): string {
  return (
    `<line class="grid" x1="${LEFT}" y1="${y.toFixed(1)}" x2="${WIDTH - RIGHT}" y2="${y.toFixed(1)}"/>` +
    `<text class="tick" x="${LEFT - 6}" y="${(y + 3).toFixed(1)}" text-anchor="end">${label}</text>`
  );
}

/** On a logarithmic scale: milliseconds when all is well, seconds under faults. */
function latency(series: readonly Bin[], { x }: Scale): string {
  const { top, height } = LATENCY;
  const y = (ms: number): number => {
    const share =
      Math.log10(Math.min(Math.max(ms, 1), LATENCY_MS_MAX)) / Math.log10(LATENCY_MS_MAX);
    return top + height * (1 - share);
  };
  // A time without acknowledgements is a gap in the line.
  const line = (pick: (bin: Bin) => number | null, name: string): string => {
    const runs: (readonly [number, number])[][] = [[]];
    for (const bin of series) {
      const ms = pick(bin);
      if (ms === null) runs.push([]);
      else runs.at(-1)?.push([x(bin.fromMs), y(ms)], [x(bin.fromMs + BIN_MS), y(ms)]);
    }
    return `<path class="line ${name}" d="${runs.map((run) => path(run)).join("")}"/>`;
  };
  const marks = [1, 10, 100, 1_000, 10_000].map((ms) =>
    level(y(ms), ms >= 1_000 ? `${ms / 1_000} s` : `${ms} ms`),
  );
  return (
    `<text class="name" x="0" y="${top + 4}">latency</text>` +
    `<text class="name p50" x="0" y="${top + 17}">median</text><text class="name p99" x="0" y="${top + 30}">99th</text>` +
    marks.join("") +
    line(({ p99Ms }) => p99Ms, "p99") +
    line(({ p50Ms }) => p50Ms, "p50")
  );
}

function leaderRows(outcome: RunOutcome, partitions: number, { x, fromMs, toMs }: Scale): string {
  const led = reigns(outcome.leaderChanges, toMs);
  const silent = silences(outcome.history, fromMs, toMs, SILENCE_MS_MIN);
  const rows = Array.from({ length: partitions }, (_, partition) => {
    const top = LEADERS.top + partition * LEADERS.row;
    const box = (from: number, to: number): string =>
      `x="${x(from).toFixed(1)}" width="${Math.max(1, x(to) - x(from)).toFixed(1)}"`;
    const bars = (led.get(partition) ?? []).map(
      ({ fromMs: from, toMs: to, broker, epoch }) =>
        `<rect class="broker${broker}" ${box(from, to)} y="${top}" height="${LEADERS.row - 3}">` +
        `<title>partition ${partition}: broker ${broker}, epoch ${epoch}, from ${shortS(from)}</title></rect>`,
    );
    const gaps = (silent.get(partition) ?? []).map(
      ({ fromMs: from, toMs: to }) =>
        `<rect class="silence" ${box(from, to)} y="${top}" height="${LEADERS.row - 3}">` +
        `<title>partition ${partition} acknowledged nothing for ${Math.round(to - from)} ms</title></rect>`,
    );
    const name = `<text class="tick" x="${LEFT - 6}" y="${top + 10}" text-anchor="end">${partition}</text>`;
    return name + bars.join("") + gaps.join("");
  });
  return (
    `<text class="name" x="0" y="${LEADERS.top + 10}">leader</text>` +
    `<text class="name" x="0" y="${LEADERS.top + 23}">by partition</text>${rows.join("")}`
  );
}
