// What silence and contact mean (L3, L5), with the default intervals: pings each 100 ms, silence
// after 400 ms.
import { describe, expect, it } from "vitest";
import { broker, Lab } from "./transport-lab.ts";

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];

/** Two brokers that have been linked for a second. */
async function pair(seed: number): Promise<Lab> {
  const lab = new Lab(seed, [1, 2]);
  await lab.startAll();
  await lab.runMs(1000);
  for (const one of lab.brokers.values()) one.trace.length = 0;
  return lab;
}

function contactAgeMs(lab: Lab, id: number, of: number): number {
  return lab.at(id).clock.upMs() - lab.at(id).links.contactMs(broker(of));
}

describe.each(SEEDS)("silence, seed %i", (seed) => {
  it("is not reported by a broker that stalled while pings waited in its sockets", async () => {
    const lab = await pair(seed);
    // The other side must not give up meanwhile, so only the stalled one counts with short limits.
    const patient = new Lab(seed, [1, 2]);
    await patient.start(1);
    await patient.start(2, { options: { silenceMs: 60_000 } });
    await patient.runMs(1000);
    const stalled = patient.at(1);
    const number = stalled.session(2)?.number;
    for (let round = 0; round < 5; round++) {
      patient.scheduler.freeze(stalled.life);
      await patient.runMs(1500);
      patient.scheduler.thaw(stalled.life);
      await patient.runMs(300);
    }
    expect(stalled.count("silent 2")).toBe(stalled.count("heard 2"));
    expect(stalled.trace.filter((line) => line.startsWith("ended"))).toEqual([]);
    expect(stalled.session(2)?.number).toBe(number);
    expect(lab.at(1).trace).toEqual([]);
  });

  it("of a stalled broker is reported by the others once, between 400 and 700 ms", async () => {
    const lab = await pair(seed);
    const from = lab.nowMs;
    lab.scheduler.freeze(lab.at(2).life);
    await lab.scheduler.run({
      until: () => lab.at(1).count("silent 2") > 0,
      untilUs: lab.scheduler.nowUs + 5_000_000,
    });
    expect(lab.nowMs - from).toBeGreaterThanOrEqual(300);
    expect(lab.nowMs - from).toBeLessThan(700);
    await lab.runMs(3000);
    expect(lab.at(1).trace).toEqual(["ended 2", "silent 2"]);
    lab.scheduler.thaw(lab.at(2).life);
    await lab.runMs(2000);
    expect(lab.at(1).trace).toEqual(["ended 2", "silent 2", "began 2", "heard 2"]);
    // The one that stalled saw the end of the old session, and no silence.
    expect(lab.at(2).trace).toEqual(["ended 1", "began 1"]);
  });

  it("is never the result of resets alone", async () => {
    const lab = await pair(seed);
    for (let count = 0; count < 20; count++) {
      lab.network.resetBetween("b1", "b2");
      await lab.runMs(150);
    }
    await lab.runMs(1000);
    for (const one of lab.brokers.values()) {
      expect(one.trace.filter((line) => line.startsWith("silent"))).toEqual([]);
      expect(one.trace.filter((line) => line.startsWith("began")).length).toBe(20);
    }
  });

  it("of a killed broker, where nobody listens, is known as soon as the promise to its last ping is over", async () => {
    const lab = new Lab(seed, [1, 2, 3]);
    await lab.startAll();
    await lab.runMs(1000);
    lab.crash(2, "kill");
    // Its last ping came at most 100 ms ago: for what is left of 400 ms nobody takes its place (L5).
    await lab.runMs(290);
    expect(lab.at(1).trace.at(-1)).toBe("ended 2");
    expect(lab.at(3).trace.at(-1)).toBe("ended 2");
    await lab.runMs(230);
    expect(lab.at(1).trace.slice(-2)).toEqual(["ended 2", "silent 2"]);
    expect(lab.at(3).trace.slice(-2)).toEqual(["ended 2", "silent 2"]);
    await lab.start(2, { incarnation: 2 });
    await lab.runMs(1000);
    expect(lab.at(1).trace.slice(-2)).toEqual(["began 2", "heard 2"]);
    expect(lab.at(3).trace.slice(-2)).toEqual(["began 2", "heard 2"]);
  });

  it("of a broker without power is known after the limit, and its return is noticed", async () => {
    const lab = await pair(seed);
    lab.crash(2, "power");
    await lab.runMs(300);
    expect(lab.at(1).trace).toEqual([]);
    await lab.runMs(400);
    expect(lab.at(1).trace).toEqual(["ended 2", "silent 2"]);
    await lab.start(2, { incarnation: 2 });
    await lab.runMs(3000);
    expect(lab.at(1).trace).toEqual(["ended 2", "silent 2", "began 2", "heard 2"]);
  });

  it("is seen by both when one direction is cut, and ends when it is healed", async () => {
    const lab = await pair(seed);
    lab.network.links.cutOneWay("b1", "b2");
    await lab.runMs(2000);
    for (const [one, other] of [
      [1, 2],
      [2, 1],
    ] as const) {
      expect(lab.at(one).trace.filter((line) => line.startsWith("silent"))).toEqual([
        `silent ${other}`,
      ]);
      expect(lab.at(one).session(other)).toBeNull();
    }
    lab.network.links.healAll();
    await lab.runMs(3000);
    expect(lab.at(1).trace.slice(-2)).toEqual(["began 2", "heard 2"]);
    expect(lab.at(2).trace.slice(-2)).toEqual(["began 1", "heard 1"]);
  });

  it("that goes on in a new session ends that session too, without being told again", async () => {
    const lab = await pair(seed);
    // The accepting side: its session begins before the other side can have sent a ping in it.
    const two = lab.at(2);
    lab.network.links.cut("b1", "b2");
    await lab.runMs(1000);
    expect(two.trace).toEqual(["ended 1", "silent 1"]);
    lab.network.links.healAll();
    const until = () => two.count("began 1") > 0;
    await lab.scheduler.run({ until, untilUs: lab.scheduler.nowUs + 5_000_000 });
    lab.network.links.cut("b1", "b2");
    await lab.runMs(300);
    expect(two.session(1)).not.toBeNull();
    await lab.runMs(400);
    expect(two.session(1)).toBeNull();
    expect(two.trace).toEqual(["ended 1", "silent 1", "began 1", "ended 1"]);
  });

  it("of a peer that was never reached is reported after the limit", async () => {
    const lab = new Lab(seed, [1, 2, 3]);
    lab.network.links.cut("b1", "b2");
    await lab.start(1);
    await lab.runMs(150);
    // Nobody listens on b3; packets to b2 vanish.
    lab.network.portFor(lab.scheduler.newLife("b2", 1));
    expect(lab.at(1).links.isSilent(broker(3))).toBe(true);
    await lab.runMs(1000);
    expect(lab.at(1).count("silent 2")).toBe(1);
    expect(lab.at(1).count("silent 3")).toBe(1);
  });
});

