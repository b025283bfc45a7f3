// A cluster of real brokers on simulated machines: every broker is the production composition over a simulated World. The
// simulation decides when each one starts, crashes, freezes and comes back.
import type { SettingValues } from "../../../internal/config/settings.ts";
import type { Settings } from "../../../internal/config/settings.ts";
import type { BrokerId } from "../../../internal/model/ids.ts";
import { Broker } from "../../../internal/server/broker.ts";
import type { BrokerFaults } from "../../../internal/server/broker.ts";
import type { CrashKind } from "../world/sim-device.ts";
import type { Simulation, SimNode } from "../world/sim-world.ts";
import { SMALL_SIZES, smallSettings } from "./small-settings.ts";
import type { SmallSizes } from "./small-settings.ts";

const LINK_PORT = 6092;
export const KAFKA_PORT = 9092;

/** Told what happens to brokers, in the middle of an event. */
export interface ClusterEvents {
  /** A broker was opened, before it starts. */
  opened?(at: SimBroker, broker: Broker): void;
  /** Its process ended, in whatever way; `broker` is null when it was still opening. */
  ended?(at: SimBroker, broker: Broker | null): void;
}

export class SimBroker {
  readonly id: BrokerId;
  readonly node: SimNode;
  readonly #faults: BrokerFaults;
  readonly #listeners: ClusterEvents[];
  #given: SettingValues;
  #sizes: SmallSizes;
  #broker: Broker | null = null;
  #hasFrontEnds = false;
  /** Virtual time of the last boot, µs. */
  bootedUs = 0;

  constructor(
    id: BrokerId,
    node: SimNode,
    given: SettingValues,
    sizes: SmallSizes,
    faults: BrokerFaults,
    listeners: ClusterEvents[],
  ) {
    this.id = id;
    this.node = node;
    this.#given = given;
    this.#sizes = sizes;
    this.#faults = faults;
    this.#listeners = listeners;
  }

  /** What its next start reads. */
  get settings(): Settings {
    return smallSettings(this.#given, this.#sizes);
  }

  /** From the next start on, over what it had. */
  reconfigure(given: SettingValues, sizes: Partial<SmallSizes> = {}): void {
    this.#given = { ...this.#given, ...given };
    this.#sizes = { ...this.#sizes, ...sizes };
  }

  /** The running broker; null while it is down or still opening its journal. */
  get broker(): Broker | null {
    return this.node.alive ? this.#broker : null;
  }

  /** The broker if it runs and is not frozen: one that can be talked to. */
  get reachable(): Broker | null {
    return this.node.frozen ? null : this.broker;
  }

  /** Its start is over, and no stop has begun to close it: clients get through to it. */
  get hasFrontEnds(): boolean {
    return this.broker !== null && this.#hasFrontEnds;
  }

  /** Boots the machine's process. It comes up by itself as the simulation runs. */
  start(nowUs = 0): void {
    if (this.node.alive) return;
    const world = this.node.boot();
    this.bootedUs = nowUs;
    this.#broker = null;
    this.#hasFrontEnds = false;
    world.life.onEnd(() => {
      const broker = this.#broker;
      this.#broker = null;
      for (const listener of this.#listeners) listener.ended?.(this, broker);
    });
    void Broker.open(world, this.settings, this.#faults).then(async (opened) => {
      if (!world.life.alive) return;
      if (!opened.ok) return world.fatal("start", opened.fault);
      this.#broker = opened.value;
      for (const listener of this.#listeners) listener.opened?.(this, opened.value);
      const started = await opened.value.start();
      if (!started.ok) return world.fatal("start", started.fault);
      if (world.life.alive) this.#hasFrontEnds = true;
    });
  }

  crash(kind: CrashKind): void {
    this.node.crash(kind);
  }

  /** Drains it for at most so long, closes it, and lets its process end. */
  stop(drainMsMax: number): void {
    const { broker } = this;
    if (broker === null) return;
    const isStill = (): boolean => this.broker === broker;
    void broker
      .drain(drainMsMax)
      .then(() => {
        if (!isStill()) return undefined;
        this.#hasFrontEnds = false;
        return broker.stop();
      })
      .then(() => {
        if (isStill()) this.crash("kill");
      });
  }
}

export interface SimClusterOptions {
  readonly brokers: number;
  readonly settings?: SettingValues;
  readonly sizes?: SmallSizes;
  readonly faults?: BrokerFaults;
  /** How many of the brokers, from the first on, a broker's `initial.brokers` names; all by default. */
  readonly initial?: (id: BrokerId) => number;
}

export class SimCluster {
  readonly simulation: Simulation;
  readonly brokers: readonly SimBroker[];
  readonly #listeners: ClusterEvents[] = [];

  constructor(simulation: Simulation, options: SimClusterOptions) {
    this.simulation = simulation;
    const ids = Array.from({ length: options.brokers }, (_, k) => (k + 1) as BrokerId);
    const list = ids.map((id) => ({ id, address: { host: nameOf(id), port: LINK_PORT } }));
    this.brokers = ids.map((id) => {
      const host = nameOf(id);
      const own: SettingValues = {
        ...options.settings,
        "broker.id": id,
        "data.directory": "/data",
        "initial.brokers": list.slice(0, options.initial?.(id) ?? list.length),
        "link.listen": { host, port: LINK_PORT },
        "kafka.listen": { host, port: KAFKA_PORT },
        "grpc.listen": { host, port: 7092 },
        "http.listen": { host, port: 8092 },
      };
      const { sizes = SMALL_SIZES, faults = {} } = options;
      const node = simulation.node(host);
      return new SimBroker(id, node, own, sizes, faults, this.#listeners);
    });
  }

  listen(events: ClusterEvents): void {
    this.#listeners.push(events);
  }

  at(id: number): SimBroker {
    return this.brokers[id - 1] as SimBroker;
  }

  startAll(): void {
    for (const broker of this.brokers) broker.start(this.simulation.scheduler.nowUs);
  }

  /** Every broker is up and unfenced. */
  get isReady(): boolean {
    return this.brokers.every(({ broker }) => broker !== null && broker.readiness().length === 0);
  }
}

export function nameOf(id: BrokerId): string {
  return `broker-${id}`;
}
