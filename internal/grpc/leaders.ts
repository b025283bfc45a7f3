// Where the brokers' gRPC endpoints are, for redirects. Addresses come from the metadata of this broker.
import type { ClusterService } from "../service/cluster-service.ts";
import type { LeaderHint } from "../service/faults.ts";
import type { LeaderDirectory } from "./status-table.ts";

/** The name of this front end's listener in the cluster's metadata. */
export const GRPC_LISTENER = "grpc";

export class Leaders implements LeaderDirectory {
  readonly #cluster: ClusterService;

  constructor(cluster: ClusterService) {
    this.#cluster = cluster;
  }

  find({ leader }: LeaderHint): string | null {
    if (leader === null) return null;
    const brokers = this.#cluster.brokers(GRPC_LISTENER, false);
    const found = brokers.find(({ broker }) => broker === leader);
    return found === undefined ? null : `${leader}@${hostPort(found.host, found.port)}`;
  }
}

/** An address as URLs and targets write it: IPv6 in brackets. */
export function hostPort(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
