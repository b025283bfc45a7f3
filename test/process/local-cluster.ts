// Three real brokers as processes on free loopback ports, for programs that measure or torment them. Ends only what it
// started, by process id, and removes its data.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Address } from "../../internal/ports/wire.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const MAIN = join(ROOT, "cmd", "flotilla", "main.ts");
const READY_MS_MAX = 30_000;
const STOP_MS_MAX = 10_000;
/** As `flotilla cluster` gives them to its brokers. */
const NODE_FLAGS = ["--max-semi-space-size=32"];
const SNAPSHOT_SIGNAL = "SIGUSR2";

export interface BrokerProcess {
  readonly id: number;
  readonly kafka: Address;
  readonly grpc: Address;
  readonly http: Address;
  readonly link: Address;
  readonly pid: number;
  readonly log: string;
}

/** CPU seconds, resident bytes and bytes sent to storage of a process, as the kernel counts them. */
export interface ProcessFacts {
  readonly cpuSeconds: number;
  readonly residentBytes: number;
  readonly writtenBytes: number;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports: number[] = [];
  for (const server of servers) {
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    ports.push((server.address() as AddressInfo).port);
  }
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return ports;
}

export class LocalCluster {
  readonly brokers: readonly BrokerProcess[];
  readonly directory: string;
  readonly #children: ChildProcess[];
  readonly #spawn: (id: number) => ChildProcess;

  private constructor(
    directory: string,
    brokers: readonly BrokerProcess[],
    children: ChildProcess[],
    start: (id: number) => ChildProcess,
  ) {
    this.directory = directory;
    this.brokers = brokers;
    this.#children = children;
    this.#spawn = start;
  }

  static async start(settings: Readonly<Record<string, string>> = {}): Promise<LocalCluster> {
    mkdirSync(join(ROOT, ".flotilla"), { recursive: true });
    const directory = mkdtempSync(join(ROOT, ".flotilla", "process-"));
    const ports = await freePorts(12);
    const at = (broker: number, kind: number): string =>
      `127.0.0.1:${ports[(broker - 1) * 4 + kind] ?? 0}`;
    const ids = [1, 2, 3];
    const initial = ids.map((id) => `${id}@${at(id, 0)}`).join(",");
    const start = (id: number): ChildProcess => {
      const all: Record<string, string> = {
        "broker.id": String(id),
        "data.directory": join(directory, String(id)),
        "initial.brokers": initial,
        "link.listen": at(id, 0),
        "kafka.listen": at(id, 1),
        "grpc.listen": at(id, 2),
        "http.listen": at(id, 3),
        ...settings,
      };
      const flags = Object.entries(all).map(([name, value]) => `--${name}=${value}`);
      const out = openSync(join(directory, `${id}.log`), "a");
      const snapshots = [
        `--heapsnapshot-signal=${SNAPSHOT_SIGNAL}`,
        `--diagnostic-dir=${directory}`,
      ];
      const command = [...NODE_FLAGS, ...snapshots, MAIN, "start", ...flags];
      return spawn(process.execPath, command, { cwd: ROOT, stdio: ["ignore", out, out] });
    };
    const children = ids.map(start);
    const brokers = ids.map((id, k) => {
      const address = (kind: number): Address => {
        return { host: "127.0.0.1", port: ports[(id - 1) * 4 + kind] ?? 0 };
      };
      return {
        id,
        link: address(0),
        kafka: address(1),
        grpc: address(2),
        http: address(3),
        pid: children[k]?.pid ?? 0,
        log: join(directory, `${id}.log`),
      };
    });
    const cluster = new LocalCluster(directory, brokers, children, start);
    process.once("exit", () => cluster.#kill());
    const untilMs = performance.now() + READY_MS_MAX;
    for (const broker of brokers) await cluster.#whenReady(broker, untilMs);
    return cluster;
  }

  /** Kills a broker (SIGKILL) and starts it again. Resolves to the milliseconds until it serves; rejects if it does not. */
  async restart(broker: BrokerProcess): Promise<number> {
    const old = this.#children[broker.id - 1];
    const gone = new Promise<void>((resolve) => old?.once("exit", () => resolve()));
    if (old?.kill("SIGKILL") === true) await gone;
    const startMs = performance.now();
    this.#children[broker.id - 1] = this.#spawn(broker.id);
    await this.#whenReady(broker, startMs + READY_MS_MAX);
    return performance.now() - startMs;
  }

  async #whenReady(broker: BrokerProcess, untilMs: number): Promise<void> {
    for (;;) {
      // A broker listens for Kafka clients once the controller lists it as alive.
      if (await accepts(broker.kafka)) return;
      if (performance.now() > untilMs || !this.isAlive(broker)) {
        const tail = readFileSync(broker.log, "utf8").slice(-2_000);
        throw new Error(`broker ${broker.id} is not ready; the end of its log:\n${tail}`);
      }
      await pause(100);
    }
  }

  facts(): ProcessFacts {
    let cpuSeconds = 0;
    let residentBytes = 0;
    let writtenBytes = 0;
    for (const { pid } of this.brokers) {
      const one = processFacts(pid);
      cpuSeconds += one.cpuSeconds;
      residentBytes += one.residentBytes;
      writtenBytes += one.writtenBytes;
    }
    return { cpuSeconds, residentBytes, writtenBytes };
  }

  isAlive(broker: BrokerProcess): boolean {
    const child = this.#children[broker.id - 1];
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /**
   * Has a broker collect its garbage, which an idle one may put off for ever: it writes a heap snapshot into the
   * cluster's folder, and that begins with a full collection.
   */
  collectGarbage(broker: BrokerProcess): void {
    this.#children[broker.id - 1]?.kill(SNAPSHOT_SIGNAL);
  }

  async stop(): Promise<void> {
    const gone = this.#children.map((child) => {
      if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
      const exit = new Promise<void>((resolve) => child.once("exit", () => resolve()));
      child.kill("SIGTERM");
      return exit;
    });
    await Promise.race([Promise.all(gone), pause(STOP_MS_MAX, undefined, { ref: false })]);
    this.#kill();
    rmSync(this.directory, { recursive: true, force: true });
  }

  #kill(): void {
    for (const child of this.#children) {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
    }
  }
}

function accepts({ host, port }: Address): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** proc(5): fields of stat after the command's closing parenthesis; clock ticks are 1/100 s, pages 4 KiB. */
export function processFacts(pid: number): ProcessFacts {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const io = /^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"));
  return {
    cpuSeconds: (Number(fields[11]) + Number(fields[12])) / 100,
    residentBytes: Number(fields[21]) * 4096,
    writtenBytes: Number(io?.[1] ?? 0),
  };
}
