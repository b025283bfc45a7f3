// A progress bar on standard error for work that takes a while; nothing where nobody watches.
import type { Terminal } from "../terminal.ts";

const WIDTH = 30;
const REDRAW_MS = 100;

export class ProgressBar {
  readonly #terminal: Terminal;
  /** Null when nobody knows how much there is. */
  readonly #total: number | null;
  readonly #unit: string;
  readonly #startedMs = performance.now();
  #drawnMs = 0;

  constructor(terminal: Terminal, total: number | null, unit: string) {
    this.#terminal = terminal;
    this.#total = total;
    this.#unit = unit;
  }

  /** Draws how far the work is, at most ten times a second. */
  update(done: number): void {
    if (!this.#terminal.isWatched) return;
    const nowMs = performance.now();
    if (nowMs - this.#drawnMs < REDRAW_MS) return;
    this.#drawnMs = nowMs;
    this.#terminal.redraw(progressLine(done, this.#total, this.#unit, nowMs - this.#startedMs));
  }

  /** Takes the bar away. */
  end(): void {
    this.#terminal.redraw(null);
  }
}

export function progressLine(
  done: number,
  total: number | null,
  unit: string,
  elapsedMs: number,
): string {
  const rate = elapsedMs > 0 ? Math.round((1_000 * done) / elapsedMs) : 0;
  const speed = `${grouped(rate)} ${unit}/s`;
  if (total === null || total === 0) return `${grouped(done)} ${unit}  ${speed}`;
  const share = Math.min(done / total, 1);
  const filled = Math.round(share * WIDTH);
  const bar = "#".repeat(filled) + "-".repeat(WIDTH - filled);
  const percent = String(Math.floor(share * 100)).padStart(3);
  const leftSeconds = rate > 0 ? Math.ceil((total - done) / rate) : null;
  const left = leftSeconds === null || share === 1 ? "" : `  ${leftSeconds} s left`;
  return `[${bar}] ${percent} %  ${grouped(done)} of ${grouped(total)} ${unit}  ${speed}${left}`;
}

/** 1234567 as `1,234,567`. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}
