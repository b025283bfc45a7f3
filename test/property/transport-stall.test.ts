// A broker that was stopped for a moment reads its sockets before it counts silence (L3): the interval that would make a
// peer silent is over, but the pings that say otherwise have arrived meanwhile.
import { expect, it } from "vitest";
import { Lab } from "./transport-lab.ts";

it.each([1, 2, 3, 4, 5, 6, 7, 8])(
  "pings that wait in the sockets speak before the last interval is counted, seed %i",
  async (seed) => {
    const lab = new Lab(seed, [1, 2]);
    await lab.start(1);
    await lab.start(2, { options: { silenceMs: 60_000 } });
    await lab.runMs(1_000);
    const one = lab.at(1);
    one.trace.length = 0;
    const { links } = lab.network;
    // Two or three of the four intervals pass without a ping, which are on their way.
    links.cut("b1", "b2");
    await lab.runMs(250);
    expect(one.count("silent 2")).toBe(0);
    lab.scheduler.freeze(one.life);
    links.healAll();
    await lab.runMs(2_000);
    lab.scheduler.thaw(one.life);
    await lab.runMs(300);
    expect([one.count("silent 2"), one.count("ended 2")]).toEqual([0, 0]);
  },
);
