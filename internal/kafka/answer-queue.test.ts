import fc from "fast-check";
import { expect, test } from "vitest";
import { AnswerQueue } from "./answer-queue.ts";
import { Call } from "./call.ts";
import type { CallOwner } from "./call.ts";
import { apiVersions } from "./api/18-api-versions.ts";
import type { AnyApi } from "./api/registry.ts";
import type { Connection } from "../ports/wire.ts";

const WINDOW = 1000;

/** A connection that keeps what is written until the system "takes" it. */
class Pipe implements Connection {
  readonly peer = { host: "client", port: 1 };
  bufferedBytes = 0;
  readonly sent: number[] = [];
  #written: { bytes: Uint8Array; released: (() => void) | undefined }[] = [];

  write(bytes: Uint8Array, released?: () => void): void {
    this.#written.push({ bytes, released });
    this.bufferedBytes += bytes.length;
  }

  /** The system takes what was written up to some point. */
  take(count: number): void {
    for (const { bytes, released } of this.#written.splice(0, count)) {
      this.sent.push(...bytes);
      this.bufferedBytes -= bytes.length;
      released?.();
    }
  }

  get written(): number {
    return this.#written.length;
  }

  /** The end: what is lent is given back unsent. */
  break(): void {
    for (const { released } of this.#written.splice(0)) released?.();
  }

  flush(): void {}
  pause(): void {}
  resume(): void {}
  end(): void {}
  destroy(): void {}
}

class Bench implements CallOwner {
  readonly peerHost = "client";
  readonly pipe = new Pipe();
  readonly ended: number[] = [];
  readonly queue: AnswerQueue;
  #next = 0;

  constructor() {
    this.queue = new AnswerQueue(
      this.pipe,
      WINDOW,
      (call) => this.ended.push(call.correlationId),
      () => this.queue.pump(),
    );
  }

  call(requestBytes = 10): Call {
    const api = apiVersions as AnyApi;
    const call = new Call(this, api, 0, this.#next++, "c", requestBytes, 0);
    call.state = "running";
    this.queue.push(call);
    return call;
  }

  encode(_call: Call, body: unknown): readonly Uint8Array[] {
    return body as readonly Uint8Array[];
  }

  answered(call: Call): void {
    this.queue.answered(call);
    this.queue.pump();
  }

  hold(): void {}
  unhold(): void {}
  close(): void {}
  fatal(error: unknown): void {
    throw error;
  }
  countError(): void {}
}

test("answers leave in the order of their requests, at most a window at a time, each released once", () => {
  const parts = fc.array(fc.integer({ min: 1, max: 1500 }), { maxLength: 4 });
  const one = fc.record({ parts, order: fc.nat(), takes: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 12 }), (plan) => {
      const bench = new Bench();
      const calls = plan.map(() => bench.call());
      const released = plan.map(() => 0);
      const expected: number[] = [];
      const bodies = plan.map((step, index) =>
        step.parts.map((length) => new Uint8Array(length).fill(index + 1)),
      );
      for (const body of bodies) for (const part of body) expected.push(...part);
      const order = plan.map((_, index) => index);
      order.sort((a, b) => (plan[a]?.order ?? 0) - (plan[b]?.order ?? 0));
      for (const index of order) {
        const release = (): void => {
          released[index] = (released[index] ?? 0) + 1;
        };
        calls[index]?.answer(bodies[index], release);
        expect(bench.pipe.bufferedBytes).toBeLessThanOrEqual(WINDOW);
        // A piece is known to be taken when the last piece of its answer and window is.
        expect(bench.queue.inFlightBytes).toBeGreaterThanOrEqual(bench.pipe.bufferedBytes);
        bench.pipe.take(plan[index]?.takes ?? 0);
      }
      while (bench.pipe.written > 0) {
        bench.pipe.take(1);
        expect(bench.pipe.bufferedBytes).toBeLessThanOrEqual(WINDOW);
      }
      expect(bench.pipe.sent).toEqual(expected);
      expect(released.every((times) => times === 1)).toBe(true);
      // An answer without bytes ends when its turn comes, which may be before the one in front of it was taken.
      expect(bench.ended.toSorted((a, b) => a - b)).toEqual(plan.map((_, index) => index));
      expect([bench.queue.bytes, bench.queue.count, bench.queue.isEmpty]).toEqual([0, 0, true]);
    }),
    { numRuns: 300 },
  );
});

test("an answer that is not ready holds back those behind it", () => {
  const bench = new Bench();
  const [first, second] = [bench.call(), bench.call()];
  second.answer([Uint8Array.of(2)]);
  expect(bench.pipe.written).toBe(0);
  first.answer([Uint8Array.of(1)]);
  bench.pipe.take(9);
  expect(bench.pipe.sent).toEqual([1, 2]);
});

test("when the connection ends every call ends, everything lent comes back once, late answers are discarded", () => {
  const bench = new Bench();
  let released = 0;
  let cancelled = 0;
  const release = (): void => {
    released++;
  };
  const [half, ready, open, late] = [bench.call(), bench.call(), bench.call(), bench.call()];
  half.answer([new Uint8Array(5 * WINDOW)], release);
  ready.answer([new Uint8Array(5)], release);
  open.onDrop = () => {
    cancelled++;
  };
  bench.pipe.take(1);
  bench.pipe.break();
  bench.queue.drop();
  late.answer([new Uint8Array(5)], release);
  expect([released, cancelled, bench.queue.bytes]).toEqual([3, 1, 0]);
  expect([half, ready, open, late].every((call) => call.isOver)).toBe(true);
});

test("requests weigh until they are answered, answers until they are taken", () => {
  const bench = new Bench();
  const call = bench.call(70);
  const other = bench.call(30);
  expect(bench.queue.bytes).toBe(100);
  other.answer([new Uint8Array(500)]);
  expect(bench.queue.bytes).toBe(570);
  call.answerNothing();
  expect(bench.queue.bytes).toBe(500);
  bench.pipe.take(1);
  expect(bench.queue.bytes).toBe(0);
});
