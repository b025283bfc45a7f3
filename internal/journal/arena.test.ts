import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PayloadPosition } from "../model/ids.ts";
import { Arena } from "./arena.ts";

const SIZE = 8 * 1024;
const SEGMENT = SIZE / 8;

/** Puts bytes in as the journal does; null when there is no room. */
function put(arena: Arena, bytes: Uint8Array): PayloadPosition | null {
  if (!arena.hasRoom(bytes.length, 0)) return null;
  if (arena.wraps(bytes.length)) arena.skip();
  arena.enter(bytes.length);
  return arena.copy(bytes, 0, bytes.length);
}

describe("the arena", () => {
  it("says that bytes wrap when they do not follow the last ones in memory", () => {
    const arena = new Arena(new Uint8Array(SIZE), 0);
    expect(put(arena, new Uint8Array(SIZE - 100))).toBe(0);
    expect(arena.wraps(100)).toBe(false);
    expect(arena.wraps(101)).toBe(true);
    arena.durableUpTo(SIZE - 100);
    expect(put(arena, new Uint8Array(100))).toBe(SIZE - 100);
    // The ring is filled exactly: the next byte is next in the stream and far away in memory.
    expect(arena.wraps(1)).toBe(true);
    arena.durableUpTo(SIZE);
    expect(put(arena, new Uint8Array(10))).toBe(SIZE);
  });

  it("has room for what it can hold at all when nothing waits, wherever it stands", () => {
    for (let filled = 1; filled < SIZE; filled += SEGMENT / 2) {
      const arena = new Arena(new Uint8Array(SIZE), 0);
      for (let lap = 0; lap < 2; lap++) {
        expect(put(arena, new Uint8Array(filled))).not.toBeNull();
        arena.durableUpTo(arena.position);
        expect(arena.hasRoom(SIZE - 2 * SEGMENT, SEGMENT)).toBe(true);
        expect(put(arena, new Uint8Array(SIZE - 2 * SEGMENT))).not.toBeNull();
        arena.durableUpTo(arena.position);
      }
    }
  });

  it("begins at its start, after whatever positions were given out before", () => {
    const arena = new Arena(new Uint8Array(SIZE), 3 * SIZE + 5);
    expect(put(arena, Uint8Array.of(1, 2, 3))).toBe(4 * SIZE);
    expect(arena.view((4 * SIZE) as PayloadPosition, 3)).toEqual(Uint8Array.of(1, 2, 3));
    expect(arena.view((3 * SIZE) as PayloadPosition, 3)).toBeNull();
  });

  it("finds what it holds, unchanged, and never overwrites what is pinned or not durable", () => {
    const step = fc.record({
      what: fc.constantFrom("put", "put", "put", "sync", "pin", "unpin"),
      size: fc.integer({ min: 1, max: 3 * SEGMENT }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: "max" }), (steps) => {
        const arena = new Arena(new Uint8Array(SIZE), 0);
        const held: { at: PayloadPosition; bytes: Uint8Array; pins: number }[] = [];
        let durable = 0;
        let mark = 0;
        for (const { what, size } of steps) {
          const chosen = held[size % Math.max(1, held.length)];
          if (what === "put") {
            const bytes = new Uint8Array(size).fill(++mark);
            const at = put(arena, bytes);
            if (at !== null) held.push({ at, bytes, pins: 0 });
          } else if (what === "sync") {
            durable = arena.position;
            arena.durableUpTo(durable);
          } else if (chosen !== undefined && what === "unpin" && chosen.pins > 0) {
            chosen.pins--;
            arena.unpin(chosen.at, chosen.bytes.length);
          } else if (chosen !== undefined && what === "pin") {
            if (!arena.lends(chosen.at, chosen.bytes.length)) continue;
            chosen.pins++;
            arena.pin(chosen.at, chosen.bytes.length);
          }
          for (const { at, bytes, pins } of held) {
            const view = arena.view(at, bytes.length);
            const mustBeThere = pins > 0 || at + bytes.length > durable;
            if (view === null) expect(mustBeThere).toBe(false);
            else expect(view.every((byte) => byte === bytes[0])).toBe(true);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});
