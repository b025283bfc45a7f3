// Damage and what it is taken for: a torn tail is dropped, damaged payloads are named, missing batches make every group
// suspect, stale and imitated batches never count, and a failed write ends the broker.
import { describe, expect, it } from "vitest";
import { crc32c } from "../../internal/bytes/crc32c.ts";
import { Journal } from "../../internal/journal/journal.ts";
import type { BrokerId, ClusterId } from "../../internal/model/ids.ts";
import type { SimNode } from "../sim/world/sim-world.ts";
import { Simulation } from "../sim/world/sim-world.ts";
import { Driver, Groups, TINY, TestOwner, payloadOf } from "./journal-kit.ts";
import { valueOf } from "./stage.ts";

const OPTIONS = { ...TINY, directory: "/broker" };
const BLOCK = 4096;
const FIRST_FILE = "/broker/journal/0000000000000001.journal";

class Rig {
  readonly simulation: Simulation;
  readonly node: SimNode;

  constructor(seed = 1) {
    this.simulation = new Simulation({ seed });
    this.node = this.simulation.node("broker");
  }

  async open(): Promise<{ journal: Journal; owner: TestOwner; driver: Driver }> {
    const world = this.node.boot();
    const owner = new TestOwner();
    const journal = valueOf(await this.simulation.settle(Journal.open(world, OPTIONS, owner)));
    return { journal, owner, driver: new Driver(journal, owner) };
  }

  /** How many journal writes were issued since this call. */
  countWrites(): () => number {
    let count = 0;
    this.node.disk.observer = { journalIssued: () => void count++ };
    return () => count;
  }

  /** Flushes what was appended as one batch and waits for it. */
  async write(journal: Journal): Promise<void> {
    journal.flush();
    const { lastTicket } = journal;
    await this.simulation.run({ until: () => journal.durableTicket >= lastTicket });
  }
}

/** A journal of `count` batches with one entry each, of a group 1; no seal at its end. */
async function batches(rig: Rig, count: number, length = 3_000): Promise<TestOwner> {
  const { journal, owner, driver } = await rig.open();
  driver.create(1, "damaged");
  await rig.write(journal);
  for (let each = 1; each < count; each++) {
    driver.append(1, 1, payloadOf(each, length));
    await rig.write(journal);
  }
  rig.node.crash("kill");
  return owner;
}

/** Where the batch with that ticket begins in the first file. */
function startOf(rig: Rig, ticket: number): number {
  const bytes = rig.node.disk.peek(FIRST_FILE);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (let at = BLOCK; at < bytes.length; at += BLOCK) {
    if (view.getUint32(at) === 0x464c4248 && view.getUint32(at + 12) === ticket) return at;
  }
  throw new Error(`no batch ${ticket}`);
}

function lengthOf(rig: Rig, start: number): number {
  const bytes = rig.node.disk.peek(FIRST_FILE);
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(start + 4);
}

function limitDisk(rig: Rig, capacityBytes: number): void {
  rig.node.disk.options = { ...rig.node.disk.options, capacityBytes };
}

/** How often this process wanted to make a journal file longer, since this call. */
function countPreparing(rig: Rig): () => number {
  const { bulk } = rig.node.world!.disk;
  const writeZeros = bulk.writeZeros.bind(bulk);
  let count = 0;
  bulk.writeZeros = (path, position, length) => {
    if (path.endsWith(".journal")) count++;
    return writeZeros(path, position, length);
  };
  return () => count;
}

function flip(rig: Rig, position: number): void {
  rig.node.disk.flipBit(FIRST_FILE, position * 8 + 3);
}

