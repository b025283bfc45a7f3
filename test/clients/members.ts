// Members of a consumer group, each a driver process, and what they tell together: which records were consumed, who owned what in
// which generation. A partition with two owners in one generation is a fault the moment it is told.
import { setTimeout as pause } from "node:timers/promises";
import { DriverProcess } from "./driver.ts";
import type { Line } from "./driver.ts";
import { bootstrapOf } from "./scenario.ts";
import type { Stage } from "./scenario.ts";

const POLL_MS = 50;
const SHARED_MS_MAX = 1_000;
/** kafkajs leaves only when a rejoin that is under way has ended, which takes up to its rebalance timeout of 10 s. */
const END_MS_MAX = 60_000;

export class Member {
  readonly name: string;
  readonly driver: DriverProcess;
  readonly owned = new Set<number>();
  /** By partition: the first record read since the start, and the next one after the last read. */
  readonly firstRead = new Map<number, number>();
  readonly nextRead = new Map<number, number>();
  readonly committed = new Map<number, number>();
  readonly errors: string[] = [];
  records = 0;
  /** Whether it tells its partitions at all; some clients do not. */
  tellsPartitions = false;

  constructor(name: string, open: (hear: (line: Line) => void) => DriverProcess, group: Members) {
    this.name = name;
    this.driver = open((line) => this.#hear(line, group));
  }

  #hear(line: Line, group: Members): void {
    if (line.error !== undefined) this.errors.push(line.error);
    for (const partition of line.assigned ?? []) this.owned.add(partition);
    for (const partition of line.revoked ?? []) this.owned.delete(partition);
    if (line.assigned !== undefined) this.tellsPartitions = true;
    if (line.owns !== undefined) group.hearOwner(this.name, line.owns, line.generation ?? -1);
    if (line.committed !== undefined) this.committed.set(...line.committed);
    if (line.record === undefined) return;
    const [partition, offset, value] = line.record;
    this.records++;
    if (!this.firstRead.has(partition)) this.firstRead.set(partition, offset);
    this.nextRead.set(partition, offset + 1);
    group.consumed.add(value);
  }

  /** It commits, leaves and ends. */
  async leave(): Promise<void> {
    this.driver.stop();
    await this.driver.ended(END_MS_MAX);
  }
}

export class Members {
  readonly #stage: Stage;
  readonly #partitions: number;
  readonly group: string;
  readonly all: Member[] = [];
  readonly consumed = new Set<string>();
  readonly #owners = new Map<string, string>();
  readonly #sharedSinceMs = new Map<number, number>();
  #fault: Error | null = null;

  constructor(stage: Stage, partitions: number) {
    this.#stage = stage;
    this.#partitions = partitions;
    this.group = `${stage.name}-group`;
  }

  join(name: string): Member {
    const { driver, name: topic } = this.#stage;
    const { group } = this;
    const bootstrap = bootstrapOf(this.#stage);
    const protocol = driver.protocol ?? "classic";
    const reads = { bootstrap, topic, group, protocol, fromStart: true };
    const action = { action: "consume", ...reads } as const;
    const member = new Member(name, (hear) => new DriverProcess(driver, action, hear), this);
    this.all.push(member);
    return member;
  }

  hearOwner(member: string, partitions: readonly number[], generation: number): void {
    // Member epochs of KIP-848 are compared in the same way: within one epoch of the group an owner is final.
    for (const partition of partitions) {
      const key = `${generation}/${partition}`;
      const other = this.#owners.get(key) ?? member;
      this.#owners.set(key, member);
      if (other === member) continue;
      this.#fault ??= new Error(
        `partition ${partition} belongs to ${other} and to ${member} in generation ${generation}`,
      );
    }
  }

  /** Waits for something, while the living members stay well. */
  async until(what: string, withinMs: number, isSo: () => boolean): Promise<void> {
    const giveUpAt = performance.now() + withinMs;
    while (!isSo()) {
      this.#lookForSharing();
      if (this.#fault !== null) throw this.#fault;
      for (const { driver } of this.#living()) driver.check();
      if (performance.now() > giveUpAt) throw new Error(`not ${what}: ${this.#shown()}`);
      await pause(POLL_MS);
    }
    if (this.#fault !== null) throw this.#fault;
  }

  /**
   * Two members that both say that they have a partition. Lines of two processes may arrive in the other order, so it must last;
   * where brokers die a member may not know yet that it lost what it had, so there it is no fault.
   */
  #lookForSharing(): void {
    if (this.#stage.withKills) return;
    for (let partition = 0; partition < this.#partitions; partition++) {
      const owners = this.#living().filter(({ owned }) => owned.has(partition));
      if (owners.length < 2) {
        this.#sharedSinceMs.delete(partition);
        continue;
      }
      const sinceMs = this.#sharedSinceMs.get(partition) ?? performance.now();
      this.#sharedSinceMs.set(partition, sinceMs);
      if (performance.now() - sinceMs < SHARED_MS_MAX) continue;
      const names = owners.map(({ name }) => name).join(" and ");
      this.#fault ??= new Error(`partition ${partition} belongs to ${names} at the same time`);
    }
  }

  #left = new Set<Member>();

  #living(): Member[] {
    return this.all.filter((member) => !this.#left.has(member));
  }

  async leave(member: Member): Promise<void> {
    this.#left.add(member);
    await member.leave();
  }

  async crash(member: Member): Promise<void> {
    this.#left.add(member);
    await member.driver.killed();
  }

  /** The living members have every partition once, and each has some. Clients that tell nothing must read. */
  isShared(): boolean {
    const living = this.#living();
    if (!living.every(({ tellsPartitions }) => tellsPartitions)) return false;
    const owned = living.flatMap((member) => [...member.owned]);
    return (
      living.every((member) => member.owned.size > 0) &&
      owned.length === this.#partitions &&
      new Set(owned).size === this.#partitions
    );
  }

  /** Settled: shared, and every member has read something since. */
  async settle(what: string, withinMs: number): Promise<void> {
    await this.until(`${what}: partitions are shared`, withinMs, () => this.isShared());
    const before = new Map(this.#living().map((member) => [member, member.records]));
    await this.until(`${what}: every member reads`, withinMs, () =>
      [...before].every(([member, records]) => member.records > records),
    );
  }

  /** Ends whatever still runs, without ceremony. */
  async end(): Promise<void> {
    await Promise.all(this.all.map(({ driver }) => driver.killed()));
  }

  #shown(): string {
    const each = this.#living().map(({ name, owned, records, errors }) => {
      const last =
        errors.length === 0 ? "" : `, ${errors.length} errors, the last: ${errors.at(-1)}`;
      return `${name} has [${[...owned].toSorted().join(" ")}], ${records} records${last}`;
    });
    return each.join("; ");
  }
}
