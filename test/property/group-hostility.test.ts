// What a stranger may say to a group's coordinator without harm: texts and numbers at the edges of what the wire carries,
// and requests whose records the log refuses in an unlucky moment.
import { NO_LOG } from "../../internal/coordinator/group-requests.ts";
import { expect, test } from "vitest";
import type {
  GroupFault,
  JoinAnswer,
  JoinRequest,
} from "../../internal/coordinator/group-requests.ts";
import { encodeSubscription } from "../../internal/schema/consumer-protocol.ts";
import { seededEntropy } from "./controller-group.ts";
import { GroupsStage } from "./groups-stage.ts";

const NOTHING = new Uint8Array(0);

function newStage(): GroupsStage {
  const stage = new GroupsStage(1, seededEntropy(7), {}, { entryBytesMax: 1_000_000 });
  stage.group.elect(0, 0);
  return stage;
}

/** Ends the turn, with everything committed. */
function settle({ clock, group }: GroupsStage): void {
  for (let turns = 0; turns < 3; turns++) {
    clock.endTurn();
    group.commit(group.tailLength);
  }
}

/** Without an end of the turn. */
function start(stage: GroupsStage, request: Partial<JoinRequest>): { answer: JoinAnswer | null } {
  const outcome: { answer: JoinAnswer | null } = { answer: null };
  stage.leader.join(
    {
      group: "g",
      memberId: "",
      instanceId: null,
      clientId: "c",
      clientHost: "/h",
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 30_000,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: NOTHING }],
      requiresMemberId: false,
      knowsSkip: true,
      ...request,
    },
    (answer) => (outcome.answer = answer),
  );
  return outcome;
}

function asked(stage: GroupsStage, request: Partial<JoinRequest>): { answer: JoinAnswer | null } {
  const outcome = start(stage, request);
  settle(stage);
  return outcome;
}

function synced(
  stage: GroupsStage,
  { memberId, generation }: JoinAnswer,
  instanceId: string | null = null,
): GroupFault | null {
  let fault: GroupFault | null | undefined;
  const claim = { group: "g", memberId, generation, instanceId };
  const request = { ...claim, protocolType: null, protocol: null, assignments: [] };
  stage.leader.sync(request, (answer) => (fault = answer.fault));
  settle(stage);
  expect(fault).not.toBe(undefined);
  return fault ?? null;
}

test("an expiry beyond all time is the end of time", () => {
  const stage = newStage();
  const claim = { group: "g", memberId: "", instanceId: null, generation: -1 };
  const offsets = [
    { topic: "t", partition: 0, log: NO_LOG, offset: 5, leaderEpoch: -1, metadata: "" },
  ];
  let fault: GroupFault | null | undefined;
  stage.leader.commit({ ...claim, retentionMs: Number.MAX_SAFE_INTEGER, offsets }, (outcome) => {
    fault = outcome;
  });
  settle(stage);
  expect(fault).toBe(null);
  expect(stage.leader.state.row("g")?.offset("t", 0)?.offset).toBe(5);
});

test("a client's name that grows when it is stored is refused", () => {
  const stage = newStage();
  // What 32,767 bytes that are no text become: three bytes each.
  const { answer } = asked(stage, { clientId: "\ufffd".repeat(32_767) });
  if (answer?.fault === null) expect(synced(stage, answer)).toBe(null);
  expect(answer?.fault).toBe("invalid-request");
});

test("an id that no record can hold does not get into a consumer group", () => {
  const stage = newStage();
  stage.topics.put("t", 1);
  let epoch = 0;
  const place = { group: "g", memberId: "m", instanceId: null, rackId: null };
  const from = { clientId: "c", clientHost: "/h", rebalanceTimeoutMs: 30_000 };
  const reads = { topics: ["t"], regex: null, assignor: null, owned: [], choosesId: true };
  stage.leader.consumerBeat({ ...place, ...from, ...reads, memberEpoch: 0 }, (answer) => {
    epoch = answer.memberEpoch;
  });
  settle(stage);
  expect(epoch).toBe(1);
  const metadata = encodeSubscription({ topics: ["t"], userData: null }, 0);
  const { answer } = asked(stage, {
    memberId: "x".repeat(40_000),
    protocols: [{ name: "range", metadata }],
  });
  expect(answer?.fault).toBe("unknown-member");
});

test("of ids that were given out and never used, only the newest are remembered", () => {
  const stage = newStage();
  stage.settings.membersMax = 3;
  const ids = Array.from({ length: 5 }, () => {
    const { answer } = asked(stage, { requiresMemberId: true });
    expect(answer?.fault).toBe("member-id-required");
    return answer?.memberId ?? "";
  });
  const faults = ids.map((memberId) => start(stage, { memberId, requiresMemberId: true }));
  settle(stage);
  const given = faults.map(({ answer }) => answer?.fault);
  expect(given).toEqual(["unknown-member", "unknown-member", null, null, null]);
});

test("a member whose new protocols were not stored still agrees with who joined meanwhile", () => {
  const stage = newStage();
  const instance = { instanceId: "i", sessionTimeoutMs: 60_000 };
  const first = asked(stage, instance).answer;
  expect(first && synced(stage, first, "i")).toBe(null);
  const protocols = ["range", "rr"].map((name) => ({ name, metadata: NOTHING }));
  // The static member comes back and speaks more than it did; before that is refused, another joins with what is new.
  stage.group.refuseNext = "storage-full";
  const again = start(stage, { ...instance, protocols });
  const other = start(stage, { protocols: protocols.slice(1) });
  settle(stage);
  stage.clock.pass(61_000);
  settle(stage);
  expect(again.answer?.fault).toBe("coordinator-not-available");
  expect(other.answer?.fault).toBe(null);
});

test("the look for expired offsets takes no room from requests, however many groups there are", () => {
  const stage = newStage();
  const claim = { memberId: "", instanceId: null, generation: -1, retentionMs: -1 };
  const offsets = [
    { topic: "t", partition: 0, log: NO_LOG, offset: 5, leaderEpoch: -1, metadata: "" },
  ];
  stage.groupsMax = 20_000;
  for (let made = 0; made < 11_000; made++) {
    stage.leader.commit({ ...claim, group: `g${made}`, offsets }, () => {});
    if (made % 500 === 499) settle(stage);
  }
  stage.clock.pass(598_000);
  settle(stage);
  // While the answer to one commit is slow, ten minutes are over.
  stage.leader.commit({ ...claim, group: "g0", offsets }, () => {});
  stage.clock.pass(4_000);
  let refused: GroupFault | null = null;
  stage.leader.fetch("g1", null, (outcome) => {
    if (!outcome.ok) refused = outcome.fault;
  });
  settle(stage);
  expect(refused).toBe(null);
  expect(stage.leader.state.rows.size).toBe(11_000);
});

test("what a group never committed is not deleted", () => {
  const stage = newStage();
  asked(stage, { requiresMemberId: true });
  const before = stage.group.committed.length;
  let outcome: unknown = null;
  stage.leader.deleteOffsets("g", [{ topic: "t", partition: 0 }], (told) => (outcome = told));
  settle(stage);
  expect(outcome).toEqual({ ok: true, value: [null] });
  expect(stage.group.committed.length).toBe(before);
});

test("an id that begins with a long name is text, so the client can say it again", () => {
  const stage = newStage();
  const clientId = `${"x".repeat(254)}\u{1f600}`;
  const { answer } = asked(stage, { clientId, requiresMemberId: true });
  expect(answer?.memberId).toMatch(/^x{254}\ufffd-/);
});
