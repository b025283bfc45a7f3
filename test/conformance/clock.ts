// What every Clock keeps: order of turns, and timers that are never early.
import { describe, expect, it } from "vitest";
import type { ConnectionEvents } from "../../internal/ports/wire.ts";
import { sleepMs, stageOf, valueOf } from "./stage.ts";
import type { OpenStage } from "./stage.ts";

export function describeClock(name: string, open: OpenStage): void {
  describe(`Clock of the ${name}`, () => {
    const stage = stageOf(open);

    it("turnEnd runs flushes after the call, once each, in the order of the calls", async () => {
      const { world, play } = stage();
      const seen: string[] = [];
      await play(async () => {
        world.clock.turnEnd(() => seen.push("first"));
        world.clock.turnEnd(() => seen.push("second"));
        seen.push("called");
        await sleepMs(world, 5);
      });
      expect(seen).toEqual(["called", "first", "second"]);
    });

    it("turnEnd called during a flush runs at the end of the next turn", async () => {
      const { world, play } = stage();
      const seen: string[] = [];
      await play(async () => {
        world.clock.turnEnd(() => {
          world.clock.turnEnd(() => seen.push("next turn"));
          void Promise.resolve().then(() => seen.push("between the turns"));
          seen.push("this turn");
        });
        world.clock.turnEnd(() => seen.push("also this turn"));
        await sleepMs(world, 5);
      });
      expect(seen).toEqual(["this turn", "also this turn", "between the turns", "next turn"]);
    });

    it("turnEnd called by a timer comes after input that was buffered before it", async () => {
      const { world, peer, hostName, play, stall } = stage();
      const seen: string[] = [];
      await play(async () => {
        const receiver: ConnectionEvents = {
          received: () => seen.push("input"),
          closed: () => undefined,
        };
        const at = { host: hostName, port: 0 };
        const listener = valueOf(await world.wire.listen(at, () => receiver));
        const quiet: ConnectionEvents = { received: () => undefined, closed: () => undefined };
        const sender = peer.wire.connect(listener.address, quiet);
        await sleepMs(world, 20);
        world.clock.after(2, () => {
          seen.push("timer");
          world.clock.turnEnd(() => seen.push("turn end"));
        });
        await stall(20, () => {
          sender.write(Uint8Array.of(1));
          sender.flush();
        });
        await sleepMs(world, 5);
        sender.destroy();
        await listener.close();
      });
      expect(seen).toEqual(["timer", "input", "turn end"]);
    });

    it("after is never early, and earlier timers run first", async () => {
      const { world, play } = stage();
      const seen: number[] = [];
      let early = 0;
      await play(async () => {
        const startMs = world.clock.upMs();
        for (const delayMs of [9, 3, 0, 6.5]) {
          world.clock.after(delayMs, () => {
            seen.push(delayMs);
            if (world.clock.upMs() - startMs < delayMs) early++;
          });
        }
        expect(seen).toEqual([]);
        await sleepMs(world, 30);
      });
      expect(seen).toEqual([0, 3, 6.5, 9]);
      expect(early).toBe(0);
    });

    it("a cancelled timer does not run, and cancelling again does nothing", async () => {
      const { world, play } = stage();
      const seen: string[] = [];
      await play(async () => {
        const cancel = world.clock.after(2, () => seen.push("cancelled"));
        const late = world.clock.after(1, () => seen.push("ran"));
        cancel();
        cancel();
        await sleepMs(world, 10);
        late();
      });
      expect(seen).toEqual(["ran"]);
    });

    it("upMs never falls", async () => {
      const { world, play } = stage();
      const values: number[] = [];
      await play(async () => {
        for (let round = 0; round < 20; round++) {
          values.push(world.clock.upMs());
          await sleepMs(world, 0.5);
        }
      });
      expect(values).toEqual(values.toSorted((left, right) => left - right));
    });
  });
}
