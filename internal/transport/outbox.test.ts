import { expect, it } from "vitest";
import fc from "fast-check";
import { FrameReader } from "./frame-reader.ts";
import { PREAMBLE } from "./frame.ts";
import { FRAME_BODY_BYTES_MAX } from "./limits.ts";
import { Outbox } from "./outbox.ts";
import type { Connection } from "../ports/wire.ts";

/** Takes everything at the flush; releases only when told to. */
class Taker implements Connection {
  readonly peer = { host: "", port: 0 };
  readonly chunks: Uint8Array[] = [];
  readonly releases: (() => void)[] = [];
  flushes = 0;
  bufferedBytes = 0;

  write(bytes: Uint8Array, released?: () => void): void {
    expect(bytes.length).toBeGreaterThan(0);
    this.chunks.push(bytes);
    if (released !== undefined) this.releases.push(released);
  }
  flush(): void {
    this.flushes++;
  }
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

const message = fc.record({
  type: fc.integer({ min: 16, max: 255 }),
  parts: fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 4 }),
  covered: fc.nat(4),
});

function filled(length: number, salt: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (index * 7 + salt) & 0xff);
}

function read(chunks: readonly Uint8Array[]): { type: number; body: string }[] {
  const got: { type: number; body: string }[] = [];
  const reader = new FrameReader({
    frame: (type, bytes, start, end) =>
      got.push({ type, body: Buffer.from(bytes.subarray(start, end)).toString("hex") }),
    faulted: (fault) => expect.unreachable(fault.kind),
  });
  reader.bodyBytesMax = FRAME_BODY_BYTES_MAX;
  reader.feed(PREAMBLE);
  for (const chunk of chunks) reader.feed(chunk);
  return got;
}

it("writes frames that the reader reads, in order, and releases each once and only after its bytes left", () => {
  fc.assert(
    fc.property(fc.array(message, { maxLength: 15 }), fc.array(fc.boolean()), (sent, flushAt) => {
      const outbox = new Outbox();
      const taker = new Taker();
      const released: number[] = [];
      const expected: { type: number; body: string }[] = [];
      let bytes = 0;
      sent.forEach(({ type, parts: lengths, covered }, index) => {
        const parts = lengths.map((length, part) => filled(length, index + part));
        const bodyBytes = lengths.reduce((sum, length) => sum + length, 0);
        const before = outbox.queuedBytes;
        outbox.put(type, parts, bodyBytes, Math.min(covered, parts.length), () =>
          released.push(index),
        );
        expect(outbox.queuedBytes - before).toBe(16 + bodyBytes);
        expect(released).not.toContain(index);
        expected.push({ type, body: Buffer.concat(parts).toString("hex") });
        if (flushAt[index] === true) bytes += outbox.flushInto(taker);
      });
      bytes += outbox.flushInto(taker);
      expect(bytes).toBe(taker.chunks.reduce((sum, chunk) => sum + chunk.length, 0));
      expect(read(taker.chunks)).toEqual(expected);
      for (const release of taker.releases) release();
      expect([...released].sort((one, other) => one - other)).toEqual(
        sent.map((_, index) => index),
      );
    }),
  );
});

it("gives everything back when it is dropped, and nothing of it leaves later", () => {
  const outbox = new Outbox();
  const taker = new Taker();
  const released: string[] = [];
  outbox.put(16, [filled(10, 1)], 10, 1, () => released.push("small"));
  outbox.put(17, [filled(4, 1), filled(5000, 1)], 5004, 1, () => released.push("large"));
  outbox.drop();
  outbox.drop();
  expect(released.sort()).toEqual(["large", "small"]);
  expect(outbox.queuedBytes).toBe(0);
  outbox.put(18, [filled(3, 1)], 3, 1, undefined);
  outbox.flushInto(taker);
  expect(read(taker.chunks).map(({ type }) => type)).toEqual([18]);
});

it("lends large parts and copies small ones", () => {
  const outbox = new Outbox();
  const taker = new Taker();
  const large = filled(4096, 3);
  outbox.put(16, [filled(20, 1), large, filled(30, 2)], 20 + 4096 + 30, 1, undefined);
  outbox.flushInto(taker);
  expect(taker.chunks.length).toBe(3);
  expect(taker.chunks[1]).toBe(large);
  expect(taker.flushes).toBe(1);
});