describe.each(SEEDS)("contact, seed %i", (seed) => {
  it("is known one round trip after the beginning and stays fresh", async () => {
    const lab = new Lab(seed, [1, 2]);
    await lab.startAll();
    await lab.runMs(60);
    for (let count = 0; count < 50; count++) {
      expect(contactAgeMs(lab, 1, 2)).toBeLessThan(250);
      expect(contactAgeMs(lab, 2, 1)).toBeLessThan(250);
      await lab.runMs(37);
    }
  });

  it("does not count the time for which a broker that wakes up was stopped", async () => {
    const lab = new Lab(seed, [1, 2]);
    await lab.start(1);
    await lab.start(2, { options: { silenceMs: 60_000 } });
    await lab.runMs(1000);
    const leader = lab.at(1);
    lab.scheduler.freeze(leader.life);
    await lab.runMs(1500);
    const pings = leader.trace.length;
    lab.scheduler.thaw(leader.life);
    // All buffered pings have been read, their echoes are of pings sent before the stop.
    await lab.runMs(0.03);
    expect(leader.trace.length).toBe(pings);
    expect(contactAgeMs(lab, 1, 2)).toBeGreaterThan(1400);
    await lab.runMs(300);
    expect(contactAgeMs(lab, 1, 2)).toBeLessThan(300);
  });

  it("says of a peer that its silence limit is another one", async () => {
    const lab = new Lab(seed, [1, 2]);
    await lab.start(1);
    await lab.start(2, { options: { silenceMs: 60_000 } });
    await lab.runMs(1000);
    expect(lab.at(1).logged).toContainEqual(expect.stringContaining("link-silence-differs"));
  });

  it("ages while the peer hears nothing, though its pings arrive", async () => {
    const lab = new Lab(seed, [1, 2]);
    await lab.start(1);
    await lab.start(2, { options: { silenceMs: 60_000 } });
    await lab.runMs(1000);
    lab.network.links.cutOneWay("b1", "b2");
    await lab.runMs(1500);
    expect(lab.at(1).session(2)).not.toBeNull();
    expect(lab.at(1).links.isSilent(broker(2))).toBe(false);
    expect(contactAgeMs(lab, 1, 2)).toBeGreaterThan(1300);
  });

  it("carries the durable sequence and begins anew with each session", async () => {
    const lab = await pair(seed);
    const seen: number[] = [];
    lab.at(2).durableSequence = 4711;
    lab.at(1).onPing = (ping) => seen.push(ping.durableSequence);
    await lab.runMs(250);
    expect(seen.at(-1)).toBe(4711);
    lab.network.resetBetween("b1", "b2");
    await lab.runMs(0.02);
    expect(lab.at(1).links.contactMs(broker(2))).toBe(-Infinity);
    await lab.runMs(100);
    expect(contactAgeMs(lab, 1, 2)).toBeLessThan(100);
  });
});
