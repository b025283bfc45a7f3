// The same links on real sockets: what the simulated network promises must be what the host's wire does.
import { afterEach, expect, it } from "vitest";
import { until } from "../until.ts";
import { HostClock } from "../../internal/host/clock.ts";
import { HostWire } from "../../internal/host/wire.ts";
import type { Incarnation } from "../../internal/model/ids.ts";
import { Links } from "../../internal/transport/links.ts";
import type { LinkEvents, Session } from "../../internal/transport/contract.ts";
import { SeededEntropy } from "../sim/world/seeded-entropy.ts";
import { broker, directory, logInto, NO_METER } from "./transport-lab.ts";

const TYPE = { control: 20, data: 21, bulk: 22 } as const;
const LANES = ["control", "data", "bulk"] as const;

interface Half {
  readonly links: Links;
  readonly came: Record<(typeof LANES)[number], number>;
  readonly events: string[];
}

const opened: Links[] = [];

function half(id: number): Half {
  const came = { control: 0, data: 0, bulk: 0 };
  const events: string[] = [];
  const note: LinkEvents = {
    sessionBegan: () => events.push("began"),
    sessionEnded: () => events.push("ended"),
    peerSilent: () => events.push("silent"),
    pinged: () => {},
    refused: ({ kind }) => events.push(kind),
  };
  const world = {
    clock: new HostClock(),
    entropy: new SeededEntropy(id, "host"),
    wire: new HostWire(),
    log: logInto([]),
    meter: NO_METER,
  };
  const identity = {
    broker: broker(id),
    directory: directory(id),
    incarnation: 1 as Incarnation,
    cluster: null,
    foundingState: new Uint8Array(0),
    payloadBytesMax: 1 << 20,
  };
  const facts = { durableSequence: 0, oldestWriteAgeMs: 0, hasRoom: true };
  const links = new Links(world, {}, identity, note, () => facts);
  for (const lane of LANES) {
    links.handle(TYPE[lane], lane, (_session, bytes, start, end) => {
      const expected = came[lane]++ & 0xff;
      for (let at = start; at < end; at += 997) expect(bytes[at]).toBe(expected);
    });
  }
  opened.push(links);
  return { links, came, events };
}

afterEach(async () => {
  for (const links of opened.splice(0)) await links.close();
});

it("carries every lane in order in both directions, with back-pressure, and gives all parts back", async () => {
  const [one, two] = [half(1), half(2)];
  const at = await two.links.listen({ host: "127.0.0.1", port: 0 });
  if (!at.ok) throw new Error(at.fault.code);
  one.links.setPeers([{ broker: broker(2), address: at.value.address }]);
  await until(() => one.links.session(broker(2)) !== null && two.links.session(broker(1)) !== null);
  let lent = 0;
  let released = 0;
  const send = (session: Session, lane: (typeof LANES)[number], count: number): void => {
    const bytes = lane === "control" ? 700 : 60_000;
    let sent = 0;
    const more = (): void => {
      while (sent < count) {
        const part = new Uint8Array(bytes).fill(sent & 0xff);
        lent++;
        if (!session.send(lane, TYPE[lane], [part], () => released++)) {
          lent--;
          return;
        }
        sent++;
      }
      session.onDrained(lane, null);
    };
    session.onDrained(lane, more);
    more();
  };
  const [from, back] = [one.links.session(broker(2))!, two.links.session(broker(1))!];
  for (const session of [from, back]) {
    send(session, "control", 500);
    send(session, "data", 400);
    send(session, "bulk", 300);
  }
  const whole = { control: 500, data: 400, bulk: 300 };
  await until(() => two.came.data === 400 && two.came.bulk === 300 && two.came.control === 500);
  await until(() => one.came.data === 400 && one.came.bulk === 300 && one.came.control === 500);
  expect(one.came).toEqual(whole);
  expect(two.came).toEqual(whole);
  await until(() => released === lent);
  expect(one.events).toEqual(["began"]);
  await two.links.close();
  await until(() => one.events.length === 3);
  // Nobody listens any more: silence at once.
  expect(one.events).toEqual(["began", "ended", "silent"]);
});
