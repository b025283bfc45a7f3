import { describe, expect, it } from "vitest";
import { ByteReader, ByteWriter, MalformedAnswer } from "./bytes.ts";
import { crc32c } from "./crc32c.ts";
import { encodeBatch, readBatches, readValues } from "./record-batch.ts";
import { API_VERSIONS, encodeRequest, METADATA } from "./requests.ts";

// Bytes of Kafka's protocol that were made by hand from its published description.
const TWO_RECORDS =
  "000000000000000000000048ffffffff02601d12660000000000010000018bcfe568000000018bcfe56805" +
  "ffffffffffffffffffffffffffff000000021a000000026b047631020268027810000a020104763200";

describe("crc32c", () => {
  it("gives the check value of Castagnoli's polynomial", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
  });
});

describe("bytes", () => {
  it("reads what it wrote, at the edges of every type", () => {
    const into = new ByteWriter(1);
    for (const value of [0, 1, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53 - 1)]) {
      into.int64(value);
    }
    for (const value of [0, 127, 128, 300, 2 ** 32 - 1]) into.uvarint(value);
    for (const value of [0, -1, 63, -64, 64, 2 ** 31 - 1, -(2 ** 31)]) into.varint(value);
    into
      .string(null)
      .string("")
      .string("über")
      .bytes(Buffer.from([1, 2]));
    const from = new ByteReader(into.view);
    const numbers = [1, 2, 3, 4, 5, 6, 7].map(() => from.int64());
    expect(numbers).toEqual([0, 1, -1, 2 ** 31, -(2 ** 31) - 1, 2 ** 53 - 1, -(2 ** 53 - 1)]);
    expect([1, 2, 3, 4, 5].map(() => from.uvarint())).toEqual([0, 127, 128, 300, 2 ** 32 - 1]);
    const varints = [1, 2, 3, 4, 5, 6, 7].map(() => from.varint());
    expect(varints).toEqual([0, -1, 63, -64, 64, 2 ** 31 - 1, -(2 ** 31)]);
    expect([from.string(), from.string(), from.string()]).toEqual([null, "", "über"]);
    expect(from.bytes()).toEqual(Buffer.from([1, 2]));
    expect(from.remaining).toBe(0);
  });

  it("complains about an answer that is too short instead of guessing", () => {
    expect(() => new ByteReader(Buffer.from([0, 0])).int32()).toThrow(MalformedAnswer);
    expect(() => new ByteReader(Buffer.from([5, 1])).array(() => 0)).toThrow(MalformedAnswer);
  });
});

describe("requests", () => {
  it("writes an ApiVersions request as the protocol describes it", () => {
    const bytes = encodeRequest(API_VERSIONS, 1, "rdkafka", null);
    const expected =
      "0012000300000001000772646b61666b6100" + "0f666c6f74696c6c612d6368616f73" + "023100";
    expect(bytes.readInt32BE(0)).toBe(bytes.length - 4);
    expect(bytes.subarray(4).toString("hex")).toBe(expected);
  });

  it("reads a metadata answer", () => {
    const into = new ByteWriter();
    into.int32(0);
    into.array([1, 2], (id) => into.int32(id).string("h").int32(9092).string(null).tags());
    into.string("cluster").int32(2);
    into.array(["t"], (name) => {
      into.int16(0).string(name).bool(false);
      into.array([0], (partition) => {
        into.int16(0).int32(partition).int32(2).int32(7);
        for (const list of [[1, 2], [2], []]) into.array(list, (id) => into.int32(id));
        into.tags();
      });
      into.int32(0).tags();
    });
    into.int32(0).tags();
    const read = METADATA.read(new ByteReader(into.view));
    expect(read.brokers.map(({ id }) => id)).toEqual([1, 2]);
    expect(read.topics[0]?.partitions[0]).toEqual({
      ...{ code: 0, partition: 0, leader: 2, leaderEpoch: 7 },
      ...{ replicas: [1, 2], isr: [2] },
    });
  });
});

describe("record batches", () => {
  it("reads a batch that another program made", () => {
    const [found] = [...readBatches(Buffer.from(TWO_RECORDS, "hex"))];
    expect(found?.[0]).toMatchObject({ baseOffset: 0, bytes: 84, recordCount: 2, producerId: -1 });
    const values = found === undefined ? [] : readValues(...found);
    expect(values.map(({ offset, value }) => [offset, String(value)])).toEqual([
      [0, "v1"],
      [1, "v2"],
    ]);
  });

  it.each(["none", "gzip"] as const)("reads its own batches, %s", (codec) => {
    const values = [Buffer.from("one"), Buffer.alloc(300, "x")];
    const batch = encodeBatch(
      values,
      1_700_000_000_000,
      { id: 9, epoch: 1, baseSequence: 5 },
      codec,
    );
    const [found] = [...readBatches(batch)];
    expect(found?.[0]).toMatchObject({ producerId: 9, producerEpoch: 1, baseSequence: 5 });
    const read = found === undefined ? [] : readValues(...found);
    expect(read.map(({ value }) => value)).toEqual(values);
  });

  it("notices any flipped bit that the checksum covers", () => {
    const batch = Buffer.from(TWO_RECORDS, "hex");
    for (let at = 17; at < batch.length; at++) {
      const damaged = Buffer.from(batch);
      damaged[at] = (damaged[at] as number) ^ 0x10;
      expect(() => [...readBatches(damaged)]).toThrow(MalformedAnswer);
    }
  });

  it("leaves a batch that was cut off alone", () => {
    const batch = Buffer.from(TWO_RECORDS, "hex");
    expect([...readBatches(Buffer.concat([batch, batch.subarray(0, 70)]))]).toHaveLength(1);
  });
});
