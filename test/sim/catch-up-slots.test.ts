// Few groups are caught up to one peer at a time, and each makes room for another when it is done (F6), also if it has gone.
import { expect, test } from "vitest";
import { ServiceStage } from "./service-stage.ts";

const KIB = 1024;
/** So many at a time, and more. */
const TOPICS = 20;
const ENTRY_BYTES = 20 * KIB;
/** Together they leave nothing else in the leader's arena. */
const LAST_ENTRIES = 40;

test("topics that are deleted while a broker catches up do not keep the others waiting", async () => {
  const stage = new ServiceStage(8, { brokers: 3 });
  const { simulation, cluster } = stage;
  const { links } = simulation.network;
  const names = Array.from({ length: TOPICS }, (_, k) => `gone-${k}`);
  await stage.start();
  for (const name of [...names, "t"]) {
    expect(await stage.create(1, name, { on: [1, 2, 3] })).toBe("ok");
  }
  const isServing = (): boolean => stage.hosted(1).every((replica) => replica.serves);
  await simulation.until("led by 1", isServing);
  cluster.at(3).crash("kill");
  for (const name of names) expect(await stage.append(1, name, ENTRY_BYTES)).toBe("ok");
  for (let k = 0; k < LAST_ENTRIES; k++) expect(await stage.append(1, "t", ENTRY_BYTES)).toBe("ok");
  stage.startBroker(3);
  await simulation.until("it runs", () => cluster.at(3).broker !== null, 1);

  // What broker 3 says of the first that it gets arrives when they are gone.
  const { journal } = cluster.at(3).broker!.raft;
  const fits = journal.fits.bind(journal);
  const [from, to] = [3, 1].map((id) => cluster.at(id).node.name) as [string, string];
  let isClogged = false;
  journal.fits = (use, bytes, ...rest) => {
    if (bytes > ENTRY_BYTES && !isClogged) {
      isClogged = true;
      links.clog(from, to, simulation.scheduler.nowUs + 200_000);
    }
    return fits(use, bytes, ...rest);
  };
  const got = (): number => stage.hosted(3).filter(({ machine }) => machine.lastIndex > 1).length;
  await simulation.until("broker 3 gets some", () => got() > 15);
  for (const name of names) expect(await stage.remove(1, name)).toBe("ok");
  const isOnlyOne = (): boolean => [1, 3].every((id) => stage.hosted(id).length === 1);
  await simulation.until("broker 3 has it all", () => isOnlyOne() && stage.lag(1, 3) === 0);
  expect(simulation.fatals).toEqual([]);
});
