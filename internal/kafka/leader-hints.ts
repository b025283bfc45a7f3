// KIP-951: an answer that says "not the leader" also says who is, and where, so that the client saves a round of Metadata.
import type { BrokerId } from "../model/ids.ts";
import type { ClusterService } from "../service/cluster-service.ts";
import type { LeaderHint } from "../service/faults.ts";

export interface NodeEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

export interface CurrentLeader {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

/** The default of the field, which is not sent. */
export const NO_LEADER: CurrentLeader = { leaderId: -1, leaderEpoch: -1 };
const NO_ENDPOINTS: readonly NodeEndpoint[] = [];

/** Collects the leaders that one answer points to. */
export class LeaderHints {
  readonly #leaders = new Set<BrokerId>();

  point(hint: LeaderHint): CurrentLeader {
    if (hint.leader === null) return NO_LEADER;
    this.#leaders.add(hint.leader);
    return { leaderId: hint.leader, leaderEpoch: hint.leaderEpoch };
  }

  /** Where those leaders are reached on the listener on which the client came in. */
  endpoints(cluster: ClusterService, listener: string): readonly NodeEndpoint[] {
    if (this.#leaders.size === 0) return NO_ENDPOINTS;
    return cluster
      .brokers(listener, false)
      .filter(({ broker }) => this.#leaders.has(broker))
      .map(({ broker, host, port, rack }) => ({ nodeId: broker, host, port, rack }));
  }
}
