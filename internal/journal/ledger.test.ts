import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ledger } from "./ledger.ts";

/** The plain way: one object per entry. */
class Plain {
  base = 0;
  baseFile = 0;
  baseTerm = 0;
  log: { index: number; term: number; file: number }[] = [];

  get last(): number {
    return this.log.at(-1)?.index ?? this.base;
  }

  get oldest(): number {
    const files = this.log.map((entry) => entry.file);
    if (this.baseFile !== 0) files.push(this.baseFile);
    return Math.min(Infinity, ...files);
  }
}

const step = fc.record({
  what: fc.constantFrom("append", "append", "append", "over", "cut", "move", "free", "base"),
  pick: fc.nat(1_000),
});

describe("the ledger", () => {
  it("knows the live entries, their terms and the oldest file that they pin", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: "max" }), (steps) => {
        const ledger = new Ledger();
        ledger.start(1, 0, 0);
        const plain = new Plain();
        let file = 1;
        let term = 1;
        for (const { what, pick } of steps) {
          if (pick % 5 === 0) file++;
          if (pick % 3 === 0) term++;
          play(ledger, plain, what, pick, file, term);
          expect(ledger.oldestPinned).toBe(plain.oldest);
          for (const { index, term: of } of plain.log) expect(ledger.termAt(1, index)).toBe(of);
          expect(ledger.termAt(1, plain.last + 1)).toBe(-1);
          const flat = ledger.epochs(1).at(-1)?.last ?? plain.base;
          expect(flat).toBe(plain.last);
        }
        ledger.drop(1);
        expect(ledger.oldestPinned).toBe(Infinity);
      }),
      { numRuns: 100 },
    );
  });

  it("refuses an entry that would leave a hole, and one below the base", () => {
    const ledger = new Ledger();
    expect(ledger.append(7, 5, 1, 1)).toBe(true); // the first that is heard of a group
    expect(ledger.append(7, 7, 1, 1)).toBe(false);
    expect(ledger.append(7, 4, 1, 1)).toBe(false);
    expect(ledger.append(7, 5, 2, 3)).toBe(true);
    expect(ledger.oldestPinned).toBe(3);
  });

  it("relocates only what is alive with that term (J6)", () => {
    const ledger = new Ledger();
    for (const index of [1, 2, 3]) ledger.append(7, index, 4, 1);
    expect(ledger.relocate(7, 2, 3, 9)).toBe(false);
    expect(ledger.relocate(7, 4, 4, 9)).toBe(false);
    expect(ledger.relocate(8, 1, 4, 9)).toBe(false);
    expect(ledger.relocate(7, 2, 4, 9)).toBe(true);
    expect(ledger.groupsUpTo(1)).toEqual([7]);
    expect(ledger.relocate(7, 1, 4, 9)).toBe(true);
    expect(ledger.relocate(7, 3, 4, 9)).toBe(true);
    expect(ledger.oldestPinned).toBe(9);
    expect(ledger.epochs(7)).toEqual([{ term: 4, last: 3 }]);
  });
});

function play(
  ledger: Ledger,
  plain: Plain,
  what: string,
  pick: number,
  file: number,
  term: number,
): void {
  const { base, last } = plain;
  const within = base + 1 + (pick % Math.max(1, last - base));
  const cut = (above: number): void => {
    plain.log = plain.log.filter((entry) => entry.index <= above);
  };
  if (what === "append" || what === "over") {
    const index = what === "append" ? last + 1 : within;
    expect(ledger.append(1, index, term, file)).toBe(true);
    cut(index - 1);
    plain.log.push({ index, term, file });
  } else if (what === "cut") {
    ledger.truncate(1, within - 1);
    cut(within - 1);
  } else if (what === "base") {
    const index = pick % 2 === 0 ? within : last + (pick % 4);
    const matches = ledger.termAt(1, index) === term;
    ledger.installBase(1, index, term, file);
    plain.log = matches ? plain.log.filter((entry) => entry.index > index) : [];
    Object.assign(plain, { base: index, baseTerm: term, baseFile: file });
  } else if (plain.log.length === 0) {
    return;
  } else if (what === "move") {
    const entry = plain.log.find(({ index }) => index === within)!;
    expect(ledger.relocate(1, within, entry.term, file)).toBe(true);
    entry.file = file;
  } else {
    // Not the last entry: the ledger forgets a group of which nothing is left.
    if (within === last) return;
    const { term: of } = plain.log.find(({ index }) => index === within)!;
    ledger.release(1, within);
    plain.log = plain.log.filter((entry) => entry.index > within);
    Object.assign(plain, { base: within, baseTerm: of, baseFile: 0 });
  }
}
