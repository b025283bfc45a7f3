import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { decodeAssignment, encodeAssignment, encodeSubscription } from "./consumer-blobs.ts";
import {
  CONSUMER_GROUP_HEARTBEAT,
  JOIN_GROUP,
  LEAVE_GROUP,
  OFFSET_COMMIT,
  OFFSET_FETCH,
} from "./member-requests.ts";
import type { Api } from "./requests.ts";

// Bytes that were made by hand from the published schemas.
const TOPIC_ID = "00112233445566778899aabbccddeeff";

function written<Q>(api: Api<Q, unknown>, question: Q): string {
  const into = new ByteWriter();
  api.write(into, question);
  return into.view.toString("hex");
}

function read<A>(api: Api<never, A>, hex: string): { answer: A; left: number } {
  const from = new ByteReader(Buffer.from(hex, "hex"));
  return { answer: api.read(from), left: from.remaining };
}

describe("the blobs of consumers", () => {
  it("are those of version 0 of the consumer protocol", () => {
    expect(encodeSubscription("t").toString("hex")).toBe("000000000001000174ffffffff");
    const bytes = encodeAssignment("t", [3, 1]);
    expect(bytes.toString("hex")).toBe("000000000001000174000000020000000300000001ffffffff");
    expect(decodeAssignment(bytes, "t")).toEqual([3, 1]);
    expect(decodeAssignment(bytes, "u")).toEqual([]);
    expect(decodeAssignment(Buffer.alloc(0), "t")).toEqual([]);
  });
});

describe("requests of members", () => {
  it("join, leave and commit as the schemas say", () => {
    const join = {
      ...{ group: "g", sessionTimeoutMs: 1, rebalanceTimeoutMs: 2, memberId: "" },
      ...{ instanceId: null, protocol: "p", metadata: Buffer.from([7]) },
    };
    expect(written(JOIN_GROUP, join)).toBe(
      "0267" +
        "00000001" +
        "00000002" +
        "01" +
        "00" +
        "09636f6e73756d6572" +
        "02" +
        "02700207" +
        "00" +
        "00" +
        "00",
    );
    const claim = { group: "g", memberId: "m", instanceId: "i", generation: 3 };
    expect(written(LEAVE_GROUP, claim)).toBe("0267" + "02" + "026d" + "0269" + "00" + "00" + "00");
    const commit = { ...claim, topic: "t", offsets: [{ partition: 5, offset: 9 }] };
    expect(written(OFFSET_COMMIT, commit)).toBe(
      "0267" +
        "00000003" +
        "026d" +
        "0269" +
        "020274" +
        "02" +
        "00000005" +
        "0000000000000009" +
        "ffffffff" +
        "01" +
        "00" +
        "00" +
        "00",
    );
  });

  it("heartbeat in the new protocol, in full and with nothing new", () => {
    const claim = { group: "g", memberId: "m", instanceId: null, generation: 0 };
    const owned = [{ topicId: TOPIC_ID, partitions: [1] }];
    expect(
      written(CONSUMER_GROUP_HEARTBEAT, {
        ...{ ...claim, rebalanceTimeoutMs: 256, topics: ["t"], owned },
      }),
    ).toBe(
      "0267" +
        "026d" +
        "00000000" +
        "00" +
        "00" +
        "00000100" +
        "020274" +
        "00" +
        "00" +
        `02${TOPIC_ID}0200000001` +
        "00" +
        "00",
    );
    expect(
      written(CONSUMER_GROUP_HEARTBEAT, {
        ...{ ...claim, generation: 2, rebalanceTimeoutMs: null, topics: null, owned: null },
      }),
    ).toBe(
      "0267" + "026d" + "00000002" + "00" + "00" + "ffffffff" + "00" + "00" + "00" + "00" + "00",
    );
  });

  it("read an assignment, and the absence of one", () => {
    const head = "00000000" + "0000" + "00" + "026d" + "00000004" + "00000190";
    const given = read(CONSUMER_GROUP_HEARTBEAT, `${head}0102${TOPIC_ID}030000000000000005000000`);
    expect(given.left).toBe(0);
    expect(given.answer.epoch).toBe(4);
    expect(given.answer.assignment).toEqual([{ topicId: TOPIC_ID, partitions: [0, 5] }]);
    const unchanged = read(CONSUMER_GROUP_HEARTBEAT, `${head}ff00`);
    expect(unchanged).toMatchObject({ left: 0, answer: { assignment: null, intervalMs: 400 } });
  });

  it("read committed offsets of a group", () => {
    const hex =
      "00000000" +
      "02" +
      "0267" +
      "02" +
      "0274" +
      "02" +
      "00000005" +
      "ffffffffffffffff" +
      "ffffffff" +
      "01" +
      "0000" +
      "00" +
      "00" +
      "0000" +
      "00" +
      "00";
    expect(read(OFFSET_FETCH, hex)).toEqual({
      left: 0,
      answer: { code: 0, offsets: [{ partition: 5, code: 0, offset: -1 }] },
    });
  });
});
