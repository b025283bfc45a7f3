// What every client of a consumer group has in common: it looks for its coordinator, asks it again when it moved, and
// commits the offsets of partitions that it has read a little further.
import type { GroupFault } from "../../../internal/coordinator/group-requests.ts";
import type { FetchClaim } from "../../../internal/service/group-service.ts";
import type { BrokerId } from "../../../internal/model/ids.ts";
import type { SeededEntropy } from "../world/seeded-entropy.ts";
import type { Simulation } from "../world/sim-world.ts";
import type { GroupGateway, Lost } from "./group-gateway.ts";

/** Who a client says it is when it commits. */
export interface Claim {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly generation: number;
}

export interface GroupClientOptions {
  readonly name: string;
  readonly group: string;
  readonly topic: string;
  readonly pauseMsMax: number;
}

const RETRY_MS_MAX = 60;

/** Faults that mean: somebody else is the coordinator, or will be. */
const MOVED: ReadonlySet<GroupFault | Lost> = new Set([
  "lost",
  "not-coordinator",
  "coordinator-loading",
  "coordinator-not-available",
]);

export class GroupClient {
  readonly name: string;
  readonly group: string;
  readonly topic: string;
  readonly simulation: Simulation;
  readonly gateway: GroupGateway;
  readonly entropy: SeededEntropy;
  readonly #pauseMsMax: number;
  /** What it has read up to, by partition. */
  readonly positions = new Map<number, number>();
  #coordinator: BrokerId | null = null;
  #commits = 0;

  constructor(simulation: Simulation, gateway: GroupGateway, options: GroupClientOptions) {
    const { name, group, topic, pauseMsMax } = options;
    this.name = name;
    this.group = group;
    this.topic = topic;
    this.simulation = simulation;
    this.gateway = gateway;
    this.entropy = simulation.entropy(`group client ${group} ${name}`);
    this.#pauseMsMax = pauseMsMax;
  }

  pause(): Promise<void> {
    return this.simulation.sleepMs(1 + this.entropy.below(this.#pauseMsMax));
  }

  /** The coordinator as far as this client knows; null after a while in which nobody could be found. */
  async coordinator(): Promise<BrokerId | null> {
    this.#coordinator ??= await this.gateway.coordinatorOf(this.group);
    if (this.#coordinator === null) await this.pauseAndForget();
    return this.#coordinator;
  }

  async pauseAndForget(): Promise<void> {
    this.#coordinator = null;
    await this.simulation.sleepMs(1 + this.entropy.below(RETRY_MS_MAX));
  }

  /** Whether the fault says that the coordinator has moved: it is looked for again. */
  async hasMoved(fault: GroupFault | null | Lost): Promise<boolean> {
    if (fault === null || !MOVED.has(fault)) return false;
    await this.pauseAndForget();
    return true;
  }

  /** Takes the positions of its partitions from what is committed; "moved" when nobody could tell. */
  async resume(partitions: readonly number[], by?: FetchClaim): Promise<"resumed" | "moved"> {
    const at = await this.coordinator();
    if (at === null) return "moved";
    const fetched = await this.gateway.fetch(at, this.group, this.topic, partitions, by);
    if (typeof fetched === "string") {
      if (!(await this.hasMoved(fetched))) await this.pause();
      return "moved";
    }
    for (const { partition, committed } of fetched) {
      this.positions.set(partition, committed?.offset ?? 0);
    }
    return "resumed";
  }

  /** Reads one of its partitions a little further and commits that. Null: acknowledged, or it has nothing to commit. */
  async commitSome(claim: Claim): Promise<GroupFault | null | Lost> {
    const partitions = [...this.positions.keys()];
    const partition = partitions[this.entropy.below(Math.max(1, partitions.length))];
    if (partition === undefined) return null;
    const offset = (this.positions.get(partition) ?? 0) + 1 + this.entropy.below(3);
    // Whatever becomes of this commit, the next one is not below it.
    this.positions.set(partition, offset);
    const at = await this.coordinator();
    if (at === null) return "lost";
    const metadata = `${this.name} ${this.group} ${this.#commits++}`;
    const one = { name: this.topic, topicId: null, partition, offset, leaderEpoch: -1, metadata };
    const request = { group: this.group, ...claim, retentionMs: -1, offsets: [one] };
    return this.gateway.commit(at, request);
  }
}
