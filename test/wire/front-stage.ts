// Where the wire tests play: one simulated broker with a Kafka front end over services in memory, and a machine for
// clients. Time passes only while a script runs.
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { BatchOptions } from "../../internal/model/encode-batch.ts";
import type { ByteRange } from "../../internal/bytes/byte-range.ts";
import type { AnyApi } from "../../internal/kafka/api/registry.ts";
import type { KafkaOptions } from "../../internal/kafka/options.ts";
import { KafkaServer } from "../../internal/kafka/server.ts";
import type { Clock } from "../../internal/ports/clock.ts";
import type { Address, CloseReason, Connection } from "../../internal/ports/wire.ts";
import { Simulation } from "../sim/world/sim-world.ts";
import type { SimulationOptions, SimWorld } from "../sim/world/sim-world.ts";
import { KafkaClient } from "./kafka-client.ts";
import type { KafkaClientOptions } from "./kafka-client.ts";
import { MemoryCluster } from "./memory-cluster.ts";
import { MemoryGroups } from "./memory-groups.ts";
import { MemoryElections } from "./memory-elections.ts";
import { MemoryInspection } from "./memory-inspection.ts";
import { MemoryLog } from "./memory-log.ts";
import type { MemoryLogOptions } from "./memory-log.ts";

const OPTIONS: KafkaOptions = {
  listener: "kafka",
  requestBytesMax: 1 << 20,
  connectionsMax: 1000,
  idleMsMax: 600_000,
  heldBytesMax: 256 << 20,
  connectionBytesMax: 8 << 20,
  connectionRequestsMax: 1000,
  sendBytesMax: 256 << 10,
  fetchBytesMax: 55 << 20,
  fetchSessionsMax: 1000,
};

export interface StageOptions {
  readonly seed?: number;
  readonly simulation?: Partial<SimulationOptions>;
  readonly kafka?: Partial<KafkaOptions>;
  readonly log?: Partial<MemoryLogOptions>;
}

export interface FrontStage {
  readonly simulation: Simulation;
  readonly world: SimWorld;
  readonly peer: SimWorld;
  readonly log: MemoryLog;
  readonly cluster: MemoryCluster;
  readonly groups: MemoryGroups;
  readonly inspection: MemoryInspection;
  readonly elections: MemoryElections;
  readonly server: KafkaServer;
  readonly at: Address;
  client(options?: KafkaClientOptions): KafkaClient;
  play<T>(script: () => Promise<T>): Promise<T>;
  sleepMs(durationMs: number): Promise<void>;
  /** Warnings about refused clients: their causes. */
  refusals(): string[];
}

export async function openFrontStage(options: StageOptions = {}): Promise<FrontStage> {
  const simulation = new Simulation({ seed: options.seed ?? 1, ...options.simulation });
  const world = simulation.node("broker").boot();
  const peer = simulation.node("client").boot();
  const log = new MemoryLog(world.clock, options.log);
  const cluster = new MemoryCluster(world.clock, log);
  const groups = new MemoryGroups(world, cluster);
  const inspection = new MemoryInspection(log);
  const elections = new MemoryElections(cluster);
  const services = { log, cluster, groups, inspection, elections };
  const server = new KafkaServer(world, services, { ...OPTIONS, ...options.kafka });
  const at = { host: "broker", port: 9092 };
  const listening = await simulation.settle(server.listen(at));
  if (!listening.ok) throw new Error(listening.fault.code);
  return {
    simulation,
    world,
    peer,
    log,
    cluster,
    groups,
    inspection,
    elections,
    server,
    at,
    client: (clientOptions) => new KafkaClient(peer, at, clientOptions),
    play: (script) => simulation.settle(script()),
    sleepMs: (durationMs) => simulation.sleepMs(durationMs),
    refusals: () =>
      simulation.logs.find("client-refused").map(({ fields }) => String(fields["cause"])),
  };
}

/** All versions that are served, for a case each. */
export function versionsOf({ versionMin, versionMax }: AnyApi): number[] {
  return Array.from({ length: versionMax - versionMin + 1 }, (_, index) => versionMin + index);
}

const encoder = new TextEncoder();

/** One batch with a record for each text. */
export function batchOf(texts: readonly string[], options: BatchOptions = {}): ByteRange {
  const records = texts.map((text) => ({
    key: null,
    value: encoder.encode(text),
    timestampMs: 1_700_000_000_000,
  }));
  return whole(encodeBatch(records, options));
}

export function whole(bytes: Uint8Array): ByteRange {
  return { bytes, start: 0, end: bytes.length };
}

/** A connection without any idea of the protocol: it sends bytes and collects what comes. */
export class RawClient {
  readonly connection: Connection;
  readonly received: number[] = [];
  readonly closed: Promise<CloseReason>;
  isOver = false;
  readonly #clock: Clock;

  constructor(stage: FrontStage) {
    this.#clock = stage.peer.clock;
    let over: (reason: CloseReason) => void = () => {};
    this.closed = new Promise((resolve) => {
      over = resolve;
    });
    this.connection = stage.peer.wire.connect(stage.at, {
      received: (bytes) => this.received.push(...bytes),
      closed: (reason) => {
        this.isOver = true;
        over(reason);
      },
    });
  }

  send(bytes: Uint8Array): void {
    this.connection.write(bytes);
    this.#clock.turnEnd(() => this.connection.flush());
  }
}
