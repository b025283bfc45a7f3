// Consumer groups where random histories seldom come: what does not fit into one entry of the log, and what a coordinator
// may keep of groups that are gone.
import { expect, it } from "vitest";
import type {
  ConsumerBeatAnswer,
  GroupFault,
  JoinAnswer,
} from "../../internal/coordinator/group-requests.ts";
import { encodeSubscription } from "../../internal/schema/consumer-protocol.ts";
import { seededEntropy } from "./controller-group.ts";
import { GROUP_SETTINGS, GroupsStage } from "./groups-stage.ts";

const GROUP = "g";
const { entryBytesMax } = GROUP_SETTINGS;

/** One replica that leads, with topic t; all that is asked is committed at once. */
class Corner {
  readonly stage = new GroupsStage(1, seededEntropy(1));

  constructor() {
    this.stage.group.elect(0, 0);
    this.stage.topics.put("t", 4);
  }

  settle(): void {
    for (let turn = 0; turn < 3; turn++) {
      this.stage.clock.endTurn();
      this.stage.group.commit(Number.MAX_SAFE_INTEGER);
    }
  }

  /** What becomes of a wish to delete an offset of a topic. */
  deleteOffset(topic: string): GroupFault | null {
    let fault: GroupFault | null = null;
    this.stage.leader.deleteOffsets(GROUP, [{ topic, partition: 0 }], (outcome) => {
      fault = outcome.ok ? (outcome.value[0] ?? null) : outcome.fault;
    });
    this.settle();
    return fault;
  }

  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 500) {
      this.stage.clock.pass(500);
      this.settle();
    }
  }

  beat(memberId: string, memberEpoch = 0, regex: string | null = null): ConsumerBeatAnswer {
    const isNew = memberEpoch === 0;
    const answers: ConsumerBeatAnswer[] = [];
    this.stage.leader.consumerBeat(
      {
        ...{ group: GROUP, memberId, memberEpoch, instanceId: null, rackId: null, regex },
        ...{ clientId: "c", clientHost: "/h", assignor: null, choosesId: true },
        rebalanceTimeoutMs: isNew ? 20_000 : -1,
        topics: isNew ? ["t"] : null,
        owned: isNew ? [] : null,
      },
      (answer) => answers.push(answer),
    );
    this.settle();
    const [answer] = answers;
    if (answer === undefined) throw new Error("a heartbeat is answered when it is committed");
    return answer;
  }

  /** JoinGroup with so much metadata. Answers come later. */
  join(memberId: string, metadataBytes: number): JoinAnswer[] {
    const answers: JoinAnswer[] = [];
    const userData = new Uint8Array(metadataBytes);
    const metadata = encodeSubscription({ topics: ["t"], userData, ownedPartitions: [] });
    this.stage.leader.join(
      {
        ...{ group: GROUP, memberId, instanceId: null, clientId: "c", clientHost: "/h" },
        ...{ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 20_000, protocolType: "consumer" },
        protocols: [{ name: "range", metadata }],
        requiresMemberId: false,
        knowsSkip: true,
      },
      (answer) => answers.push(answer),
    );
    this.settle();
    return answers;
  }

  /** SyncGroup of the leader, who assigns nothing. */
  sync(memberId: string, generation: number): GroupFault | null {
    let fault: GroupFault | null = "unknown-member";
    this.stage.leader.sync(
      {
        ...{ group: GROUP, memberId, instanceId: null, generation },
        ...{ protocolType: null, protocol: null, assignments: [] },
      },
      (answer) => (fault = answer.fault),
    );
    this.settle();
    return fault;
  }

  get members(): readonly string[] {
    return [...(this.stage.leader.state.row(GROUP)?.consumer?.members.keys() ?? [])];
  }
}

/** A member of the newer protocol and three of the classic one, who as a classic group would not fit into an entry. */
function largeGroup(): { readonly corner: Corner; readonly classic: readonly string[] } {
  const corner = new Corner();
  expect(corner.beat("x").fault).toBe(null);
  const classic = [1, 2, 3].map(() => {
    const [answer] = corner.join("", entryBytesMax * 0.4);
    expect(answer?.fault).toBe(null);
    return answer?.memberId ?? "";
  });
  return { corner, classic };
}

