import { describe, expect, it } from "vitest";
import { Random } from "../random.ts";
import { encodeBatch, NO_PRODUCER } from "../wire/record-batch.ts";
import { encodeValue } from "../workload/value.ts";
import { HandHistory, replica, replicas } from "./by-hand.ts";
import { checkLogs } from "./log-checks.ts";
import { ReplicaLog } from "./replica-log.ts";

/** Names of the promises that were broken. */
function broken(hand: HandHistory, logs: readonly ReplicaLog[]): string[] {
  return checkLogs(hand.history, logs)
    .filter(({ violations }) => violations > 0)
    .map(({ name }) => name);
}

/** `0.2 1.0`: the third value of lane 0, then the first one of lane 1. */
function values(text: string): readonly (readonly [number, number])[] {
  return text.split(" ").map((value) => {
    const [lane, counter] = value.split(".").map(Number);
    return [lane!, counter!];
  });
}

/** Two producers; lane 0 is idempotent, lane 1 is not. Offsets 0 to 3 are acknowledged. */
function quiet(): HandHistory {
  const hand = new HandHistory();
  const [first, second] = [hand.lane(), hand.lane(false)];
  hand.acked(first, 2, 0, 0);
  hand.acked(second, 1, 2, 20);
  hand.acked(first, 1, 3, 40);
  return hand;
}
const QUIET = values("0.0 0.1 1.0 0.2");

describe("legal histories", () => {
  it("finds nothing in an empty one", () => {
    expect(broken(new HandHistory(), [])).toEqual([]);
  });

  it("finds nothing when every acknowledged value lies where it was promised", () => {
    expect(broken(quiet(), replicas(QUIET))).toEqual([]);
  });

  it("accepts a value of unknown outcome that is there, and one that is not", () => {
    const there = quiet();
    there.unanswered(there.history.lanes[1]!, 1, 50);
    expect(broken(there, replicas([...QUIET, [1, 1]]))).toEqual([]);
    expect(broken(there, replicas(QUIET))).toEqual([]);
  });

  it("accepts a refused value that is nowhere", () => {
    const hand = quiet();
    hand.refused(hand.history.lanes[1]!, 1, 50);
    expect(broken(hand, replicas(QUIET))).toEqual([]);
  });

  it("accepts that overlapping sends of different producers land in either order", () => {
    const hand = new HandHistory();
    hand.acked(hand.lane(), 1, 1, 0);
    hand.acked(hand.lane(), 1, 0, 5);
    expect(broken(hand, replicas(values("1.0 0.0")))).toEqual([]);
  });

  it("accepts a batch that is acknowledged twice at one offset", () => {
    const hand = quiet();
    const lane = hand.history.lanes[0]!;
    hand.history.acked(lane, lane.batches[0]!, 0, 60, 70);
    expect(broken(hand, replicas(QUIET))).toEqual([]);
  });

  it("accepts a plain value that waited in the socket of an earlier connection", () => {
    const hand = new HandHistory();
    const lane = hand.lane(false);
    const early = hand.unanswered(lane, 1, 0);
    hand.acked(lane, 1, 0, 5).link = 2;
    hand.history.acked(lane, early, 1, 0, 30);
    early.link = 1;
    expect(broken(hand, replicas(values("0.1 0.0")))).toEqual([]);
  });

  it("finds nothing in ten thousand generated histories", () => {
    const random = new Random(1, "legal");
    for (let k = 0; k < 10_000; k++) {
      const { hand, values } = generated(random);
      expect(broken(hand, replicas(values))).toEqual([]);
    }
  });
});

/** Producers that send one batch after the other into one log; some lose the answer, some the batch. */
function generated(random: Random) {
  const hand = new HandHistory();
  const lanes = [hand.lane(true), hand.lane(false), hand.lane(random.chance(0.5))];
  const values: [number, number][] = [];
  for (let step = 0; step < random.between(0, 12); step++) {
    const lane = random.pick(lanes);
    const count = random.between(1, 3);
    const first = lane.sent;
    const isStored = random.chance(0.8);
    const atMs = step * 20;
    if (isStored && random.chance(0.8)) hand.acked(lane, count, values.length, atMs);
    else if (isStored || random.chance(0.5)) hand.unanswered(lane, count, atMs);
    else hand.refused(lane, count, atMs);
    if (isStored) for (let k = 0; k < count; k++) values.push([lane.lane, first + k]);
  }
  return { hand, values };
}

