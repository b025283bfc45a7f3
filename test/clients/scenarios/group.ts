// A group of two members that come and go while records keep coming: everybody gets a share, nobody shares a partition, no record is
// missed, and what is committed at the end is the end. Under kills the coordinator dies while the second member joins and
// the leader of a partition dies while both read.
import { setTimeout as pause } from "node:timers/promises";
import { same } from "../expect.ts";
import { Feed } from "../feed.ts";
import { Members } from "../members.ts";
import { errorsRemark } from "../scenario.ts";
import type { Remark, Scenario, Stage } from "../scenario.ts";
import { committedBy, createTopic, endsOf } from "../stored.ts";

const PARTITIONS = 6;
const SETTLE_MS_MAX = 30_000;
const SETTLE_UNDER_KILLS_MS_MAX = 60_000;
const CATCH_UP_MS_MAX = 30_000;
const JOINING_MS = 300;
const QUIET_MS = 1_500;

export const group: Scenario = {
  columns: ["group", "group, kills"],
  async run(stage) {
    const { around, name: topic } = stage;
    await createTopic(around, topic, PARTITIONS);
    const feed = await Feed.open(around.kafka, topic, PARTITIONS);
    const members = new Members(stage, PARTITIONS);
    feed.start();
    try {
      await comeAndGo(stage, members, feed);
      await feed.stop();
      await drain(members, feed.stored);
      for (const member of members.all.slice(0, 1)) await members.leave(member);
    } finally {
      await members.end();
      await feed.stop();
    }
    same("offsets committed at the end", await committedBy(around, members.group, topic), [
      ...(await endsOf(around, topic)),
    ]);
    return errorsSeen(members);
  },
};

async function comeAndGo(stage: Stage, members: Members, feed: Feed): Promise<void> {
  const { around, driver, name: topic, withKills } = stage;
  const settleMs = withKills ? SETTLE_UNDER_KILLS_MS_MAX : SETTLE_MS_MAX;
  members.join("first");
  await members.settle("one member alone", settleMs);
  const second = members.join("second");
  if (withKills) {
    await pause(JOINING_MS);
    await around.faults.killCoordinator(members.group, topic);
  }
  await members.settle("a second member joins", settleMs);
  if (withKills) {
    await around.faults.killLeader(topic);
    await members.settle("a leader died", settleMs);
  }
  if (driver.leavesInQuiet === true) {
    feed.isPaused = true;
    await pause(QUIET_MS);
  }
  await members.leave(second);
  feed.isPaused = false;
  await members.settle("the second member left", settleMs);
}

async function drain(members: Members, count: number): Promise<void> {
  const missing = (): number[] =>
    Array.from({ length: count }, (_, n) => n).filter((n) => !members.consumed.has(`v${n}`));
  await members
    .until("all records consumed", CATCH_UP_MS_MAX, () => members.consumed.size >= count)
    .catch((error: Error) => {
      const which = missing();
      throw new Error(`${which.length} of ${count} missing, first v${which[0]}; ${error.message}`);
    });
  if (missing().length > 0) throw new Error(`never consumed: v${missing()[0]}`);
}

export function errorsSeen(members: Members): Remark[] {
  const errors = members.all.flatMap((member) => member.errors);
  return errors.length === 0 ? [] : [errorsRemark(errors)];
}
