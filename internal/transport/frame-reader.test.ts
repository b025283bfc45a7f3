import { describe, expect, it } from "vitest";
import fc from "fast-check";
import { FrameReader } from "./frame-reader.ts";
import type { FrameFault } from "./frame-reader.ts";
import { FRAME_HEADER_BYTES, PREAMBLE, wholeFrame } from "./frame.ts";

class Sink {
  readonly got: { type: number; body: number[] }[] = [];
  readonly faults: FrameFault[] = [];
  /** Whether each body was handed out inside the chunk that was fed. */
  readonly chunks: Uint8Array[] = [];
  onFrame: (count: number) => void = () => {};

  frame(type: number, bytes: Uint8Array, start: number, end: number): void {
    this.got.push({ type, body: [...bytes.subarray(start, end)] });
    this.chunks.push(bytes);
    this.onFrame(this.got.length);
  }

  faulted(fault: FrameFault): void {
    this.faults.push(fault);
  }
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

function split(stream: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const at = [0, ...cuts.map((cut) => cut % (stream.length + 1)), stream.length];
  at.sort((one, other) => one - other);
  return at.slice(1).map((end, index) => stream.slice(at[index], end));
}

const frames = fc.array(fc.record({ type: fc.nat(255), body: fc.uint8Array({ maxLength: 300 }) }), {
  maxLength: 12,
});
const cuts = fc.array(fc.nat(5000), { maxLength: 30 });

function streamOf(sent: readonly { type: number; body: Uint8Array }[]): Uint8Array {
  return join([PREAMBLE, ...sent.map(({ type, body }) => wholeFrame(type, body))]);
}

const asArrays = (sent: readonly { type: number; body: Uint8Array }[]) =>
  sent.map(({ type, body }) => ({ type, body: [...body] }));

describe("FrameReader", () => {
  it("hands out the same frames however the stream is cut", () => {
    fc.assert(
      fc.property(frames, cuts, (sent, where) => {
        const sink = new Sink();
        const reader = new FrameReader(sink);
        for (const chunk of split(streamOf(sent), where)) reader.feed(chunk);
        expect(sink.faults).toEqual([]);
        expect(sink.got).toEqual(asArrays(sent));
        expect(reader.carriedBytes).toBe(0);
      }),
    );
  });

  it("hands a frame that is whole in a chunk out where it lies", () => {
    const sink = new Sink();
    const reader = new FrameReader(sink);
    const stream = streamOf([{ type: 20, body: Uint8Array.of(1, 2, 3) }]);
    reader.feed(stream);
    expect(sink.chunks).toEqual([stream]);
    expect(sink.chunks[0]).toBe(stream);
  });

  it("keeps order over hold and release at any moment", () => {
    fc.assert(
      fc.property(frames, cuts, fc.array(fc.nat(12)), (sent, where, holdsAfter) => {
        const sink = new Sink();
        const reader = new FrameReader(sink);
        sink.onFrame = (count) => {
          if (holdsAfter.includes(count)) reader.hold();
        };
        for (const chunk of split(streamOf(sent), where)) {
          const before = sink.got.length;
          const wasHeld = reader.held;
          reader.feed(chunk);
          if (wasHeld) expect(sink.got.length).toBe(before);
          if (reader.held && chunk.length % 2 === 0) reader.release();
        }
        while (reader.held) reader.release();
        expect(sink.faults).toEqual([]);
        expect(sink.got).toEqual(asArrays(sent));
      }),
    );
  });

  it("hands out nothing of a frame with one flipped bit, and nothing behind it", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 200 }),
        fc.nat(),
        fc.nat(7),
        cuts,
        (body, position, bit, where) => {
          const first = wholeFrame(16, Uint8Array.of(9));
          const second = wholeFrame(17, body);
          const third = wholeFrame(18, Uint8Array.of(7));
          const at = position % second.length;
          second[at] = second[at]! ^ (1 << bit);
          const sink = new Sink();
          const reader = new FrameReader(sink);
          for (const chunk of split(join([PREAMBLE, first, second, third]), where)) {
            reader.feed(chunk);
          }
          // A longer length may also leave the reader waiting for bytes that never come.
          expect(sink.got).toEqual([{ type: 16, body: [9] }]);
          expect(sink.faults.length).toBeLessThanOrEqual(1);
        },
      ),
    );
  });

  it("refuses what is no link, another version, and a body over the limit", () => {
    const faultOf = (bytes: Uint8Array): FrameFault | undefined => {
      const sink = new Sink();
      new FrameReader(sink).feed(bytes);
      expect(sink.got).toEqual([]);
      return sink.faults[0];
    };
    expect(faultOf(new TextEncoder().encode("GET / HTTP/1.1\r\n"))).toEqual({ kind: "not-a-link" });
    const other = PREAMBLE.slice();
    other[5] = 9;
    expect(faultOf(other)).toEqual({ kind: "version", version: 9 });
    const long = wholeFrame(1, new Uint8Array(9000));
    expect(faultOf(join([PREAMBLE, long.subarray(0, FRAME_HEADER_BYTES)]))).toEqual({
      kind: "too-long",
      bodyBytes: 9000,
    });
    const covered = wholeFrame(1, Uint8Array.of(1));
    covered[11] = 2;
    expect(faultOf(join([PREAMBLE, covered]))).toEqual({ kind: "bad-header" });
  });

  it("hands nothing out after stop, not even from the same chunk", () => {
    const sink = new Sink();
    const reader = new FrameReader(sink);
    sink.onFrame = () => reader.stop();
    const one = { type: 16, body: Uint8Array.of(1) };
    reader.feed(streamOf([one, one, one]));
    reader.feed(wholeFrame(16, Uint8Array.of(1)));
    expect(sink.got.length).toBe(1);
  });

  it("reads random bytes behind a preamble without throwing", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), cuts, (noise, where) => {
        const sink = new Sink();
        const reader = new FrameReader(sink);
        for (const chunk of split(join([PREAMBLE, noise]), where)) reader.feed(chunk);
        expect(sink.got).toEqual([]);
      }),
    );
  });
});
