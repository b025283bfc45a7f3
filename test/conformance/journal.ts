// What the journal keeps on any disk: tickets in order, payloads where they were put, and after a restart everything that
// was durable. Loss of power, torn writes and damage need the simulated disk and have files of their own.
import { describe, expect, it } from "vitest";
import { Journal } from "../../internal/journal/journal.ts";
import type { JournalOptions } from "../../internal/journal/owner.ts";
import { isPayloadSound } from "../../internal/journal/recovery.ts";
import type {
  BrokerId,
  ClusterId,
  DirectoryId,
  PayloadPosition,
  StartId,
  Ticket,
} from "../../internal/model/ids.ts";
import type { StartAccount } from "../../internal/journal/starts.ts";
import { SimMeter } from "../sim/world/sim-meter.ts";
import { Driver, TINY, TestOwner, payloadOf } from "./journal-kit.ts";
import { eventually, sleepMs, stageOf, valueOf } from "./stage.ts";
import type { OpenStage, Stage } from "./stage.ts";

interface Opened {
  readonly journal: Journal;
  readonly driver: Driver;
  readonly owner: TestOwner;
}

async function openAt(stage: Stage, more: Partial<JournalOptions> = {}): Promise<Opened> {
  const owner = new TestOwner();
  const options = { ...TINY, directory: `${stage.directory}/broker`, ...more };
  // Metrics are bound once per process, and here one process opens several journals.
  const world = { ...stage.world, meter: new SimMeter() };
  const journal = valueOf(await Journal.open(world, options, owner));
  return { journal, driver: new Driver(journal, owner), owner };
}

/** Appends `count` payloads of about `length` bytes, flushing as a broker would, and waits until all are durable. */
async function fill(
  stage: Stage,
  { driver, journal }: Opened,
  group: number,
  count: number,
  length: number,
): Promise<void> {
  for (let each = 0; each < count;) {
    if (driver.append(group, 1, payloadOf(each, length + (each % 7)))) each++;
    else await eventually(stage.world, () => journal.fits("batch", length + 7));
    if (each % 5 === 0) journal.flush();
  }
  journal.flush();
  await eventually(stage.world, () => driver.durable === journal.lastTicket);
}

export function describeJournal(name: string, open: OpenStage): void {
  describe(`journal on the ${name}`, () => {
    const stage = stageOf(open);
    describeLife(stage);
    describeMemory(stage);
    describeFiles(stage);
  });
}

function describeLife(stage: () => Stage): void {
  it("begins fresh, counts its starts and knows a clean end", async () => {
    await stage().play(async () => {
      const first = await openAt(stage());
      expect(first.journal.recovered).toMatchObject({ fresh: true, clean: true, incarnation: 1 });
      first.driver.create(7, "alone");
      valueOf(await first.journal.joinCluster("cluster-of-three-0000" as ClusterId));
      await first.journal.close();
      const second = await openAt(stage());
      expect(second.journal.recovered).toMatchObject({
        fresh: false,
        clean: true,
        incarnation: 2,
        directory: first.journal.recovered.directory,
        cluster: "cluster-of-three-0000",
        suspectAll: false,
        damage: [],
      });
      expect(second.owner.groups.picture()).toEqual(first.owner.groups.picture());
      await second.journal.close();
    });
  });

  it("refuses another broker's directory and a directory in use", async () => {
    await stage().play(async () => {
      const { journal } = await openAt(stage());
      const options = { ...TINY, directory: `${stage().directory}/broker` };
      const again = await Journal.open(stage().world, options, new TestOwner());
      expect(again).toEqual({ ok: false, fault: { kind: "held" } });
      await journal.close();
      const other = { ...options, broker: 2 as BrokerId };
      const foreign = await Journal.open(stage().world, other, new TestOwner());
      expect(foreign).toEqual({ ok: false, fault: { kind: "foreign", broker: 1 } });
    });
  });

  it("refuses journal files whose identity is missing or damaged", async () => {
    const { world, directory, play } = stage();
    await play(async () => {
      const opened = await openAt(stage());
      opened.driver.create(1, "x");
      await opened.journal.close();
      const path = `${directory}/broker/directory.json`;
      const identity = valueOf(await world.disk.bulk.readWhole(path));
      const changed = identity.slice();
      changed[identity.indexOf(0x22) + 30]! ^= 1;
      valueOf(await world.disk.bulk.replaceWhole(path, changed));
      const options = { ...TINY, directory: `${directory}/broker` };
      const damaged = await Journal.open(world, options, new TestOwner());
      expect(damaged).toMatchObject({ ok: false, fault: { kind: "identity" } });
      valueOf(await world.disk.bulk.remove(path));
      const missing = await Journal.open(world, options, new TestOwner());
      expect(missing).toEqual({ ok: false, fault: { kind: "identity", reason: "missing" } });
    });
  });

  it("reports every batch once and in order, and brings all of it back", async () => {
    await stage().play(async () => {
      const opened = await openAt(stage());
      const { driver, journal, owner } = opened;
      const tickets: Ticket[] = [];
      const noteDurable = journal.onDurable;
      journal.onDurable = (ticket) => {
        tickets.push(ticket);
        noteDurable(ticket);
      };
      driver.create(1, "one");
      driver.create(2, "two");
      driver.vote(2, 3, 20);
      await fill(stage(), opened, 1, 40, 300);
      driver.append(2, 3, null);
      driver.truncate(1, 35);
      await fill(stage(), opened, 1, 3, 5_000);
      expect(tickets).toEqual(tickets.map((_, at) => at + 1));
      await journal.close();
      const back = await openAt(stage());
      expect(back.owner.groups.picture()).toEqual(owner.groups.picture());
      await back.journal.close();
    });
  });

  it("remembers what peers were seen to have", async () => {
    const near = "AAAAAAAAAAAAAAAAAAAAAQ" as DirectoryId;
    const far = "AAAAAAAAAAAAAAAAAAAAAg" as DirectoryId;
    await stage().play(async () => {
      const { journal, driver } = await openAt(stage());
      const start = 7 as StartId;
      const account = (last: number): StartAccount => ({
        floor: 0 as Ticket,
        starts: [{ start, last: last as Ticket }],
      });
      journal.peers.compare(near, account(5));
      journal.peers.note(near, start, (2 ** 40) as Ticket);
      journal.peers.note(near, start, 6 as Ticket);
      journal.peers.compare(far, account(9));
      driver.create(1, "x");
      await journal.close();
      const back = await openAt(stage());
      expect([...back.journal.recovered.peers]).toEqual([
        [near, { start, ticket: 2 ** 40 }],
        [far, { start, ticket: 9 }],
      ]);
      expect(back.journal.peers.of(near).ticket).toBe(2 ** 40);
      await back.journal.close();
    });
  });
}

