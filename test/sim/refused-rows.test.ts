// Every row of an append frame has an answer of its own (F3): one that a follower had no room for is offered again, whatever
// it said of other rows of the group at the same time.
import { expect, test } from "vitest";
import { ServiceStage } from "./service-stage.ts";

const SHORT_BYTES = 100;
const LONG_BYTES = 5_000;

test("rows for which there was no room are offered again, though others were rejected in the same breath", async () => {
  const stage = new ServiceStage(7, { brokers: 3 });
  const { simulation, cluster } = stage;
  const [leader, follower] = [1, 3].map((id) => cluster.at(id).node.name) as [string, string];
  const clog = (from: string, to: string, ms: number): void =>
    simulation.network.links.clog(from, to, simulation.scheduler.nowUs + ms * 1_000);
  await stage.start();
  expect(await stage.create(1, "t", { on: [1, 2, 3] })).toBe("ok");
  await simulation.until("led by 1", () => stage.hosted(1)[0]?.serves === true);
  expect(await stage.append(1, "t", SHORT_BYTES)).toBe("ok");
  await simulation.until("broker 3 has it all", () => stage.lag(1, 3) === 0);

  const { journal } = cluster.at(3).broker!.raft;
  const fits = journal.fits.bind(journal);
  let refused = 0;
  let hasRoom = false;
  journal.fits = (use, bytes, ...rest) => {
    if (hasRoom || bytes < LONG_BYTES) return fits(use, bytes, ...rest);
    refused++;
    return false;
  };
  // The first frame finds no room, and the one behind it no place: they arrive together.
  clog(leader, follower, 50);
  clog(follower, leader, 100);
  for (const bytes of [LONG_BYTES, SHORT_BYTES]) {
    expect(await stage.append(1, "t", bytes)).toBe("ok");
  }
  await simulation.until("no room", () => refused > 0);
  // One more has no place while the first is offered again, and they arrive together.
  clog(leader, follower, 100);
  expect(await stage.append(1, "t", SHORT_BYTES)).toBe("ok");
  await simulation.until("no room again", () => refused > 1);
  hasRoom = true;
  await simulation.until("broker 3 has it all", () => stage.lag(1, 3) === 0);
  expect(simulation.fatals).toEqual([]);
});
