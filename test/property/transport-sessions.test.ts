// Links between a few brokers under resets, cuts, pauses and crashes. The lab checks every event as
// it comes; these tests say what must have happened in the end.
import { describe, expect, it } from "vitest";
import fc from "fast-check";
import type { Lane } from "../../internal/transport/contract.ts";
import { Lab } from "./transport-lab.ts";

const ACTIONS = [
  "send",
  "burst",
  "reset",
  "cut-one-way",
  "cut",
  "heal",
  "clog",
  "freeze",
  "thaw",
  "kill",
  "power",
  "end",
  "pause",
  "resume",
] as const;
const step = fc.record({
  action: fc.constantFrom(...ACTIONS),
  from: fc.integer({ min: 1, max: 3 }),
  to: fc.integer({ min: 1, max: 3 }),
  lane: fc.constantFrom<Lane>("control", "data", "bulk"),
  bytes: fc.integer({ min: 0, max: 30_000 }),
  waitMs: fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 900 })),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Story {
  readonly lab: Lab;
  readonly starts = new Map<number, number>();

  constructor(lab: Lab) {
    this.lab = lab;
  }

  async take({ action, from, to, lane, bytes, waitMs }: Step): Promise<void> {
    const { lab } = this;
    const host = `b${from}`;
    const other = `b${to}`;
    const self = lab.brokers.get(from);
    const session = self?.session(to) ?? null;
    if (action === "send" && session !== null)
      self!.send(session, lane, lane === "control" ? bytes % 900 : bytes);
    if (action === "burst" && session !== null) {
      for (let count = 0; count < 20; count++) self!.send(session, lane, bytes % 900);
    }
    if (action === "reset") lab.network.resetBetween(host, other);
    if (action === "cut-one-way") lab.network.links.cutOneWay(host, other);
    if (action === "cut") lab.network.links.cut(host, other);
    if (action === "heal") lab.network.links.healAll();
    if (action === "clog") lab.network.links.clog(host, other, lab.scheduler.nowUs + bytes * 20);
    if (action === "freeze" && self !== undefined) lab.scheduler.freeze(self.life);
    if (action === "thaw" && self !== undefined) lab.scheduler.thaw(self.life);
    if (action === "end") session?.end("story");
    if (action === "pause" && lane !== "control") session?.pause(lane);
    if (action === "resume" && lane !== "control") session?.resume(lane);
    if ((action === "kill" || action === "power") && self !== undefined) {
      lab.crash(from, action);
      await lab.runMs(waitMs / 2);
      await this.#restart(from);
    }
    await lab.runMs(waitMs);
  }

  async #restart(id: number): Promise<void> {
    const incarnation = (this.starts.get(id) ?? 1) + 1;
    this.starts.set(id, incarnation);
    await this.lab.start(id, { incarnation });
  }

  async heal(): Promise<void> {
    this.lab.network.links.healAll();
    for (const one of this.lab.brokers.values()) this.lab.scheduler.thaw(one.life);
    for (const one of this.lab.brokers.values()) {
      for (const id of this.lab.ids) {
        one.session(id)?.resume("data");
        one.session(id)?.resume("bulk");
      }
    }
    await this.lab.runMs(25_000);
  }
}

async function wellAgain(lab: Lab): Promise<void> {
  for (const one of lab.brokers.values()) {
    for (const id of lab.ids) {
      if (id === one.id) continue;
      const session = one.session(id);
      expect(session, `${one.id} has a session with ${id}`).not.toBeNull();
      expect(one.links.isSilent(session!.peer.broker)).toBe(false);
      const ageMs = one.clock.upMs() - one.links.contactMs(session!.peer.broker);
      expect(ageMs).toBeLessThan(400);
      const before = { ...lab.at(id).came };
      for (const lane of ["control", "data", "bulk"] as const) {
        expect(one.send(session!, lane, 2000)).toBe(true);
      }
      await lab.runMs(200);
      expect(lab.at(id).came).toEqual({
        control: before.control + 1,
        data: before.data + 1,
        bulk: before.bulk + 1,
      });
    }
  }
  for (const one of lab.brokers.values()) {
    expect(one.released.filter((times) => times !== 1)).toEqual([]);
    // Three connections with each of the two others at most, and nothing left over.
    expect(lab.network.connectionCount(one.host)).toBeLessThanOrEqual(6);
  }
}

describe("links under faults", () => {
  it("keep every promise in any story, and are whole again when it is over", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.array(step, { maxLength: 40 }), async (seed, steps) => {
        const lab = new Lab(seed, [1, 2, 3]);
        await lab.startAll();
        await lab.runMs(50);
        const story = new Story(lab);
        for (const one of steps) await story.take(one);
        await story.heal();
        await wellAgain(lab);
        for (const one of lab.brokers.values()) expect(one.faults).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it("are the same story for the same seed", async () => {
    const tell = async (): Promise<string> => {
      const lab = new Lab(7, [1, 2, 3]);
      await lab.startAll();
      await lab.runMs(500);
      lab.network.resetBetween("b1", "b2");
      await lab.runMs(500);
      return lab.scheduler.hash.digest();
    };
    expect(await tell()).toBe(await tell());
  });
});
