// Members of a consumer group as their clients run them: what they believe, what they own, and what they do next. A request
// may be given up before its answer comes; the answer is then thrown away, and the client says everything again.
import { expect } from "vitest";
import type { GroupCoordinator } from "../../internal/coordinator/group-coordinator.ts";
import type { ConsumerBeatAnswer, GroupFault } from "../../internal/coordinator/group-requests.ts";
import { decodeAssignment, encodeAssignment } from "../../internal/schema/consumer-protocol.ts";
import { decodeSubscription, encodeSubscription } from "../../internal/schema/consumer-protocol.ts";
import type { StageTopics } from "./stage-topics.ts";

export const GROUP = "g";

/** A partition as one text: topic id and number. */
export type Owned = Set<string>;

export interface StageClient {
  readonly name: string;
  readonly memberId: string;
  readonly epoch: number;
  readonly owned: Owned;
  act(leader: GroupCoordinator): void;
  /** The answer that is on its way will not be heard. */
  giveUp(): void;
  leave(leader: GroupCoordinator): void;
}

const TRANSIENT: ReadonlySet<GroupFault> = new Set([
  "not-coordinator",
  "coordinator-not-available",
  "coordinator-loading",
]);

/** A client of the newer protocol. */
export class ModernClient implements StageClient {
  readonly name: string;
  readonly instanceId: string | null;
  memberId: string;
  epoch = 0;
  readonly owned: Owned = new Set();
  /** What the last answer gave it; what it owns beyond that it gives up next. */
  #target: Owned | null = null;
  #saysAll = true;
  #asked = 0;
  #isWaiting = false;
  #lives = 1;
  topics: readonly string[] = ["t", "u"];
  regex: string | null = null;

  constructor(name: string, isStatic: boolean) {
    this.name = name;
    this.instanceId = isStatic ? name : null;
    this.memberId = `${name}-1`;
  }

