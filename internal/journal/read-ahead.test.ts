import { expect, test } from "vitest";
import { failed, ok } from "../base/result.ts";
import { ReadAhead } from "./read-ahead.ts";
import type { FileReader } from "./read-ahead.ts";

const KIB = 1024;

/** A file whose every byte tells its place, and the reads that it has seen. */
class File implements FileReader {
  readonly path = "f";
  position = 1024 * KIB;
  readonly reads: [number, number][] = [];
  readonly content = Uint8Array.from({ length: 1024 * KIB }, (_, at) => (at * 7 + (at >> 9)) & 255);
  /** Reads that touch this byte fail. */
  badAt = -1;

  async read(_path: string, start: number, into: Uint8Array) {
    this.reads.push([start, into.length]);
    if (this.badAt >= start && this.badAt < start + into.length) {
      return failed({ code: "EIO", path: "f", operation: "read" } as never);
    }
    const part = this.content.subarray(start, start + into.length);
    into.set(part);
    return ok(part.length);
  }

  part(start: number, length: number) {
    return ok(this.content.slice(start, start + length));
  }
}

test("small reads in order cost one read of the file for each piece", async () => {
  const file = new File();
  const ahead = new ReadAhead(file);
  for (let start = 0; start < 512 * KIB; start += 100) {
    expect(await ahead.read(file, start, 100)).toEqual(file.part(start, 100));
  }
  expect(file.reads.length).toBeLessThanOrEqual(5);
});

test("readers of sixteen places do not take each other's pieces away", async () => {
  const file = new File();
  const ahead = new ReadAhead(file);
  for (let step = 0; step < 50; step++) {
    for (let reader = 0; reader < 16; reader++) {
      const start = reader * 60 * KIB + step * 200;
      expect(await ahead.read(file, start, 200)).toEqual(file.part(start, 200));
    }
  }
  expect(file.reads.length).toBeLessThanOrEqual(16);
});

test("a large read is its own, and nothing is read beyond the written part", async () => {
  const file = new File();
  file.position = 200 * KIB;
  const ahead = new ReadAhead(file);
  expect(await ahead.read(file, 0, 17 * KIB)).toEqual(file.part(0, 17 * KIB));
  expect(await ahead.read(file, 150 * KIB, 10)).toEqual(file.part(150 * KIB, 10));
  expect(file.reads).toEqual([
    [0, 17 * KIB],
    [150 * KIB, 50 * KIB],
  ]);
});

test("a bad sector further on does not spoil what lies before it", async () => {
  const file = new File();
  file.badAt = 50 * KIB;
  const ahead = new ReadAhead(file);
  expect(await ahead.read(file, 0, 100)).toEqual(file.part(0, 100));
  expect(await ahead.read(file, 50 * KIB, 100)).toMatchObject({ ok: false });
});

test("asking for the bytes of now passes by what was read before", async () => {
  const file = new File();
  const ahead = new ReadAhead(file);
  await ahead.read(file, 0, 100);
  file.content[130] = 1 + file.content[130]!;
  const before = await ahead.read(file, 100, 100);
  expect(before).not.toEqual(file.part(100, 100));
  expect(await ahead.readNow(file, 100, 100)).toEqual(file.part(100, 100));
});

test("another file under the same path is another file", async () => {
  const old = new File();
  const ahead = new ReadAhead(old);
  await ahead.read(old, 0, 100);
  old.content.fill(9);
  const slot = { path: old.path, position: old.position };
  expect(await ahead.read(slot, 0, 100)).toEqual(ok(new Uint8Array(100).fill(9)));
  ahead.forget(old);
  expect(await ahead.read(old, 0, 100)).toEqual(ok(new Uint8Array(100).fill(9)));
});
