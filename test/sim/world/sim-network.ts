// The network of a simulation: machines with listeners, the ways between them, and the faults that the
// outside can order. Connections themselves are in sim-connection.ts.
import type {
  Address,
  Connection,
  ConnectionEvents,
  Listener,
} from "../../../internal/ports/wire.ts";
import type { Wire } from "../../../internal/ports/wire.ts";
import type { CrashKind } from "./sim-device.ts";
import type { Life } from "./life.ts";
import { DELIVERY } from "./scheduler.ts";
import type { Scheduler } from "./scheduler.ts";
import { SimConnection } from "./sim-connection.ts";
import { CALM_NETWORK, Fabric } from "./sim-fabric.ts";

type Accept = (connection: Connection) => ConnectionEvents;

interface Machine {
  /** The process that runs on it now. */
  life: Life | null;
  refusing: boolean;
  nextPort: number;
  readonly listeners: Map<number, Accept>;
  readonly connections: Set<SimConnection>;
}

const RESERVED_PORTS_END = 32_768;
const LOCAL_NAMES = new Set(["localhost", "127.0.0.1", "::1", "0.0.0.0", "::"]);

export class SimNetwork extends Fabric {
  readonly #machines = new Map<string, Machine>();

  constructor(scheduler: Scheduler, seed: number, options = CALM_NETWORK) {
    super(scheduler, seed, options);
  }

  /** The port of a process that has just started on its machine. */
  portFor(life: Life): Wire {
    const machine = this.#machine(life.node);
    machine.life = life;
    this.dark.delete(life.node);
    return {
      listen: async (at, accept) => {
        await this.#pause(life);
        const port = at.port === 0 ? this.#freePort(machine) : at.port;
        if (machine.listeners.has(port)) {
          return { ok: false, fault: { kind: "listen", code: "EADDRINUSE", at } };
        }
        machine.listeners.set(port, accept);
        return { ok: true, value: this.#listenerOf(machine, life.node, port) };
      },
      connect: (to, events) => this.#connect(life, to, events),
    };
  }

  /** What the death of the process on `node`, or of the machine, does to its connections. */
  crash(node: string, kind: CrashKind): void {
    const machine = this.#machine(node);
    machine.life = null;
    if (kind === "power") this.dark.add(node);
    machine.listeners.clear();
    for (const connection of [...machine.connections]) connection.abandon(kind === "power");
    machine.connections.clear();
  }

  /** Resets every connection between two machines, as seen by both. */
  resetBetween(left: string, right: string): void {
    for (const connection of [...this.#machine(left).connections]) {
      if (connection.peerNode === right) connection.breakBoth();
    }
  }

  /** While refusing, a machine answers every connect with a refusal. */
  refuse(node: string, refusing: boolean): void {
    this.#machine(node).refusing = refusing;
  }

  /** Connections of a machine that are open now. */
  connectionCount(node: string): number {
    return this.#machine(node).connections.size;
  }

  #connect(life: Life, to: Address, events: ConnectionEvents): Connection {
    const machine = this.#machine(life.node);
    const node = LOCAL_NAMES.has(to.host) ? life.node : to.host;
    const own = { host: life.node, port: this.#freePort(machine) };
    const client = new SimConnection(this, life, node, to, machine.connections, events);
    if (!life.alive) return client; // the last words of a dead process reach nobody
    client.register();
    const deadlineUs = this.scheduler.nowUs + this.options.openUsMax;
    const delayUs = this.latencyUs(life.node, node);
    this.#later(delayUs, "wire syn", () => this.#greet(client, own, deadlineUs, 0));
    return client;
  }

  /** A connect arrives at the other machine, or does not and is tried again. */
  #greet(client: SimConnection, own: Address, deadlineUs: number, attempt: number): void {
    if (client.over) return;
    const { node, peerNode } = client;
    const known = this.#machines.get(peerNode);
    if (known === undefined) {
      client.refuse();
      return;
    }
    const clogUs = this.links.cloggedUntilUs(node, peerNode) - this.scheduler.nowUs;
    if (clogUs > 0 || !this.reaches(node, peerNode) || !this.reaches(peerNode, node)) {
      const delayUs = Math.max(clogUs, 1_000_000 * 2 ** attempt);
      if (this.scheduler.nowUs + delayUs > deadlineUs) {
        const leftUs = Math.max(0, deadlineUs - this.scheduler.nowUs);
        this.#later(leftUs, "wire open timeout", () => client.timeOut());
        return;
      }
      this.#later(delayUs, "wire syn again", () => {
        this.#greet(client, own, deadlineUs, attempt + 1);
      });
      return;
    }
    const backUs = this.latencyUs(peerNode, node);
    const accept = known.listeners.get(client.peer.port);
    const life = known.life;
    if (accept === undefined || life === null || known.refusing) {
      this.#later(backUs, "wire refused", () => client.refuse());
      return;
    }
    const server = new SimConnection(this, life, node, own, known.connections, null);
    server.register();
    client.pair(server);
    server.pair(client);
    this.scheduler.at(0, life, DELIVERY, "wire accept", () => server.accept(accept));
    this.#later(backUs, "wire syn-ack", () => client.establish());
  }

  #later(delayUs: number, label: string, run: () => void): void {
    this.scheduler.at(delayUs, null, DELIVERY, label, run);
  }

  #pause(life: Life): Promise<void> {
    return new Promise((resolve) => {
      this.scheduler.at(this.entropy.between(1, 200), life, DELIVERY, "wire listen", resolve);
    });
  }

  #listenerOf(machine: Machine, host: string, port: number): Listener {
    return {
      address: { host, port },
      close: async () => {
        machine.listeners.delete(port);
      },
    };
  }

  #freePort(machine: Machine): number {
    while (machine.listeners.has(machine.nextPort)) machine.nextPort++;
    return machine.nextPort++;
  }

  #machine(node: string): Machine {
    let machine = this.#machines.get(node);
    if (machine === undefined) {
      machine = {
        life: null,
        refusing: false,
        nextPort: RESERVED_PORTS_END,
        listeners: new Map(),
        connections: new Set(),
      };
      this.#machines.set(node, machine);
    }
    return machine;
  }
}