function describeMemory(stage: () => Stage): void {
  it("finds every payload in the arena while it is there, and in the files always", async () => {
    await stage().play(async () => {
      const opened = await openAt(stage());
      opened.driver.create(1, "x");
      await fill(stage(), opened, 1, 120, 9_000);
      let viewed = 0;
      for (const entry of opened.owner.groups.byId.get(1)!.log) {
        const { length } = entry.header;
        const bytes = valueOf(await opened.journal.read(entry.position, length));
        expect(isPayloadSound(entry.header, bytes, 0, length)).toBe(true);
        const lent = opened.journal.lend(entry.position, length);
        if (lent === null) continue;
        viewed++;
        expect([...lent]).toEqual([...bytes]);
        opened.journal.unpin(entry.position, length);
      }
      expect(viewed).toBeGreaterThan(10);
      expect(viewed).toBeLessThan(60);
      await opened.journal.close();
      const back = await openAt(stage());
      for (const entry of back.owner.groups.byId.get(1)!.log) {
        const { length } = entry.header;
        const bytes = valueOf(await back.journal.read(entry.position, length));
        expect(isPayloadSound(entry.header, bytes, 0, length)).toBe(true);
      }
      await back.journal.close();
    });
  });

  it("is full when nothing is durable, and has room again when it is", async () => {
    await stage().play(async () => {
      const opened = await openAt(stage());
      const { driver, journal } = opened;
      driver.create(1, "x");
      let appended = 0;
      while (driver.append(1, 1, payloadOf(appended, 8_000))) appended++;
      expect(appended * 8_000).toBeGreaterThan(TINY.arenaBytes! / 2);
      expect(journal.fits("batch", 8_000)).toBe(false);
      expect(driver.vote(1, 9, 10)).toBe(true);
      let roomTold = 0;
      journal.onRoom = () => {
        roomTold++;
      };
      journal.flush();
      await eventually(stage().world, () => driver.durable === journal.lastTicket);
      expect(roomTold).toBeGreaterThan(0);
      expect(driver.append(1, 9, payloadOf(1, 8_000))).toBe(true);
      await journal.close();
      const back = await openAt(stage());
      expect(back.owner.groups.picture()).toEqual(opened.owner.groups.picture());
      await back.journal.close();
    });
  });

  it("never overwrites pinned bytes", async () => {
    await stage().play(async () => {
      const opened = await openAt(stage());
      const { driver, journal, owner } = opened;
      driver.create(1, "x");
      await fill(stage(), opened, 1, 4, 8_000);
      const entry = owner.groups.byId.get(1)!.log[1]!;
      const { length } = entry.header;
      const lent = journal.lend(entry.position, length)!;
      const before = [...lent];
      let appended = 0;
      for (; appended < 200 && driver.append(1, 1, payloadOf(appended, 8_000)); appended++) {
        journal.flush();
        await eventually(stage().world, () => driver.durable === journal.lastTicket);
      }
      expect(appended).toBeLessThan(40);
      expect([...lent]).toEqual(before);
      let roomTold = false;
      journal.onRoom = () => {
        roomTold = true;
      };
      journal.unpin(entry.position, length);
      await eventually(stage().world, () => roomTold);
      expect(driver.append(1, 1, payloadOf(0, 8_000))).toBe(true);
      await journal.close();
    });
  });

  it("goes on while readers that follow each other ask again and again for the oldest that it lends", async () => {
    await stage().play(async () => {
      const opened = await openAt(stage());
      const { driver, journal, owner } = opened;
      driver.create(1, "x");
      await fill(stage(), opened, 1, 4, 8_000);
      const { log } = owner.groups.byId.get(1)!;
      let held: PayloadPosition | null = null;
      let appended = 0;
      for (let reads = 0; reads < 200; reads++) {
        const { position } = log.find((e) => journal.lends(e.position, e.header.length))!;
        const length = 8_000;
        expect(journal.lend(position, length)).not.toBeNull();
        // The reader before has its bytes only now: at each moment somebody has a loan.
        if (held !== null) journal.unpin(held, length);
        held = position;
        if (!driver.append(1, 1, payloadOf(appended, 8_000))) continue;
        appended++;
        journal.flush();
        await eventually(stage().world, () => driver.durable === journal.lastTicket);
      }
      expect(appended).toBeGreaterThan(100);
      await journal.close();
    });
  });
}