it("lets the last member of the newer protocol leave a group that would be too large as a classic one", () => {
  const { corner, classic } = largeGroup();
  expect(corner.beat("x", -1).fault).toBe(null);
  expect(corner.members).toEqual(classic);
});

it("takes such a member out when it is not heard of any more", () => {
  const { corner, classic } = largeGroup();
  for (let passedMs = 0; passedMs < 60_000; passedMs += 5_000) {
    corner.pass(5_000);
    for (const memberId of classic) corner.join(memberId, entryBytesMax * 0.4);
  }
  expect(corner.members).toEqual(classic);
  corner.pass(60_000);
  expect(corner.members).toEqual([]);
});

it("makes such a group classic when enough members have left", () => {
  const { corner, classic } = largeGroup();
  const [first = "", second = ""] = classic;
  corner.beat("x", -1);
  const members = [first, second].map((memberId) => ({ memberId, instanceId: null }));
  corner.stage.leader.leave({ group: GROUP, members }, () => {});
  corner.settle();
  const described = corner.stage.leader.describe(GROUP);
  expect(described.ok && described.value.members.map(({ memberId }) => memberId)).toEqual([
    classic[2],
  ]);
});

it("leaves a classic group as it is when it would be too large as a consumer group", () => {
  const corner = new Corner();
  const [first] = corner.join("", entryBytesMax * 0.75);
  expect(corner.sync(first?.memberId ?? "", 1)).toBe(null);
  // The second one waits until the first has joined again.
  const second = corner.join("", entryBytesMax * 0.2);
  expect(second).toEqual([]);
  expect(corner.beat("x").fault).toBe("assignment-too-large");
  expect(second).toEqual([]);
  corner.join(first?.memberId ?? "", entryBytesMax * 0.75);
  expect(second.map(({ fault, generation }) => [fault, generation])).toEqual([[null, 2]]);
});

it("watches the members of a classic group that did not become a consumer group after all", () => {
  const corner = new Corner();
  const [first] = corner.join("", 1);
  expect(corner.sync(first?.memberId ?? "", 1)).toBe(null);
  corner.stage.group.refuseNext = "busy";
  expect(corner.beat("x").fault).toBe("coordinator-not-available");
  // Nobody speaks any more.
  corner.pass(30_000);
  expect(corner.stage.leader.state.row(GROUP)?.stored?.members).toEqual([]);
});

it("deletes no offsets as long as it is not known whether an expression matches their topic", () => {
  const corner = new Corner();
  const names = Array.from({ length: 100 }, (_, at) => `${"ab".repeat(100)}-${at}`);
  for (const name of names) corner.stage.topics.put(name, 1);
  const last = names.at(-1) ?? "";
  expect(corner.beat("x", 0, "(a|b){200}-.*").fault).toBe(null);
  const faults: (GroupFault | null)[] = [];
  do faults.push(corner.deleteOffset(last));
  while (faults.at(-1) === "group-not-empty");
  expect(faults.length).toBeGreaterThan(1);
  expect(faults.at(-1)).toBe("subscribed-topic");
  expect(corner.deleteOffset("other")).toBe(null);
});

it("takes silent members out soon after the log has refused the way back to a classic group", () => {
  const corner = new Corner();
  for (const memberId of ["x", "y"]) expect(corner.beat(memberId).fault).toBe(null);
  corner.pass(40_000);
  const [classic] = corner.join("", 1);
  corner.pass(4_500);
  expect(corner.members).toEqual(["x", "y", classic?.memberId]);
  corner.stage.group.refuseNext = "busy";
  // Both sessions end; nothing is written, and it is tried again.
  corner.pass(3_000);
  expect(corner.stage.group.refuseNext).toBe(null);
  expect(corner.members).toEqual([]);
  const described = corner.stage.leader.describe(GROUP);
  expect(described.ok && described.value.members.length).toBe(1);
});
