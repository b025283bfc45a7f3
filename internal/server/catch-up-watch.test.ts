import { expect, test } from "vitest";
import type { LeaderTable } from "../cluster/leaders.ts";
import type { BrokerId, DirectoryId } from "../model/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import { CatchUpWatch } from "./catch-up-watch.ts";

test("a disk is trusted again only when every replica that is placed on it is there to have recalled (D3)", () => {
  const timers: (() => void)[] = [];
  const clock = { upMs: () => 0, after: (_: number, wake: () => void) => timers.push(wake) };
  let isVouchedFor = false;
  const raft = { replicas: () => [].values(), vouch: () => (isVouchedFor = true) };
  const hosted = { isDone: false, topics: () => [] };
  const watch = new CatchUpWatch(
    { broker: 1 as BrokerId, directory: "a" as DirectoryId },
    clock as unknown as Clock,
    raft as unknown as MultiRaft,
    null as unknown as LeaderTable,
    hosted,
  );
  watch.start();
  timers.shift()?.();
  expect([watch.hasCaughtUp, isVouchedFor]).toEqual([false, false]);
  hosted.isDone = true;
  for (let looks = 0; looks < 2; looks++) timers.shift()?.();
  expect([watch.hasCaughtUp, isVouchedFor]).toEqual([true, true]);
});
