// Frames come out whole however their bytes are cut up, and sizes that no client may send end the stream.
import fc from "fast-check";
import { expect, test } from "vitest";
import { writeI32 } from "../../bytes/integers.ts";
import { FrameSplitter } from "./frame-splitter.ts";

function stream(frames: readonly Uint8Array[]): Uint8Array {
  const parts = frames.flatMap((frame) => {
    const size = new Uint8Array(4);
    writeI32(size, 0, frame.length);
    return [size, frame];
  });
  return new Uint8Array(Buffer.concat(parts));
}

const frames = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 12 });
const cuts = fc.array(fc.nat(400), { maxLength: 20 });

function pieces(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const places = [...new Set([0, ...at.filter((place) => place < bytes.length)])].sort(
    (a, b) => a - b,
  );
  return places.map((place, index) => bytes.slice(place, places[index + 1] ?? bytes.length));
}

test("frames come out in order, whatever the pieces and wherever the reader pauses", () => {
  fc.assert(
    fc.property(frames, cuts, fc.array(fc.boolean(), { maxLength: 40 }), (sent, at, pauses) => {
      const splitter = new FrameSplitter(1000);
      const found: Uint8Array[] = [];
      let turn = 0;
      const drain = (mayPause: boolean): void => {
        while (
          !(mayPause && pauses[turn++ % Math.max(1, pauses.length)] === true) &&
          splitter.next()
        ) {
          found.push(splitter.bytes.slice(splitter.start, splitter.end));
        }
      };
      for (const piece of pieces(stream(sent), at)) {
        splitter.push(piece);
        drain(true);
        splitter.settle();
        piece.fill(0xee);
      }
      drain(false);
      expect(found).toEqual(sent);
      expect(splitter.fault).toBeNull();
    }),
    { numRuns: 500 },
  );
});

test("a frame that arrived whole is not copied", () => {
  const bytes = stream([new Uint8Array(10)]);
  const splitter = new FrameSplitter(1000);
  splitter.push(bytes);
  expect(splitter.next()).toBe(true);
  expect([splitter.bytes === bytes, splitter.start, splitter.end]).toEqual([true, 4, 14]);
  expect(splitter.heldBytes).toBe(0);
});

test("sizes below zero and over the limit are faults, and nothing follows them", () => {
  const fault = (size: number, tail: readonly Uint8Array[] = []) => {
    const head = new Uint8Array(4);
    writeI32(head, 0, size);
    const splitter = new FrameSplitter(100);
    splitter.push(Buffer.concat([head, ...tail]));
    expect(splitter.next()).toBe(false);
    splitter.settle();
    expect(splitter.next()).toBe(false);
    return splitter.fault;
  };
  expect(fault(-1)).toEqual({ kind: "frame-size", sizeBytes: -1 });
  expect(fault(101, [new Uint8Array(200)])).toEqual({ kind: "frame-size", sizeBytes: 101 });
  expect(fault(100)).toBeNull();
  expect(fault(0x16030100)).toEqual({ kind: "tls-on-plaintext" });
});

test("memory follows what has arrived, not what a size field claims, and is let go", () => {
  const splitter = new FrameSplitter(100 << 20);
  const head = new Uint8Array(4);
  writeI32(head, 0, 100 << 20);
  splitter.push(head);
  expect(splitter.next()).toBe(false);
  splitter.settle();
  expect(splitter.heldBytes).toBeLessThanOrEqual((1 << 20) + 4);
  const other = new FrameSplitter(100 << 20);
  const big = stream([new Uint8Array(3 << 20).fill(9), Uint8Array.of(1)]);
  let found = 0;
  for (let at = 0; at < big.length; at += 65_536) {
    other.push(big.subarray(at, at + 65_536));
    while (other.next()) {
      found++;
      expect(
        other.bytes
          .subarray(other.start, other.end)
          .every((byte) => byte === (found === 1 ? 9 : 1)),
      ).toBe(true);
    }
    other.settle();
    expect(other.heldBytes).toBeLessThanOrEqual(4 << 20);
  }
  expect([found, other.heldBytes <= 65_536]).toEqual([2, true]);
});
