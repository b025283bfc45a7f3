// The contract of consumer groups, as front ends rely on it.
import { beforeEach, describe, expect, test } from "vitest";
import type { TopicId } from "../../internal/model/ids.ts";
import type {
  ConsumerBeatAnswer,
  ConsumerBeatRequest,
  FetchedOffset,
  GroupFault,
  GroupService,
  JoinAnswer,
  JoinRequest,
  OffsetToCommit,
} from "../../internal/service/group-service.ts";
import { PARTITIONS } from "./service-stages.ts";
import type { ServiceStage } from "./service-stages.ts";

const SETTLED_MS = 100;
/** A classic group waits so long for more members at first. */
const REBALANCED_MS = 5_000;
const METADATA = new Uint8Array([1, 2]);
const NOBODY = { memberId: "", instanceId: null, generation: -1 };
const UNKNOWN_ID = `${"B".repeat(21)}A` as TopicId;

export function describeGroupService(name: string, open: () => Promise<ServiceStage>): void {
  describe(`group service of ${name}`, () => {
    let stage: ServiceStage;
    let groups: GroupService;

    beforeEach(async () => {
      stage = await open();
      ({ groups } = stage);
    });

    /** What `ask` is answered, which must be once. */
    async function answerOf<T>(
      ask: (done: (answer: T) => void) => void,
      waitMs = SETTLED_MS,
    ): Promise<T> {
      const answers: T[] = [];
      ask((answer) => answers.push(answer));
      await stage.runForMs(waitMs);
      expect(answers).toHaveLength(1);
      return answers[0] as T;
    }

    function join(group: string, more: Partial<JoinRequest> = {}): Promise<JoinAnswer> {
      const request: JoinRequest = {
        group,
        memberId: "",
        instanceId: null,
        clientId: "c",
        clientHost: "h",
        sessionTimeoutMs: 30_000,
        rebalanceTimeoutMs: 30_000,
        protocolType: "consumer",
        protocols: [{ name: "range", metadata: METADATA }],
        requiresMemberId: false,
        knowsSkip: false,
        ...more,
      };
      return answerOf((done) => groups.join(request, done), REBALANCED_MS);
    }

    /** A stable group of one classic member, whose id is the answer. */
    async function stableGroup(group: string): Promise<string> {
      const { fault, memberId, generation } = await join(group);
      expect([fault, generation]).toEqual([null, 1]);
      const assignments = [{ memberId, assignment: new Uint8Array([7]) }];
      const who = { group, memberId, instanceId: null, generation };
      const synced = await answerOf<{ fault: GroupFault | null; assignment: Uint8Array }>((done) =>
        groups.sync({ ...who, protocolType: null, protocol: null, assignments }, done),
      );
      expect([synced.fault, ...synced.assignment]).toEqual([null, 7]);
      return memberId;
    }

    function commit(
      group: string,
      offsets: readonly Partial<OffsetToCommit>[],
      who = NOBODY,
    ): Promise<readonly (GroupFault | null)[]> {
      const filled = offsets.map((one) => {
        const other = { name: "t", topicId: null, partition: 0, offset: 1 };
        return { ...other, leaderEpoch: -1, metadata: "", ...one };
      });
      const request = { group, ...who, retentionMs: -1, offsets: filled };
      return answerOf((done) => groups.commit(request, done));
    }

    async function committed(
      group: string,
      topics: Parameters<GroupService["fetch"]>[1],
    ): Promise<readonly string[]> {
      const outcome = await answerOf<{ ok: true; value: readonly FetchedOffset[] } | { ok: false }>(
        (done) => groups.fetch(group, topics, done),
      );
      if (!outcome.ok) throw new Error("the offsets are told");
      return outcome.value.map(({ name: topic, topicId, partition, fault, committed: found }) => {
        const id = topicId === stage.topicId ? "id" : topicId;
        return `${topic} ${id} ${partition}: ${fault ?? found?.offset ?? "none"}`;
      });
    }

    test("whoever asks is told the coordinator of every group that has a name", async () => {
      const { broker } = stage.cluster;
      const coordinatorOf = (group: string) => stage.settle(groups.coordinatorOf(group, 1_000));
      expect(await coordinatorOf("g")).toEqual({ ok: true, value: broker });
      expect(await coordinatorOf("")).toEqual({ ok: false, fault: "invalid-group-id" });
    });

    test("a classic member joins, lives, and leaves", async () => {
      const memberId = await stableGroup("g");
      const who = { group: "g", memberId, instanceId: null, generation: 1 };
      expect([
        groups.heartbeat(who),
        groups.heartbeat({ ...who, generation: 2 }),
        groups.heartbeat({ ...who, memberId: "nobody" }),
        groups.heartbeat({ ...who, group: "h" }),
      ]).toEqual([null, "illegal-generation", "unknown-member", "unknown-member"]);
      expect(groups.describe("g")).toMatchObject({
        ok: true,
        value: { group: "g", phase: "Stable", protocol: "range", members: [{ memberId }] },
      });
      const listed = { group: "g", type: "classic", protocolType: "consumer", phase: "Stable" };
      expect(groups.list()).toEqual({ ok: true, value: [listed] });
      const members = [
        { memberId, instanceId: null },
        { memberId: "nobody", instanceId: null },
      ];
      const left = await answerOf((done) => groups.leave({ group: "g", members }, done));
      expect(left).toEqual({ fault: null, members: [null, "unknown-member"] });
      expect(groups.heartbeat(who)).toBe("unknown-member");
    });

    test("joins that cannot be are refused", async () => {
      await stableGroup("g");
      const faults = [
        await join(""),
        await join("h", { sessionTimeoutMs: 1 }),
        await join("h", { memberId: "nobody" }),
        await join("g", { protocolType: "connect" }),
        await join("h", { requiresMemberId: true }),
      ];
      expect(faults.map(({ fault, generation }) => [fault, generation])).toEqual([
        ["invalid-group-id", -1],
        ["invalid-session-timeout", -1],
        ["unknown-member", -1],
        ["inconsistent-protocol", -1],
        ["member-id-required", -1],
      ]);
    });

    test("a commit is told of each partition, and read again by name and by id", async () => {
      const faults = await commit("g", [
        { offset: 5 },
        { name: null, topicId: stage.topicId, partition: 1, offset: 6 },
        { partition: PARTITIONS },
        { name: "nobody" },
        { name: null, topicId: UNKNOWN_ID },
        { partition: 1, metadata: "m".repeat(5_000) },
      ]);
      expect(faults).toEqual([
        null,
        null,
        "unknown-topic",
        "unknown-topic",
        "unknown-topic-id",
        "metadata-too-large",
      ]);
      const asked = [
        { name: "t", topicId: null, partitions: [0, 1, 9] },
        { name: null, topicId: stage.topicId, partitions: [1] },
        { name: null, topicId: UNKNOWN_ID, partitions: [0] },
        { name: "nobody", topicId: null, partitions: [0] },
      ];
      expect(await committed("g", asked)).toEqual([
        "t null 0: 5",
        "t null 1: 6",
        "t null 9: none",
        "null id 1: 6",
        `null ${UNKNOWN_ID} 0: unknown-topic-id`,
        "nobody null 0: none",
      ]);
      expect(await committed("g", null)).toEqual(["t id 0: 5", "t id 1: 6"]);
      expect(await committed("h", null)).toEqual([]);
    });

    test("only members commit in a group that has any", async () => {
      const memberId = await stableGroup("g");
      const who = { memberId, instanceId: null, generation: 1 };
      expect([
        await commit("g", [{}], who),
        await commit("g", [{}], { ...who, generation: 0 }),
        await commit("g", [{}], { ...who, memberId: "nobody" }),
        await commit("g", [{}]),
      ]).toEqual([[null], ["illegal-generation"], ["unknown-member"], ["unknown-member"]]);
    });

    test("groups and offsets are deleted when nobody uses them", async () => {
      const memberId = await stableGroup("g");
      const drop = (group: string): Promise<GroupFault | null> =>
        answerOf((done) => groups.deleteGroup(group, done));
      expect([await drop("g"), await drop("nobody")]).toEqual([
        "group-not-empty",
        "group-not-found",
      ]);
      await commit("g", [{ partition: 0 }, { partition: 1 }], {
        memberId,
        instanceId: null,
        generation: 1,
      });
      const leaving = { group: "g", members: [{ memberId, instanceId: null }] };
      await answerOf((done) => groups.leave(leaving, done));
      const topics = [
        { name: "t", topicId: null, partitions: [0, 9] },
        { name: "nobody", topicId: null, partitions: [0] },
      ];
      const outcome = await answerOf<Awaited<unknown>>((done) =>
        groups.deleteOffsets("g", topics, done),
      );
      expect(outcome).toMatchObject({
        ok: true,
        value: [{ fault: null }, { fault: "unknown-topic" }, { fault: "unknown-topic" }],
      });
      expect(await committed("g", null)).toEqual(["t id 1: 1"]);
      expect(await drop("g")).toBe(null);
      expect(await committed("g", null)).toEqual([]);
      expect(groups.describe("g")).toEqual({ ok: false, fault: "group-not-found" });
    });

    test("a member of the newer protocol is given its partitions by the coordinator", async () => {
      const beat = (more: Partial<ConsumerBeatRequest>): Promise<ConsumerBeatAnswer> => {
        const unchanged = { rackId: null, regex: null, assignor: null, owned: null, topics: null };
        const who = { group: "g", memberId: "m", memberEpoch: 0, instanceId: null };
        const client = { clientId: "c", clientHost: "h", rebalanceTimeoutMs: -1, choosesId: true };
        const request: ConsumerBeatRequest = { ...unchanged, ...who, ...client, ...more };
        return answerOf((done) => groups.consumerBeat(request, done));
      };
      const first = { topics: ["t"], owned: [], rebalanceTimeoutMs: 30_000 };
      const joined = await beat(first);
      expect(joined).toMatchObject({ fault: null, memberId: "m", memberEpoch: 1 });
      expect(joined.assignment).toEqual([{ topicId: stage.topicId, partitions: [0, 1] }]);
      const owned = joined.assignment;
      expect(await beat({ memberEpoch: 1, owned })).toMatchObject({ fault: null, memberEpoch: 1 });
      expect(await beat({ memberEpoch: 7 })).toMatchObject({ fault: "fenced-epoch" });
      expect(await beat({ memberId: "n", memberEpoch: 1 })).toMatchObject({
        fault: "unknown-member",
      });
      const left = await beat({ memberEpoch: -1 });
      expect(left).toMatchObject({ fault: null, memberEpoch: -1 });
      expect(await beat({ memberEpoch: 1 })).toMatchObject({ fault: "unknown-member" });
    });
  });
}
