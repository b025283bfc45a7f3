// A disk that comes back old (D3): the broker's own journal looks whole, and only its peers can tell that it once held
// more. Until all of them have said how far they are it promises nothing, and when one remembers more it never will again.
import { afterEach, expect, test } from "vitest";
import type { SettingValues } from "../../internal/config/settings.ts";
import { CONTROLLER_GROUP } from "../../internal/model/ids.ts";
import type { BrokerId } from "../../internal/model/ids.ts";
import { encodeBatch } from "../../internal/model/encode-batch.ts";
import type { Replica } from "../../internal/replica/replica.ts";
import type { ReadinessCheck } from "../../internal/http/pages.ts";
import { BoundSettings } from "../../internal/server/bound-settings.ts";
import { readinessOf, statusOf } from "../../internal/server/broker-status.ts";
import type { DiskStatus } from "../../internal/server/disk-status.ts";
import { SimCluster } from "./cluster/sim-cluster.ts";
import { Simulation } from "./world/sim-world.ts";

const OLD = 3;
/** `link.silence.ms`. */
const SILENCE_MS = 400;

let simulation: Simulation;
let cluster: SimCluster;

afterEach(() => {
  expect(simulation.fatals).toEqual([]);
});

function diskCheck(broker: number): ReadinessCheck | undefined {
  const { checks } = readinessOf(cluster.at(broker).broker!, true);
  return checks.find(({ name }) => name === "disk");
}

/** What its page of status says. */
function shownBy(broker: number): { readonly disk: DiskStatus; readonly controller: number } {
  const { broker: one, settings } = cluster.at(broker);
  return statusOf(one!, new BoundSettings(settings), false) as ReturnType<typeof shownBy>;
}

function replica(broker: number): Replica | undefined {
  const replicas = [...(cluster.at(broker).broker?.raft.replicas() ?? [])];
  return replicas.find(({ group }) => group !== CONTROLLER_GROUP);
}

/** A cluster with one partition, led by the first broker. */
async function start(settings: SettingValues = {}): Promise<void> {
  simulation = new Simulation({ seed: 29 });
  cluster = new SimCluster(simulation, { brokers: 3, settings });
  cluster.startAll();
  await simulation.until("the cluster is ready", () => cluster.isReady);
  await createTopic();
}

async function createTopic(): Promise<void> {
  const assignments = [{ partition: 0, brokers: [1, 2, 3] as BrokerId[] }];
  const topic = { name: "t", partitions: -1, factor: -1, assignments, configs: [] };
  const services = cluster.at(1).broker?.services;
  await simulation.settle(
    services?.cluster.createTopics([topic], false, 3_000) ?? Promise.reject(),
  );
  await simulation.until("it is led", () => replica(1)?.serves === true);
}

/** Appends a record through the first broker; resolves when it is committed. */
async function append(value = 1): Promise<void> {
  expect(await simulation.settle(offer(value))).toBe(true);
}

/** The same; resolves with whether it is. */
function offer(value = 1): Promise<boolean> {
  const bytes = encodeBatch([{ key: null, value: Uint8Array.of(value), timestampMs: 1_000 }]);
  const batch = { bytes, start: 0, end: bytes.length };
  const record = { name: "t", topicId: null, partition: 0, batch, acks: -1 };
  return new Promise<boolean>((resolve) => {
    cluster
      .at(1)
      .broker?.services.log.append({ ...record, timeoutMs: 5_000, allowsZstd: true }, (outcome) =>
        resolve(outcome.ok),
      );
  });
}

/** A record that the first broker alone takes; it stays cut off. */
async function onlyFirstHasAnother(): Promise<void> {
  const { node } = cluster.at(1);
  for (const id of [2, OLD]) simulation.network.links.cut(node.name, cluster.at(id).node.name);
  void offer();
  await simulation.until("only the first has it", () =>
    [2, OLD].every((id) => replica(1)!.machine.durableIndex > replica(id)!.machine.lastIndex),
  );
}