function describeFiles(stage: () => Stage): void {
  it("recycles files of dropped groups, keeps the votes of idle ones and the order of tickets", async () => {
    const { world, directory, play } = stage();
    await play(async () => {
      const opened = await openAt(stage());
      const { driver, journal, owner } = opened;
      driver.create(100, "idle");
      driver.vote(100, 77, 1000);
      for (let group = 1; group <= 6; group++) {
        driver.create(group, `group ${group}`);
        await fill(stage(), opened, group, 40, 5_000);
        driver.drop(group);
      }
      await fill(stage(), opened, 100, 3, 100);
      await journal.checkpoint();
      // 1.2 MB went through files of 128 KiB; nothing but the idle group and the last few entries is alive.
      await sleepMs(world, 100);
      const names = valueOf(await world.disk.bulk.list(`${directory}/broker/journal`));
      expect(names.filter((name) => name.endsWith(".journal")).length).toBeLessThan(6);
      await journal.close();
      const back = await openAt(stage());
      expect(back.owner.rowsRead).toBe(1);
      expect(back.owner.groups.picture()).toEqual(owner.groups.picture());
      expect(back.journal.recovered.durableTicket).toBe(journal.durableTicket);
      await back.journal.close();
    });
  });

  it("refuses nothing but client appends when it is nearly full", async () => {
    await stage().play(async () => {
      const opened = await openAt(stage(), { bytesMax: 1 << 20 });
      const { driver, journal } = opened;
      driver.create(1, "x");
      expect(journal.room()).toBe("ok");
      while (journal.room() === "ok") await fill(stage(), opened, 1, 5, 5_000);
      expect(driver.vote(1, 5, 10)).toBe(true);
      driver.drop(1);
      driver.create(2, "y");
      await fill(stage(), opened, 2, 1, 10);
      await journal.checkpoint();
      expect(journal.room()).toBe("ok");
      await journal.close();
    });
  });

  it("lets a file go when what pinned it was copied forward or released", async () => {
    await stage().play(async () => {
      const opened = await openAt(stage());
      const { driver, journal, owner } = opened;
      driver.create(1, "copied");
      driver.create(2, "released");
      await fill(stage(), opened, 1, 3, 500);
      await fill(stage(), opened, 2, 3, 500);
      driver.create(3, "noise");
      await fill(stage(), opened, 3, 60, 5_000);
      driver.drop(3);
      expect([...journal.groupsInOldestFile()].sort()).toEqual([1, 2]);
      for (const entry of owner.groups.byId.get(1)!.log) {
        const payload = valueOf(await journal.read(entry.position, entry.header.length));
        expect(driver.copyForward(1, entry, payload)).toBe(true);
      }
      const released = owner.groups.byId.get(2)!;
      released.base = released.log.at(-1)!.index;
      released.baseTerm = 1;
      journal.release(2 as never, released.base as never);
      released.log = [];
      await journal.checkpoint();
      expect(journal.groupsInOldestFile()).toEqual([1]);
      driver.append(1, 1, payloadOf(1, 100));
      driver.append(2, 1, payloadOf(2, 100));
      await journal.close();
      const back = await openAt(stage());
      expect(back.journal.recovered).toMatchObject({ suspectAll: false, damage: [] });
      expect(back.owner.groups.picture()).toEqual(owner.groups.picture());
      await back.journal.close();
    });
  });
}
