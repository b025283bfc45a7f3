// No kind of "no room" ends a broker (J11): not a journal at its limit, nor memory that a hanging disk keeps.
import { expect, test } from "vitest";
import { ServiceStage } from "./service-stage.ts";

const KIB = 1024;
const SECOND_US = 1_000_000;

test("a follower whose journal is full votes, restarts, and serves what it has", async () => {
  const stage = new ServiceStage(3, { brokers: 3 });
  stage.cluster.at(3).reconfigure({}, { journalBytesMax: 1_600 * KIB });
  await stage.start();
  expect(await stage.create(1, "t", { on: [1, 2, 3] })).toBe("ok");
  for (let k = 0; k < 200; k++) expect(await stage.append(1, "t", 16_000)).toBe("ok");
  const [replica] = stage.hosted(3);
  const behind = replica?.machine.lastIndex ?? 0;
  expect(behind).toBeLessThan(stage.hosted(1)[0]?.machine.lastIndex ?? 0);
  // A new term, which the full one must be able to write down.
  stage.cluster.at(1).crash("kill");
  await stage.simulation.until(
    "it votes",
    () => replica?.machine.vote === stage.hosted(2)[0]?.self,
  );
  stage.startBroker(1);
  for (const id of [3, 1, 2, 3]) {
    await stage.restart(id);
    await stage.simulation.until("somebody serves", () =>
      [1, 2, 3].some((each) => stage.hosted(each)[0]?.serves === true),
    );
  }
  expect(stage.simulation.fatals).toEqual([]);
});

test("a topic with many partitions is made while a broker's arena is full and its disk hangs", async () => {
  const stage = new ServiceStage(3, { brokers: 4, initial: (id) => Math.max(id, 3) });
  await stage.start(3);
  expect(await stage.create(1, "t", { on: [1, 2, 4] })).toBe("ok");
  await stage.simulation.until("broker 4 follows", () => {
    const [leader, follower] = [stage.hosted(1)[0], stage.hosted(4)[0]];
    return (
      leader !== undefined && follower !== undefined && leader.machine.match(follower.self) > 0
    );
  });
  stage.cluster.at(4).node.disk.stall("journal", SECOND_US);
  for (let k = 0; k < 60; k++) expect(await stage.append(1, "t", 12_000)).toBe("ok");
  const made = stage.creating(1, "many", { partitions: 1_000 });
  await stage.simulation.runForMs(500);
  expect(stage.hosted(4).length).toBeLessThan(400); // the others wait for room
  expect(await stage.simulation.settle(made)).toBe("ok");
  await stage.simulation.until("broker 4 hosts its part", () => stage.hosted(4).length > 500);
  expect(stage.simulation.fatals).toEqual([]);
});

test("brokers near their limit refuse records and new topics in words, and everything else goes on", async () => {
  const stage = new ServiceStage(5, { brokers: 3 });
  for (const id of [2, 3]) {
    stage.cluster.at(id).reconfigure({}, { journalBytesMax: 2_048 * KIB });
  }
  await stage.start();
  expect(await stage.create(1, "t", { on: [1, 2, 3] })).toBe("ok");
  await stage.simulation.until("led by 1", () => stage.hosted(1)[0]?.serves === true);
  let taken = 0;
  for (let answer = "ok"; answer === "ok"; taken++) {
    answer = await stage.append(1, "t", 16_000);
    expect(["ok", "storage-full"]).toContain(answer); // never a wait for disks that have no room
    await stage.simulation.runForMs(10);
  }
  expect(taken).toBeGreaterThan(50);
  expect(await stage.create(1, "u", { on: [1, 2, 3] })).toBe("storage-full");
  expect(await stage.create(1, "u", { partitions: 3 })).toBe("storage-full");
  for (const id of [1, 2, 3]) {
    await stage.restart(id);
    await stage.simulation.until("somebody serves", () =>
      [1, 2, 3].some((each) => stage.hosted(each)[0]?.serves === true),
    );
  }
  expect(await stage.remove(1, "t")).toBe("ok");
  expect(stage.simulation.fatals).toEqual([]);
});

test("a follower with a smaller arena refuses no batch for ever: its leader refuses it in words", async () => {
  const stage = new ServiceStage(6, { brokers: 3 });
  stage.cluster.at(3).reconfigure({}, { arenaBytes: 64 * KIB, batchBytesMax: 32 * KIB });
  await stage.start();
  expect(await stage.create(1, "t", { on: [1, 2, 3] })).toBe("ok");
  await stage.simulation.until("led by 1", () => stage.hosted(1)[0]?.serves === true);
  for (const bytes of [20_000, 10, 20_000, 20_000]) {
    expect(await stage.append(1, "t", bytes)).toBe("ok");
  }
  expect(await stage.append(1, "t", 50_000)).toBe("batch");
  await stage.simulation.until("broker 3 has it all", () => stage.lag(1, 3) === 0);
  // Nobody knows of its limit while it is down; then it cannot take what was taken, and says so.
  stage.cluster.at(3).crash("kill");
  await stage.simulation.until("it is gone", () => stage.hosted(1)[0]?.serves === true);
  await stage.simulation.runForMs(1_000);
  expect(await stage.append(1, "t", 50_000)).toBe("ok");
  stage.startBroker(3);
  await stage.simulation.until(
    "it says so",
    () => stage.simulation.logs.find("entry-too-long-for-this-broker").length > 0,
  );
  stage.cluster.at(3).crash("kill");
  stage.cluster.at(3).reconfigure({}, { arenaBytes: 512 * KIB, batchBytesMax: 128 * KIB });
  stage.startBroker(3);
  await stage.simulation.until("broker 3 has it all", () => stage.lag(1, 3) === 0);
  expect(stage.simulation.fatals).toEqual([]);
});

test("a broker starts on a disk that is full as soon as its journal is open", async () => {
  const stage = new ServiceStage(7, { brokers: 3 });
  await stage.start();
  const { node } = stage.cluster.at(3);
  stage.cluster.at(3).crash("kill");
  stage.startBroker(3);
  const { bulk } = node.world!.disk;
  const replaceWhole = bulk.replaceWhole.bind(bulk);
  bulk.replaceWhole = (path, bytes) => {
    const isOpen = stage.cluster.at(3).broker !== null;
    if (isOpen) node.disk.options = { ...node.disk.options, capacityBytes: 0 };
    return replaceWhole(path, bytes);
  };
  await stage.simulation.until("broker 3 serves", () => stage.isReady(3));
  expect(stage.simulation.fatals).toEqual([]);
});
