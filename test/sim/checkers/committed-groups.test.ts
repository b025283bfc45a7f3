// Histories of consumer groups that are wrong in one place each, and one that is not: the checkers tell them apart.
import { NO_LOG } from "../../../internal/coordinator/group-requests.ts";
import { expect, test } from "vitest";
import type { GroupRecord } from "../../../internal/coordinator/group-records.ts";
import { GroupState } from "../../../internal/coordinator/group-state.ts";
import type { LogIndex } from "../../../internal/model/ids.ts";
import { encodeAssignment } from "../../../internal/schema/consumer-protocol.ts";
import { NO_UNDO } from "../../../internal/statelog/machine.ts";
import { CommittedGroups } from "./committed-groups.ts";
import { Verdict } from "./verdict.ts";

const WHERE = { group: "g", topic: "t", partition: 0 };

/** A replica that applies what it is given. */
class Replica {
  readonly state = new GroupState();
  readonly isSpeculative = false;
  appliedIndex = 0 as LogIndex;
  readonly #name: string;
  readonly #groups: CommittedGroups;

  constructor(name: string, groups: CommittedGroups) {
    this.#name = name;
    this.#groups = groups;
  }

  apply(index: number, ...records: GroupRecord[]): void {
    for (const record of records) this.state.apply(record, NO_UNDO);
    this.tell(index, records);
  }

  tell(index: number, records: readonly GroupRecord[]): void {
    this.appliedIndex = index as LogIndex;
    this.#groups.partition(0).applied(this.#name, this.appliedIndex, records, this);
  }
}

function stage() {
  const verdict = new Verdict();
  const groups = new CommittedGroups(verdict);
  const replica = new Replica("one", groups);
  const send = (tag: string, memberId: string, generation: number) => {
    const commit = { tag, group: "g", memberId, generation, fate: "open", isCommitted: false };
    groups.sent.sent(commit as Parameters<typeof groups.sent.sent>[0]);
    return commit as Parameters<typeof groups.sent.sent>[0];
  };
  return { verdict, groups, replica, send };
}

function offset(value: number, tag: string): GroupRecord {
  const times = { commitMs: 1, expireMs: -1 };
  const committed = { log: NO_LOG, offset: value, leaderEpoch: -1, metadata: tag, ...times };
  return { kind: "offset-set", ...WHERE, committed };
}

/** Member `m<k>` of client `c<k>` owns `owned[k]`. */
function group(generation: number, ...owned: readonly (readonly number[])[]): GroupRecord {
  const members = owned.map((partitions, k) => ({
    memberId: `m${k}`,
    instanceId: null,
    clientId: `c${k}`,
    clientHost: "/h",
    rebalanceTimeoutMs: 1,
    sessionTimeoutMs: 1,
    subscription: new Uint8Array(0),
    assignment: encodeAssignment({
      assignedPartitions: [{ topic: "t", partitions }],
      userData: null,
    }),
  }));
  const facts = { protocolType: "consumer", protocol: "p", leader: "m0", sinceMs: 1 };
  return { kind: "group-set", group: "g", atMs: 1, stored: { ...facts, generation, members } };
}

test("a group that changes hands and commits is as it should be", () => {
  const { verdict, groups, replica, send } = stage();
  const first = send("a", "m0", 1);
  send("b", "m0", 2);
  replica.apply(1, group(1, [0, 1]));
  replica.apply(2, offset(5, "a"));
  groups.sent.acknowledge(first);
  replica.apply(3, group(2, [0], [1]), offset(5, "b"));
  const other = new Replica("two", groups);
  other.apply(1, group(1, [0, 1]));
  other.apply(2, offset(5, "a"));
  groups.tells("one", 0, 1, WHERE, replica.state.row("g")?.offset("t", 0) ?? null);
  groups.tells("one", 0, 0, WHERE, null);
  expect(verdict.findings).toEqual([]);
  expect(groups.generations).toBe(2);
});

test("an offset that goes back", () => {
  const { verdict, replica, send } = stage();
  send("a", "m0", 1);
  send("b", "m0", 1);
  replica.apply(1, group(1, [0]), offset(5, "a"), offset(4, "b"));
  expect(verdict.broken).toEqual(["committed offsets never go back"]);
});

test("commits of an earlier generation, of a stranger, and of nobody while there are members", () => {
  for (const [memberId, generation] of [
    ["m0", 1],
    ["m1", 2],
    ["", -1],
  ] as const) {
    const { verdict, replica, send } = stage();
    send("a", memberId, generation);
    replica.apply(1, group(2, [0]), offset(5, "a"));
    expect(verdict.broken).toEqual(["commits of earlier generations are refused"]);
  }
});

test("a commit that was acknowledged before it is committed, and one that was refused and is", () => {
  const { verdict, groups, replica, send } = stage();
  groups.sent.acknowledge(send("a", "", -1));
  expect(verdict.broken).toEqual(["acknowledged commits are committed"]);
  groups.sent.refuse(send("b", "", -1));
  replica.apply(1, offset(5, "b"));
  expect(verdict.broken).toContain("refused commits do not appear");
});

test("a generation that goes back, and one with two owners of a partition", () => {
  const { verdict, replica } = stage();
  replica.apply(1, group(2, [0]));
  replica.apply(2, group(1, [0]));
  expect(verdict.broken).toEqual(["generations never go back"]);
  replica.apply(3, group(3, [0], [1]));
  replica.apply(4, group(3, [1], [0]));
  expect(verdict.broken).toContain("one owner per partition and generation");
});

test("a replica that applies something else, and one that holds something else", () => {
  const { verdict, groups, replica, send } = stage();
  send("a", "", -1);
  send("b", "", -1);
  replica.apply(1, offset(5, "a"));
  const other = new Replica("two", groups);
  other.apply(1, offset(5, "b"));
  expect(verdict.broken).toEqual(["coordinators hold what is committed"]);
  const third = new Replica("three", groups);
  const before = verdict.findings.length;
  third.tell(1, [offset(5, "a")]);
  expect(verdict.findings.length).toBe(before + 1);
});

test("an offset that is told and was not committed any more when it was asked for", () => {
  const { verdict, groups, replica, send } = stage();
  send("a", "", -1);
  send("b", "", -1);
  replica.apply(1, offset(5, "a"));
  const old = replica.state.row("g")?.offset("t", 0) ?? null;
  replica.apply(2, offset(6, "b"));
  groups.tells("one", 0, 1, WHERE, old);
  expect(verdict.findings).toEqual([]);
  groups.tells("one", 0, 2, WHERE, old);
  expect(verdict.broken).toEqual(["committed offsets are told"]);
});
