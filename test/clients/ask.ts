// Questions to the cluster through the chaos test's own client, to whichever broker answers.
import { Connection } from "../../jepsen-like/wire/connection.ts";
import type { BrokerAddress } from "../../jepsen-like/wire/connection.ts";
import { FIND_COORDINATOR } from "../../jepsen-like/wire/group-requests.ts";
import { METADATA } from "../../jepsen-like/wire/requests.ts";
import type { Api, Metadata } from "../../jepsen-like/wire/requests.ts";

export type Addresses = ReadonlyMap<number, BrokerAddress>;

const CONNECT_MS_MAX = 2_000;
const ANSWER_MS_MAX = 10_000;

export async function withBroker<T>(
  address: BrokerAddress | undefined,
  use: (connection: Connection) => Promise<T>,
): Promise<T> {
  if (address === undefined) throw new Error("no broker has that id");
  const connection = await Connection.open(address, "clients-test", CONNECT_MS_MAX);
  try {
    return await use(connection);
  } finally {
    connection.close();
  }
}

/** The answer of the first broker that gives one. */
export async function askAny<Q, A>(brokers: Addresses, api: Api<Q, A>, question: Q): Promise<A> {
  let complaint: unknown = new Error("there is no broker");
  for (const address of brokers.values()) {
    try {
      return await withBroker(address, (broker) => broker.ask(api, question, ANSWER_MS_MAX));
    } catch (error) {
      complaint = error;
    }
  }
  throw complaint;
}

export function describe(brokers: Addresses, topic: string): Promise<Metadata> {
  return askAny(brokers, METADATA, [topic]);
}

/** The broker that coordinates a group now. */
export async function coordinatorOf(brokers: Addresses, group: string): Promise<number> {
  const { code, broker } = await askAny(brokers, FIND_COORDINATOR, group);
  if (code !== 0) throw new Error(`${group} has no coordinator: error ${code}`);
  return broker;
}

export async function leaderOf(brokers: Addresses, topic: string, partition = 0): Promise<number> {
  const { topics } = await describe(brokers, topic);
  const found = topics[0]?.partitions.find((one) => one.partition === partition);
  if (found === undefined || found.leader < 0) throw new Error(`${topic} has no leader`);
  return found.leader;
}
