// The Kafka front end of a broker: it accepts clients, shares out what they may hold, and looks after connections that
// nobody uses any more. One server serves any number of addresses of one listener.
import type { Result } from "../base/result.ts";
import { Reader } from "../bytes/reader.ts";
import { Writer } from "../bytes/writer.ts";
import type { Cancel } from "../ports/clock.ts";
import type { Address, Connection, ConnectionEvents, Listener } from "../ports/wire.ts";
import type { World } from "../ports/world.ts";
import type { ClusterService } from "../service/cluster-service.ts";
import type { GroupService } from "../service/group-service.ts";
import type { ElectionService } from "../service/election-service.ts";
import type { InspectionService } from "../service/inspection-service.ts";
import type { LogService } from "../service/log-service.ts";
import type { AnyApi } from "./api/registry.ts";
import { ByteBudget } from "./byte-budget.ts";
import { KafkaConnection } from "./connection.ts";
import type { ConnectionHome } from "./connection.ts";
import { FetchSessions } from "./fetch-sessions.ts";
import { Flusher } from "./flusher.ts";
import type { Handler } from "./handler.ts";
import { handlersOf } from "./handlers.ts";
import { apiVersions } from "./api/18-api-versions.ts";
import { unknownVersionAnswer } from "./handlers/18-api-versions.ts";
import {
  DRAIN_MS_MAX,
  SWEEP_MS_MAX,
  SWEEP_MS_MIN,
  TURN_BYTES_MAX,
  WARNINGS_PER_SECOND_MAX,
} from "./limits.ts";
import type { KafkaOptions } from "./options.ts";
import { KafkaProbe } from "./probe.ts";
import { QuietLog } from "./quiet-log.ts";
import { ReadQuota } from "./read-quota.ts";

export interface KafkaServices {
  readonly log: LogService;
  readonly cluster: ClusterService;
  readonly groups: GroupService;
  readonly inspection: InspectionService;
  readonly elections: ElectionService;
}

export type ListenFault = {
  readonly kind: "listen";
  readonly code: string;
  readonly at: Address;
};

/** What a connection over the limit is given: nothing that it sends is looked at. */
const NOBODY: ConnectionEvents = { received: () => {}, closed: () => {} };

/** States: open → draining → closed, or open → closed. Only an open server accepts clients. */
export class KafkaServer {
  readonly #world: World;
  readonly #options: KafkaOptions;
  readonly #connections = new Set<KafkaConnection>();
  readonly #listeners: Listener[] = [];
  readonly #sessions: FetchSessions;
  readonly #probe: KafkaProbe;
  readonly #home: ConnectionHome;
  #state: "open" | "draining" | "closed" = "open";
  #cancelSweep: Cancel | null = null;
  #drained: (() => void)[] = [];

  constructor(world: World, services: KafkaServices, options: KafkaOptions) {
    this.#world = world;
    this.#options = options;
    const { clock, entropy } = world;
    this.#sessions = new FetchSessions(clock, entropy, options.fetchSessionsMax);
    const sessions = this.#sessions;
    const handlers = handlersOf({ ...services, clock, entropy, options, sessions });
    const budget = new ByteBudget(options.heldBytesMax);
    const watched = {
      connections: () => this.#connections.size,
      heldBytes: () => budget.bytes,
      fetchSessions: () => sessions.count,
    };
    const apis = handlers.map(({ api }) => api);
    this.#probe = new KafkaProbe(world.meter, watched, apis);
    this.#home = this.#homeOf(handlers, budget);
  }

