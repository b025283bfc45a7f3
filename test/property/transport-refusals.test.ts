// Who may have a session (C1, F5), what peers learn of each other, and bytes from outside that are
// none of ours.
import { describe, expect, it } from "vitest";
import fc from "fast-check";
import type { BrokerId, Incarnation } from "../../internal/model/ids.ts";
import type { Connection } from "../../internal/ports/wire.ts";
import { PREAMBLE, wholeFrame } from "../../internal/transport/frame.ts";
import { encodeHello, encodeJoin } from "../../internal/transport/handshake.ts";
import { broker, cluster, directory, hostOf, Lab, PORT } from "./transport-lab.ts";
import type { LabBroker } from "./transport-lab.ts";

const SEEDS = [1, 2, 3, 4];

const kinds = (one: LabBroker): string[] => [
  ...new Set(one.faults.map(({ kind, side }) => `${kind} ${side}`)),
];

describe.each(SEEDS)("refusals, seed %i", (seed) => {
  it("another cluster's broker is refused on both sides, and one without a cluster is not", async () => {
    const lab = new Lab(seed, [1, 2, 3]);
    await lab.start(1, { cluster: cluster(1) });
    await lab.start(2, { cluster: cluster(2) });
    await lab.start(3);
    await lab.runMs(1500);
    expect(lab.at(1).session(2)).toBeNull();
    // Each refused the other (one dials, the other knocks) and was told that it was refused.
    for (const id of [1, 2]) {
      expect(kinds(lab.at(id)).sort()).toEqual(["other-cluster here", "other-cluster there"]);
    }
    expect(lab.at(2).logged).toContain("link-refused-other-cluster");
    expect(lab.at(1).session(3)?.peer.cluster).toBeNull();
    expect(lab.at(3).session(1)?.peer.cluster).toBe(cluster(1));
    expect(lab.at(3).session(2)?.peer.cluster).toBe(cluster(2));
  });

  it("a broker that founds or joins another cluster in the middle of a session loses the session", async () => {
    const lab = new Lab(seed, [1, 2]);
    await lab.start(1, { cluster: cluster(1) });
    await lab.start(2);
    await lab.runMs(500);
    expect(lab.at(1).session(2)).not.toBeNull();
    lab.at(2).links.setCluster(cluster(2));
    await lab.runMs(500);
    expect(lab.at(1).session(2)).toBeNull();
    expect(lab.at(2).session(1)).toBeNull();
    expect(kinds(lab.at(2))).toContain("other-cluster here");
  });

  it("cluster id and founding state are told in hellos, and again when they change", async () => {
    const lab = new Lab(seed, [1, 2]);
    await lab.start(1, { foundingState: Uint8Array.of(1, 2) });
    await lab.start(2, { foundingState: new Uint8Array(4096).fill(7) });
    await lab.runMs(500);
    expect(lab.at(2).session(1)?.peer.foundingState).toEqual(Uint8Array.of(1, 2));
    expect(lab.at(1).session(2)?.peer.foundingState).toEqual(new Uint8Array(4096).fill(7));
    expect(lab.at(1).count("changed 2")).toBe(0);
    const session = lab.at(1).session(2);
    lab.at(1).links.setFoundingState(Uint8Array.of(9));
    lab.at(1).links.setCluster(cluster(5));
    await lab.runMs(100);
    expect(lab.at(2).session(1)?.peer.foundingState).toEqual(Uint8Array.of(9));
    expect(lab.at(2).session(1)?.peer.cluster).toBe(cluster(5));
    expect(lab.at(2).count("changed 1")).toBe(2);
    expect(lab.at(1).session(2)).toBe(session);
  });

  it("what changes during a handshake is known when it is over", async () => {
    for (let delayUs = 50; delayUs < 2500; delayUs += 150) {
      const lab = new Lab(seed + delayUs, [1, 2]);
      await lab.startAll();
      await lab.runMs(200);
      lab.network.resetBetween("b1", "b2");
      await lab.runMs(delayUs / 1000);
      lab.at(1).links.setFoundingState(Uint8Array.of(1));
      lab.at(2).links.setFoundingState(Uint8Array.of(2));
      await lab.runMs(300);
      expect(lab.at(2).session(1)?.peer.foundingState).toEqual(Uint8Array.of(1));
      expect(lab.at(1).session(2)?.peer.foundingState).toEqual(Uint8Array.of(2));
    }
  });

  it("a second live directory under one broker id is refused, by dialled and by knocked brokers", async () => {
    const lab = new Lab(seed, [1, 2, 3]);
    await lab.startAll();
    await lab.runMs(500);
    const one = lab.at(1).session(2);
    const three = lab.at(3).session(2);
    const twin = await lab.start(2, { directory: directory(77), host: "twin" }, 77);
    await lab.runMs(1500);
    expect(kinds(twin)).toEqual(["second-directory there"]);
    expect(kinds(lab.at(1))).toEqual(["second-directory here"]);
    expect(kinds(lab.at(3))).toEqual(["second-directory here"]);
    expect(lab.at(1).session(2)).toBe(one);
    expect(lab.at(3).session(2)).toBe(three);
    expect(twin.session(1)).toBeNull();
  });

  it("a new directory is accepted once the old one is gone", async () => {
    const lab = new Lab(seed, [1, 2, 3]);
    await lab.startAll();
    await lab.runMs(500);
    lab.crash(2, "power");
    await lab.start(2, { directory: directory(99) });
    await lab.runMs(3000);
    for (const id of [1, 3]) {
      expect(lab.at(id).session(2)?.peer.directory).toBe(directory(99));
    }
  });

  it("a higher incarnation replaces at once a session whose end nobody saw; a lower one is refused", async () => {
    const lab = new Lab(seed, [1, 2]);
    await lab.start(1, { incarnation: 5 });
    // The one that is dialled would wait long for silence.
    await lab.start(2, { incarnation: 5, options: { silenceMs: 60_000 } });
    await lab.runMs(500);
    lab.crash(1, "power");
    const old = lab.at(2).session(1);
    await lab.start(1, { incarnation: 6 });
    await lab.runMs(100);
    expect(lab.at(2).session(1)).not.toBe(old);
    expect(lab.at(2).session(1)?.peer.incarnation).toBe(6);
    lab.crash(1, "kill");
    await lab.start(1, { incarnation: 4 });
    await lab.runMs(1500);
    expect(lab.at(2).session(1)).toBeNull();
    expect(kinds(lab.at(2))).toEqual(["old-incarnation here"]);
    expect(kinds(lab.at(1))).toEqual(["old-incarnation there"]);
  });

  it("the own broker id is refused, with another directory and when a broker dials itself", async () => {
    const lab = new Lab(seed, [1, 2]);
    await lab.start(2);
    const lost = await lab.start(1, { host: "b1" });
    // b2's address leads to a broker that says it is 1 as well.
    lost.links.setPeers([{ broker: broker(3), address: { host: hostOf(1), port: PORT } }]);
    await lab.runMs(300);
    expect(kinds(lost).sort()).toEqual(["own-broker-id here", "own-broker-id there"]);
    const twin = await lab.start(1, { host: "twin", directory: directory(50), peers: [] }, 50);
    twin.links.setPeers([{ broker: broker(2), address: { host: hostOf(1), port: PORT } }]);
    await lab.runMs(300);
    expect(kinds(twin)).toEqual(["own-broker-id there"]);
    expect(twin.session(2)).toBeNull();
  });

  it("a broker at the wrong address is not taken for the one that was dialled", async () => {
    const lab = new Lab(seed, [1, 2, 3]);
    await lab.start(3, { peers: [] });
    const dialler = await lab.start(1, { peers: [] });
    dialler.links.setPeers([{ broker: broker(2), address: { host: hostOf(3), port: PORT } }]);
    await lab.runMs(500);
    expect(dialler.session(2)).toBeNull();
    expect(dialler.session(3)).toBeNull();
    expect(kinds(dialler)).toEqual(["unexpected-broker there"]);
  });

  it("a broker that nobody has configured gets sessions by knocking, and is forgotten when it is gone", async () => {
    const lab = new Lab(seed, [1, 2, 3]);
    await lab.startAll();
    const guest = await lab.start(4, { peers: [1, 2, 3] });
    await lab.runMs(500);
    for (const id of [1, 2, 3]) {
      expect(lab.at(id).session(4)?.peer.broker).toBe(4);
      expect(guest.session(id)).not.toBeNull();
    }
    lab.crash(4, "power");
    await lab.runMs(1000);
    for (const id of [1, 2, 3]) {
      expect(lab.at(id).count("silent 4")).toBe(1);
      expect(lab.at(id).links.isSilent(broker(4))).toBe(true);
    }
    await lab.start(4, { peers: [1, 2, 3], incarnation: 2 });
    await lab.runMs(1000);
    for (const id of [1, 2, 3]) expect(lab.at(id).session(4)).not.toBeNull();
  });

  it("a peer that is no longer configured loses its session, and close ends everything", async () => {
    const lab = new Lab(seed, [1, 2, 3]);
    await lab.startAll();
    await lab.runMs(500);
    lab.at(3).setPeers([1, 2]);
    lab.at(1).setPeers([1, 3]);
    expect(lab.at(1).session(2)).toBeNull();
    await lab.runMs(500);
    expect(lab.at(1).session(3)).not.toBeNull();
    lab.at(1).trace.length = 0;
    await lab.scheduler.settle(lab.at(3).links.close());
    expect(lab.at(3).session(1)).toBeNull();
    await lab.runMs(1000);
    expect(lab.at(1).trace.filter((line) => line.endsWith(" 3"))).toEqual(["ended 3", "silent 3"]);
    expect(lab.network.connectionCount("b3")).toBe(0);
  });
});