  giveUp(): void {
    if (!this.#isWaiting) return;
    this.#asked++;
    this.#isWaiting = false;
    this.#saysAll = true;
    // It may have been told otherwise since.
    this.#target = null;
  }

  /** Takes the last answer's assignment over: first gives up, then, once it was told to have more, takes. */
  reconcile(): void {
    if (this.#target === null) return;
    for (const partition of this.owned)
      if (!this.#target.has(partition)) this.owned.delete(partition);
    for (const partition of this.#target) this.owned.add(partition);
    this.#target = null;
    this.#saysAll = true;
  }

  subscribe(topics: readonly string[], regex: string | null): void {
    this.topics = topics;
    this.regex = regex;
    this.#saysAll = true;
  }

  act(leader: GroupCoordinator): void {
    if (this.#isWaiting) return;
    const isAll = this.#saysAll || this.epoch === 0;
    const asked = ++this.#asked;
    this.#isWaiting = true;
    this.#saysAll = false;
    leader.consumerBeat(
      {
        ...this.#identity(this.epoch),
        rebalanceTimeoutMs: isAll ? 20_000 : -1,
        topics: isAll ? this.topics : null,
        regex: isAll ? (this.regex ?? "") : null,
        owned: isAll ? ownedRows(this.owned) : null,
      },
      (answer) => {
        if (asked !== this.#asked) return;
        this.#isWaiting = false;
        this.#answered(answer);
      },
    );
  }

  #identity(memberEpoch: number) {
    const { memberId, instanceId } = this;
    return {
      ...{ group: GROUP, memberId, memberEpoch, instanceId, rackId: null, clientId: this.name },
      ...{ clientHost: "/h", assignor: null, choosesId: true },
    };
  }

  #answered({ fault, memberEpoch, assignment }: ConsumerBeatAnswer): void {
    if (fault !== null) return this.#refused(fault);
    // Epochs never go back.
    expect(memberEpoch).toBeGreaterThanOrEqual(this.epoch);
    this.epoch = memberEpoch;
    if (assignment === null) return;
    this.#target = new Set(
      assignment.flatMap(({ topicId, partitions }) => partitions.map((one) => `${topicId}/${one}`)),
    );
  }

  #refused(fault: GroupFault): void {
    this.#saysAll = true;
    if (TRANSIENT.has(fault)) return;
    this.#lose();
    // Another one under a name of its own, as after a restart.
    if (fault === "fenced-instance") this.memberId = `${this.name}-${++this.#lives}`;
  }

  #lose(): void {
    this.owned.clear();
    this.#target = null;
    this.epoch = 0;
  }

  /** A static member leaves for a while, and comes back under another id. */
  leave(leader: GroupCoordinator): void {
    const before = this.epoch;
    this.giveUp();
    this.#lose();
    if (before === 0) return;
    const epoch = this.instanceId === null ? -1 : -2;
    const request = { rebalanceTimeoutMs: -1, topics: null, regex: null, owned: null };
    leader.consumerBeat({ ...this.#identity(epoch), ...request }, () => {});
    this.memberId = `${this.name}-${++this.#lives}`;
  }
}

function ownedRows(owned: Owned) {
  return [...owned].map((partition) => {
    const at = partition.lastIndexOf("/");
    const topicId = partition.slice(0, at) as never;
    return { topicId, partitions: [Number(partition.slice(at + 1))] };
  });
}

/** A client of the classic protocol that gives up everything before it joins again. */
export class ClassicClient implements StageClient {
  readonly name: string;
  memberId = "";
  epoch = -1;
  readonly owned: Owned = new Set();
  readonly #topics: StageTopics;
  #next: "join" | "sync" | "beat" = "join";
  #members: readonly { readonly memberId: string; readonly metadata: Uint8Array }[] = [];
  #asked = 0;
  #isWaiting = false;

  constructor(name: string, topics: StageTopics) {
    this.name = name;
    this.#topics = topics;
  }

  giveUp(): void {
    if (!this.#isWaiting) return;
    this.#asked++;
    this.#isWaiting = false;
    this.#rejoin();
  }

  act(leader: GroupCoordinator): void {
    if (this.#isWaiting) return;
    if (this.#next === "join") this.#join(leader);
    else if (this.#next === "sync") this.#sync(leader);
    else this.#beat(leader);
  }

  #rejoin(): void {
    this.owned.clear();
    this.#next = "join";
  }

  #ask(): () => boolean {
    const asked = ++this.#asked;
    this.#isWaiting = true;
    return () => {
      if (asked !== this.#asked) return false;
      this.#isWaiting = false;
      return true;
    };
  }

  #join(leader: GroupCoordinator): void {
    const isHeard = this.#ask();
    const metadata = encodeSubscription({
      topics: ["t", "u"],
      userData: null,
      ownedPartitions: [],
    });
    leader.join(
      {
        group: GROUP,
        memberId: this.memberId,
        instanceId: null,
        clientId: this.name,
        clientHost: "/h",
        sessionTimeoutMs: 10_000,
        rebalanceTimeoutMs: 20_000,
        protocolType: "consumer",
        protocols: [{ name: "range", metadata }],
        requiresMemberId: true,
        knowsSkip: true,
      },
      ({ fault, memberId, generation, members }) => {
        if (!isHeard()) return;
        if (fault === "member-id-required") this.memberId = memberId;
        else if (fault !== null) this.#refused(fault);
        else {
          this.memberId = memberId;
          this.epoch = generation;
          this.#members = members.map((member) => ({ ...member }));
          this.#next = "sync";
        }
      },
    );
  }

  #sync(leader: GroupCoordinator): void {
    const isHeard = this.#ask();
    leader.sync(
      {
        ...this.#claim(),
        protocolType: null,
        protocol: null,
        assignments: this.#assignments(),
      },
      ({ fault, assignment }) => {
        if (!isHeard()) return;
        if (fault !== null) return this.#refused(fault);
        this.#next = "beat";
        for (const partition of this.#read(assignment)) this.owned.add(partition);
      },
    );
  }

  #claim() {
    return { group: GROUP, memberId: this.memberId, instanceId: null, generation: this.epoch };
  }

  /** As the leader of a classic group: all partitions in turns. */
  #assignments() {
    const partitions = [...this.#topics.topics()].flatMap((topic) =>
      Array.from({ length: topic.partitions.length }, (_, partition) => ({ topic, partition })),
    );
    const { length } = this.#members;
    return this.#members.map(({ memberId, metadata }, at) => {
      const subscription = decodeSubscription(metadata);
      const names = subscription.ok ? subscription.value.topics : [];
      const own = partitions.filter(
        ({ topic }, place) => place % length === at && names.includes(topic.name),
      );
      const assignedPartitions = own.map(({ topic, partition }) => {
        return { topic: topic.name, partitions: [partition] };
      });
      return { memberId, assignment: encodeAssignment({ assignedPartitions, userData: null }) };
    });
  }

  #read(bytes: Uint8Array): string[] {
    if (bytes.length === 0) return [];
    const assignment = decodeAssignment(bytes);
    if (!assignment.ok) throw new Error("not an assignment");
    return assignment.value.assignedPartitions.flatMap(({ topic, partitions }) => {
      const topicId = this.#topics.topicNamed(topic)?.topicId;
      return topicId === undefined ? [] : partitions.map((one) => `${topicId}/${one}`);
    });
  }

  #beat(leader: GroupCoordinator): void {
    const fault = leader.heartbeat(this.#claim());
    if (fault !== null) this.#refused(fault);
  }

  #refused(fault: GroupFault): void {
    if (TRANSIENT.has(fault)) return;
    this.#rejoin();
    if (fault === "unknown-member" || fault === "fenced-instance") this.memberId = "";
  }

  leave(leader: GroupCoordinator): void {
    this.giveUp();
    this.#rejoin();
    if (this.memberId === "") return;
    const members = [{ memberId: this.memberId, instanceId: null }];
    leader.leave({ group: GROUP, members }, () => {});
    this.memberId = "";
  }
}