  #homeOf(handlers: readonly Handler[], budget: ByteBudget): ConnectionHome {
    const { clock, log } = this.#world;
    const byKey: (Handler | undefined)[] = [];
    for (const one of handlers) byKey[one.api.key] = one;
    return {
      options: this.#options,
      clock,
      flusher: new Flusher(clock),
      budget,
      quota: new ReadQuota(clock, TURN_BYTES_MAX),
      probe: this.#probe,
      log: new QuietLog(log.child({ mod: "kafka" }), clock, WARNINGS_PER_SECOND_MAX),
      writer: new Writer(),
      reader: new Reader(new Uint8Array(0)),
      served: (key) => byKey[key]?.api,
      handlerOf: (api) => byKey[api.key] as Handler,
      unknownApiVersions: unknownVersionAnswer(),
      apiVersions: apiVersions as AnyApi,
      fatal: (error) => this.#world.fatal("kafka-front-end", error),
      gone: (connection) => this.#gone(connection),
    };
  }

  /** Open connections. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** Accepts clients at `at`, until `drain` or `close`. */
  async listen(at: Address): Promise<Result<Listener, ListenFault>> {
    const listening = await this.#world.wire.listen(at, (wire) => this.#accept(wire));
    if (!listening.ok) return listening;
    if (this.#state === "open") this.#listeners.push(listening.value);
    else await listening.value.close();
    return listening;
  }

  /** Stops accepting, answers what is under way, and closes. Resolves when the last connection is gone. */
  async drain(withinMs = DRAIN_MS_MAX): Promise<void> {
    if (this.#state === "closed") return;
    this.#state = "draining";
    await this.#stopListening();
    for (const connection of [...this.#connections]) connection.drain();
    const late = this.#world.clock.after(withinMs, () => this.#destroyAll());
    await this.#emptied();
    late();
    await this.close();
  }

  /** Closes everything at once. Resolves when the last connection is gone. Idempotent. */
  async close(): Promise<void> {
    this.#state = "closed";
    await this.#stopListening();
    this.#destroyAll();
    this.#cancelSweep?.();
    this.#cancelSweep = null;
    await this.#emptied();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #stopListening(): Promise<void> {
    for (const listener of this.#listeners.splice(0)) await listener.close();
  }

  #emptied(): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#drained.push(resolve));
  }

  #destroyAll(): void {
    for (const connection of [...this.#connections]) connection.close("shutdown", null);
  }

  #accept(wire: Connection): ConnectionEvents {
    const isFull = this.#connections.size >= this.#options.connectionsMax;
    if (isFull || this.#state !== "open") {
      const cause = isFull ? "too-many-connections" : "shutdown";
      this.#probe.closed[cause].add(1);
      if (isFull) this.#home.log.warn({ cause, host: wire.peer.host }, "client-refused");
      // Not inside this call: the wire has not taken the connection over yet.
      this.#world.clock.turnEnd(() => wire.destroy());
      return NOBODY;
    }
    this.#probe.accepted.add(1);
    const connection = new KafkaConnection(this.#home, wire);
    this.#connections.add(connection);
    if (this.#cancelSweep === null) this.#sweepLater();
    return connection;
  }

  #gone(connection: KafkaConnection): void {
    this.#connections.delete(connection);
    if (this.#connections.size > 0) return;
    for (const resolve of this.#drained.splice(0)) resolve();
  }

  #sweepLater(): void {
    const wanted = Math.min(SWEEP_MS_MAX, this.#options.idleMsMax / 4);
    this.#cancelSweep = this.#world.clock.after(Math.max(SWEEP_MS_MIN, wanted), () => {
      this.#cancelSweep = null;
      const nowMs = this.#world.clock.upMs();
      for (const connection of this.#connections) connection.sweep(nowMs);
      if (this.#home.budget.staysFull()) this.#makeRoom(nowMs);
      // Without connections there is nothing to look after, and an idle broker sets no timer.
      if (this.#connections.size > 0) this.#sweepLater();
    });
  }

  /**
   * Memory has been short since the last sweep. Where most of it is held by clients that do not get on (halves of
   * frames, answers that nobody takes), the greediest are given up; what is under way here ends by itself.
   */
  #makeRoom(nowMs: number): void {
    const { heldBytesMax } = this.#options;
    const idle = [...this.#connections]
      .map((connection) => ({ connection, bytes: connection.unmovingBytes(nowMs) }))
      .filter(({ bytes }) => bytes > 0)
      .toSorted((a, b) => b.bytes - a.bytes);
    const idleBytes = idle.reduce((sum, { bytes }) => sum + bytes, 0);
    if (idleBytes < heldBytesMax / 2) return;
    let excessBytes = this.#home.budget.bytes - heldBytesMax / 2;
    for (const { connection, bytes } of idle) {
      if (excessBytes <= 0) return;
      connection.refuse("memory-short", { heldBytes: bytes });
      excessBytes -= bytes;
    }
  }
}