/** The first broker leads with the third alone, which loses its last write, an acknowledged one. Both are dark. */
async function loseLastWrite(heardBy: 2 | null): Promise<{ lost: number; index: number }> {
  await append();
  await simulation.runForMs(1_000);
  const { links } = simulation.network;
  const [one, two, three] = cluster.brokers.map(({ node }) => node.name) as [
    string,
    string,
    string,
  ];
  links.cut(one, two);
  await simulation.runForMs(2_000);
  expect(replica(1)?.serves).toBe(true);
  if (heardBy === null) links.cut(two, three);
  const { journal } = cluster.at(OLD).broker!;
  const image = cluster.at(OLD).node.disk.snapshot();
  const before = journal.durableTicket;
  await append(77);
  const lost = journal.durableTicket;
  expect(lost).toBe(before + 1);
  const memory = cluster.at(2).broker!.journal.peers;
  const seen = (): number => memory.of(journal.recovered.directory).ticket;
  if (heardBy !== null) await simulation.until("it is heard", () => seen() === lost);
  else expect(seen()).toBeLessThan(lost);
  const index = replica(1)!.machine.commit;
  cluster.at(1).crash("power");
  cluster.at(OLD).crash("power");
  cluster.at(OLD).node.disk.restore(image);
  await simulation.runForMs(3_000);
  links.healAll();
  return { lost, index };
}

/** Powers a broker off, and gives it the disk that it had before some records. */
async function rollBack(): Promise<void> {
  const { node } = cluster.at(OLD);
  await append();
  await simulation.runForMs(500);
  const image = node.disk.snapshot();
  for (let k = 0; k < 5; k++) await append();
  await simulation.runForMs(500);
  cluster.at(OLD).crash("power");
  node.disk.restore(image);
}

test("a disk that went back in time is found out by its peers, and never counts again", async () => {
  await start();
  await rollBack();
  cluster.at(OLD).start(simulation.scheduler.nowUs);
  await simulation.until("it is known", () => replica(OLD)?.machine.standing === "suspect");
  // It does not help those who would lose a record by its vote, not even the only one who has everything.
  cluster.at(1).crash("power");
  await simulation.runForMs(5_000);
  expect(replica(OLD)?.machine.standing).toBe("suspect");
  expect([replica(2)?.serves, replica(OLD)?.serves]).toEqual([false, false]);
  cluster.at(1).start(simulation.scheduler.nowUs);
  await simulation.until(
    "the sound ones go on",
    () => replica(1)?.serves === true || replica(2)?.serves === true,
  );
});

test("before anybody could tell, it promises nothing", async () => {
  await start();
  await rollBack();
  const second = cluster.at(2);
  cluster.at(1).crash("power");
  second.crash("power");
  // Nobody is there who could say what the old disk held.
  cluster.at(OLD).start(simulation.scheduler.nowUs);
  await simulation.until("it is up", () => replica(OLD) !== undefined);
  await simulation.runForMs(5_000);
  expect(replica(OLD)?.machine.standing).toBe("recalling");
  second.start(simulation.scheduler.nowUs);
  await simulation.until("it is known", () => replica(OLD)?.machine.standing === "suspect");
});

test("a disk that lost nothing counts again when most have said so and the first silence is over", async () => {
  await start();
  await append();
  cluster.at(OLD).crash("power");
  await append();
  cluster.at(OLD).start(simulation.scheduler.nowUs);
  await simulation.until("it is up", () => replica(OLD) !== undefined);
  // Within the first silence period it may have promised a leader that it is loyal, and does not know (L5).
  await simulation.runForMs(SILENCE_MS - 50);
  expect(["recalling", "quiet"]).toContain(replica(OLD)?.machine.standing);
  await simulation.until("it counts", () => replica(OLD)?.machine.standing === "full");
});