describe("lost", () => {
  const bad: [string, readonly (readonly [number, number])[]][] = [
    ["the tail", values("0.0 0.1 1.0")],
    ["everything", []],
    ["the head, so that the rest moved", values("0.1 1.0 0.2")],
    ["one in the middle", values("0.0 0.1 0.2")],
    ["one to another value at its offset", values("0.0 0.1 0.2 1.0")],
  ];
  it.each(bad)("finds %s", (_, log) => {
    expect(broken(quiet(), replicas(log))).toContain("lost");
  });

  it("finds a loss on one replica only", () => {
    const logs = [replica(1, QUIET), replica(2, QUIET), replica(3, QUIET.slice(0, 3))];
    expect(broken(quiet(), logs)).toEqual(["lost", "replicas differ"]);
  });
});

describe("duplicated", () => {
  it.each([
    ["at once", values("0.0 0.1 1.0 0.2 0.2")],
    ["later", values("0.0 0.1 1.0 0.2 1.0")],
    ["of a plain producer", values("0.0 0.1 1.0 0.2 1.0 1.0")],
    ["of the first value", values("0.0 0.1 1.0 0.2 0.0")],
    ["of a whole batch", values("0.0 0.1 1.0 0.2 0.0 0.1")],
  ])("finds a repetition %s", (_, log) => {
    expect(broken(quiet(), replicas(log))).toContain("duplicated");
  });

  it("finds a repetition on one replica only", () => {
    const logs = [replica(1, QUIET), replica(2, [...QUIET, [0, 2]]), replica(3, QUIET)];
    expect(broken(quiet(), logs)).toContain("duplicated");
  });
});

describe("reordered", () => {
  it("finds values of an idempotent producer in reverse, acknowledged or not", () => {
    const hand = new HandHistory();
    const lane = hand.lane();
    hand.unanswered(lane, 1, 0);
    hand.unanswered(lane, 1, 5);
    expect(broken(hand, replicas(values("0.1 0.0")))).toEqual(["reordered"]);
  });

  it("finds a reversal inside a batch, and one far away", () => {
    const hand = quiet();
    expect(broken(hand, replicas(values("0.1 0.0 1.0 0.2")))).toContain("reordered");
    expect(broken(hand, replicas(values("0.2 0.1 1.0 0.0")))).toContain("reordered");
  });

  it("finds acknowledged batches of a plain producer on one connection in reverse", () => {
    const hand = new HandHistory();
    const lane = hand.lane(false);
    hand.acked(lane, 1, 1, 0);
    hand.acked(lane, 1, 0, 5);
    expect(broken(hand, replicas(values("0.1 0.0")))).toEqual(["reordered"]);
  });

  it("finds a reversal on one replica only", () => {
    const swapped = values("0.0 0.2 1.0 0.1");
    const logs = [replica(1, QUIET), replica(2, QUIET), replica(3, swapped)];
    expect(broken(quiet(), logs)).toContain("reordered");
  });
});

describe("real-time order", () => {
  it("finds a later send before an earlier acknowledged one, of whichever producers", () => {
    const hand = new HandHistory();
    hand.acked(hand.lane(), 1, 1, 0);
    hand.acked(hand.lane(), 1, 0, 100);
    expect(broken(hand, replicas(values("1.0 0.0")))).toEqual(["real-time order"]);
  });

  it("looks beyond the neighbour", () => {
    const hand = new HandHistory();
    hand.acked(hand.lane(), 1, 2, 0);
    hand.acked(hand.lane(), 1, 3, 50);
    hand.acked(hand.lane(), 1, 1, 100);
    hand.unanswered(hand.lane(), 1, 120);
    expect(broken(hand, replicas(values("3.0 2.0 0.0 1.0")))).toEqual(["real-time order"]);
  });
});

