// What the matrix is made of: clients, each with checks that run against one cluster, in order.
import type { BrokerAddress } from "../../jepsen-like/wire/connection.ts";

export interface Surroundings {
  /** Where Kafka clients connect, `host:port` each. */
  readonly bootstrap: readonly string[];
  readonly kafka: ReadonlyMap<number, BrokerAddress>;
  /** The gRPC endpoint of each broker. */
  readonly grpc: ReadonlyMap<number, string>;
  /** A directory for this run's files. */
  readonly scratch: string;
  /** A directory for what takes minutes to make; kept between runs. */
  readonly cache: string;
  /** Records of the checks that move many. */
  readonly records: number;
  /** Only what takes seconds. */
  readonly isQuick: boolean;
}

export interface Check {
  /** What the client does, as a phrase: "produces and consumes 10,000 records". */
  readonly does: string;
  /** Throws when the client or the broker does something else. */
  run(): Promise<void>;
}

/** A client that is there, with its version, and what it is to do. */
export interface Reached {
  readonly version: string;
  readonly checks: readonly Check[];
  close?(): Promise<void>;
}

export interface Client {
  readonly name: string;
  /** Where the client comes from, for the page. */
  readonly source: string;
  /** Needs minutes, or more than npm and one Debian package. */
  readonly isSlow: boolean;
  /** @throws NotReached when the client cannot be had on this machine. */
  reach(around: Surroundings): Promise<Reached>;
}

/** Why a client could not be tried. */
export class NotReached extends Error {
  override readonly name = "NotReached";
}
