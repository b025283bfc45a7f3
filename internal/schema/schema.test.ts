// The notation: what it parses to, what its mistakes cost, and what a version makes of it.
import { describe, expect, test } from "vitest";
import { fromHex, toHex } from "../bytes/hex.ts";
import { decodeAssignment, decodeSubscription } from "./consumer-protocol.ts";
import { encodeAssignment, encodeSubscription } from "./consumer-protocol.ts";
import { Message } from "./message.ts";
import type { Draft } from "./message.ts";
import { parseFields } from "./parse.ts";
import { renderTypes } from "./render-types.ts";

const TEXT = `count i32=-1@2+, name str?(3+), ids[]?(1+) i64, flag bool=true@1-3#0,
  inner?{a i8@≤1, b uuid@2}, items[]=[]{}`;

test("parseFields reads every suffix of the notation", () => {
  const [count, name, ids, flag, inner, items] = parseFields(TEXT);
  expect(count).toMatchObject({ name: "count", type: "i32", initial: -1, versions: { from: 2 } });
  expect(name).toMatchObject({ type: "str", nullable: { from: 3 }, initial: undefined, tag: null });
  expect(ids).toMatchObject({ isArray: true, type: "i64", nullable: { from: 1 } });
  expect(flag).toMatchObject({ initial: true, versions: { from: 1, last: 3 }, tag: 0 });
  expect(inner).toMatchObject({ type: "struct", isArray: false, nullable: { from: 0 } });
  expect(inner?.fields[0]).toMatchObject({ name: "a", versions: { from: 0, last: 1 } });
  expect(inner?.fields[1]).toMatchObject({ name: "b", versions: { from: 2, last: 2 } });
  expect(items).toMatchObject({ isArray: true, initial: [], fields: [] });
});

test.each(["a", "a i33", "a i32 b i32", "a{b i32", "a i32=x", "a str?(1", "1 i32"])(
  "parseFields throws on the mistake in %j",
  (text) => {
    expect(() => parseFields(text)).toThrow();
  },
);

test("renderTypes makes defaults optional where brokers write and keeps names apart", () => {
  const fields = parseFields("n i32=0, a{x{y str?}}, topicId uuid, r records?, x[]{z bool}");
  expect(renderTypes("M", fields, "broker")).toBe(`export interface M {
  readonly n?: number;
  readonly a: MA;
  readonly topicId: TopicId;
  readonly r: LentRecords | null;
  readonly x: readonly MX[];
}

export interface MA {
  readonly x: MAX;
}

export interface MAX {
  readonly y: string | null;
}

export interface MX {
  readonly z: boolean;
}
`);
});

interface Sample {
  readonly id: number;
  readonly note?: string | null;
  readonly extra?: number;
  readonly more?: { readonly deep: boolean };
  readonly list: readonly number[] | null;
}

describe("a message", () => {
  const message = new Message<Sample>({
    name: "Sample",
    flexibleFrom: 2,
    fields: "id i32, note str?=null@1+, extra i64=-1@2+#3, more@2+#5{deep bool}, list[]?(1+) i16",
  });
  const encoded = (version: number, value: Draft<Sample>) => {
    const bytes = message.encode(version, value);
    return bytes.ok ? toHex(bytes.value) : bytes.fault.kind;
  };

  test("has the fields and the format of its version", () => {
    const value = { id: 1, note: "n", extra: 5, more: { deep: true }, list: [2] };
    expect(encoded(0, value)).toBe("00000001000000010002");
    expect(encoded(1, value)).toBe("0000000100016e000000010002");
    expect(encoded(2, value)).toBe(
      "00000001026e020002" + "02" + "0308" + "0000000000000005" + "05020100",
    );
  });

  test("leaves tags out that hold their default, and takes defaults for what is missing", () => {
    expect(encoded(2, { id: 1, extra: -1, more: { deep: false } })).toBe(
      "00000001" + "00" + "00" + "00",
    );
    expect(encoded(2, { id: 1, list: [] })).toBe("00000001" + "00" + "01" + "00");
    const back = message.decode(fromHex("00000001000000"), 2);
    expect(back.ok && back.value).toEqual({
      id: 1,
      note: null,
      extra: -1,
      more: { deep: false },
      list: null,
    });
  });

  test("writes an empty value for a null that the version does not have", () => {
    expect(encoded(0, { id: 1, list: null })).toBe("0000000100000000");
    expect(encoded(1, { id: 1, list: null })).toBe("00000001ffffffffffff");
    expect(message.decode(fromHex("00000001ffffffff"), 0)).toMatchObject({
      fault: { kind: "bad-null" },
    });
  });
});

describe("the consumer protocol", () => {
  const ownedPartitions = [{ topic: "a", partitions: [0, 1] }];

  test("comes back in every version, with defaults for what the version lacks", () => {
    const value = {
      topics: ["a", "b"],
      userData: null,
      ownedPartitions,
      generationId: 4,
      rackId: "r",
    };
    expect(decodeSubscription(encodeSubscription(value))).toEqual({ ok: true, value });
    const old = decodeSubscription(encodeSubscription(value, 0));
    expect(old).toEqual({
      ok: true,
      value: { ...value, ownedPartitions: [], generationId: -1, rackId: null },
    });
    const assignment = { assignedPartitions: ownedPartitions, userData: Uint8Array.of(1) };
    expect(decodeAssignment(encodeAssignment(assignment, 1))).toEqual({
      ok: true,
      value: assignment,
    });
  });

  test("of a newer version is read as the newest known, of a negative one refused", () => {
    const newer = encodeSubscription({ topics: ["a"], userData: null });
    newer[1] = 9;
    expect(decodeSubscription(newer)).toMatchObject({ ok: true, value: { topics: ["a"] } });
    newer[0] = 0xff;
    expect(decodeSubscription(newer).ok).toBe(false);
  });
});
