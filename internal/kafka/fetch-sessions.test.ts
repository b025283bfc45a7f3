import fc from "fast-check";
import { expect, test } from "vitest";
import type { Offset, TopicId } from "../model/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { FetchedPartition } from "../service/log-service.ts";
import { FetchSessions } from "./fetch-sessions.ts";
import type { FetchPlan, SessionRequest } from "./fetch-sessions.ts";

const NO_ID = "" as TopicId;

class Hand implements Clock, Entropy {
  ms = 0;
  #next = 40;

  nowMs(): number {
    return this.ms;
  }
  awakeSinceMs(): number {
    return -Infinity;
  }

  upMs(): number {
    return this.ms;
  }
  after(): () => void {
    return () => {};
  }
  turnEnd(): void {}
  below(limit: number): number {
    return ++this.#next % limit;
  }
  fill(): void {}
}

function request(
  sessionId: number,
  sessionEpoch: number,
  positions: ReadonlyMap<number, number>,
  forgotten: readonly number[] = [],
  topic = "t",
): SessionRequest {
  const partitions = [...positions].map(([partition, fetchOffset]) => ({
    partition,
    fetchOffset,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
    partitionMaxBytes: 1000,
  }));
  const topics = partitions.length === 0 ? [] : [{ topic, topicId: NO_ID, partitions }];
  const forget = { topic, topicId: NO_ID, partitions: forgotten };
  return {
    sessionId,
    sessionEpoch,
    topics,
    forgottenTopicsData: forgotten.length === 0 ? [] : [forget],
  };
}

function result(highWatermark: number, bytes = 0, isFault = false, logStart = 0): FetchedPartition {
  return {
    fault: isFault ? { kind: "storage" } : null,
    highWatermark: highWatermark as Offset,
    lastStableOffset: highWatermark as Offset,
    logStart: logStart as Offset,
    diverging: null,
    slices: [],
    bytes,
  };
}

function planOf(sessions: FetchSessions, asked: SessionRequest): FetchPlan {
  const plan = sessions.begin(asked, false);
  if ("refusal" in plan) throw new Error(`refused with ${plan.refusal}`);
  return plan;
}

function open(sessions: FetchSessions, partitions: number, topic = "t"): number {
  const positions = new Map(Array.from({ length: partitions }, (_, index) => [index, 0]));
  const plan = planOf(sessions, request(0, 0, positions, [], topic));
  return sessions.finish(
    plan,
    plan.partitions.map(() => result(0)),
  ).sessionId;
}

