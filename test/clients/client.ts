// What the matrix is made of: clients, each with a driver that the scenarios use, or with checks of its own, or with both.
import type { BrokerAddress } from "../../jepsen-like/wire/connection.ts";
import type { Faults } from "./faults.ts";

export interface Surroundings {
  /** Where Kafka clients connect, `host:port` each. */
  readonly bootstrap: readonly string[];
  readonly kafka: ReadonlyMap<number, BrokerAddress>;
  /** The gRPC endpoint of each broker. */
  readonly grpc: ReadonlyMap<number, string>;
  /** Kills brokers and starts them again. */
  readonly faults: Faults;
  /** A directory for this run's files. */
  readonly scratch: string;
  /** A directory for what takes minutes to make; kept between runs. */
  readonly cache: string;
  /** Records of the checks that move many. */
  readonly records: number;
  /** Only what takes seconds. */
  readonly isQuick: boolean;
}

/** The columns of the table that scenarios fill. The last six are the first ones while brokers are killed. */
export const COLUMNS = [
  "codecs",
  "idempotent",
  "group",
  "resume",
  "time",
  "admin",
  "plain, kills",
  "idempotent, kills",
  "group, kills",
  "resume, kills",
  "time, kills",
  "admin, kills",
] as const;
export type Column = (typeof COLUMNS)[number];

/** A program that follows drivers/README.md; the action is appended to its arguments. */
export interface DriverProgram {
  readonly command: readonly [program: string, ...args: string[]];
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** What `consume` is asked to speak; classic where nothing is said. */
  readonly protocol?: "classic" | "consumer";
  /** It drops the record in its hands when it is told to end, so none comes while a member leaves. */
  readonly leavesInQuiet?: boolean;
  /** The columns to try; all where nothing is said. */
  readonly columns?: readonly Column[];
}

/** Something beyond the scenarios; stands in the last column. */
export interface Check {
  /** What the client does, as a phrase: "produces and consumes 10,000 records". */
  readonly does: string;
  /** Throws when the client or the broker does something else. */
  run(): Promise<void>;
}

/** A client that is there. */
export interface Reached {
  /** Not needed with a driver, which is asked. */
  readonly version?: string;
  readonly driver?: DriverProgram;
  readonly checks?: readonly Check[];
  close?(): Promise<void>;
}

export interface Client {
  readonly name: string;
  /** Where the client comes from, for the page. */
  readonly source: string;
  /** Needs more than npm, Debian packages and a C++ compiler. */
  readonly isSlow: boolean;
  /** Faults of the client that remarks come from, with the evidence; for the page. */
  readonly faults?: readonly string[];
  /** What is tried under kills even when there is little time. */
  readonly quickKills?: readonly Column[];
  /** @throws NotReached when the client cannot be had on this machine. */
  reach(around: Surroundings): Promise<Reached>;
}

/** Why a client could not be tried. */
export class NotReached extends Error {
  override readonly name = "NotReached";
}
