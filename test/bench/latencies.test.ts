import { expect, test } from "vitest";
import { Latencies } from "./latencies.ts";

test("percentiles are values that were measured, by nearest rank", () => {
  const latencies = new Latencies();
  for (let ms = 100; ms >= 1; ms--) latencies.add(ms);
  expect(latencies.percentiles(50, 99, 99.9)).toEqual([51, 100, 100]);
  expect(new Latencies().percentiles(50)).toEqual([NaN]);
});