test("a disk that went back stays suspect, also when its journal has overtaken what its peers saw", async () => {
  await start();
  await rollBack();
  const old = cluster.at(OLD);
  old.start(simulation.scheduler.nowUs);
  await simulation.until("it is known", () => replica(OLD)?.machine.standing === "suspect");
  expect(simulation.logs.find("journal-rolled-back")).not.toEqual([]);
  // It was said to be catching up, which it never will.
  expect(diskCheck(OLD)).toMatchObject({ isMet: false });
  expect(diskCheck(OLD)?.detail).toContain("it went back in time");
  expect(readinessOf(old.broker!, true).isReady).toBe(false);
  expect(shownBy(OLD).disk).toMatchObject({ trust: "distrusted" });

  const { journal } = old.broker!;
  const seen = cluster.at(1).broker!.journal.peers.of(journal.recovered.directory).ticket;
  while (journal.durableTicket <= seen) await simulation.settle(journal.checkpoint());
  await simulation.runForMs(1_000);
  old.crash("power");
  old.start(simulation.scheduler.nowUs);
  await simulation.until("it is up", () => replica(OLD) !== undefined);
  await simulation.runForMs(5_000);
  expect(replica(OLD)?.machine.standing).toBe("suspect");
  expect(simulation.logs.find("directory-distrusted")).toHaveLength(1);
});

test.each([
  ["at once", 0],
  ["after a seal has taken the lost write's place", 800],
])(
  "the last write of a disk is lost, and the peer that heard of it comes %s",
  async (_, lateMs) => {
    await start();
    const { lost, index } = await loseLastWrite(2);
    const { links } = simulation.network;
    if (lateMs > 0) links.cut(cluster.at(2).node.name, cluster.at(OLD).node.name);
    cluster.at(OLD).start(simulation.scheduler.nowUs);
    await simulation.until("it is up", () => replica(OLD) !== undefined);
    await simulation.runForMs(lateMs);
    if (lateMs > 0)
      expect(cluster.at(OLD).broker!.journal.durableTicket).toBeGreaterThanOrEqual(lost);
    links.healAll();
    await simulation.until("it is known", () => replica(OLD)?.machine.standing === "suspect");
    await simulation.runForMs(5_000);
    expect([replica(2)?.serves, replica(OLD)?.serves]).toEqual([false, false]);
    cluster.at(1).start(simulation.scheduler.nowUs);
    await simulation.until(
      "the record is there again",
      () => (replica(2)?.machine.commit ?? 0) > index,
    );
    expect(replica(1)?.serves).toBe(true);
  },
);

test("a lost write of which nobody remembers is not voted away either", async () => {
  await start();
  const { index } = await loseLastWrite(null);
  cluster.at(OLD).start(simulation.scheduler.nowUs);
  await simulation.until("it is up", () => replica(OLD) !== undefined);
  await simulation.runForMs(5_000);
  expect(simulation.logs.find("journal-rolled-back")).toEqual([]);
  expect(replica(OLD)?.machine.standing).toBe("recalling");
  expect([replica(2)?.serves, replica(OLD)?.serves]).toEqual([false, false]);
  // Whoever looks after it learns for whom it waits, and what to do.
  expect(simulation.logs.find("disk-doubted")).toHaveLength(1);
  expect(diskCheck(OLD)).toMatchObject({ isMet: false });
  expect(diskCheck(OLD)?.detail).toMatch(
    /wait for \d+ s until they have heard brokers 1 \(no link\): /,
  );
  expect(diskCheck(OLD)?.detail).toContain("disk.trusted=true");
  expect(shownBy(OLD).disk).toMatchObject({ waitsFor: [{ broker: 1, isLinked: false }] });
  // The first broker's process has forgotten what it heard of the third, but not the record.
  cluster.at(1).start(simulation.scheduler.nowUs);
  await simulation.until("all have it", () =>
    [1, 2, OLD].every((id) => (replica(id)?.machine.commit ?? 0) > index),
  );
  expect(replica(OLD)?.machine.standing).toBe("full");
  await simulation.until("it has caught up", () => cluster.at(OLD).broker?.hasCaughtUp === true);
  expect(diskCheck(OLD)).toMatchObject({ isMet: true });
});

