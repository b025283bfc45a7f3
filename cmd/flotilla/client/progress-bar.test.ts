import { expect, it } from "vitest";
import { grouped, progressLine } from "./progress-bar.ts";

it("shows how much is done, how fast, and how long the rest takes", () => {
  expect(progressLine(2_500, 10_000, "records", 1_000)).toBe(
    "[########----------------------]  25 %  2,500 of 10,000 records  2,500 records/s  3 s left",
  );
});

it("is full at the end, and promises nothing any more", () => {
  expect(progressLine(10, 10, "records", 5_000)).toBe(
    "[##############################] 100 %  10 of 10 records  2 records/s",
  );
});

it("counts where nobody knows how much there is", () => {
  expect(progressLine(1_234_567, null, "records", 1_000)).toBe(
    "1,234,567 records  1,234,567 records/s",
  );
});

it("groups digits from the right", () => {
  expect([1, 12, 123, 1_234, 123_456, 1_234_567].map(grouped)).toEqual([
    "1",
    "12",
    "123",
    "1,234",
    "123,456",
    "1,234,567",
  ]);
});
