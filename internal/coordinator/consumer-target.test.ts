import { expect, it } from "vitest";
import type { TopicId } from "../model/ids.ts";
import { NO_UNDO } from "../statelog/machine.ts";
import { ASSIGNORS } from "./assignors/assignors.ts";
import { countOf } from "./assignment.ts";
import { ConsumerDraft } from "./consumer-draft.ts";
import type { ConsumerMember } from "./consumer-member.ts";
import { renewTarget } from "./consumer-target.ts";
import { GroupState } from "./group-state.ts";
import { SubscribedTopics } from "./subscribed-topics.ts";
import type { CatalogTopic } from "./topic-catalog.ts";

const TOPICS = 2_000;
/** With names as long as these, several looks are needed for all topics. */
const EXPRESSION = "(a|b)*a(a|b){21}-.*";
const LOOKS_MAX = 100;

const topics = new Map<string, CatalogTopic>();
for (let at = 0; at < TOPICS; at++) {
  const name = `${"ab".repeat(117)}-${at}`;
  topics.set(name, { topicId: `id-${at}` as TopicId, name, partitions: { length: 1 } });
}

/** As a coordinator that has just begun to lead finds them: no expression was held against any topic yet. */
function freshTopics(): SubscribedTopics {
  return new SubscribedTopics({
    topicNamed: (name) => topics.get(name) ?? null,
    topic: () => null,
    topics: () => topics.values(),
    isGone: () => false,
  });
}

function memberOf(memberId: string): ConsumerMember {
  return {
    ...{ memberId, instanceId: null, rackId: null, clientId: "c", clientHost: "/h" },
    ...{ rebalanceTimeoutMs: 1_000, topics: [], regex: EXPRESSION, assignor: null, classic: null },
  };
}

class Group {
  readonly #state = new GroupState();

  get epoch(): number {
    return this.#state.row("g")?.consumer?.epoch ?? 0;
  }

  /** One decision; with somebody new, if so. Returns how many of its targets have changed. */
  decide(subscribed: SubscribedTopics, joining: ConsumerMember | null): number {
    const draft = new ConsumerDraft("g", this.#state.row("g")?.consumer ?? null, 0);
    if (joining !== null) draft.setMember(joining);
    renewTarget(draft, { subscribed, assignors: ASSIGNORS }, joining !== null, true);
    for (const record of draft.records) this.#state.apply(record, NO_UNDO);
    return draft.records.filter(({ kind }) => kind === "target").length;
  }

  /** Until nothing is left to look at. Returns how many targets changed on the way. */
  settle(subscribed: SubscribedTopics): number {
    let changed = 0;
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      const before = subscribed.version;
      changed += this.decide(subscribed, null);
      if (subscribed.version === before) return changed;
    }
    throw new Error("there is always something left to look at");
  }

  targetOf(memberId: string): number {
    return countOf(this.#state.row("g")?.consumer?.target(memberId) ?? new Map());
  }
}

it("a coordinator that has not looked at all topics yet takes nothing from anybody", () => {
  const group = new Group();
  const subscribed = freshTopics();
  group.decide(subscribed, memberOf("a"));
  group.decide(subscribed, memberOf("b"));
  group.settle(subscribed);
  expect([group.targetOf("a"), group.targetOf("b")]).toEqual([TOPICS / 2, TOPICS / 2]);
  const { epoch } = group;
  expect(group.settle(freshTopics())).toBe(0);
  expect(group.epoch).toBe(epoch);
});

it("who joins meanwhile is given his part when it has looked at them", () => {
  const group = new Group();
  group.decide(freshTopics(), memberOf("a"));
  group.settle(freshTopics());
  const next = freshTopics();
  const { epoch } = group;
  expect(group.decide(next, memberOf("b"))).toBe(0);
  expect(group.epoch).toBe(epoch + 1);
  expect(group.targetOf("a")).toBe(TOPICS);
  group.settle(next);
  expect([group.targetOf("a"), group.targetOf("b")]).toEqual([TOPICS / 2, TOPICS / 2]);
});
