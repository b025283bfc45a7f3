// Members of consumer groups as the bench needs them, by the classic and by the newer protocol, each with a connection of
// its own to the coordinator. They do what real consumers do at once and without pauses: what is measured is the broker.
import { setTimeout as pause } from "node:timers/promises";
import { HostClock } from "../../internal/host/clock.ts";
import { HostWire } from "../../internal/host/wire.ts";
import { findCoordinator } from "../../internal/kafka/api/10-find-coordinator.ts";
import { joinGroup } from "../../internal/kafka/api/11-join-group.ts";
import type { JoinGroupResponse } from "../../internal/kafka/api/11-join-group.ts";
import { heartbeat } from "../../internal/kafka/api/12-heartbeat.ts";
import { leaveGroup } from "../../internal/kafka/api/13-leave-group.ts";
import { syncGroup } from "../../internal/kafka/api/14-sync-group.ts";
import { consumerGroupHeartbeat } from "../../internal/kafka/api/68-consumer-group-heartbeat.ts";
import type { ConsumerGroupHeartbeatRequest } from "../../internal/kafka/api/68-consumer-group-heartbeat.ts";
import type { Address } from "../../internal/ports/wire.ts";
import { encodeAssignment, encodeSubscription } from "../../internal/schema/consumer-protocol.ts";
import { KafkaClient } from "../wire/kafka-client.ts";

export interface BenchTopic {
  readonly name: string;
  readonly partitions: number;
}

export const world = { wire: new HostWire(), clock: new HostClock() };
const SESSION_MS = 30_000;
const REBALANCE_MS = 30_000;
const ATTEMPTS_MAX = 200;
const PAUSE_MS = 50;
const MEMBER_ID_REQUIRED = 79;
const REBALANCE_IN_PROGRESS = 27;

/** The coordinator is loading, not available, or another broker: clients ask again, and so does the bench. */
const MOVED: ReadonlySet<number> = new Set([14, 15, 16]);

/** Asks until the coordinator answers for real. A broker that was away for a moment refuses everything of that moment. */
export async function persistently<T>(
  what: string,
  ask: () => Promise<T>,
  codeOf: (answer: T) => number,
): Promise<T> {
  for (let left = ATTEMPTS_MAX; ; left--) {
    const answer = await ask();
    const code = codeOf(answer);
    if (!MOVED.has(code)) return answer;
    refusals++;
    if (left === 0) throw new Refused(what, code);
    await pause(PAUSE_MS);
  }
}

let refusals = 0;

/** How often a coordinator was not ready to answer, since the last time that somebody asked. */
export function takeRefusals(): number {
  const count = refusals;
  refusals = 0;
  return count;
}

export class Refused extends Error {
  override readonly name = "Refused";
  readonly code: number;

  constructor(what: string, code: number) {
    super(`${what} was refused with code ${code}`);
    this.code = code;
  }
}

export interface Coordinator {
  readonly broker: number;
  readonly address: Address;
}

/** The first look for a group makes the internal topic, so it takes a moment. */
export async function coordinatorOf(bootstrap: Address, group: string): Promise<Coordinator> {
  const client = new KafkaClient(world, bootstrap);
  await client.opened;
  let code = 0;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const asked = { key: "", keyType: 0, coordinatorKeys: [group] };
    const { coordinators } = await client.request(findCoordinator, 4, asked);
    const [found] = coordinators;
    code = found?.errorCode ?? -1;
    if (found !== undefined && code === 0) {
      client.close();
      return { broker: found.nodeId, address: { host: found.host, port: found.port } };
    }
    await pause(PAUSE_MS);
  }
  throw new Refused(`the coordinator of ${group}`, code);
}

/** Ranges of each topic, as the leader of a classic group hands them out. */
function rangeOf(place: number, members: number, partitions: number): number[] {
  const from = Math.floor((place * partitions) / members);
  const end = Math.floor(((place + 1) * partitions) / members);
  return Array.from({ length: end - from }, (_, at) => from + at);
}

export class ClassicMember {
  readonly client: KafkaClient;
  readonly #group: string;
  readonly #topics: readonly BenchTopic[];
  memberId = "";
  generation = -1;

  constructor(coordinator: Address, group: string, topics: readonly BenchTopic[]) {
    this.client = new KafkaClient(world, coordinator);
    this.#group = group;
    this.#topics = topics;
  }