test("who is left alone says that nobody is known to lead, and whom it does not hear", async () => {
  await start();
  await append();
  expect(shownBy(1)).toMatchObject({ controller: expect.any(Number), unlinked: [] });
  cluster.at(2).crash("kill");
  cluster.at(OLD).crash("kill");
  await simulation.until("they are missed", () => {
    const { links } = cluster.at(1).broker!;
    return links.isSilent(2 as BrokerId) && links.isSilent(OLD as BrokerId);
  });
  await simulation.runForMs(SILENCE_MS);
  expect(shownBy(1)).toMatchObject({ controller: null, unlinked: [2, OLD] });
  const { checks } = readinessOf(cluster.at(1).broker!, true);
  expect(checks[0]?.detail).toContain(
    "no controller is known to lead now; no link to brokers 2, 3",
  );
});

test("a process that dies has lost nothing that the machine still has: it counts without both others", async () => {
  await start();
  await append();
  await simulation.runForMs(500);
  cluster.at(1).crash("kill");
  cluster.at(OLD).crash("kill");
  cluster.at(OLD).start(simulation.scheduler.nowUs);
  await simulation.until("it counts", () => replica(OLD)?.machine.standing === "full");
  await simulation.until(
    "they go on",
    () => replica(2)?.serves === true || replica(OLD)?.serves === true,
  );
});

test("after a loss of power it counts again for good, once every replica has recalled and caught up", async () => {
  await start();
  await append();
  cluster.at(OLD).crash("power");
  cluster.at(OLD).start(simulation.scheduler.nowUs);
  await simulation.until("it is trusted", () => cluster.at(OLD).broker?.hasCaughtUp === true);
  await simulation.runForMs(1_000);
  cluster.at(OLD).crash("kill");
  cluster.at(OLD).start(simulation.scheduler.nowUs);
  await simulation.until("it is up", () => replica(OLD) !== undefined);
  expect(cluster.at(OLD).broker!.journal.recovered.trusted).toBe(true);
});

test("until then a restart asks again", async () => {
  await start();
  await append();
  cluster.at(1).crash("kill");
  cluster.at(OLD).crash("power");
  for (let k = 0; k < 2; k++) {
    cluster.at(OLD).start(simulation.scheduler.nowUs);
    await simulation.until("it is up", () => replica(OLD) !== undefined);
    await simulation.runForMs(1_000);
    expect(replica(OLD)?.machine.standing).toBe("recalling");
    cluster.at(OLD).crash("kill");
  }
});

test("a clean stop vouches for nothing that was in doubt", async () => {
  await start();
  await append();
  cluster.at(1).crash("kill");
  const old = cluster.at(OLD);
  old.crash("power");
  old.start(simulation.scheduler.nowUs);
  await simulation.until("it is up", () => replica(OLD) !== undefined);
  await simulation.runForMs(1_000);
  expect(replica(OLD)?.machine.standing).toBe("recalling");
  old.stop(500);
  await simulation.until("it has stopped", () => old.broker === null);
  await simulation.runForMs(10_000);
  old.start(simulation.scheduler.nowUs);
  await simulation.until("it is up again", () => replica(OLD) !== undefined);
  await simulation.runForMs(1_000);
  expect(replica(OLD)?.machine.standing).toBe("recalling");
});

