// What a session says once is said, or the session ends (F6): who restarted waits for what others had seen of its journal,
// and would take no part for as long as their sessions last.
import { expect, test } from "vitest";
import { ServiceStage } from "./service-stage.ts";

/** Of no message that brokers have: it is counted and thrown away. */
const NOTHING = 255;
/** The last ones leave no room for anything. */
const FRAMES_BYTES = [1_000, 0];
const SLOW_US = 50_000;

test("a broker that restarts while others' control lanes are full takes part all the same", async () => {
  const stage = new ServiceStage(5, { brokers: 3 });
  const { network, scheduler } = stage.simulation;
  await stage.start();
  expect(await stage.create(1, "t", { on: [1, 2, 3] })).toBe("ok");
  let filled = 0;
  for (const id of [1, 2]) {
    const { raft, links } = stage.cluster.at(id).broker!;
    const began = raft.links.sessionBegan.bind(raft.links);
    raft.links.sessionBegan = (session) => {
      began(session);
      // Nothing arrives for a while, and the system takes no more than it has room for.
      const to = stage.cluster.at(session.peer.broker).node.name;
      network.links.clog(stage.cluster.at(id).node.name, to, scheduler.nowUs + SLOW_US);
      for (let room = true; room; links.flush()) {
        room = false;
        for (const bytes of FRAMES_BYTES) {
          for (; session.send("control", NOTHING, [new Uint8Array(bytes)]); filled++) room = true;
        }
      }
    };
  }
  await stage.restart(3);
  expect(filled).toBeGreaterThan(200);
  const mayVote = (): boolean => stage.hosted(3)[0]?.machine.standing === "full";
  await stage.simulation.until("broker 3 may vote", mayVote);
  expect(stage.simulation.fatals).toEqual([]);
});
