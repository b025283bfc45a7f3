// Commit and resume: what a member commits is what the coordinator has, and the next member of the group starts exactly there. Under kills
// the first member crashes instead of leaving, and the coordinator dies while the next one comes.
import { eventually } from "../../../jepsen-like/cluster/cluster.ts";
import { same } from "../expect.ts";
import { Feed } from "../feed.ts";
import { Members } from "../members.ts";
import type { Member } from "../members.ts";
import type { Scenario, Stage } from "../scenario.ts";
import { committedBy, createTopic } from "../stored.ts";
import { errorsSeen } from "./group.ts";

const PARTITIONS = 3;
const RECORDS = 600;
const READ_MS_MAX = 60_000;
/** A crashed member is missed after its session, ten seconds. */
const RESUME_MS_MAX = 90_000;

export const resume: Scenario = {
  columns: ["resume", "resume, kills"],
  async run(stage) {
    const { around, name: topic, withKills } = stage;
    await createTopic(around, topic, PARTITIONS);
    const feed = await Feed.open(around.kafka, topic, PARTITIONS);
    const members = new Members(stage, PARTITIONS);
    try {
      await feed.more(RECORDS);
      const first = members.join("first");
      await members.until("half of it read", READ_MS_MAX, () => first.records >= RECORDS / 2);
      if (withKills) await crashAfterCommit(stage, members, first);
      else await members.leave(first);
      const committed = await committedBy(around, members.group, topic);
      compareCommits(first, committed, withKills);
      await feed.more(RECORDS);
      const killed = withKills ? around.faults.killCoordinator(members.group) : Promise.resolve();
      killed.catch(() => {});
      const next = members.join("next");
      await members.until("resumed", RESUME_MS_MAX, () => next.firstRead.size === PARTITIONS);
      await members.until(
        "everything read",
        READ_MS_MAX,
        () => members.consumed.size >= 2 * RECORDS,
      );
      await killed;
      const starts = Array.from({ length: PARTITIONS }, (_, p) => next.firstRead.get(p));
      // Nothing committed means the start of the partition.
      same(
        "offsets where the next member started",
        starts,
        committed.map((offset) => Math.max(offset, 0)),
      );
      await members.leave(next);
      return errorsSeen(members);
    } finally {
      await members.end();
    }
  },
};

/** A crash that comes before the first commit would show nothing. Not every client tells of its commits: the brokers do. */
async function crashAfterCommit({ around, name }: Stage, members: Members, member: Member) {
  await eventually("nothing is committed", READ_MS_MAX, async () => {
    const committed = await committedBy(around, members.group, name);
    if (committed.every((offset) => offset < 0)) throw new Error("no offset");
  });
  await members.crash(member);
}

function compareCommits(member: Member, committed: readonly number[], hasCrashed: boolean): void {
  for (const [partition, offset] of committed.entries()) {
    const told = member.committed.get(partition);
    const read = member.nextRead.get(partition) ?? -1;
    // After a crash the last commit may have succeeded without being told.
    if (told !== undefined && (hasCrashed ? offset < told : offset !== told)) {
      throw new Error(`partition ${partition}: committed ${told}, but the brokers have ${offset}`);
    }
    if (offset > read && !hasCrashed) throw new Error(`committed ${offset}, read up to ${read}`);
    if (!hasCrashed) same(`what partition ${partition} has committed`, offset, read);
  }
}
