// The product's own reading commands of a run: one that reads alone, and members of a group, who are ended and killed in turn
// by a seeded plan. In the end they are left in peace until they have printed everything.
import { join } from "node:path";
import { HANG_MS } from "../patience.ts";
import type { Random } from "../random.ts";
import { Connection } from "../wire/connection.ts";
import type { BrokerAddress } from "../wire/connection.ts";
import { CODE } from "../wire/error-codes.ts";
import { FIND_COORDINATOR, OFFSET_FETCH } from "../wire/group-requests.ts";
import { pause } from "../workload/clock.ts";
import { ConsumeProcess } from "./consume-process.ts";
import type { Readings } from "./printed.ts";

const GROUP = "own";
const MEMBERS = 2;

export interface CrewOptions {
  readonly program: string;
  readonly addresses: ReadonlyMap<number, BrokerAddress>;
  readonly topic: string;
  readonly partitions: number;
  readonly run: string;
  readonly directory: string;
  readonly random: Random;
  /** For the timeline. */
  readonly note: (what: string) => void;
}

export class ReaderCrew {
  readonly #options: CrewOptions;
  readonly #plain: ConsumeProcess;
  readonly #members: readonly ConsumeProcess[];
  #isCalm = false;
  readonly #churning: Promise<void>;

  constructor(options: CrewOptions) {
    this.#options = options;
    const { addresses, directory, topic, run, program } = options;
    const bootstrap = [...addresses.values()].map(({ host, port }) => `${host}:${port}`).join(",");
    const process = (name: string, group: string | null): ConsumeProcess => {
      const log = join(directory, `${name}.log`);
      return new ConsumeProcess({ name, group, program, bootstrap, topic, run, log });
    };
    this.#plain = process("own-reader", null);
    this.#members = Array.from({ length: MEMBERS }, (_, k) => process(`own-member-${k}`, GROUP));
    for (const one of [this.#plain, ...this.#members]) one.start();
    this.#churning = this.#churn();
  }

  async #churn(): Promise<void> {
    const { random, note } = this.#options;
    while (!this.#isCalm) {
      const untilMs = performance.now() + random.between(4_000, 10_000);
      while (!this.#isCalm && performance.now() < untilMs) await pause(100);
      if (this.#isCalm) return;
      const member = random.pick(this.#members);
      const signal = random.chance(0.5) ? "SIGKILL" : "SIGTERM";
      note(`${signal} to ${member.plan.name}`);
      await member.end(signal);
      await pause(random.between(100, 2_000));
      member.start();
    }
  }

  /** How often members were ended and came back. */
  get memberEnds(): number {
    return this.#members.reduce((sum, { lives }) => sum + lives.length - 1, 0);
  }

  /** No more harm: waits until all is printed up to the ends, then ends everyone and asks what is committed. */
  async drain(ends: ReadonlyMap<number, number>): Promise<Readings> {
    this.#isCalm = true;
    await this.#churning;
    const giveUpAtMs = performance.now() + HANG_MS;
    while (!this.#hasPrinted(ends) && performance.now() < giveUpAtMs) await pause(100);
    // A moment for members to commit the last of it by themselves would hide one that does not do so when it is told to end.
    await Promise.all([this.#plain, ...this.#members].map((one) => one.end("SIGTERM")));
    const committed = await this.#committed();
    const reading = ({ plan, lives }: ConsumeProcess) => ({ name: plan.name, lives });
    return {
      plain: [reading(this.#plain)],
      groups: [{ group: GROUP, members: this.#members.map(reading), committed }],
    };
  }

  async stop(): Promise<void> {
    this.#isCalm = true;
    await Promise.all([this.#plain, ...this.#members].map((one) => one.end("SIGKILL")));
  }

  #hasPrinted(ends: ReadonlyMap<number, number>): boolean {
    const reached = (all: readonly ConsumeProcess[]): boolean => {
      const last = new Map<number, number>();
      for (const { records } of all.flatMap(({ lives }) => lives)) {
        for (const { partition, offset } of records) {
          last.set(partition, Math.max(last.get(partition) ?? -1, offset));
        }
      }
      return [...ends].every(([partition, end]) => (last.get(partition) ?? -1) + 1 >= end);
    };
    return reached([this.#plain]) && reached(this.#members);
  }

  async #committed(): Promise<ReadonlyMap<number, number> | null> {
    for (const giveUpAtMs = performance.now() + HANG_MS; performance.now() < giveUpAtMs;) {
      for (const address of this.#options.addresses.values()) {
        const told = await this.#ask(address).catch(() => null);
        if (told !== null) return told;
      }
      await pause(100);
    }
    return null;
  }

  /** Null: whoever was asked knows no coordinator, or that one does not answer. */
  async #ask(address: BrokerAddress): Promise<ReadonlyMap<number, number> | null> {
    const { topic, partitions: count, addresses } = this.#options;
    const partitions = Array.from({ length: count }, (_, partition) => partition);
    const first = await Connection.open(address, "chaos-own-offsets", 1_000);
    const found = await first.ask(FIND_COORDINATOR, GROUP, 2_000).finally(() => first.close());
    const coordinator = addresses.get(found.broker);
    if (found.code !== CODE.none || coordinator === undefined) return null;
    const second = await Connection.open(coordinator, "chaos-own-offsets", 1_000);
    const question = { group: GROUP, topic, partitions };
    const told = await second.ask(OFFSET_FETCH, question, 2_000).finally(() => second.close());
    if (told.code !== CODE.none) return null;
    return new Map(told.offsets.map(({ partition, offset }) => [partition, offset]));
  }
}
