// Committed offsets over Kafka's protocol, for longer than `offsets.retention.minutes`: whoever is in use keeps them, and
// what nobody uses goes, on every replica and for good.
import { expect, test } from "vitest";
import { offsetCommit } from "../../internal/kafka/api/08-offset-commit.ts";
import { offsetFetch } from "../../internal/kafka/api/09-offset-fetch.ts";
import { joinGroup } from "../../internal/kafka/api/11-join-group.ts";
import { heartbeat } from "../../internal/kafka/api/12-heartbeat.ts";
import { syncGroup } from "../../internal/kafka/api/14-sync-group.ts";
import { encodeSubscription } from "../../internal/schema/consumer-protocol.ts";
import { GroupStage } from "./group-stage.ts";

const MINUTE_MS = 60_000;
/** The coordinator looks every ten minutes. */
const LOOKED_MS = 11 * MINUTE_MS;

const stage = new GroupStage(23, { "offsets.retention.minutes": 1 });

async function committed(group: string, at: number): Promise<number | undefined> {
  const groups = [{ groupId: group, topics: null }];
  const answer = await stage.ask(at, offsetFetch, 8, { groups });
  return answer.groups[0]?.topics[0]?.partitions[0]?.committedOffset;
}

/** A group of one member with a protocol of this type; it does not know of sessions that end. */
async function memberOf(group: string, at: number, protocolType: string): Promise<string> {
  const metadata = encodeSubscription({ topics: ["t"], userData: null }, 0);
  const { memberId } = await stage.ask(at, joinGroup, 3, {
    groupId: group,
    sessionTimeoutMs: 5 * MINUTE_MS,
    rebalanceTimeoutMs: MINUTE_MS,
    memberId: "",
    protocolType,
    protocols: [{ name: "p", metadata }],
  });
  const assignments = [{ memberId, assignment: Uint8Array.of(1) }];
  const body = { groupId: group, generationId: 1, memberId, assignments };
  expect((await stage.ask(at, syncGroup, 3, body)).errorCode).toBe(0);
  return memberId;
}

async function commit(group: string, at: number, memberId: string): Promise<void> {
  const partitions = [{ partitionIndex: 0, committedOffset: 5, committedMetadata: "" }];
  const answer = await stage.ask(at, offsetCommit, 8, {
    groupId: group,
    generationIdOrMemberEpoch: memberId === "" ? -1 : 1,
    memberId,
    groupInstanceId: null,
    topics: [{ name: "t", partitions }],
  });
  expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(0);
}

test("offsets of groups in use are kept, those of others go after their time", async () => {
  await stage.open("t", 1);
  const members = new Map<string, { at: number; memberId: string }>();
  for (const [group, type] of [
    ["readers", "consumer"],
    ["connect", "connect"],
  ] as const) {
    const at = await stage.coordinator(group, 1);
    members.set(group, { at, memberId: await memberOf(group, at, type) });
    await commit(group, at, members.get(group)?.memberId ?? "");
  }
  const simple = await stage.coordinator("simple", 1);
  await commit("simple", simple, "");
  expect(await committed("simple", simple)).toBe(5);

  for (let passedMs = 0; passedMs < LOOKED_MS; passedMs += MINUTE_MS) {
    await stage.simulation.runForMs(MINUTE_MS);
    for (const [groupId, { at, memberId }] of members) {
      const beat = { groupId, generationId: 1, memberId, groupInstanceId: null };
      expect((await stage.ask(at, heartbeat, 3, beat)).errorCode).toBe(0);
    }
  }
  expect(await committed("simple", simple)).toBe(undefined);
  for (const [group, { at }] of members) expect(await committed(group, at)).toBe(5);

  // The members are gone without a word: an empty group keeps its offsets for their time, and no longer.
  await stage.simulation.runForMs(6 * MINUTE_MS + LOOKED_MS);
  for (const [group, { at }] of members) expect(await committed(group, at)).toBe(undefined);
  expect(stage.simulation.fatals).toEqual([]);
});
