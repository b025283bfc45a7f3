// `node test/bench/assignors.ts`: how long the server-side assignors hold the event loop. The first call counts as much as
// the best of several: a broker assigns seldom, so the code is cold.
import { NO_PARTITIONS } from "../../internal/coordinator/assignment.ts";
import type { AssignableMember, Assignor } from "../../internal/coordinator/assignment.ts";
import { ASSIGNORS } from "../../internal/coordinator/assignors/assignors.ts";
import type { TopicId } from "../../internal/model/ids.ts";

const ROUNDS = 5;

interface Group {
  readonly label: string;
  readonly members: number;
  readonly topics: number;
  readonly partitionsEach: number;
  /** Topics of one member. */
  subscription(member: number): readonly number[];
}

const GROUPS: readonly Group[] = [
  group("100 members, 1,000 partitions", 100, 10, 100, (_member) => upTo(10)),
  group("the same, two subscriptions", 100, 10, 100, (member) => window(member % 2, 4, 6, 10)),
  group("1,000 members, 10,000 partitions", 1_000, 10, 1_000, (_member) => upTo(10)),
  group("the same, ten subscriptions", 1_000, 100, 100, (member) =>
    window(member % 10, 9, 20, 100),
  ),
  group("the same, everybody's differs", 1_000, 100, 100, (member) => scattered(member, 20, 100)),
];

for (const each of GROUPS) measure(each);

function measure(each: Group): void {
  const topicIds = upTo(each.topics).map((at) => `t${String(at).padStart(21, "0")}` as TopicId);
  const topics = topicIds.map((topicId) => ({ topicId, partitions: each.partitionsEach }));
  const fresh = upTo(each.members).map((at): AssignableMember => {
    const places = [...new Set(each.subscription(at))].sort((a, b) => a - b);
    const wanted = places.flatMap((place) => topicIds[place] ?? []);
    const memberId = `member-${String(at).padStart(6, "0")}`;
    return { memberId, rackId: null, instanceId: null, topicIds: wanted, current: NO_PARTITIONS };
  });
  for (const [name, assignor] of ASSIGNORS) {
    const outcome = assignor(fresh, topics);
    const stable = fresh.map((member) => {
      return { ...member, current: outcome.get(member.memberId) ?? NO_PARTITIONS };
    });
    const half = each.members >> 1;
    const halved = assignor(stable.slice(half), topics);
    const joining = stable.map((member) => {
      return { ...member, current: halved.get(member.memberId) ?? NO_PARTITIONS };
    });
    const time = (members: readonly AssignableMember[]) => timed(() => assignor(members, topics));
    const cells = [
      each.label.padEnd(34),
      name.padEnd(8),
      `first ${time(fresh)}`,
      `nothing new ${time(stable)}`,
      `one leaves ${time(stable.slice(1))}`,
      `half leave ${time(stable.slice(half))}`,
      `half come ${time(joining)}`,
      `loads ${spread(assignor, joining, topics)}`,
    ];
    console.log(cells.join(" | "));
  }
}

function timed(call: () => unknown): string {
  const taken = upTo(ROUNDS).map(() => {
    const sinceMs = performance.now();
    call();
    return performance.now() - sinceMs;
  });
  return `${(taken[0] ?? NaN).toFixed(1)} (${Math.min(...taken).toFixed(1)}) ms`;
}

function spread(assignor: Assignor, ...input: Parameters<Assignor>): string {
  const loads = [...assignor(...input).values()].map((assignment) => {
    return [...assignment.values()].reduce((sum, list) => sum + list.length, 0);
  });
  return `${Math.min(...loads)}..${Math.max(...loads)}`;
}

function group(
  label: string,
  members: number,
  topics: number,
  partitionsEach: number,
  subscription: (member: number) => readonly number[],
): Group {
  return { label, members, topics, partitionsEach, subscription };
}

function upTo(count: number): number[] {
  return [...Array(count).keys()];
}

function window(place: number, step: number, length: number, topics: number): number[] {
  return upTo(length).map((at) => (place * step + at) % topics);
}

/** A multiplicative hash is random enough for subscriptions. */
function scattered(member: number, length: number, topics: number): number[] {
  return upTo(length).map(
    (at) => (Math.imul(member * length + at + 1, 0x9e37_79b1) >>> 8) % topics,
  );
}
