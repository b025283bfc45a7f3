// Every way in which the last write of a journal can be cut short, and every moment at which its recovery can be.
import { describe, expect, it } from "vitest";
import { Journal } from "../../internal/journal/journal.ts";
import type { CrashKind } from "../sim/world/sim-device.ts";
import type { PlatterImage } from "../sim/world/platter.ts";
import { Simulation } from "../sim/world/sim-world.ts";
import { Driver, TINY, TestOwner, payloadOf } from "./journal-kit.ts";
import { valueOf } from "./stage.ts";

const OPTIONS = { ...TINY, directory: "/broker" };
const FILE = "/broker/journal/0000000000000001.journal";
const SECTOR = 512;

interface Story {
  readonly simulation: Simulation;
  /** The disk before and after the last write. */
  readonly before: PlatterImage;
  readonly after: PlatterImage;
  readonly pictureBefore: unknown;
  readonly pictureAfter: unknown;
  readonly start: number;
  readonly bytes: Uint8Array;
  readonly ticket: number;
}

/** A journal whose last write, of some 12 KiB and several records, has just ended. */
async function lastWrite(seed: number): Promise<Story> {
  const simulation = new Simulation({ seed });
  const node = simulation.node("broker");
  const owner = new TestOwner();
  const journal = valueOf(await simulation.settle(Journal.open(node.boot(), OPTIONS, owner)));
  const driver = new Driver(journal, owner);
  const write = async (): Promise<void> => {
    journal.flush();
    await simulation.run({ until: () => driver.durable === journal.lastTicket });
  };
  driver.create(1, "one");
  driver.create(2, "two");
  for (let each = 0; each < 5; each++) {
    driver.append(1, 1, payloadOf(each, 700));
    await write();
  }
  const before = node.disk.snapshot();
  const pictureBefore = owner.groups.picture();
  let start = 0;
  let bytes = new Uint8Array(0);
  node.disk.observer = {
    journalDurable: (write) => {
      start = write.position;
      bytes = write.bytes.slice();
    },
  };
  driver.vote(2, 4, 20);
  for (let each = 0; each < 6; each++) driver.append(2, 4, payloadOf(each, 1_500));
  driver.truncate(1, 3);
  await write();
  node.disk.observer = {};
  const after = node.disk.snapshot();
  const pictureAfter = owner.groups.picture();
  node.crash("kill");
  return {
    simulation,
    before,
    after,
    pictureBefore,
    pictureAfter,
    start,
    bytes,
    ticket: driver.durable,
  };
}

/** Opens what is on the disk and says which of the two states it is. */
async function recoveredState(story: Story): Promise<"before" | "after"> {
  const { simulation } = story;
  const node = simulation.node("broker");
  const owner = new TestOwner();
  const journal = valueOf(await simulation.settle(Journal.open(node.boot(), OPTIONS, owner)));
  node.crash("kill");
  const { recovered } = journal;
  expect(recovered).toMatchObject({ suspectAll: false, damage: [] });
  const isAfter = recovered.durableTicket === story.ticket;
  expect(recovered.durableTicket).toBe(isAfter ? story.ticket : story.ticket - 1);
  expect(owner.groups.picture()).toEqual(isAfter ? story.pictureAfter : story.pictureBefore);
  return isAfter ? "after" : "before";
}

describe("a torn write", () => {
  it("counts only when all of it is there, whatever prefix of its sectors survived", async () => {
    const story = await lastWrite(1);
    const { disk } = story.simulation.node("broker");
    expect(story.bytes.length).toBeGreaterThan(10_000);
    for (let kept = 0; kept <= story.bytes.length; kept += SECTOR) {
      disk.restore(story.before);
      disk.overwrite(FILE, story.start, story.bytes.subarray(0, kept));
      const isWhole = kept === story.bytes.length;
      expect(await recoveredState(story)).toBe(isWhole ? "after" : "before");
    }
  });

  it("counts only when all of it is there, whichever sector is missing", async () => {
    const story = await lastWrite(2);
    const { disk } = story.simulation.node("broker");
    for (let lost = 0; lost < story.bytes.length; lost += SECTOR) {
      disk.restore(story.after);
      const old = story.bytes.subarray(lost, lost + SECTOR);
      if (old.every((byte) => byte === 0)) continue; // padding: nothing is lost with it
      disk.overwrite(FILE, story.start + lost, new Uint8Array(SECTOR));
      expect(await recoveredState(story)).toBe("before");
    }
  });

  it("leaves nothing that a later, shorter journal could be taken for", async () => {
    const story = await lastWrite(3);
    const node = story.simulation.node("broker");
    for (const kept of ["head lost", "tail lost"]) {
      node.disk.restore(story.after);
      const at = kept === "head lost" ? story.start : story.start + story.bytes.length - SECTOR;
      node.disk.overwrite(FILE, at, new Uint8Array(SECTOR));
      // The write's ticket is used again, by a batch that covers only the beginning of what is left of it.
      const owner = new TestOwner();
      const world = node.boot();
      const journal = valueOf(await story.simulation.settle(Journal.open(world, OPTIONS, owner)));
      const driver = new Driver(journal, owner);
      driver.create(3, "three");
      journal.flush();
      await story.simulation.run({ until: () => driver.durable === journal.lastTicket });
      const picture = owner.groups.picture();
      node.crash("power");
      const again = new TestOwner();
      const back = valueOf(
        await story.simulation.settle(Journal.open(node.boot(), OPTIONS, again)),
      );
      expect(back.recovered).toMatchObject({ suspectAll: false, damage: [] });
      expect(again.groups.picture()).toEqual(picture);
      node.crash("kill");
    }
  });
});

