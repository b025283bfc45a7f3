import { describe, expect, it } from "vitest";
import type { LogIndex, Term } from "../model/ids.ts";
import { ENTRY_BATCH } from "./entry.ts";
import type { EntryHead } from "./entry.ts";
import { Log } from "./log.ts";

const index = (value: number) => value as LogIndex;
const base = (at: number, term: number) => ({ index: index(at), term: term as Term });

function heads(...terms: number[]): EntryHead[] {
  return terms.map((term) => ({ term: term as Term, kind: ENTRY_BATCH, configuration: null }));
}

/** An empty log with these terms appended by write 1, not yet durable. */
function logOf(...terms: number[]): Log {
  const log = new Log({ base: base(0, 0), runs: [], last: index(0) });
  log.append(1, heads(...terms), 0);
  return log;
}

const termsOf = (log: Log) =>
  Array.from({ length: log.last - log.base.index }, (_, at) =>
    log.termAt(index(log.base.index + at + 1)),
  );

describe("Log", () => {
  it("knows the term of every entry and of its base, and of nothing else", () => {
    const log = new Log({
      base: base(4, 2),
      runs: [
        { first: index(5), term: 2 as Term },
        { first: index(7), term: 5 as Term },
      ],
      last: index(8),
    });
    expect([3, 4, 5, 6, 7, 8, 9].map((at) => log.termAt(index(at)))).toEqual([
      null,
      2,
      2,
      2,
      5,
      5,
      null,
    ]);
    expect(log.lastTerm).toBe(5);
    expect(log.durable).toBe(8);
  });

  it("append takes the entries from skip on, and refuses a term that goes back", () => {
    const log = logOf(1, 1, 2);
    log.append(2, heads(1, 2, 3, 3), 2);
    expect(termsOf(log)).toEqual([1, 1, 2, 3, 3]);
    expect(() => log.append(3, heads(2), 0)).toThrow("terms in a log never go back");
  });

  it("lastOfTermAtMost skips whole terms, down to just below the base", () => {
    const log = logOf(1, 1, 4, 4, 6);
    expect(log.lastOfTermAtMost(index(5), 6 as Term)).toBe(5);
    expect(log.lastOfTermAtMost(index(9), 6 as Term)).toBe(5);
    expect(log.lastOfTermAtMost(index(5), 5 as Term)).toBe(4);
    expect(log.lastOfTermAtMost(index(5), 3 as Term)).toBe(2);
    expect(log.lastOfTermAtMost(index(1), 3 as Term)).toBe(1);
    expect(log.lastOfTermAtMost(index(5), 0 as Term)).toBe(0);
    log.settle(1);
    log.checkpoint(base(4, 4));
    expect(log.lastOfTermAtMost(index(5), 3 as Term)).toBe(3);
    expect(log.lastOfTermAtMost(index(2), 6 as Term)).toBe(2);
  });

  it("settle makes durable what the writes up to that number appended", () => {
    const log = logOf(1, 1);
    log.append(2, heads(1), 0);
    log.append(4, heads(1, 1), 0);
    expect(log.durable).toBe(0);
    log.settle(1);
    expect(log.durable).toBe(2);
    log.settle(3);
    expect(log.durable).toBe(3);
    log.settle(9);
    expect(log.durable).toBe(5);
  });

  it("a write does not vouch for entries that were rewritten since (J4)", () => {
    const log = logOf(1, 1, 1, 1);
    log.truncate(index(3));
    log.append(3, heads(2, 2), 0);
    log.settle(1);
    expect(log.durable).toBe(2);
    log.settle(3);
    expect(log.durable).toBe(4);
  });

  it("a write does vouch for them under the planted bug, which is what the tests look for", () => {
    const log = new Log({ base: base(0, 0), runs: [], last: index(0) }, true);
    log.append(1, heads(1, 1, 1, 1), 0);
    log.truncate(index(3));
    log.append(3, heads(2, 2), 0);
    log.settle(1);
    expect(log.durable).toBe(4);
  });

  it("truncate takes back what was durable, and never reaches the base", () => {
    const log = logOf(1, 1, 2);
    log.settle(1);
    log.truncate(index(2));
    expect(log.durable).toBe(1);
    expect(log.lastTerm).toBe(1);
    expect(() => log.truncate(index(2))).toThrow("a truncation drops entries of this log");
    log.checkpoint(base(1, 1));
    expect(() => log.truncate(index(1))).toThrow("a truncation drops entries of this log");
  });

  it("install beyond the end replaces the log, durable with its own write", () => {
    const log = logOf(1, 1);
    log.settle(1);
    log.install(2, base(7, 3));
    expect([log.base.index, log.last, log.lastTerm, log.durable]).toEqual([7, 7, 3, 2]);
    log.settle(2);
    expect(log.durable).toBe(7);
  });

  it("install within the log keeps what follows, if it agrees", () => {
    const log = logOf(1, 1, 2, 2);
    log.install(2, base(3, 2));
    expect(termsOf(log)).toEqual([2]);
    expect(() => logOf(1, 1, 2).install(2, base(2, 2))).toThrow(
      "kept entries follow the installed base",
    );
  });

  it("checkpoint drops what is below and is durable itself", () => {
    const log = logOf(1, 1, 2, 2);
    log.checkpoint(base(3, 2));
    expect([log.base.index, log.base.term, log.durable, log.last]).toEqual([3, 2, 3, 4]);
    expect(termsOf(log)).toEqual([2]);
    log.append(2, heads(2, 3), 0);
    expect(termsOf(log)).toEqual([2, 2, 3]);
    expect(() => log.checkpoint(base(5, 1))).toThrow("a checkpoint ends at an entry of this log");
  });

  it("refuses to start from runs that leave entries without a term", () => {
    const run = { first: index(2), term: 1 as Term };
    expect(() => new Log({ base: base(0, 0), runs: [run], last: index(2) })).toThrow();
    expect(() => new Log({ base: base(0, 0), runs: [], last: index(2) })).toThrow();
    expect(() => new Log({ base: base(1, 2), runs: [run], last: index(2) })).toThrow();
  });

  it("forgets settled writes in the long run", () => {
    const log = logOf(1);
    for (let write = 2; write < 5_000; write++) {
      log.append(write, heads(1), 0);
      if (write > 10) log.settle(write - 3);
    }
    expect(log.durable).toBe(4_996);
    log.settle(5_000);
    expect(log.durable).toBe(log.last);
  });
});
