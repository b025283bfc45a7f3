import { describe, expect, it } from "vitest";
import type { EndObservation } from "../history.ts";
import { HandHistory } from "./by-hand.ts";
import { checkClients } from "./client-checks.ts";

function broken(hand: HandHistory, unanswered = 0): string[] {
  return checkClients(hand.history, unanswered)
    .filter(({ violations }) => violations > 0)
    .map(({ name }) => name);
}

function end(askedMs: number, value: number, partition = 0): EndObservation {
  const answeredMs = askedMs + 5;
  return { partition, broker: 1, leaderEpoch: 3, askedMs, answeredMs, end: value };
}

describe("stale end", () => {
  it("accepts an answer that covers what was acknowledged before the question", () => {
    const hand = new HandHistory();
    hand.acked(hand.lane(), 3, 0, 0);
    hand.history.ends.push(end(0, 0), end(11, 3), end(20, 7));
    expect(broken(hand)).toEqual([]);
  });

  it("finds an answer from before an acknowledgement", () => {
    const hand = new HandHistory();
    hand.acked(hand.lane(), 3, 0, 0);
    hand.history.ends.push(end(11, 2));
    expect(broken(hand)).toEqual(["stale end"]);
  });

  it("does not mix up partitions", () => {
    const hand = new HandHistory();
    hand.acked(hand.lane(true, 1), 3, 0, 0);
    hand.history.ends.push(end(11, 0, 0), end(11, 3, 1));
    expect(broken(hand)).toEqual([]);
  });
});

describe("end went back", () => {
  it("finds a later question with a smaller answer", () => {
    const hand = new HandHistory();
    hand.history.ends.push(end(0, 9), end(10, 8));
    expect(broken(hand)).toEqual(["end went back"]);
  });

  it("accepts smaller answers of questions that overlapped", () => {
    const hand = new HandHistory();
    hand.history.ends.push(end(0, 9), end(3, 8));
    expect(broken(hand)).toEqual([]);
  });
});

describe("watermark went back", () => {
  const seen = { partition: 0, broker: 1, incarnation: 1 };

  it("finds a smaller one in the same life of a broker, and only there", () => {
    const hand = new HandHistory();
    hand.history.sawWatermark({ ...seen, highWatermark: 5 });
    hand.history.sawWatermark({ ...seen, highWatermark: 5 });
    hand.history.sawWatermark({ ...seen, broker: 2, highWatermark: 3 });
    hand.history.sawWatermark({ ...seen, incarnation: 2, highWatermark: 4 });
    expect(broken(hand)).toEqual([]);
    hand.history.sawWatermark({ ...seen, highWatermark: 4 });
    expect(broken(hand)).toEqual(["watermark went back"]);
  });
});

describe("the other promises to clients", () => {
  it("finds a broken session, a batch without answer, and a malformed answer", () => {
    const hand = new HandHistory();
    expect(broken(hand)).toEqual([]);
    expect(broken(hand, 1)).toEqual(["never answered"]);
    hand.history.brokenSessions.push("producer 0: error 45");
    hand.history.malformed.push("is longer than its content");
    expect(broken(hand)).toEqual(["session broken", "protocol"]);
  });
});
