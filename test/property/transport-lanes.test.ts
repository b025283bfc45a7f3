// Lanes: back-pressure, limits, order inside a lane and overtaking between lanes (F6), the bulk
// lane, and lent parts.
import { describe, expect, it } from "vitest";
import { broker, Lab } from "./transport-lab.ts";
import type { StartFacts } from "./transport-lab.ts";
import { FRAME_HEADER_BYTES } from "../../internal/transport/frame.ts";
import type { Connection, Wire } from "../../internal/ports/wire.ts";

/** A message type that nobody in the lab handles. */
const UNHANDLED = 99;
const SEEDS = [1, 2, 3, 4];
const BOTH = [
  [1, 2],
  [2, 1],
] as const;

async function pair(seed: number, facts: StartFacts = {}): Promise<Lab> {
  const lab = new Lab(seed, [1, 2]);
  await lab.start(1, facts);
  await lab.start(2, facts);
  await lab.runMs(500);
  return lab;
}

/** A wire on which what one chosen connection writes vanishes without a trace. */
class Hole {
  readonly connections: Connection[] = [];
  swallowing: Connection | null = null;

  around(wire: Wire): Wire {
    return {
      listen: (at, accept) => wire.listen(at, accept),
      connect: (to, events) => {
        const inner = wire.connect(to, events);
        const outer: Connection = {
          peer: inner.peer,
          get bufferedBytes() {
            return inner.bufferedBytes;
          },
          write: (bytes, released) => {
            if (this.swallowing === outer) released?.();
            else inner.write(bytes, released);
          },
          flush: () => inner.flush(),
          pause: () => inner.pause(),
          resume: () => inner.resume(),
          end: () => inner.end(),
          destroy: () => inner.destroy(),
        };
        this.connections.push(outer);
        return outer;
      },
    };
  }
}

