import { expect, test } from "vitest";
import type { SharedJournal } from "../journal/owner.ts";
import type { GroupId, ReplicaId } from "../model/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { World } from "../ports/world.ts";
import { Machine } from "../raft/machine.ts";
import type { Event } from "../raft/event.ts";
import type { Replica } from "./replica.ts";
import { Standings } from "./standing.ts";

const SELF = 1 as ReplicaId;

function replica(group: number): Replica {
  const configuration = { voters: [SELF], votersOutgoing: [], learners: [], revision: 0 };
  const zero = 0 as never;
  const machine = new Machine({
    ...{ self: SELF, term: zero, vote: 0, runs: [], last: zero, standing: "quiet" },
    ...{ base: { index: zero, term: zero }, configurations: [{ index: zero, configuration }] },
  });
  const stepped: Pick<Replica, "group" | "self" | "machine" | "handle" | "member"> = {
    group: group as GroupId,
    self: SELF,
    machine,
    handle: (event: Event) => void machine.step(event),
    member: () => null,
  };
  return stepped as Replica;
}

test("who is dropped while all replicas are told that they may vote stays gone", () => {
  let nowMs = 0;
  const ends: (() => void)[] = [];
  const clock = { upMs: () => (nowMs += 5), turnEnd: (slice: () => void) => ends.push(slice) };
  const world = { clock: clock as unknown as Clock } as World;
  const recovered = { fresh: false, trusted: true, suspectAll: false };
  const journal = { recovered, promisesEnded: () => {} } as SharedJournal;
  const replicas = Array.from({ length: 100 }, (_, k) => replica(k));
  const standings = new Standings(world, journal, () => replicas, true);
  standings.settle();
  const dropped = replicas.at(-1)!;
  expect(dropped.machine.standing).toBe("quiet");
  dropped.handle({ on: "standing", standing: "gone" });
  while (ends.length > 0) ends.shift()!();
  expect(replicas[0]!.machine.standing).toBe("full");
  expect(dropped.machine.standing).toBe("gone");
});