describe("a damaged journal", () => {
  it("names a payload that is damaged in the middle, and keeps the rest", async () => {
    const rig = new Rig();
    await batches(rig, 6);
    const start = startOf(rig, 4);
    flip(rig, start + lengthOf(rig, start) / 2);
    const { journal, owner } = await rig.open();
    expect(journal.recovered).toMatchObject({ suspectAll: false, durableTicket: 6 });
    expect(journal.recovered.damage).toEqual([{ group: 1, index: 3, term: 1 }]);
    const log = owner.groups.byId.get(1)!.log;
    expect(log.map((entry) => entry.text === "?")).toEqual([false, false, true, false, false]);
  });

  it("names damage in the bytes that Kafka's own checksum leaves out", async () => {
    const rig = new Rig();
    await batches(rig, 4);
    const start = startOf(rig, 3);
    flip(rig, start + 72 + 64 + 9);
    const { journal } = await rig.open();
    expect(journal.recovered.damage).toEqual([{ group: 1, index: 2, term: 1 }]);
  });

  it("survives the loss of either copy of a table, or of either header", async () => {
    for (const where of ["head", "tail", "head-table", "tail-table"]) {
      const rig = new Rig();
      const before = await batches(rig, 5);
      const start = startOf(rig, 3);
      const end = start + lengthOf(rig, start);
      const at = {
        head: start + 9,
        tail: end - 60,
        "head-table": start + 80,
        "tail-table": end - 100,
      };
      flip(rig, at[where as keyof typeof at]);
      const { journal, owner } = await rig.open();
      expect(journal.recovered).toMatchObject({ suspectAll: false, damage: [], durableTicket: 5 });
      expect(owner.groups.picture()).toEqual(before.groups.picture());
    }
  });

  it("makes all groups suspect when both copies are lost, keeps later groups sound, and goes on far above", async () => {
    const rig = new Rig();
    await batches(rig, 6);
    const start = startOf(rig, 4);
    flip(rig, start + 80);
    flip(rig, start + lengthOf(rig, start) - 100);
    const first = await rig.open();
    expect(first.journal.recovered).toMatchObject({ suspectAll: true, durableTicket: 6 });
    expect(first.owner.gaps).toBe(1);
    expect(first.owner.groups.byId.get(1)!.isSuspect).toBe(true);
    first.driver.create(2, "the replacement");
    first.driver.append(2, 1, payloadOf(1, 500));
    await rig.write(first.journal);
    expect(first.journal.durableTicket).toBeGreaterThan(2 ** 40);
    rig.node.crash("power");
    const second = await rig.open();
    expect(second.journal.recovered).toMatchObject({ suspectAll: true });
    expect(second.owner.groups.byId.get(1)!.isSuspect).toBe(true);
    expect(second.owner.groups.byId.get(2)).toMatchObject({
      isSuspect: false,
      log: [{ index: 1 }],
    });
    second.driver.drop(1);
    for (let each = 0; each < 60; each++) {
      second.driver.append(2, 1, payloadOf(each, 5_000));
      await rig.write(second.journal);
    }
    second.journal.release(2 as never, 61 as never);
    Object.assign(second.owner.groups.byId.get(2)!, { base: 61, baseTerm: 1, log: [] });
    await rig.simulation.settle(second.journal.checkpoint());
    rig.node.crash("power");
    const third = await rig.open();
    expect(third.journal.recovered.suspectAll).toBe(false);
    expect([...third.owner.groups.byId.keys()]).toEqual([2]);
  });

  it("takes any damage of the last batch for a torn tail, and a seal for proof of the contrary", async () => {
    for (const offset of [3, 75, 1_500, -1_000, -90, -10]) {
      const rig = new Rig();
      await batches(rig, 4);
      const start = startOf(rig, 4);
      const at = offset > 0 ? start + offset : start + lengthOf(rig, start) + offset;
      flip(rig, at);
      const { journal } = await rig.open();
      expect(journal.recovered).toMatchObject({ suspectAll: false, damage: [], durableTicket: 3 });
    }
    const sealed = new Rig();
    const { journal, driver } = await sealed.open();
    driver.create(1, "x");
    driver.append(1, 1, payloadOf(1, 3_000));
    await sealed.write(journal);
    await sealed.simulation.runForMs(1_000);
    sealed.node.crash("power");
    flip(sealed, startOf(sealed, 1) + 1_500);
    const back = await sealed.open();
    expect(back.journal.recovered).toMatchObject({ suspectAll: false, durableTicket: 2 });
    expect(back.journal.recovered.damage).toEqual([{ group: 1, index: 1, term: 1 }]);
  });

  it("notices missing files, at the front, in the middle, and all of them", async () => {
    for (const missing of [[1], [2], [1, 2, 3, 4, 5]]) {
      const rig = new Rig();
      const { journal, driver } = await rig.open();
      driver.create(1, "x");
      for (let each = 0; each < 60; each++) {
        driver.append(1, 1, payloadOf(each, 5_000));
        await rig.write(journal);
      }
      rig.node.crash("kill");
      for (const number of missing) {
        const path = FIRST_FILE.replace("1.journal", `${number}.journal`);
        if (rig.node.disk.paths().includes(path)) rig.node.disk.erase(path);
      }
      const back = await rig.open();
      expect(back.journal.recovered.suspectAll).toBe(true);
    }
  });

  it("reads on when the header of a file is damaged", async () => {
    const rig = new Rig();
    const before = await batches(rig, 5);
    flip(rig, 20);
    const half = await rig.open();
    expect(half.owner.groups.picture()).toEqual(before.groups.picture());
    rig.node.crash("kill");
    flip(rig, 2048 + 20);
    const none = await rig.open();
    expect(none.journal.recovered.suspectAll).toBe(false);
    expect(none.owner.groups.picture()).toEqual(before.groups.picture());
  });

  it("treats an unreadable group table as loss when it made files free", async () => {
    const rig = new Rig();
    const { journal, driver } = await rig.open();
    for (let group = 1; group < 40; group++) {
      driver.create(group, "x");
      for (let each = 0; each < 3; each++) driver.append(group, 1, payloadOf(each, 5_000));
      await rig.write(journal);
      driver.drop(group);
    }
    await rig.simulation.settle(journal.checkpoint());
    rig.node.crash("power");
    const table = rig.node.disk.paths().findLast((path) => /table-\d+$/.test(path))!;
    rig.node.disk.flipBit(table, 8 * 30);
    const back = await rig.open();
    expect(back.journal.recovered.suspectAll).toBe(true);
  });
});

