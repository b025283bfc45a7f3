// What a control lane has no room for is not forgotten (F6). What a session says once is said, or the session ends: who
// restarted waits for what others had seen of its journal, and would take no part for as long as their sessions last.
import { expect, test } from "vitest";
import type { BrokerId } from "../../internal/model/ids.ts";
import type { Session } from "../../internal/transport/contract.ts";
import { ServiceStage } from "./service-stage.ts";

/** Of no message that brokers have: it is counted and thrown away. */
const NOTHING = 255;
/** The last ones leave no room for anything. */
const FRAMES_BYTES = [1_000, 0];
const SLOW_US = 50_000;

/** Nothing arrives for a while, and the system takes no more than it has room for. Returns how many messages that was. */
function fill({ simulation, cluster }: ServiceStage, id: number, session: Session): number {
  const { network, scheduler } = simulation;
  const to = cluster.at(session.peer.broker).node.name;
  network.links.clog(cluster.at(id).node.name, to, scheduler.nowUs + SLOW_US);
  let filled = 0;
  for (let room = true; room; cluster.at(id).broker!.links.flush()) {
    room = false;
    for (const bytes of FRAMES_BYTES) {
      for (; session.send("control", NOTHING, [new Uint8Array(bytes)]); filled++) room = true;
    }
  }
  return filled;
}

test("a broker that restarts while others' control lanes are full takes part all the same", async () => {
  const stage = new ServiceStage(5, { brokers: 3 });
  await stage.start();
  expect(await stage.create(1, "t", { on: [1, 2, 3] })).toBe("ok");
  let filled = 0;
  for (const id of [1, 2]) {
    const { raft } = stage.cluster.at(id).broker!;
    const began = raft.links.sessionBegan.bind(raft.links);
    raft.links.sessionBegan = (session) => {
      began(session);
      filled += fill(stage, id, session);
    };
  }
  await stage.restart(3);
  expect(filled).toBeGreaterThan(200);
  const mayVote = (): boolean => stage.hosted(3)[0]?.machine.standing === "full";
  await stage.simulation.until("broker 3 may vote", mayVote);
  expect(stage.simulation.fatals).toEqual([]);
});

test("an acknowledgement that found the control lane full leaves when it has drained, though nothing else happens", async () => {
  const stage = new ServiceStage(6, { brokers: 3 });
  await stage.start();
  expect(await stage.create(1, "t", { on: [1, 3] })).toBe("ok");
  await stage.simulation.until("led by 1", () => stage.hosted(1)[0]?.serves === true);
  const session = stage.cluster.at(3).broker!.links.session(1 as BrokerId)!;
  for (let k = 0; k < 10; k++) {
    await stage.simulation.runForMs(100 + 37 * k);
    const startUs = stage.simulation.scheduler.nowUs;
    expect(fill(stage, 3, session)).toBeGreaterThan(100);
    expect(await stage.append(1, "t", 100)).toBe("ok");
    expect(stage.simulation.scheduler.nowUs - startUs).toBeLessThan(2 * SLOW_US);
  }
  expect(session.open).toBe(true);
});
