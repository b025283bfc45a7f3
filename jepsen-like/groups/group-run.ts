// The groups of a run, from the first member to the last committed offset: who coordinates them, when they are settled
// after the last fault, and what they have committed in the end.
import type { FinalOffset } from "../checkers/group-offsets.ts";
import type { History } from "../history.ts";
import { HANG_MS } from "../patience.ts";
import { CODE } from "../wire/error-codes.ts";
import type { BrokerAddress } from "../wire/connection.ts";
import { Connection } from "../wire/connection.ts";
import { FIND_COORDINATOR } from "../wire/group-requests.ts";
import { CONSUMER_GROUP_HEARTBEAT, TOPIC_ID } from "../wire/member-requests.ts";
import { API_VERSIONS } from "../wire/requests.ts";
import { eventually } from "../cluster/cluster.ts";
import { pause } from "../workload/clock.ts";
import type { RunClock } from "../workload/clock.ts";
import { Leaders } from "../workload/leaders.ts";
import { Crew } from "./crew.ts";
import type { CrewCounts, GroupPlan } from "./crew.ts";
import { GroupHistory } from "./group-history.ts";
import type { Standing } from "./membership.ts";
import { OffsetWatcher } from "./offset-watcher.ts";

const OFFSETS_TOPIC = "__consumer_offsets";
export const OFFSETS_PARTITIONS = 8;
const LOOK_EVERY_MS = 50;
/** So long must a settled group stay as it is. */
const STEADY_MS = 1_500;

export interface GroupRunOptions {
  readonly plans: readonly GroupPlan[];
  readonly seed: number;
  readonly topic: string;
  readonly partitions: number;
  readonly addresses: ReadonlyMap<number, BrokerAddress>;
  readonly leaders: Leaders;
  readonly history: History;
  readonly nowMs: RunClock;
  /** For the timeline alone: too much for the screen. */
  readonly note: (what: string) => void;
}

export interface CoordinatorChange {
  readonly atMs: number;
  readonly groups: readonly string[];
  readonly broker: number;
  readonly epoch: number;
}

export interface GroupOutcome {
  readonly plans: readonly GroupPlan[];
  readonly history: GroupHistory;
  readonly counts: CrewCounts;
  /** From the end of all harm until every group had been settled for the last time; null: it never was. */
  readonly settledMs: number | null;
  readonly complaints: readonly string[];
  readonly finals: readonly FinalOffset[];
  /** Who led the partitions of the groups, in the order in which this program learned of it. */
  readonly coordinators: readonly CoordinatorChange[];
}

export class GroupRun {
  readonly history = new GroupHistory();
  readonly #options: GroupRunOptions;
  readonly #crew: Crew;
  readonly #coordinators: Leaders;
  readonly #watchers: readonly OffsetWatcher[];
  readonly #complaints: string[] = [];
  #churning: Promise<void> = Promise.resolve();
  #settledMs: number | null = null;

  private constructor(options: GroupRunOptions, topicId: string) {
    this.#options = options;
    const surroundings = { ...options, topicId, groups: this.history };
    this.#crew = new Crew(options.plans, surroundings, options.seed, options.note);
    const { addresses, history, nowMs } = options;
    this.#coordinators = new Leaders(addresses, OFFSETS_TOPIC, history, nowMs);
    this.#watchers = this.groups.map((group) => new OffsetWatcher({ ...surroundings, group }));
  }

  /** Resolves when every group has a coordinator and all members are started. */
  static async begin(options: GroupRunOptions): Promise<GroupRun> {
    const [address] = options.addresses.values();
    if (address === undefined) throw new RangeError("there are no brokers");
    let topicId: string | null = null;
    await eventually("groups have no coordinator", HANG_MS, async () => {
      const connection = await Connection.open(address, "chaos-groups", 1_000);
      try {
        await requireProtocols(connection, options.plans);
        topicId = await connection.ask(TOPIC_ID, options.topic, 2_000);
        for (const { group } of options.plans) {
          const { code } = await connection.ask(FIND_COORDINATOR, group, 5_000);
          if (code !== CODE.none) throw new Error(`error ${code} for ${group}`);
        }
      } finally {
        connection.close();
      }
    });
    if (topicId === null) throw new Error("the topic has no id");
    const run = new GroupRun(options, topicId);
    await run.#crew.startAll();
    run.#churning = run.#crew.churn();
    return run;
  }

  get groups(): readonly string[] {
    return this.#crew.groups;
  }

  /** The broker that leads a group's partition, as far as is known. */
  coordinatorOf(group: string): number | null {
    return this.#coordinators.of(partitionOf(group))?.broker ?? null;
  }

  groupsOf(broker: number): string[] {
    return this.groups.filter((group) => this.coordinatorOf(group) === broker);
  }

  /** Requests of its members that wait for an answer. */
  unanswered(group: string): number {
    return this.#crew.unanswered(group);
  }

