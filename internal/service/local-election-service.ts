// Elections over this broker's image: the leader of each partition is asked, wherever it is, to hand over to the preferred
// replica, and the answer waits until this broker has heard of the new leader too.
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { MetadataImage } from "../cluster/image.ts";
import type { LeaderTable } from "../cluster/leaders.ts";
import { partitionView } from "../cluster/metadata-view.ts";
import type { PartitionPlacement } from "../cluster/records.ts";
import type { BrokerId, GroupId } from "../model/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { ElectionFault, ElectionService, PartitionElection } from "./election-service.ts";

/** Null: leadership moved. Otherwise why it did not, in a sentence. */
export type MoveRefusal = string | null;

export interface ElectionParts {
  readonly image: MetadataImage;
  readonly leaders: LeaderTable;
  readonly clock: Clock;
  /** Asks a broker to hand groups that it leads to their preferred replicas. One refusal for each, in their order. */
  readonly ask: (
    broker: BrokerId,
    groups: readonly GroupId[],
    withinMs: number,
  ) => Promise<readonly MoveRefusal[] | "timed-out">;
}

interface Wanted {
  readonly topic: string;
  readonly partition: number;
  readonly placement: PartitionPlacement;
  readonly leader: BrokerId;
}

const LATE = failed({
  kind: "timed-out",
  detail: "Leadership did not move in time; it may move later.",
} as const);
const NOT_NEEDED = failed({
  kind: "not-needed",
  detail: "The partition has the leader that was asked for.",
} as const);

export class LocalElectionService implements ElectionService {
  readonly #parts: ElectionParts;

  constructor(parts: ElectionParts) {
    this.#parts = parts;
  }

  async elect(
    wanted: "preferred" | "any",
    of: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null,
    withinMs: number,
  ): Promise<readonly PartitionElection[]> {
    const untilMs = this.#parts.clock.upMs() + withinMs;
    const elections: PartitionElection[] = [];
    const moves = new Map<BrokerId, Wanted[]>();
    const seen = new Set<string>();
    for (const { topic, partitions } of of ?? this.#everything()) {
      for (const partition of partitions) {
        // An election is held once, however often the request names the partition.
        const key = `${partition} ${topic}`;
        if (seen.has(key)) continue;
        seen.add(key);
        const judged = this.#judge(wanted, topic, partition);
        if (!("leader" in judged)) elections.push({ topic, partition, outcome: judged });
        else listOf(moves, judged.leader).push(judged);
      }
    }
    const moved = [...moves].map(([leader, list]) => this.#move(leader, list, untilMs));
    for (const list of await Promise.all(moved)) elections.push(...list);
    if (of !== null) return elections;
    return elections.filter(({ outcome }) => outcome.ok || outcome.fault.kind !== "not-needed");
  }

  #everything(): readonly { readonly topic: string; readonly partitions: readonly number[] }[] {
    return [...this.#parts.image.topics()].map(({ name, partitions }) => {
      return { topic: name, partitions: partitions.map(({ partition }) => partition) };
    });
  }

  #judge(
    wanted: "preferred" | "any",
    name: string,
    partition: number,
  ): Wanted | Result<null, ElectionFault> {
    const { image, leaders } = this.#parts;
    const topic = image.topicNamed(name);
    if (topic === null) {
      return failed({ kind: "unknown-topic", detail: `There is no topic ${name}.` });
    }
    const placement = topic.partitions[partition];
    if (placement === undefined) {
      return failed({
        kind: "unknown-partition",
        detail: `${name} has no partition ${partition}.`,
      });
    }
    const { leader } = partitionView(image, leaders, placement);
    if (wanted === "any") return leader === null ? NO_ELIGIBLE : NOT_NEEDED;
    const preferred = placement.replicas[0]?.broker;
    if (leader !== null && leader === preferred) return NOT_NEEDED;
    if (leader === null || preferred === undefined) return unavailable("There is no leader.");
    return { topic: name, partition, placement, leader };
  }

  async #move(
    leader: BrokerId,
    list: readonly Wanted[],
    untilMs: number,
  ): Promise<readonly PartitionElection[]> {
    const { ask, clock } = this.#parts;
    const groups = list.map(({ placement }) => placement.group);
    const refusals = await ask(leader, groups, untilMs - clock.upMs());
    return Promise.all(
      list.map(async ({ topic, partition, placement }, at) => {
        const refusal = refusals === "timed-out" ? refusals : (refusals[at] ?? null);
        if (refusal === "timed-out") return { topic, partition, outcome: LATE };
        if (refusal !== null) return { topic, partition, outcome: unavailable(refusal) };
        const isKnown = await this.#heard(placement, untilMs);
        return { topic, partition, outcome: isKnown ? ok(null) : LATE };
      }),
    );
  }

  /** Until the new leader has said to this broker that it leads. */
  #heard(placement: PartitionPlacement, untilMs: number): Promise<boolean> {
    const { leaders, clock } = this.#parts;
    const { group } = placement;
    const isThere = (): boolean => leaders.leaderOf(group) === placement.replicas[0]?.broker;
    if (isThere()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (heard: boolean): void => {
        unlisten();
        cancel();
        resolve(heard);
      };
      const unlisten = leaders.listen({
        leaderChanged: (row) => {
          if (row.group === group && isThere()) finish(true);
        },
      });
      const cancel = clock.after(Math.max(0, untilMs - clock.upMs()), () => finish(isThere()));
    });
  }
}

function listOf(moves: Map<BrokerId, Wanted[]>, leader: BrokerId): Wanted[] {
  const list = moves.get(leader) ?? [];
  moves.set(leader, list);
  return list;
}

const NO_ELIGIBLE = failed({
  kind: "no-eligible-leader",
  detail:
    "Only a majority of the replicas elects a leader here: an unclean election could lose records.",
} as const);

function unavailable(why: string): Result<never, ElectionFault> {
  return failed({ kind: "preferred-unavailable", detail: why });
}