describe("a clean end", () => {
  it("is a closing seal of the last start, and nothing less", async () => {
    const rig = new Rig();
    const first = await rig.open();
    first.driver.create(1, "x");
    await rig.write(first.journal);
    await rig.simulation.runForMs(1_000); // an idle seal follows
    rig.node.crash("power");
    const second = await rig.open();
    expect(second.journal.recovered).toMatchObject({ clean: false, durableTicket: 2 });
    await rig.simulation.settle(second.journal.vouch());
    await rig.simulation.settle(second.journal.close());
    rig.node.crash("kill");
    const third = await rig.open();
    expect(third.journal.recovered.clean).toBe(true);
    rig.node.crash("kill"); // before anything was written: the closing seal is of an earlier start
    const fourth = await rig.open();
    expect(fourth.journal.recovered.clean).toBe(false);
  });
});

describe("bytes that only look like a journal", () => {
  it("never count: a batch of this journal inside a payload, wherever it lies", async () => {
    const rig = new Rig();
    const before = await batches(rig, 3);
    const stolen = rig.node.disk.peek(FIRST_FILE).slice(BLOCK, 4 * BLOCK);
    // The salt is what a client cannot know; everything else may be right, sums included.
    const view = new DataView(stolen.buffer);
    for (let block = 0; block < stolen.length; block += BLOCK) {
      for (const at of [block, block + BLOCK - 72]) {
        if (![0x464c4248, 0x464c4254].includes(view.getUint32(at))) continue;
        view.setUint32(at + 12, 4);
        view.setUint32(at + 20, 3);
        stolen.fill(7, at + 40, at + 48);
        view.setUint32(at + 68, crc32c(stolen, at, at + 68));
      }
    }
    const first = await rig.open();
    const { driver, journal } = first;
    // 72 + 64 bytes come before the payload: the imitation is moved to a block boundary.
    const payload = new Uint8Array(BLOCK - 136 + stolen.length);
    payload.set(stolen, BLOCK - 136);
    driver.append(1, 1, payload);
    await rig.write(journal);
    const torn = startOf(rig, journal.durableTicket);
    rig.node.crash("power");
    const end = torn + lengthOf(rig, torn);
    flip(rig, torn + 5);
    flip(rig, end - 5);
    const back = await rig.open();
    expect(back.journal.recovered.suspectAll).toBe(false);
    expect(back.journal.recovered.durableTicket).toBe(3);
    expect(back.owner.groups.picture()).toEqual(before.groups.picture());
  });

  it("never count: old batches of a file that is used again", async () => {
    const rig = new Rig(5);
    const model = new Groups();
    const { journal, driver } = await rig.open();
    let group = 1;
    for (let each = 0; each < 400; each++) {
      if (each % 8 === 0) {
        if (each > 0) driver.drop(group++);
        driver.create(group, `group ${group}`);
      }
      driver.append(group, 1, payloadOf(each, 3_000));
      await rig.write(journal);
    }
    const names = rig.node.disk.paths().filter((path) => path.endsWith(".journal"));
    expect(names.length).toBeLessThan(8);
    rig.node.crash("power");
    const back = await rig.open();
    expect(back.journal.recovered).toMatchObject({ suspectAll: false, damage: [] });
    for (const { op } of driver.history) model.apply(op);
    expect(back.owner.groups.picture()).toEqual(model.picture());
  });
});

