// The network of a run, as its nemesis handles it: the process through which all that brokers say to each other, and clients
// to them, passes.
import { fork } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { childrenOfRun } from "../cluster/broker-process.ts";
import type { Order, Report } from "./main.ts";
import type { Passage } from "./proxy.ts";
import type { Effects, Rule } from "./weather.ts";

type Unnumbered = { readonly open: readonly Passage[] } | { readonly set: readonly Rule[] };

export class Network {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (effects: Effects) => void>();
  #orders = 0;

  private constructor() {
    const child = fork(join(import.meta.dirname, "main.ts"), { stdio: "inherit" });
    this.#child = child;
    childrenOfRun.add(child);
    child.on("exit", () => childrenOfRun.delete(child));
    child.on("message", (report: Report) => {
      this.#waiting.get(report.number)?.(report.effects);
      this.#waiting.delete(report.number);
    });
  }

  static async open(passages: readonly Passage[]): Promise<Network> {
    const network = new Network();
    await network.#order({ open: passages });
    return network;
  }

  /** The weather from now on; resolves with what that before has done. */
  set(rules: readonly Rule[]): Promise<Effects> {
    return this.#order({ set: rules });
  }

  #order(what: Unnumbered): Promise<Effects> {
    const number = ++this.#orders;
    return new Promise((resolve, reject) => {
      this.#waiting.set(number, resolve);
      const order: Order = { number, ...what };
      this.#child.send(order, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  close(): void {
    this.#child.kill("SIGKILL");
  }
}