test("who had no replica yet when it was asked is asked again", async () => {
  simulation = new Simulation({ seed: 29 });
  cluster = new SimCluster(simulation, { brokers: 3, settings: {} });
  cluster.startAll();
  await simulation.until("the cluster is ready", () => cluster.isReady);
  const { links } = simulation.network;
  const [one, two, three] = cluster.brokers.map(({ node }) => node.name) as [
    string,
    string,
    string,
  ];
  links.cut(one, two);
  links.cut(two, three);
  await simulation.runForMs(3_000);
  await createTopic();
  await append();
  cluster.at(OLD).crash("power");
  await simulation.runForMs(100);
  cluster.at(OLD).start(simulation.scheduler.nowUs);
  links.heal(two, three);
  links.heal(three, two);
  await simulation.until("it is up", () => replica(OLD) !== undefined);
  await simulation.runForMs(2_000);
  // The second broker hears nothing of the controller, and knows no such topic.
  expect([replica(2), replica(OLD)?.machine.standing]).toEqual([undefined, "recalling"]);
  links.healAll();
  await simulation.until("it counts", () => replica(OLD)?.machine.standing === "full");
});

test("a log that was told of binds nobody any more when its disk is gone", async () => {
  await start();
  await append();
  await simulation.runForMs(500);
  const one = cluster.at(1);
  await onlyFirstHasAnother();
  for (const at of cluster.brokers) at.crash("power");
  simulation.network.links.healAll();
  for (const at of cluster.brokers) at.start(simulation.scheduler.nowUs);
  const recalled = (id: number): boolean => replica(id)?.machine.recalled === true;
  await simulation.until("they know of it", () => recalled(2) && recalled(OLD));
  // The first silence is not over, so nobody was elected.
  one.crash("power");
  one.node.disk.wipe();
  one.start(simulation.scheduler.nowUs);
  await simulation.until(
    "they go on without",
    () => replica(2)?.serves === true || replica(OLD)?.serves === true,
  );
});

test("who waits for a long log elects whoever has it, also while the third is down", async () => {
  await start();
  await append();
  await simulation.runForMs(500);
  await onlyFirstHasAnother();
  for (const at of cluster.brokers) at.crash("power");
  simulation.network.links.healAll();
  for (const at of cluster.brokers) at.start(simulation.scheduler.nowUs);
  const ids = [1, 2, OLD];
  const recalled = (): boolean => ids.every((id) => replica(id)?.machine.recalled === true);
  await simulation.until("all know of it", recalled);
  cluster.at(2).crash("kill");
  expect(replica(OLD)!.machine.caughtUpWithRecall).toBe(false);
  await simulation.until("the longest leads", () => replica(1)?.serves === true);
  await simulation.until("it is in step", () => replica(OLD)!.machine.caughtUpWithRecall);
});

test("an operator's word stands for a broker that is gone for good", async () => {
  await start({ "disk.trusted": true });
  await append();
  await simulation.runForMs(500);
  cluster.at(1).crash("power");
  cluster.at(OLD).crash("power");
  cluster.at(OLD).start(simulation.scheduler.nowUs);
  await simulation.until(
    "they go on",
    () => replica(2)?.serves === true || replica(OLD)?.serves === true,
  );
});

test("that it went back outlasts damage to its group table, also where nobody is left who could prove it again", async () => {
  await start();
  await rollBack();
  const old = cluster.at(OLD);
  old.start(simulation.scheduler.nowUs);
  await simulation.until("it is known", () => replica(OLD)?.machine.standing === "suspect");
  await simulation.settle(old.broker!.journal.checkpoint());
  await simulation.runForMs(1_000);
  old.crash("kill");
  const { disk } = old.node;
  const tables = disk.paths().filter((path) => /table-\d+$/.test(path));
  expect(tables.length).toBeGreaterThan(0);
  for (const path of tables) disk.flipBit(path, 8 * 70);
  for (const id of [1, 2]) cluster.at(id).crash("kill");
  old.start(simulation.scheduler.nowUs);
  await simulation.until("it is up", () => replica(OLD) !== undefined);
  await simulation.runForMs(1_000);
  expect(replica(OLD)?.machine.standing).toBe("suspect");
});