describe.each(SEEDS)("lanes, seed %i", (seed) => {
  it("control goes on while data is held by back-pressure, in both directions", async () => {
    const lab = await pair(seed, { options: { dataBytesMax: 1 << 20 } });
    for (const [one, other] of BOTH) {
      const sender = lab.at(one);
      const session = sender.session(other)!;
      lab.at(other).session(one)!.pause("data");
      await lab.runMs(10);
      let drained = 0;
      session.onDrained("data", () => drained++);
      let sent = 0;
      while (sender.send(session, "data", 50_000)) sent++;
      await lab.runMs(10);
      while (sender.send(session, "data", 50_000)) sent++;
      expect(session.bufferedBytes("data")).toBeLessThanOrEqual(1 << 20);
      expect(session.bufferedBytes("data")).toBeGreaterThan((1 << 20) - 51_000);
      const came = lab.at(other).came.data;
      for (let count = 0; count < 50; count++) {
        expect(sender.send(session, "control", 500)).toBe(true);
        await lab.runMs(100);
      }
      expect(lab.at(other).came.control).toBe(50);
      expect(lab.at(other).came.data).toBe(came);
      expect(drained).toBe(0);
      lab.at(other).session(one)!.resume("data");
      await lab.runMs(500);
      expect(lab.at(other).came.data).toBe(sent);
      expect(drained).toBeGreaterThan(0);
      expect(sender.session(other)).toBe(session);
    }
    expect(
      lab
        .at(1)
        .released.concat(lab.at(2).released)
        .every((times) => times === 1),
    ).toBe(true);
  });

  it("lets messages of different lanes overtake each other, never inside a lane", async () => {
    const lab = await pair(seed);
    const session = lab.at(1).session(2)!;
    for (let round = 0; round < 200; round++) {
      lab.at(1).send(session, round % 2 === 0 ? "data" : "control", round % 2 === 0 ? 20_000 : 10);
      await lab.runMs(0.1);
    }
    await lab.runMs(500);
    expect(lab.at(2).came).toEqual({ control: 100, data: 100, bulk: 0 });
    const overtaken = lab.at(2).order.some(
      ({ lane, sequence }, index) =>
        lane === "control" &&
        lab
          .at(2)
          .order.slice(0, index)
          .filter((one) => one.lane === "data").length <
          sequence + 1,
    );
    expect(overtaken).toBe(true);
  });

  it("refuses what does not fit a lane and says when to go on", async () => {
    const lab = await pair(seed);
    const self = lab.at(1);
    const session = self.session(2)!;
    let accepted = 0;
    while (self.send(session, "control", 1000)) accepted++;
    expect(accepted).toBe(Math.floor(65_536 / (16 + 8 + 1000)));
    expect(session.bufferedBytes("control")).toBeLessThanOrEqual(65_536);
    let rounds = 0;
    session.onDrained("control", () => {
      rounds++;
      if (rounds > 3) return;
      while (self.send(session, "control", 1000)) accepted++;
    });
    await lab.runMs(1000);
    // At least the three rounds of the test; pings drain too.
    expect(rounds).toBeGreaterThan(3);
    expect(lab.at(2).came.control).toBe(accepted);
    expect(() => session.send("control", 20, [new Uint8Array(65_536)])).toThrow("control");
    expect(() => session.send("data", 21, [new Uint8Array((16 << 20) + 1)])).toThrow("frame");
    expect(() => session.send("data", 3, [])).toThrow("message type");
  });

  it("carries a frame of the full 16 MiB over an empty lane, though the lane's limit is lower", async () => {
    const lab = await pair(seed);
    const session = lab.at(1).session(2)!;
    expect(lab.at(1).send(session, "data", (16 << 20) - 8)).toBe(true);
    expect(lab.at(1).send(session, "data", 1)).toBe(false);
    await lab.runMs(2000);
    expect(lab.at(2).came.data).toBe(1);
  });

  it("opens the bulk connection on first use, from either side, and keeps what was queued before", async () => {
    for (const [one, other] of BOTH) {
      const lab = await pair(seed);
      expect(lab.network.connectionCount("b1")).toBe(2);
      const session = lab.at(one).session(other)!;
      for (let count = 0; count < 10; count++) lab.at(one).send(session, "bulk", 5000);
      await lab.runMs(100);
      expect(lab.at(other).came.bulk).toBe(10);
      expect(lab.network.connectionCount("b1")).toBe(3);
      const back = lab.at(other).session(one)!;
      lab.at(other).send(back, "bulk", 100);
      await lab.runMs(100);
      expect(lab.at(one).came.bulk).toBe(1);
      expect(lab.network.connectionCount("b1")).toBe(3);
    }
  });

  it("says what is said once on a full control lane, and else ends the session", async () => {
    for (const [one, other] of BOTH) {
      const lab = await pair(seed);
      const self = lab.at(one);
      const session = self.session(other)!;
      while (self.send(session, "control", 1000));
      while (self.send(session, "control"));
      session.say(UNHANDLED, new Uint8Array(1000));
      expect(session.open).toBe(true);
      while (session.open) session.say(UNHANDLED, new Uint8Array(1000));
      expect(session.bufferedBytes("control")).toBe(0);
      await lab.runMs(1000);
      expect(self.session(other)).not.toBe(null);
    }
  });

  it("asks again for the bulk connection when the control lane had no room to ask", async () => {
    for (const [one, other] of BOTH) {
      const lab = await pair(seed);
      const self = lab.at(one);
      const session = self.session(other)!;
      while (self.send(session, "control", 1000));
      while (self.send(session, "control"));
      // Of the reserve nothing is left either.
      const reserve = 8192 + 65_536 - session.bufferedBytes("control");
      session.say(UNHANDLED, new Uint8Array(reserve - FRAME_HEADER_BYTES));
      expect(self.send(session, "bulk", 3000)).toBe(true);
      await lab.runMs(1000);
      expect(self.session(other)).toBe(session);
      expect(lab.at(other).came.bulk).toBe(1);
    }
  });

  it("gives lent parts back when the session ends with them queued or under way", async () => {
    const lab = await pair(seed);
    const self = lab.at(1);
    const session = self.session(2)!;
    lab.network.links.cut("b1", "b2");
    for (let count = 0; count < 40; count++) self.send(session, "data", 100_000);
    self.send(session, "bulk", 3000);
    await lab.runMs(200);
    self.send(session, "data", 3000);
    self.send(session, "control", 30);
    expect(self.released.some((times) => times === 0)).toBe(true);
    session.end("test");
    expect(session.open).toBe(false);
    await lab.runMs(100);
    expect(self.released.every((times) => times === 1)).toBe(true);
  });

  it("holds messages that were read already when a handler pauses its lane", async () => {
    const lab = await pair(seed);
    const receiver = lab.at(2);
    let pauses = 0;
    let inside = 0;
    receiver.onMessage = (session, lane) => {
      if (lane !== "data") return;
      // Nothing came inside the call of resume: it had returned.
      expect(inside).toBe(pauses);
      pauses++;
      session.pause("data");
      expect(receiver.came.data).toBe(pauses);
      receiver.clock.after(1, () => {
        session.resume("data");
        expect(receiver.came.data).toBe(pauses);
        inside = pauses;
      });
    };
    const session = lab.at(1).session(2)!;
    for (let count = 0; count < 100; count++) lab.at(1).send(session, "data", count * 7);
    await lab.runMs(1000);
    expect(pauses).toBe(100);
  });

  it("takes pause and resume from inside a handler", async () => {
    const lab = await pair(seed);
    const receiver = lab.at(2);
    let inside = false;
    receiver.onMessage = (session, lane) => {
      if (lane !== "data") return;
      expect(inside).toBe(false);
      inside = true;
      session.pause("data");
      session.resume("data");
      inside = false;
    };
    const session = lab.at(1).session(2)!;
    for (let count = 0; count < 100; count++) lab.at(1).send(session, "data", count * 7);
    await lab.runMs(1000);
    expect(receiver.came.data).toBe(100);
  });

  it("is one thing: losing the bulk connection alone ends the session on both sides", async () => {
    const hole = new Hole();
    const lab = new Lab(seed, [1, 2]);
    await lab.start(1, { wire: (wire) => hole.around(wire) });
    await lab.start(2);
    await lab.runMs(500);
    const session = lab.at(1).session(2)!;
    lab.at(1).send(session, "bulk", 10);
    await lab.runMs(100);
    hole.connections.at(-1)!.destroy();
    await lab.runMs(100);
    for (const [one, other] of BOTH) {
      expect(lab.at(one).count(`ended ${other}`)).toBe(1);
      expect(lab.at(one).session(other)).not.toBeNull();
    }
    expect(session.open).toBe(false);
  });

  it("leaves no connection behind when the session ends while bulk is being opened", async () => {
    for (let delayUs = 0; delayUs < 1500; delayUs += 100) {
      const lab = await pair(seed + delayUs);
      const session = lab.at(1).session(2)!;
      lab.at(1).send(session, "bulk", 10);
      await lab.runMs(delayUs / 1000);
      // The other side cannot hear of the end while it answers.
      lab.network.links.clog("b1", "b2", lab.scheduler.nowUs + 5_000);
      session.end("test");
      await lab.runMs(2500);
      expect(lab.at(1).session(2)).not.toBeNull();
      expect(lab.network.connectionCount("b1")).toBe(2);
      expect(lab.network.connectionCount("b2")).toBe(2);
    }
  });

  it("sends a turn's messages with one flush, and those of `flush` at once", async () => {
    const lab = await pair(seed);
    const session = lab.at(1).session(2)!;
    lab.at(1).send(session, "data", 10);
    const queued = session.bufferedBytes("data");
    expect(queued).toBe(16 + 8 + 10);
    lab.at(1).links.flush();
    expect(session.bufferedBytes("data")).toBe(0);
    await lab.runMs(20);
    expect(lab.at(2).came.data).toBe(1);
  });

  it("ends a session whose data lane stands still though the peer reads it", async () => {
    const hole = new Hole();
    const facts = { options: { stallMsMax: 2000 } };
    const lab = new Lab(seed, [1, 2]);
    await lab.start(1, { ...facts, wire: (wire) => hole.around(wire) });
    await lab.start(2, facts);
    await lab.runMs(500);
    const self = lab.at(1);
    const session = self.session(2)!;
    lab.at(2).session(1)!.pause("data");
    await lab.runMs(150);
    for (let count = 0; count < 20; count++) self.send(session, "data", 100_000);
    await lab.runMs(8000);
    // Paused on purpose: nothing happens.
    expect(self.session(2)).toBe(session);
    lab.at(2).session(1)!.resume("data");
    await lab.runMs(500);
    expect(lab.at(2).came.data).toBe(20);
    // Bytes of the data connection alone vanish: the pings go on and tell.
    hole.swallowing = hole.connections.at(-1)!;
    self.send(session, "data", 1000);
    await lab.runMs(1500);
    expect(self.session(2)).toBe(session);
    await lab.runMs(2000);
    expect(self.session(2)).not.toBe(session);
    expect(self.links.isSilent(broker(2))).toBe(false);
  });
});