test("a consumer that follows the protocol always knows every high watermark and log start", () => {
  const step = fc.record({
    grows: fc.array(fc.nat(5), { maxLength: 3 }),
    deletes: fc.array(fc.nat(5), { maxLength: 2 }),
    moves: fc.array(fc.nat(5), { maxLength: 3 }),
    forgets: fc.option(fc.nat(5), { freq: 6 }),
    fails: fc.option(fc.nat(5), { freq: 4 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const hand = new Hand();
      const sessions = new FetchSessions(hand, hand, 10);
      const truth = new Map<number, number>([0, 1, 2, 3, 4, 5].map((one) => [one, 0]));
      const starts = new Map(truth);
      const wanted = new Map(truth);
      const told = new Map<number, { readonly end: number; readonly start: number }>();
      let sessionId = 0;
      let epoch = 0;
      const fetch = (
        named: ReadonlyMap<number, number>,
        forgotten: readonly number[],
        fails: number | null,
      ): void => {
        const plan = planOf(sessions, request(sessionId, epoch, named, forgotten));
        expect(plan.partitions.map(({ partition }) => partition).toSorted()).toEqual(
          [...wanted.keys()].toSorted(),
        );
        for (const { partition, fetchOffset } of plan.partitions) {
          expect(fetchOffset).toBe(wanted.get(partition));
        }
        const results = plan.partitions.map(({ partition }) =>
          result(truth.get(partition) ?? 0, 0, partition === fails, starts.get(partition)),
        );
        const { sessionId: id, told: indexes } = sessions.finish(plan, results);
        if (epoch !== 0) expect(id).toBe(wanted.size === 0 ? 0 : sessionId);
        sessionId = id;
        epoch = id === 0 ? 0 : epoch + 1;
        for (const index of indexes ?? results.keys()) {
          const partition = plan.partitions[index]?.partition ?? -1;
          const { fault, highWatermark: end, logStart: start } = results[index] as FetchedPartition;
          if (fault !== null) told.delete(partition);
          else told.set(partition, { end, start });
        }
        for (const partition of wanted.keys()) {
          if (partition === fails) expect(told.has(partition)).toBe(false);
          else {
            const now = { end: truth.get(partition), start: starts.get(partition) };
            expect(told.get(partition)).toEqual(now);
          }
        }
      };
      fetch(wanted, [], null);
      for (const { grows, deletes, moves, forgets, fails } of steps) {
        for (const partition of grows) truth.set(partition, (truth.get(partition) ?? 0) + 1);
        for (const partition of deletes) starts.set(partition, truth.get(partition) ?? 0);
        const named = new Map<number, number>();
        for (const partition of moves) {
          if (!wanted.has(partition)) told.delete(partition);
          wanted.set(partition, truth.get(partition) ?? 0);
          named.set(partition, truth.get(partition) ?? 0);
        }
        const forgotten = forgets !== null && wanted.has(forgets) && !named.has(forgets);
        if (forgotten) {
          wanted.delete(forgets);
          told.delete(forgets);
        }
        fetch(epoch === 0 ? wanted : named, forgotten ? [forgets] : [], fails);
      }
    }),
    { numRuns: 200 },
  );
});

test("unknown sessions, wrong epochs and changed addressing are refused by their own codes", () => {
  const hand = new Hand();
  const sessions = new FetchSessions(hand, hand, 10);
  const id = open(sessions, 2);
  expect(sessions.begin(request(id + 1, 1, new Map()), false)).toEqual({ refusal: 70 });
  expect(sessions.begin(request(id, 2, new Map()), false)).toEqual({ refusal: 71 });
  expect(sessions.begin(request(id, 1, new Map()), true)).toEqual({ refusal: 106 });
  const plan = planOf(sessions, request(id, 1, new Map()));
  expect(sessions.begin(request(id, 2, new Map()), false)).toEqual({ refusal: 71 }); // one at a time
  sessions.abandon(plan);
  expect("refusal" in sessions.begin(request(id, 2, new Map()), false)).toBe(false);
});

test("epoch 0 starts afresh, -1 ends, and the epoch wraps to 1", () => {
  const hand = new Hand();
  const sessions = new FetchSessions(hand, hand, 10);
  const first = open(sessions, 2);
  const again = planOf(sessions, request(first, 0, new Map([[0, 0]])));
  const second = sessions.finish(again, [result(0)]).sessionId;
  expect([second === first, sessions.count]).toEqual([false, 1]);
  for (let epoch = 1; epoch < 4; epoch++) {
    const plan = planOf(sessions, request(second, epoch, new Map()));
    if (epoch === 3 && plan.session !== null) plan.session.epoch = 0x7fff_ffff;
    sessions.finish(plan, [result(0)]);
  }
  sessions.finish(planOf(sessions, request(second, 0x7fff_ffff, new Map())), [result(0)]);
  const wrapped = planOf(sessions, request(second, 1, new Map()));
  sessions.finish(wrapped, [result(0)]);
  const last = planOf(sessions, request(second, -1, new Map()));
  expect(sessions.finish(last, [])).toEqual({ sessionId: 0, told: null });
  expect([sessions.count, sessions.partitionCount]).toEqual([0, 0]);
});

test("only news is told, and partitions that had data go to the back", () => {
  const hand = new Hand();
  const sessions = new FetchSessions(hand, hand, 10);
  const id = open(sessions, 3);
  const plan = planOf(sessions, request(id, 1, new Map()));
  expect(sessions.finish(plan, [result(0), result(5, 100), result(0)]).told).toEqual([1]);
  const next = planOf(sessions, request(id, 2, new Map()));
  expect(next.partitions.map(({ partition }) => partition)).toEqual([0, 2, 1]);
  expect(sessions.finish(next, [result(0), result(0, 0, true), result(5)]).told).toEqual([1]);
  const third = planOf(sessions, request(id, 3, new Map()));
  // The error is over: the consumer hears of the partition although its high watermark is the old one.
  expect(sessions.finish(third, [result(0), result(0), result(5)]).told).toEqual([1]);
});

test("a session without partitions ends", () => {
  const hand = new Hand();
  const sessions = new FetchSessions(hand, hand, 10);
  const id = open(sessions, 1);
  const plan = planOf(sessions, request(id, 1, new Map(), [0]));
  expect([sessions.finish(plan, []).sessionId, sessions.count]).toEqual([0, 0]);
});

test("when all places are taken, stale and smaller sessions make room, others do not", () => {
  const hand = new Hand();
  const sessions = new FetchSessions(hand, hand, 2);
  const big = open(sessions, 9);
  const small = open(sessions, 2);
  expect(open(sessions, 5)).toBe(0);
  hand.ms += 120_000;
  sessions.finish(planOf(sessions, request(big, 1, new Map())), new Array(9).fill(result(0)));
  sessions.finish(planOf(sessions, request(small, 1, new Map())), [result(0), result(0)]);
  expect(open(sessions, 1)).toBe(0); // not bigger than any that has had its time
  const middle = open(sessions, 5);
  expect(middle).not.toBe(0);
  expect(sessions.begin(request(small, 2, new Map()), false)).toEqual({ refusal: 70 });
  hand.ms += 120_000;
  const tiny = open(sessions, 1); // the big one was unused for longest
  expect(tiny).not.toBe(0);
  expect(sessions.begin(request(big, 2, new Map()), false)).toEqual({ refusal: 70 });
  expect([sessions.count, sessions.partitionCount]).toEqual([2, 6]);
});

test("what sessions remember is bounded", () => {
  const hand = new Hand();
  const sessions = new FetchSessions(hand, hand, 2);
  expect(open(sessions, 2001)).toBe(0);
  const id = open(sessions, 1500);
  const more = new Map(Array.from({ length: 600 }, (_, index) => [5000 + index, 0]));
  expect(sessions.begin(request(id, 1, more), false)).toEqual({ refusal: 70 });
  expect([sessions.count, sessions.partitionCount]).toEqual([0, 0]);
  const none = new FetchSessions(hand, hand, 0);
  expect(open(none, 1)).toBe(0);
});

test("a partition that is named again counts once, with what was asked last", () => {
  const hand = new Hand();
  const sessions = new FetchSessions(hand, hand, 10);
  const [one] = request(0, -1, new Map([[3, 10]])).topics;
  const [other] = request(0, -1, new Map([[3, 70]]), [], "u").topics;
  if (one === undefined || other === undefined) throw new Error("a request has topics");
  const again = one.partitions.map((partition) => ({ ...partition, fetchOffset: 20 }));
  const offsets = (topics: SessionRequest["topics"]): number[] => {
    const plan = sessions.begin({ ...request(0, -1, new Map()), topics }, false);
    return "refusal" in plan ? [] : plan.partitions.map(({ fetchOffset }) => fetchOffset);
  };
  expect(offsets([{ ...one, partitions: [...one.partitions, ...again] }, other])).toEqual([20, 70]);
  expect(offsets([one, { ...one, partitions: again }, other])).toEqual([20, 70]);
  expect(offsets([one, other])).toEqual([10, 70]);
});
