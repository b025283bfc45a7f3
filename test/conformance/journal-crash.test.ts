// Crashes of the process and of the machine at any moment, again and again on one disk, against a model: after each
// restart the groups are exactly what they were after some batch, and never an earlier one than was reported.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Journal } from "../../internal/journal/journal.ts";
import type { GroupId, LogIndex } from "../../internal/model/ids.ts";
import type { SimWorld } from "../sim/world/sim-world.ts";
import { Simulation } from "../sim/world/sim-world.ts";
import { Driver, Groups, TINY, TestOwner, payloadOf, readSound } from "./journal-kit.ts";
import type { Op } from "./journal-kit.ts";
import { valueOf } from "./stage.ts";

const OPTIONS = { ...TINY, directory: "/broker" };

interface Step {
  readonly pick: number;
  readonly group: number;
  readonly size: number;
}

interface Life {
  readonly steps: readonly Step[];
  /** Events of the simulation that the last steps still get before the crash. */
  readonly eventsLeft: number;
  readonly end: "kill" | "power" | "close";
}

const step: fc.Arbitrary<Step> = fc.record({
  pick: fc.integer({ min: 0, max: 999 }),
  group: fc.integer({ min: 1, max: 5 }),
  size: fc.integer({ min: 22, max: 12_000 }),
});

const life: fc.Arbitrary<Life> = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 150, size: "max" }),
  eventsLeft: fc.integer({ min: 0, max: 60 }),
  end: fc.constantFrom("kill", "power", "power", "close"),
});

/** Several lives of one broker on one disk, and what must be true of it at each start. */
class Story {
  readonly simulation: Simulation;
  /** Everything that was ever queued and not known to be lost. */
  #history: { readonly ticket: number; readonly op: Op }[] = [];
  #durable = 0;
  #released = new Map<number, number>();
  #mark = 0;
  /** Ids of groups are never used again. */
  readonly #ids = [0, 1, 2, 3, 4, 5];

  constructor(seed: number) {
    this.simulation = new Simulation({ seed });
  }

  async live(life: Life): Promise<void> {
    const { simulation } = this;
    const node = simulation.node("broker");
    const world = node.boot();
    const owner = new TestOwner();
    const journal = valueOf(await simulation.settle(Journal.open(world, OPTIONS, owner)));
    this.#check(journal, owner);
    const driver = new Driver(journal, owner);
    for (const each of life.steps) await this.#step(world, driver, each);
    if (life.end === "close") await simulation.settle(journal.close());
    else await simulation.run({ eventsMax: life.eventsLeft });
    this.#history.push(...driver.history);
    this.#durable = Math.max(this.#durable, driver.durable);
    node.crash(life.end === "close" ? "kill" : life.end);
    expect(simulation.fatals).toEqual([]);
  }

  #check(journal: Journal, owner: TestOwner): void {
    const { recovered } = journal;
    expect(this.simulation.logs.entries.filter(({ level }) => level === "error")).toEqual([]);
    expect(recovered).toMatchObject({ suspectAll: false, damage: [] });
    expect(recovered.durableTicket).toBeGreaterThanOrEqual(this.#durable);
    this.#history = this.#history.filter((each) => each.ticket <= recovered.durableTicket);
    const model = new Groups();
    for (const { op } of this.#history) model.apply(op);
    expect(owner.groups.picture(this.#released)).toEqual(model.picture(this.#released));
    this.#durable = recovered.durableTicket;
    for (const [id, group] of owner.groups.byId) {
      this.#released.set(id, Math.max(group.base, this.#released.get(id) ?? 0));
    }
  }

  async #step(world: SimWorld, driver: Driver, { pick, group: slot, size }: Step): Promise<void> {
    const { journal, owner } = driver;
    const group = this.#ids[slot]!;
    const state = owner.groups.byId.get(group);
    if (state === undefined) driver.create(group, `configuration ${group} ${size}`);
    else if (pick < 550) driver.append(group, state.term, payloadOf(this.#mark++, size));
    else if (pick < 650) driver.vote(group, state.term + 1, (size % 3) * 10);
    else if (pick < 700) driver.append(group, state.term, null);
    else if (pick < 740) this.#overwrite(driver, group, size);
    else if (pick < 760) this.#installBase(driver, group, size);
    else if (pick < 780) await this.#copyForward(world, driver, group);
    else if (pick < 820) this.#release(driver, group, size);
    else if (pick < 840) this.#drop(driver, slot);
    else if (pick < 850) void journal.checkpoint();
    else if (pick < 930) journal.flush();
    else await this.simulation.run({ eventsMax: size % 40 });
    if (pick % 4 === 0) journal.flush();
  }

  #drop(driver: Driver, slot: number): void {
    driver.drop(this.#ids[slot]!);
    this.#ids[slot]! += 5;
  }

  /** A new leader's log wins, of a later term: the tail goes, by a truncate record or by the entry that takes its place. */
  #overwrite(driver: Driver, group: number, size: number): void {
    const state = driver.owner.groups.byId.get(group)!;
    const last = Math.max(state.base, (state.log.at(-1)?.index ?? state.base) - (size % 5));
    if (!driver.vote(group, state.term + 1, 0)) return;
    if (size % 2 === 0) driver.truncate(group, last);
    else driver.append(group, state.term, payloadOf(this.#mark++, size), last + 1);
  }

  #installBase(driver: Driver, group: number, size: number): void {
    const state = driver.owner.groups.byId.get(group)!;
    const last = state.log.at(-1)?.index ?? state.base;
    if (!driver.vote(group, state.term + 1, 0)) return;
    if (size % 2 === 0) driver.installBase(group, last + (size % 10), state.term);
    else if (state.log.length > 0) driver.installBase(group, last, state.log.at(-1)!.term);
  }

  async #copyForward(world: SimWorld, driver: Driver, group: number): Promise<void> {
    const state = driver.owner.groups.byId.get(group)!;
    for (const entry of [...state.log]) {
      if (entry.header.length === 0) driver.copyForward(group, entry, null);
      else {
        const payload = await this.simulation.settle(readSound(driver.journal, entry));
        if (world.life.alive) driver.copyForward(group, entry, payload);
      }
    }
  }

  /** Pretends that the log up to some index is in a segment. */
  #release(driver: Driver, group: number, size: number): void {
    const state = driver.owner.groups.byId.get(group)!;
    const at = state.log[size % Math.max(1, state.log.length)];
    if (at === undefined) return;
    state.base = at.index;
    state.baseTerm = at.term;
    state.log = state.log.filter((entry) => entry.index > at.index);
    driver.journal.release(group as GroupId, at.index as LogIndex);
    this.#released.set(group, at.index);
  }
}

describe("a journal that crashes", () => {
  it("comes back with what was durable, whatever the moment and the way", async () => {
    const story = fc.record({
      seed: fc.integer({ min: 0, max: 1 << 30 }),
      lives: fc.array(life, { minLength: 1, maxLength: 6 }),
    });
    const runs = fc.asyncProperty(story, async ({ seed, lives }) => {
      const told = new Story(seed);
      for (const each of [...lives, { steps: [], eventsLeft: 0, end: "close" as const }]) {
        await told.live(each);
      }
    });
    const seed = process.env["JOURNAL_SEED"];
    const path = process.env["JOURNAL_PATH"];
    await fc.assert(runs, {
      numRuns: Number(process.env["JOURNAL_RUNS"] ?? 40),
      endOnFailure: true,
      ...(seed === undefined ? {} : { seed: Number(seed) }),
      ...(path === undefined ? {} : { path }),
    });
  });
});
