// Three brokers of this program's own, on free loopback ports and with data directories of their own, so that it runs
// beside any other cluster. Whatever brokers and clients say to each other passes through a network that can fail.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Network } from "../network/network.ts";
import { Connection } from "../wire/connection.ts";
import type { BrokerAddress } from "../wire/connection.ts";
import { CREATE_TOPICS, METADATA } from "../wire/requests.ts";
import type { Metadata, NewTopic } from "../wire/requests.ts";
import { CODE } from "../wire/error-codes.ts";
import { BrokerProcess } from "./broker-process.ts";
import type { BrokerDeath } from "./broker-process.ts";
import { freePorts } from "./ports.ts";

export const ROOT = join(import.meta.dirname, "..", "..");
const BUILT = join(ROOT, "dist", "cmd", "flotilla", "main.js");
const SOURCE = join(ROOT, "cmd", "flotilla", "main.ts");
const BROKERS = [1, 2, 3];
const COMPILE_CACHE = join(ROOT, ".flotilla", "compile-cache");

/** The product's command line: the built one, where it is built. */
export function commandLine(): string {
  return existsSync(BUILT) ? BUILT : SOURCE;
}

export interface ClusterOptions {
  /** Data directories, configurations and logs go here. */
  readonly directory: string;
  /** The program of a broker, started with `start --config <file>`; by default the built command line. */
  readonly program?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
  readonly unexpectedEnd: (death: BrokerDeath) => void;
}

export class Cluster {
  readonly brokers: readonly BrokerProcess[];
  readonly network: Network;

  private constructor(brokers: readonly BrokerProcess[], network: Network) {
    this.brokers = brokers;
    this.network = network;
  }

  /** Writes the configurations. Nothing runs yet. */
  static async prepare(options: ClusterOptions): Promise<Cluster> {
    const ports = await freePorts(BROKERS.length * 6);
    const port = (broker: number, kind: number): number => ports[(broker - 1) * 6 + kind] as number;
    // Others connect to the last two, and come through the network to the listeners.
    const initial = BROKERS.map((id) => `${id}@127.0.0.1:${port(id, 5)}`).join(",");
    const network = await Network.open(
      BROKERS.flatMap((broker) => [
        { broker, port: "kafka" as const, from: port(broker, 4), to: port(broker, 0) },
        { broker, port: "link" as const, from: port(broker, 5), to: port(broker, 3) },
      ]),
    );
    const program = options.program ?? commandLine();
    const brokers = BROKERS.map((id) => {
      const directory = join(options.directory, `broker-${id}`);
      const dataDirectory = join(directory, "data");
      mkdirSync(dataDirectory, { recursive: true });
      const config = join(directory, "config.json");
      const settings = {
        "broker.id": id,
        "cluster.name": "chaos",
        "data.directory": dataDirectory,
        "initial.brokers": initial,
        "kafka.listen": `127.0.0.1:${port(id, 0)}`,
        "kafka.advertised": `127.0.0.1:${port(id, 4)}`,
        "grpc.listen": `127.0.0.1:${port(id, 1)}`,
        "http.listen": `127.0.0.1:${port(id, 2)}`,
        "link.listen": `127.0.0.1:${port(id, 3)}`,
        "link.advertised": `127.0.0.1:${port(id, 5)}`,
        "follower.fetch": true,
        ...options.settings,
      };
      writeFileSync(config, `${JSON.stringify(settings, null, 2)}\n`);
      const plan = {
        id,
        kafka: { host: "127.0.0.1", port: port(id, 4) },
        grpc: { host: "127.0.0.1", port: port(id, 1) },
        http: { host: "127.0.0.1", port: port(id, 2) },
        dataDirectory,
        command: [process.execPath, program, "start", "--config", config] as const,
        // Where the program is in TypeScript, its types are stripped once and not at each start.
        environment: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...options.environment },
        workingDirectory: directory,
        logPrefix: join(directory, "life-"),
      };
      return new BrokerProcess({ ...plan, command: [...plan.command] }, options.unexpectedEnd);
    });
    return new Cluster(brokers, network);
  }

  broker(id: number): BrokerProcess {
    const found = this.brokers.find((broker) => broker.id === id);
    if (found === undefined) throw new RangeError(`there is no broker ${id}`);
    return found;
  }

  startAll(): void {
    for (const broker of this.brokers) broker.start();
  }

  /** Resolves when every broker's metadata lists all of them. */
  async ready(withinMs: number): Promise<void> {
    await eventually("the cluster is not ready", withinMs, async () => {
      for (const { plan, isRunning } of this.brokers) {
        if (!isRunning) throw new GivenUp(`broker ${plan.id} ended: see ${plan.logPrefix}*.log`);
        const { brokers } = await askOnce(plan.kafka, []);
        if (brokers.length < this.brokers.length) throw new Error("brokers are missing");
      }
    });
  }

  /** Creates a topic and waits until every broker names a leader for each partition. */
  async createTopic(topic: NewTopic, withinMs: number): Promise<Metadata> {
    let metadata: Metadata | null = null;
    await eventually(`topic ${topic.name} cannot be created`, withinMs, async () => {
      const connection = await Connection.open(this.brokers[0]!.plan.kafka, "chaos-admin", 1_000);
      try {
        const { code, message } = await connection.ask(CREATE_TOPICS, topic, 12_000);
        if (code !== CODE.none && code !== CODE.topicAlreadyExists) {
          throw new Error(`error ${code} ${message ?? ""}`);
        }
      } finally {
        connection.close();
      }
      for (const { plan } of this.brokers) {
        metadata = await askOnce(plan.kafka, [topic.name]);
        const partitions = metadata.topics[0]?.partitions ?? [];
        const led = partitions.filter(({ leader }) => leader >= 0).length;
        if (led !== topic.partitions) throw new Error(`${led} partitions have a leader`);
      }
    });
    if (metadata === null) throw new Error("no metadata");
    return metadata;
  }

  async stop(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.end("SIGKILL")));
    this.network.close();
  }
}

async function askOnce(address: BrokerAddress, topics: readonly string[]): Promise<Metadata> {
  const connection = await Connection.open(address, "chaos-admin", 1_000);
  try {
    return await connection.ask(METADATA, topics, 2_000);
  } finally {
    connection.close();
  }
}

/** Trying again is of no use. */
class GivenUp extends Error {
  override readonly name = "GivenUp";
}

/** Tries until it succeeds; throws the last complaint when the time is over. */
export async function eventually(
  complaint: string,
  withinMs: number,
  attempt: () => Promise<void>,
): Promise<void> {
  const giveUpAt = performance.now() + withinMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (error instanceof GivenUp) throw error;
      if (performance.now() > giveUpAt) {
        throw new Error(`${complaint} within ${withinMs} ms: ${(error as Error).message}`);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