describe.each(SEEDS)("bytes from outside, seed %i", (seed) => {
  interface Guest {
    readonly connection: Connection;
    closed: string | null;
    received: number;
  }

  async function lone(): Promise<{ lab: Lab; knock: (bytes: Uint8Array | null) => Guest }> {
    const lab = new Lab(seed, [1, 2]);
    await lab.start(1);
    await lab.start(2);
    await lab.runMs(300);
    const wire = lab.stranger();
    const knock = (bytes: Uint8Array | null): Guest => {
      const guest: { closed: string | null; received: number } = { closed: null, received: 0 };
      const connection = wire.connect(
        { host: "b2", port: PORT },
        {
          opened: () => {
            if (bytes === null) return;
            connection.write(bytes);
            connection.flush();
          },
          received: (chunk) => {
            guest.received += chunk.length;
          },
          closed: (reason) => {
            guest.closed = reason;
          },
        },
      );
      return Object.assign(guest, { connection });
    };
    return { lab, knock };
  }

  const hello = (attempt: number, incarnation = 1): Uint8Array =>
    encodeHello({
      purpose: "session",
      target: broker(2),
      attempt,
      reachable: { host: "", port: 0 },
      identity: {
        broker: 1 as BrokerId,
        directory: directory(1),
        incarnation: incarnation as Incarnation,
        cluster: null,
        foundingState: new Uint8Array(0),
        silenceMs: 400,
        payloadBytesMax: 1 << 20,
      },
    });
  const behindPreamble = (...frames: Uint8Array[]): Uint8Array =>
    Uint8Array.from([PREAMBLE, ...frames].flatMap((part) => [...part]));

  it("closes what is no link, what is too long, what comes in the wrong order and what says nothing", async () => {
    const { lab, knock } = await lone();
    const session = lab.at(2).session(1);
    const logged = lab.at(2).logged.length;
    const guests = [
      knock(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: b2\r\n\r\n")),
      knock(behindPreamble(wholeFrame(1, new Uint8Array(9000)))),
      knock(behindPreamble(wholeFrame(6, new Uint8Array(57)))),
      knock(behindPreamble(wholeFrame(1, new Uint8Array(40)))),
      knock(behindPreamble(encodeJoin({ broker: broker(1), lane: "data", token: directory(8) }))),
      knock(behindPreamble(encodeJoin({ broker: broker(1), lane: "bulk", token: directory(8) }))),
    ];
    const halfOpen = [knock(null), knock(behindPreamble(hello(1)).subarray(0, 30))];
    await lab.runMs(100);
    for (const guest of guests) expect(guest.closed).not.toBeNull();
    for (const guest of halfOpen) expect(guest.closed).toBeNull();
    // One line for all of them: nobody can flood the log.
    expect(lab.at(2).logged.slice(logged)).toEqual(["link-stranger-closed"]);
    await lab.runMs(2200);
    for (const guest of halfOpen) expect(guest.closed).not.toBeNull();
    expect(lab.at(2).session(1)).toBe(session);
    expect(lab.network.connectionCount("b2")).toBe(2);
  });

  it("ignores a delayed hello of the process it has a session with", async () => {
    const { lab, knock } = await lone();
    const session = lab.at(2).session(1);
    const guest = knock(behindPreamble(hello(0)));
    await lab.runMs(100);
    expect(guest.closed).not.toBeNull();
    expect(guest.received).toBe(0);
    expect(lab.at(2).session(1)).toBe(session);
  });

  it("voids what an older hello of the same process began when a newer one comes", async () => {
    const { lab, knock } = await lone();
    const older = knock(behindPreamble(hello(1, 2)));
    await lab.runMs(50);
    expect(older.received).toBeGreaterThan(0);
    expect(older.closed).toBeNull();
    const newer = knock(behindPreamble(hello(2, 2)));
    await lab.runMs(50);
    expect(older.closed).not.toBeNull();
    expect(newer.closed).toBeNull();
  });

  it("gives up a welcomed hello that nobody joins", async () => {
    const { lab, knock } = await lone();
    const guest = knock(behindPreamble(hello(1, 2)));
    await lab.runMs(100);
    expect(guest.received).toBeGreaterThan(0);
    await lab.runMs(2500);
    expect(guest.closed).not.toBeNull();
    expect(lab.network.connectionCount("stranger")).toBe(0);
  });

  it("tells another format version that it is refused", async () => {
    const { lab, knock } = await lone();
    const bytes = behindPreamble(hello(1));
    bytes[5] = 99;
    const guest = knock(bytes);
    await lab.runMs(100);
    expect(guest.received).toBeGreaterThan(0);
    expect(guest.closed).not.toBeNull();
    expect(kinds(lab.at(2))).toEqual(["format-version here"]);
  });

  it("keeps only so many strangers", async () => {
    const { lab, knock } = await lone();
    const guests = Array.from({ length: 300 }, () => knock(null));
    await lab.runMs(500);
    expect(guests.filter((guest) => guest.closed === null).length).toBe(64);
    expect(lab.network.connectionCount("b2")).toBe(2 + 64);
    expect(lab.at(2).logged.filter((line) => line === "link-too-many-connections").length).toBe(1);
    await lab.runMs(2500);
    expect(guests.every((guest) => guest.closed !== null)).toBe(true);
    expect(lab.network.connectionCount("b2")).toBe(2);
  });

  it("survives any bytes", async () => {
    const { lab, knock } = await lone();
    const session = lab.at(2).session(1);
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ maxLength: 300 }).map((body) => behindPreamble(body)),
      fc
        .tuple(fc.nat(255), fc.uint8Array({ maxLength: 300 }))
        .map(([type, body]) => behindPreamble(wholeFrame(type, body))),
    );
    for (const bytes of fc.sample(noise, { seed, numRuns: 60 })) knock(bytes);
    await lab.runMs(3000);
    expect(lab.network.connectionCount("b2")).toBe(2);
    expect(lab.at(2).session(1)).toBe(session);
  });
});
