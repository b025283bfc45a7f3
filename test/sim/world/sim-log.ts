// The logs of a whole simulation in one book, in the order in which things happened. Bounded: the
// oldest entries go first.
import type { Log, LogFields } from "../../../internal/ports/log.ts";
import type { Life } from "./life.ts";
import type { Scheduler } from "./scheduler.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LogEntry {
  readonly atUs: number;
  readonly node: string;
  readonly incarnation: number;
  readonly level: LogLevel;
  readonly event: string;
  readonly fields: LogFields;
}

const ENTRIES_MAX = 20_000;

export class LogBook {
  /** Sees every entry, for printing. */
  print: ((entry: LogEntry) => void) | null = null;
  #entries: LogEntry[] = [];
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  get entries(): readonly LogEntry[] {
    return this.#entries;
  }

  /** Entries of one event, oldest first. */
  find(event: string): LogEntry[] {
    return this.#entries.filter((entry) => entry.event === event);
  }

  portFor(life: Life): Log {
    return new SimLog(this, life, {});
  }

  add(life: Life, level: LogLevel, fields: LogFields, event: string): void {
    if (!life.alive) return;
    const { node, incarnation } = life;
    const entry = { atUs: this.#scheduler.nowUs, node, incarnation, level, event, fields };
    this.#entries.push(entry);
    if (this.#entries.length > 2 * ENTRIES_MAX) this.#entries = this.#entries.slice(-ENTRIES_MAX);
    if (this.print !== null) this.print(entry);
  }
}

/** One line of text per entry. */
export function logLine(entry: LogEntry): string {
  const ms = (entry.atUs / 1000).toFixed(3).padStart(12);
  const fields = Object.entries(entry.fields).map(([name, value]) => ` ${name}=${text(value)}`);
  return `${ms} ${entry.node}#${entry.incarnation} ${entry.level} ${entry.event}${fields.join("")}`;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? String(value));
}

class SimLog implements Log {
  readonly #book: LogBook;
  readonly #life: Life;
  readonly #bindings: LogFields;

  constructor(book: LogBook, life: Life, bindings: LogFields) {
    this.#book = book;
    this.#life = life;
    this.#bindings = bindings;
  }

  child(bindings: LogFields): Log {
    return new SimLog(this.#book, this.#life, { ...this.#bindings, ...bindings });
  }

  debug(fields: LogFields, event: string): void {
    this.#add("debug", fields, event);
  }

  info(fields: LogFields, event: string): void {
    this.#add("info", fields, event);
  }

  warn(fields: LogFields, event: string): void {
    this.#add("warn", fields, event);
  }

  error(fields: LogFields, event: string): void {
    this.#add("error", fields, event);
  }

  #add(level: LogLevel, fields: LogFields, event: string): void {
    this.#book.add(this.#life, level, { ...this.#bindings, ...fields }, event);
  }
}
