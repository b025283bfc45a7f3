import { expect, it } from "vitest";
import { SearchLane } from "./search-lane.ts";

const WAIT_MS = 100;

function lane() {
  const timers = new Set<() => void>();
  const after = (_: number, wake: () => void) => {
    timers.add(wake);
    return () => void timers.delete(wake);
  };
  const expire = (): void => {
    for (const wake of [...timers]) wake();
  };
  return { lane: new SearchLane({ after }, WAIT_MS), timers, expire };
}

const settled = (): Promise<void> => new Promise((next) => setImmediate(next));

it("SearchLane: one at a time, in turns, and not for who is gone", async () => {
  const { lane: searches, timers } = lane();
  const [greedy, modest] = [{}, {}];
  const order: string[] = [];
  const ends: (() => void)[] = [];
  const ask = (name: string, owner: object, isOver = false) =>
    searches.run({ owner, isOver }, async () => {
      order.push(name);
      await new Promise<void>((end) => ends.push(end));
      return name;
    });
  const answers = [
    ask("g1", greedy),
    ask("g2", greedy),
    ask("g3", greedy, true),
    ask("g4", greedy),
  ];
  answers.push(ask("m1", modest));
  for (let round = 0; round < 5; round++) {
    expect(ends.length).toBeLessThanOrEqual(1);
    ends.pop()?.();
    await settled();
  }
  expect(await Promise.all(answers)).toEqual(["g1", "g2", "late", "g4", "m1"]);
  expect(order).toEqual(["g1", "g2", "m1", "g4"]);
  expect(timers.size).toBe(0);
});

it("SearchLane: nobody waits for long for a disk that hangs, and what comes later is looked for when it goes on", async () => {
  const { lane: searches, expire } = lane();
  const asker = { owner: {}, isOver: false };
  let goOn = (): void => {};
  let looked = 0;
  const hung = searches.run(asker, () => new Promise<string>((end) => (goOn = () => end("hung"))));
  const behind = searches.run(asker, async () => `${++looked}`);
  expire();
  expect([await hung, await behind]).toEqual(["late", "late"]);
  const later = searches.run(asker, async () => `${++looked}`);
  goOn();
  expect(await later).toBe("1");
});

it("SearchLane: a search that fails holds nobody up", async () => {
  const { lane: searches } = lane();
  const asker = { owner: {}, isOver: false };
  const broken = searches.run(asker, () => Promise.reject(new Error("broken")));
  const next = searches.run(asker, async () => "found");
  await expect(broken).rejects.toThrow("broken");
  expect(await next).toBe("found");
});
