// The checksum agrees with its check value, and the tables agree with the native routine.
import { crc32c as nativeCrc32c } from "@node-rs/crc32";
import fc from "fast-check";
import { expect, test } from "vitest";
import { crc32c, crc32cByTables, nativeCrc32cLoaded } from "./crc32c.ts";

const CHECK = new TextEncoder().encode("123456789");

test("crc32c of the check text is e3069283, with and without native code", async () => {
  expect(crc32cByTables(CHECK, 0, 9)).toBe(0xe3069283);
  expect(crc32c(CHECK, 0, 9)).toBe(0xe3069283);
  expect(await nativeCrc32cLoaded).toBe(true);
  const long = new Uint8Array(4096 + 9);
  long.set(CHECK, 4096);
  expect(crc32c(long, 0, 4105)).toBe(crc32cByTables(long, 0, 4105));
});

test("crc32c by tables equals the native routine on every range, in one piece and in two", () => {
  const bytes = fc.uint8Array({ maxLength: 2000 });
  fc.assert(
    fc.property(bytes, fc.nat(2000), fc.nat(2000), (content, a, b) => {
      const start = Math.min(a, content.length);
      const end = Math.min(start + b, content.length);
      const middle = (start + end) >>> 1;
      const expected = nativeCrc32c(content.subarray(start, end)) >>> 0;
      expect(crc32cByTables(content, start, end)).toBe(expected);
      expect(crc32c(content, start, end)).toBe(expected);
      const first = crc32cByTables(content, start, middle);
      expect(crc32cByTables(content, middle, end, first)).toBe(expected);
      expect(crc32c(content, middle, end, first)).toBe(expected);
    }),
  );
});