describe("a recovery that is cut off", () => {
  it("changes nothing, at whatever event and however often", async () => {
    for (const kind of ["kill", "power"] as readonly CrashKind[]) {
      const story = await lastWrite(4);
      const { simulation } = story;
      const node = simulation.node("broker");
      node.disk.restore(story.after);
      node.disk.overwrite(FILE, story.start + 3_000, new Uint8Array(SECTOR));
      for (let events = 0; events < 60; events++) {
        void Journal.open(node.boot(), OPTIONS, new TestOwner());
        await simulation.run({ eventsMax: events });
        node.crash(kind);
      }
      const owner = new TestOwner();
      const journal = valueOf(await simulation.settle(Journal.open(node.boot(), OPTIONS, owner)));
      expect(journal.recovered).toMatchObject({ suspectAll: false, damage: [] });
      expect(owner.groups.picture()).toEqual(story.pictureBefore);
      node.crash("kill");
    }
  });

  it("leaves a directory that is begun again when it was the first one", async () => {
    for (const kind of ["kill", "power"] as readonly CrashKind[]) {
      for (let events = 0; events < 40; events++) {
        const simulation = new Simulation({ seed: events });
        const node = simulation.node("broker");
        void Journal.open(node.boot(), OPTIONS, new TestOwner());
        await simulation.run({ eventsMax: events });
        node.crash(kind);
        const opened = await simulation.settle(Journal.open(node.boot(), OPTIONS, new TestOwner()));
        const { suspectAll, durableTicket } = valueOf(opened).recovered;
        expect(suspectAll).toBe(false);
        expect(durableTicket).toBeLessThanOrEqual(1); // the first life may have written its seal
        node.crash("kill");
      }
    }
  });
});

describe("a checkpoint that is cut off", () => {
  it("loses nothing, at whatever event, and the next one can follow at once", async () => {
    for (const kind of ["kill", "power"] as readonly CrashKind[]) {
      for (let events = 0; events < 70; events++) {
        const simulation = new Simulation({ seed: events });
        const node = simulation.node("broker");
        const open = async (): Promise<{ driver: Driver; owner: TestOwner; journal: Journal }> => {
          const owner = new TestOwner();
          const opening = Journal.open(node.boot(), OPTIONS, owner);
          const journal = valueOf(await simulation.settle(opening));
          expect(journal.recovered).toMatchObject({ suspectAll: false, damage: [] });
          return { driver: new Driver(journal, owner), owner, journal };
        };
        const first = await open();
        first.driver.create(9, "idle");
        first.driver.vote(9, 3, 90);
        for (let each = 1; each <= 40; each++) {
          first.driver.create(each + 10, `group ${each}`);
          first.driver.append(each + 10, 1, payloadOf(each, 5_000));
          first.driver.drop(each + 10);
          first.journal.flush();
          await simulation.run({ until: () => first.driver.durable === first.journal.lastTicket });
        }
        const picture = first.owner.groups.picture();
        void first.journal.checkpoint();
        await simulation.run({ eventsMax: events });
        node.crash(kind);
        const second = await open();
        expect(second.owner.groups.picture()).toEqual(picture);
        await simulation.settle(second.journal.checkpoint());
        node.crash("power");
        const third = await open();
        expect(third.owner.groups.picture()).toEqual(picture);
        node.crash("kill");
      }
    }
  });
});
