import { expect, it } from "vitest";
import { FairQueue } from "./fair-queue.ts";

it("FairQueue: owners take turns, and what one of them brought keeps its order", () => {
  const queue = new FairQueue<string, string>();
  for (const item of ["a1", "a2", "a3", "a4", "b1", "c1", "b2"]) queue.push(item.charAt(0), item);
  const order: string[] = [];
  for (let item = queue.shift(); item !== null; item = queue.shift()) {
    order.push(item);
    // Who comes later waits for one turn of each.
    if (order.length === 2) queue.push("d", "d1");
  }
  expect(order).toEqual(["a1", "b1", "c1", "a2", "b2", "d1", "a3", "a4"]);
  expect(queue.shift()).toBeNull();
});
