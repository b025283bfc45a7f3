// A start has to do with what stands, not with all that ever was: topics that were made and deleted before it, or while the
// broker was away, are not made again and dropped again (J11, L7).
import { afterEach, beforeEach, expect, test } from "vitest";
import { ServiceStage } from "./service-stage.ts";

const ROUNDS = 20;
const PARTITIONS = 100;
const VOTER = 2;
/** Knows the metadata from others. */
const OUTSIDER = 4;

let stage: ServiceStage;

beforeEach(async () => {
  stage = new ServiceStage(3, { brokers: 4, initial: (id) => Math.max(id, 3) });
  await stage.start(3);
  expect(await stage.create(1, "stays", { on: [1, VOTER, OUTSIDER] })).toBe("ok");
});

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

async function comeAndGo(rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    expect(await stage.create(1, "t", { partitions: PARTITIONS })).toBe("ok");
    expect(await stage.remove(1, "t")).toBe("ok");
  }
}

/** The most replicas that the broker hosts at any moment from now on. */
function watchHosted(id: number): () => number {
  let most = 0;
  stage.simulation.scheduler.tracer = () => void (most = Math.max(most, stage.hosted(id).length));
  return () => most;
}

test.each([VOTER, OUTSIDER])("broker %i starts with what stands", async (id) => {
  await comeAndGo(ROUNDS);
  await stage.simulation.runForMs(1_000);
  expect(stage.hosted(id).length).toBe(1);
  const most = watchHosted(id);
  await stage.restart(id);
  await stage.simulation.until("its replica is here", () => stage.hosted(id).length === 1);
  expect(await stage.append(1, "stays", 100)).toBe("ok");
  expect(most()).toBe(1);
  const { broker } = stage.cluster.at(id);
  expect([...(broker?.partitions.all() ?? [])].length).toBe(1);
});

test.each([VOTER, OUTSIDER])("broker %i was away while topics came and went", async (id) => {
  stage.cluster.at(id).crash("kill");
  await comeAndGo(ROUNDS);
  const most = watchHosted(id);
  await stage.restart(id);
  await stage.simulation.runForMs(2_000);
  expect(stage.hosted(id).length).toBe(1);
  // It may meet one that the others are about to delete, in the entries that it missed; never all of them.
  expect(most()).toBeLessThanOrEqual(2 * PARTITIONS);
});
