// Whoever waits without an end says for whom (L10).
import { expect, test } from "vitest";
import { waitsOf } from "../../internal/server/waits.ts";
import { ServiceStage } from "./service-stage.ts";

const KIB = 1024;

function waits(stage: ServiceStage, id: number): string[] {
  const { broker } = stage.cluster.at(id);
  return broker === null ? [] : waitsOf(broker).map((wait) => `${wait.what}: ${wait.for}`);
}

test("a broker that is alone names those without whom its groups have no leader, in the log as well", async () => {
  const stage = new ServiceStage(4, { brokers: 3 });
  await stage.start();
  expect(await stage.create(1, "t", { on: [1, 2, 3] })).toBe("ok");
  await stage.simulation.until("nobody waits", () =>
    [1, 2, 3].every((id) => waits(stage, id).length === 0),
  );
  for (const id of [2, 3]) stage.cluster.at(id).crash("power");
  const alone = "brokers 2 (not connected), 3 (not connected)";
  await stage.simulation.until("it says for whom", () =>
    waits(stage, 1).includes(`for a leader: the votes of most of ${alone}`),
  );
  await stage.simulation.runForMs(70_000);
  expect(stage.simulation.logs.find("waits")).toHaveLength(1);
  // Its own machine loses power: it asks the others what it may have promised.
  stage.cluster.at(1).crash("power");
  stage.startBroker(1);
  await stage.simulation.until("it says for whom", () =>
    waits(stage, 1).includes(`to recall what was promised: the answers of ${alone}`),
  );
  for (const id of [2, 3]) stage.startBroker(id);
  await stage.simulation.until("nobody waits", () =>
    [1, 2, 3].every((id) => stage.isReady(id) && waits(stage, id).length === 0),
  );
  expect(stage.simulation.fatals).toEqual([]);
});

test("a broker near its limit says that records wait for room", async () => {
  const stage = new ServiceStage(5, { brokers: 1 });
  stage.cluster.at(1).reconfigure({}, { journalBytesMax: 2_048 * KIB });
  await stage.start();
  expect(await stage.create(1, "t", { on: [1] })).toBe("ok");
  for (let answer = "ok"; answer === "ok";) answer = await stage.append(1, "t", 16_000);
  expect(waits(stage, 1)).toEqual([
    "records of clients and new topics: room on disk below journal.bytes.max",
  ]);
});