describe("refused but there", () => {
  it("finds a value whose refusal was certain", () => {
    const hand = quiet();
    hand.refused(hand.history.lanes[1]!, 1, 50);
    expect(broken(hand, replicas([...QUIET, [1, 1]]))).toEqual(["refused but there"]);
  });

  it("keeps silent about a refusal after an unknown outcome", () => {
    const hand = quiet();
    const batch = hand.unanswered(hand.history.lanes[1]!, 1, 50);
    hand.history.ended(batch, "failed");
    expect(broken(hand, replicas([...QUIET, [1, 1]]))).toEqual([]);
  });
});

describe("replicas differ", () => {
  it("finds a replica that has more, and one with another value of unknown outcome", () => {
    const hand = quiet();
    hand.unanswered(hand.history.lanes[0]!, 1, 50);
    hand.unanswered(hand.history.lanes[1]!, 1, 50);
    const more = [replica(1, QUIET), replica(2, [...QUIET, [0, 3]]), replica(3, QUIET)];
    expect(broken(hand, more)).toEqual(["replicas differ"]);
    const other = [replica(1, [...QUIET, [0, 3]]), replica(2, [...QUIET, [1, 1]])];
    expect(broken(hand, other)).toEqual(["replicas differ"]);
  });
});

describe("damaged", () => {
  const run = "cafe";
  const one = (lane: number, counter: number): Buffer => {
    const value = encodeValue(run, { lane, counter }, 10);
    return Buffer.from(encodeBatch([value], 0, NO_PRODUCER));
  };

  it("finds a value that nobody sent, and one in a wrong partition", () => {
    expect(broken(quiet(), replicas([...QUIET, [0, 3]]))).toContain("damaged");
    const hand = quiet();
    hand.unanswered(hand.lane(true, 1), 1, 50);
    expect(broken(hand, [...replicas([...QUIET, [2, 0]]), ...replicas([], 1)])).toContain(
      "damaged",
    );
  });

  it("finds a gap, a wrong checksum, and a value of another run", () => {
    const gap = new ReplicaLog(1, 0);
    const second = one(0, 0);
    second.writeInt32BE(3, 4);
    gap.append(run, second);
    expect(gap.faults[0]).toContain("comes 3");

    const flipped = new ReplicaLog(1, 0);
    const batch = one(0, 0);
    batch[70] = (batch[70] as number) ^ 1;
    flipped.append(run, batch);
    expect(flipped.faults[0]).toContain("checksum");

    const strange = new ReplicaLog(1, 0);
    strange.append("beef", one(0, 0));
    expect(strange.faults[0]).toContain("nobody wrote");
  });

  it("reads a sound batch", () => {
    const log = new ReplicaLog(1, 0);
    expect(log.append(run, one(4, 7))).toBe(true);
    expect([log.lanes, log.counters, log.faults]).toEqual([[4], [7], []]);
  });
});

describe("contradicted", () => {
  it("finds a batch that was promised two offsets", () => {
    const hand = quiet();
    const lane = hand.history.lanes[0]!;
    hand.history.acked(lane, lane.batches[0]!, 9, 60, 70);
    expect(broken(hand, replicas(QUIET))).toEqual(["contradicted"]);
  });
});

describe("served and gone", () => {
  const seen = { partition: 0, broker: 2, baseOffset: 1, crc: 99 };

  it("finds a batch that was served and is another one in the end", () => {
    const hand = quiet();
    hand.history.sawBatch(seen);
    expect(broken(hand, replicas(QUIET))).toEqual(["served and gone"]);
  });

  it("finds two brokers that serve different batches at one offset", () => {
    const hand = quiet();
    const crc = replica(1, QUIET).batches[1]!.crc;
    hand.history.sawBatch({ ...seen, crc });
    expect(broken(hand, replicas(QUIET))).toEqual([]);
    hand.history.sawBatch({ ...seen, broker: 3, crc: crc + 1 });
    expect(broken(hand, replicas(QUIET))).toEqual(["served and gone"]);
  });
});