  /** Joins, or joins anew, and resolves when the member has its assignment. */
  async join(): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const joined = await this.#ask();
      if (joined.errorCode === MEMBER_ID_REQUIRED) {
        this.memberId = joined.memberId;
        continue;
      }
      if (joined.errorCode !== 0) throw new Refused("JoinGroup", joined.errorCode);
      this.memberId = joined.memberId;
      this.generation = joined.generationId ?? -1;
      const code = await this.#sync(joined);
      if (code === 0) return;
      if (code !== REBALANCE_IN_PROGRESS && !MOVED.has(code)) throw new Refused("SyncGroup", code);
    }
    throw new Error("the group does not come to rest");
  }

  #ask(): Promise<JoinGroupResponse> {
    const metadata = encodeSubscription({
      topics: this.#topics.map(({ name }) => name),
      userData: null,
    });
    const join = {
      groupId: this.#group,
      sessionTimeoutMs: SESSION_MS,
      rebalanceTimeoutMs: REBALANCE_MS,
      memberId: this.memberId,
      groupInstanceId: null,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata }],
      reason: null,
    };
    return persistently(
      "JoinGroup",
      () => this.client.request(joinGroup, 7, join),
      ({ errorCode }) => errorCode,
    );
  }

  async #sync({ leader, members }: JoinGroupResponse): Promise<number> {
    const isLeader = leader === this.memberId;
    const assignments = (isLeader ? members : []).map(({ memberId }, place) => {
      const assignedPartitions = this.#topics.map(({ name, partitions }) => {
        return { topic: name, partitions: rangeOf(place, members.length, partitions) };
      });
      return { memberId, assignment: encodeAssignment({ assignedPartitions, userData: null }) };
    });
    const answer = await this.client.request(syncGroup, 5, {
      groupId: this.#group,
      generationId: this.generation,
      memberId: this.memberId,
      groupInstanceId: null,
      protocolType: "consumer",
      protocolName: "range",
      assignments,
    });
    return answer.errorCode;
  }

  async beat(): Promise<number> {
    const answer = await this.client.request(heartbeat, 4, {
      groupId: this.#group,
      generationId: this.generation,
      memberId: this.memberId,
      groupInstanceId: null,
    });
    return answer.errorCode;
  }

  async leave(): Promise<void> {
    await this.client.request(leaveGroup, 3, {
      groupId: this.#group,
      memberId: this.memberId,
      members: [{ memberId: this.memberId, groupInstanceId: null, reason: null }],
    });
    this.client.close();
  }
}

type Owned = NonNullable<ConsumerGroupHeartbeatRequest["topicPartitions"]>;

export class ConsumerMember {
  readonly client: KafkaClient;
  readonly #group: string;
  readonly #topics: readonly string[];
  readonly #memberId: string;
  epoch = 0;
  owned: Owned = [];
  /** Heartbeats that were answered. */
  beats = 0;
  /** What changed is told with the next heartbeat. */
  #isDirty = true;

  constructor(coordinator: Address, group: string, topics: readonly string[], memberId: string) {
    this.client = new KafkaClient(world, coordinator);
    this.#group = group;
    this.#topics = topics;
    this.#memberId = memberId;
  }

  get partitionCount(): number {
    return this.owned.reduce((sum, { partitions }) => sum + partitions.length, 0);
  }

  /** True: nothing has changed, and nothing is left to be told. */
  async beat(): Promise<boolean> {
    const joins = this.epoch === 0;
    const beat = {
      groupId: this.#group,
      memberId: this.#memberId,
      memberEpoch: this.epoch,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: joins ? REBALANCE_MS : -1,
      subscribedTopicNames: joins ? this.#topics : null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: this.#isDirty ? this.owned : null,
    };
    const answer = await persistently(
      "ConsumerGroupHeartbeat",
      () => this.client.request(consumerGroupHeartbeat, 1, beat),
      ({ errorCode }) => errorCode,
    );
    if (answer.errorCode !== 0) throw new Refused("ConsumerGroupHeartbeat", answer.errorCode);
    this.beats++;
    const isQuiet =
      !this.#isDirty && answer.assignment === null && answer.memberEpoch === this.epoch;
    this.#isDirty = false;
    this.epoch = answer.memberEpoch;
    if (answer.assignment !== null) {
      this.owned = answer.assignment.topicPartitions;
      this.#isDirty = true;
    }
    return isQuiet;
  }

  async leave(): Promise<void> {
    await this.client.request(consumerGroupHeartbeat, 1, {
      groupId: this.#group,
      memberId: this.#memberId,
      memberEpoch: -1,
      instanceId: null,
      rackId: null,
      rebalanceTimeoutMs: -1,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: null,
    });
    this.client.close();
  }
}