  /** No more harm to members; waits until every group stands still, with all members and all partitions. */
  async settle(): Promise<void> {
    const { nowMs } = this.#options;
    await this.#crew.end();
    await this.#churning;
    const fromMs = nowMs();
    let steadyMs: number | null = null;
    let before = "";
    for (;;) {
      this.#crew.keepFull();
      const unsettled = this.groups.flatMap((group) => this.#unsettled(group, fromMs) ?? []);
      const generations = this.groups
        .flatMap((group) => this.#crew.standings(group).map((one) => one?.generation))
        .join();
      if (unsettled.length > 0 || generations !== before) steadyMs = null;
      before = generations;
      if (unsettled.length === 0) steadyMs ??= nowMs();
      if (steadyMs !== null && nowMs() - steadyMs >= STEADY_MS) {
        this.#settledMs = steadyMs - fromMs;
        return;
      }
      if (nowMs() - fromMs > HANG_MS + STEADY_MS) {
        if (unsettled.length === 0) this.#complaints.push("generations do not come to rest");
        this.#complaints.push(...unsettled);
        return;
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  /** What is missing to a settled group, in words. */
  #unsettled(group: string, sinceMs: number): string | null {
    const standings = this.#crew.standings(group);
    const known = standings.filter(
      (one): one is Standing => one !== null && one.aliveMs >= sinceMs,
    );
    if (known.length < standings.length) {
      return `${group}: ${standings.length - known.length} members have no place`;
    }
    const generations = new Set(known.map(({ generation }) => generation));
    if (generations.size > 1) return `${group}: generations ${[...generations].join(", ")}`;
    const owned = known.flatMap(({ partitions }) => partitions);
    const missing = this.#options.partitions - new Set(owned).size;
    if (missing > 0) return `${group}: ${missing} partitions are nobody's`;
    if (owned.length > this.#options.partitions) return `${group}: partitions have two members`;
    return null;
  }

  /** Producers are done: members read and commit up to the ends, and strangers ask what is committed. */
  async drain(ends: ReadonlyMap<number, number>): Promise<FinalOffset[]> {
    const { nowMs } = this.#options;
    const giveUpAtMs = nowMs() + HANG_MS;
    while (!this.#crew.haveCommitted(ends) && nowMs() < giveUpAtMs) await pause(LOOK_EVERY_MS);
    const finals: FinalOffset[] = [];
    for (const group of this.groups) finals.push(...(await this.#committed(group, ends)));
    return finals;
  }

  async #committed(group: string, ends: ReadonlyMap<number, number>): Promise<FinalOffset[]> {
    const { nowMs, partitions: count } = this.#options;
    const watcher = this.#watchers.find((one) => one.group === group);
    let told: ReadonlyMap<number, number> | null | undefined = null;
    for (const giveUpAtMs = nowMs() + HANG_MS; told === null && nowMs() < giveUpAtMs;) {
      told = await watcher?.ask();
    }
    return Array.from({ length: count }, (_, partition) => ({
      group,
      partition,
      offset: told?.get(partition) ?? null,
      end: ends.get(partition) ?? 0,
    }));
  }

  outcome(finals: readonly FinalOffset[]): GroupOutcome {
    return {
      plans: this.#options.plans,
      history: this.history,
      counts: this.#crew.counts,
      settledMs: this.#settledMs,
      complaints: this.#complaints,
      finals,
      coordinators: this.#coordinators.changes.flatMap(({ atMs, partition, broker, epoch }) => {
        const groups = this.groups.filter((group) => partitionOf(group) === partition);
        return groups.length === 0 ? [] : [{ atMs, groups, broker, epoch }];
      }),
    };
  }

  async close(): Promise<void> {
    await this.#crew.close();
    await this.#churning;
    await Promise.all(this.#watchers.map((watcher) => watcher.close()));
    this.#coordinators.close();
  }
}

async function requireProtocols(
  connection: Connection,
  plans: readonly GroupPlan[],
): Promise<void> {
  const isNeeded = plans.some(({ members }) =>
    members.some(({ protocol }) => protocol === "consumer"),
  );
  const { ranges } = await connection.ask(API_VERSIONS, null, 2_000);
  const { key, version } = CONSUMER_GROUP_HEARTBEAT;
  const isThere = ranges.some((range) => range.key === key && range.versionMax >= version);
  if (isNeeded && !isThere) throw new Error("the broker has no ConsumerGroupHeartbeat");
}

/** Kafka's rule: Java's hash of the name, without its sign, modulo the partitions. */
function partitionOf(group: string): number {
  let hash = 0;
  for (let k = 0; k < group.length; k++) hash = (Math.imul(31, hash) + group.charCodeAt(k)) | 0;
  return (hash & 0x7fff_ffff) % OFFSETS_PARTITIONS;
}