describe("a disk that fails", () => {
  it("ends the broker at the first failed write, and nothing of it is acknowledged (J8)", async () => {
    for (const code of ["EIO", "SHORT", "ENOSPC"] as const) {
      const rig = new Rig();
      const { journal, driver } = await rig.open();
      driver.create(1, "x");
      await rig.write(journal);
      const before = driver.durable;
      rig.node.disk.failNext("journal", code);
      driver.append(1, 1, payloadOf(1, 3_000));
      journal.flush();
      await rig.simulation.runForMs(100);
      expect(rig.simulation.fatals).toMatchObject([{ reason: "a journal write failed" }]);
      expect(driver.durable).toBe(before);
      expect(rig.node.alive).toBe(false);
      const back = await rig.open();
      expect(back.journal.recovered.suspectAll).toBe(false);
      expect(back.journal.recovered.durableTicket).toBeGreaterThanOrEqual(before);
    }
  });

  it.each([
    ["entry", (journal: Journal) => journal.flush()],
    ["clean end", (journal: Journal) => void journal.close()],
  ])("vouches after a restart for no %s that only the page cache has (J8)", async (what, end) => {
    let readBack = 0;
    for (let seed = 1; seed <= 12; seed++) {
      const rig = new Rig(seed);
      const { journal, driver } = await rig.open();
      driver.create(1, "x");
      await rig.write(journal);
      const before = journal.durableTicket;
      rig.node.disk.failNext("journal", "EIO");
      if (what === "entry") driver.append(1, 1, payloadOf(1, 3_000));
      end(journal);
      await rig.simulation.runForMs(100);
      const back = await rig.open();
      const found = back.owner.groups.picture();
      const vouched = back.journal.recovered.durableTicket;
      if (vouched > before) readBack++;
      rig.node.crash("power");
      const again = await rig.open();
      expect(again.journal.recovered.suspectAll).toBe(false);
      expect(again.journal.recovered.durableTicket).toBeGreaterThanOrEqual(vouched);
      expect(again.owner.groups.picture()).toEqual(found);
    }
    expect(readBack).toBeGreaterThan(0);
  });

  it("has its age of the oldest write seen while it hangs, and is probed while it is idle (L4)", async () => {
    const rig = new Rig();
    const { journal, driver } = await rig.open();
    driver.create(1, "x");
    await rig.write(journal);
    await rig.simulation.runForMs(500);
    const sealed = journal.durableTicket;
    const writes = rig.countWrites();
    journal.keepAlive = true;
    await rig.simulation.runForMs(3_500);
    expect(writes()).toBeGreaterThanOrEqual(3);
    expect(journal.durableTicket).toBe(sealed); // however long that takes, it takes no room (J11)
    expect(journal.oldestUnfinishedWriteMs()).toBe(0);
    rig.node.disk.stall("journal", 5_000_000);
    await rig.simulation.runForMs(3_000);
    expect(journal.oldestUnfinishedWriteMs()).toBeGreaterThan(1_500);
    await rig.simulation.runForMs(4_000);
    expect(journal.oldestUnfinishedWriteMs()).toBeLessThan(1_500);
    journal.keepAlive = false;
    await rig.simulation.runForMs(2_000);
    const rested = writes();
    await rig.simulation.runForMs(10_000);
    expect(writes()).toBe(rested);
  });

  it("refuses client appends while nothing can be prepared, and goes on when there is room", async () => {
    const rig = new Rig();
    const { journal, driver } = await rig.open();
    await rig.simulation.runForMs(500);
    driver.create(1, "x");
    limitDisk(rig, rig.node.disk.platter.usedBytes());
    for (let each = 0; each < 40; each++) {
      driver.append(1, 1, payloadOf(each, 5_000));
      await rig.write(journal);
    }
    await rig.simulation.runForMs(500);
    expect(journal.room()).toBe("near-full");
    limitDisk(rig, 1 << 30);
    await rig.simulation.runForMs(3_000);
    expect(journal.room()).toBe("ok");
    expect(rig.simulation.fatals).toEqual([]);
  });

  it("is full for long: it is asked for room once a second, says so once, and goes on when there is some", async () => {
    const rig = new Rig();
    const { journal, driver } = await rig.open();
    driver.create(1, "x");
    await rig.write(journal);
    const tries = countPreparing(rig);
    while (journal.oldestUnfinishedWriteMs() < 100) {
      limitDisk(rig, rig.node.disk.platter.usedBytes()); // the reserve was given up meanwhile
      driver.append(1, 1, payloadOf(1, 5_000));
      journal.flush();
      await rig.simulation.runForMs(200);
    }
    const before = tries();
    await rig.simulation.runForMs(10_000);
    expect(tries() - before).toBeGreaterThan(5);
    expect(tries() - before).toBeLessThanOrEqual(11);
    expect(rig.simulation.logs.find("journal file not prepared")).toHaveLength(1);
    limitDisk(rig, 1 << 30);
    await rig.simulation.runForMs(3_000);
    expect([journal.room(), journal.durableTicket]).toEqual(["ok", journal.lastTicket]);
    expect(rig.simulation.fatals).toEqual([]);
  });

  it("is full when a broker joins its cluster: what is known is not written again", async () => {
    const rig = new Rig();
    const { journal } = await rig.open();
    const [known, another] = ["cluster-of-three-0000", "cluster-of-three-0001"] as ClusterId[];
    valueOf(await rig.simulation.settle(journal.joinCluster(known!)));
    await rig.simulation.runForMs(500);
    limitDisk(rig, rig.node.disk.platter.usedBytes());
    expect(await rig.simulation.settle(journal.joinCluster(known!))).toMatchObject({ ok: true });
    const refused = await rig.simulation.settle(journal.joinCluster(another!));
    expect(refused).toMatchObject({ ok: false, fault: { code: "ENOSPC" } });
  });

  it("is not opened by another broker id, also after a crash", async () => {
    const rig = new Rig();
    await batches(rig, 2);
    const world = rig.node.boot();
    const options = { ...OPTIONS, broker: 9 as BrokerId };
    const opened = await rig.simulation.settle(Journal.open(world, options, new TestOwner()));
    expect(opened).toMatchObject({ ok: false, fault: { kind: "foreign" } });
  });
});
