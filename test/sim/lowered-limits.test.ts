// A broker that starts with lower limits still has, and is still sent, entries that were written under higher ones: limits
// are for what clients send next, and hold nothing up that is in a log already.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { LogIndex } from "../../internal/model/ids.ts";
import { SMALL_SIZES } from "./cluster/small-settings.ts";
import { ServiceStage } from "./service-stage.ts";

const TOPIC = "t";
const KIB = 1024;
const LONG = 50 * KIB;
/** Less than one of the long entries. */
const LOWERED = { batchBytesMax: 32 * KIB };

let stage: ServiceStage;

beforeEach(async () => {
  stage = new ServiceStage(5, { brokers: 3, sizes: SMALL_SIZES });
  await stage.start();
  expect(await stage.create(1, TOPIC, { on: [1, 2, 3] })).toBe("ok");
});

afterEach(() => {
  expect(stage.simulation.fatals).toEqual([]);
});

function leader(): number {
  return [1, 2, 3].find((id) => stage.hosted(id)[0]?.serves === true) ?? 0;
}

async function appendLong(): Promise<void> {
  await stage.simulation.until("a leader", () => leader() !== 0);
  expect(await stage.append(leader(), TOPIC, LONG)).toBe("ok");
}

test("an entry that is longer than the lowered limit is repaired", async () => {
  await appendLong();
  await stage.simulation.until("it is everywhere", () =>
    [1, 2, 3].every(
      (id) => stage.hosted(id)[0]!.machine.commit === stage.hosted(leader())[0]!.machine.lastIndex,
    ),
  );
  const id = [1, 2, 3].find((one) => one !== leader())!;
  stage.cluster.at(id).reconfigure({}, LOWERED);
  await stage.restart(id);
  const replica = stage.hosted(id)[0]!;
  const index = [...Array(replica.machine.lastIndex).keys()]
    .map((at) => (at + 1) as LogIndex)
    .find((at) => replica.entries.length(at) > LONG)!;
  replica.foundDamage(index, replica.entries.position(index));
  await stage.simulation.until("it is whole again", () => replica.damaged.size === 0);
});

test("a follower with the lowered limit takes longer entries of its leader", async () => {
  const id = [1, 2, 3].find((one) => one !== leader())!;
  stage.cluster.at(id).reconfigure({}, LOWERED);
  await stage.restart(id);
  await stage.simulation.until("a leader", () => leader() !== 0);
  if (leader() === id) return expect.unreachable("the others go on with their leader");
  await appendLong();
  const last = stage.hosted(leader())[0]!.machine.lastIndex;
  await stage.simulation.until("it has it", () => stage.hosted(id)[0]!.machine.commit >= last);
});
