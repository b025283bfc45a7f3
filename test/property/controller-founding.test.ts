// Founding under every interleaving of hellos that are late, crashes between steps, and disks that are wiped (C1): never
// two cluster ids; and without faults, always one. The planted bug starts group 0 too early.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { BrokerId, ClusterId, DirectoryId } from "../../internal/model/ids.ts";
import type {
  FoundingDecision,
  FoundingHello,
  FoundingState,
} from "../../internal/cluster/founding.ts";
import { decideFounding } from "../../internal/cluster/founding.ts";
import { decodeFounding, encodeFounding } from "../../internal/cluster/founding-codec.ts";

interface Broker {
  readonly id: BrokerId;
  directory: DirectoryId;
  disk: FoundingState;
  /** The cluster id that group 0 of this directory has durable, if any. */
  group0: ClusterId | null;
  alive: boolean;
  /** What this process knows; lost with it. */
  hellos: Map<BrokerId, FoundingHello>;
  /** On its way to this process: any prefix order per sender is kept. */
  inbox: FoundingHello[];
}

type Step =
  | { readonly step: "say"; readonly from: number; readonly to: number }
  | {
      readonly step: "hear" | "decide" | "crash" | "start" | "wipe" | "elect";
      readonly at: number;
    };

interface Bugs {
  readonly startEarly?: boolean;
}

class World {
  readonly brokers: Broker[] = [];
  readonly clusterIds = new Set<ClusterId>();
  readonly #bugs: Bugs;
  #directories = 0;
  #wipesLeft: number;

  constructor(count: number, wipes: number, bugs: Bugs) {
    this.#bugs = bugs;
    this.#wipesLeft = wipes;
    for (let at = 0; at < count; at++) {
      this.brokers.push({
        id: (at + 1) as BrokerId,
        directory: this.#newDirectory(),
        disk: { phase: "empty" },
        group0: null,
        alive: true,
        hellos: new Map(),
        inbox: [],
      });
    }
  }

  /** 22 characters, as directory ids are. */
  #newDirectory(): DirectoryId {
    return `${String(++this.#directories).padStart(21, "d")}A` as DirectoryId;
  }

  take(step: Step): void {
    if (step.step === "say") return this.#say(step.from, step.to);
    const broker = this.brokers[step.at % this.brokers.length]!;
    switch (step.step) {
      case "hear":
        return this.#hear(broker);
      case "decide":
        if (broker.alive) this.#decide(broker);
        return;
      case "crash":
        return this.#crash(broker);
      case "start":
        broker.alive = true;
        return;
      case "wipe":
        return this.#wipe(broker);
      case "elect":
        return this.#elect(broker);
    }
  }

  #say(fromAt: number, toAt: number): void {
    const [from, to] = [
      this.brokers[fromAt % this.brokers.length]!,
      this.brokers[toAt % this.brokers.length]!,
    ];
    if (!from.alive || !to.alive || from === to) return;
    const said = decodeFounding(encodeFounding({ listHash: 7, state: from.disk }))!;
    to.inbox.push({ broker: from.id, directory: from.directory, ...said });
  }

  #hear(broker: Broker): void {
    const hello = broker.inbox.shift();
    if (hello !== undefined && broker.alive) broker.hellos.set(hello.broker, hello);
  }

  decision(broker: Broker): FoundingDecision {
    const initialBrokers = this.brokers.map((of) => of.id);
    const { id, directory, disk: state } = broker;
    const self = { broker: id, directory, listHash: 7, state, initialBrokers };
    return decideFounding(self, [...broker.hellos.values()]);
  }

  #decide(broker: Broker): void {
    const decision = this.decision(broker);
    if ("state" in decision) broker.disk = decision.state;
  }

  #crash(broker: Broker): void {
    broker.alive = false;
    broker.hellos.clear();
    broker.inbox.length = 0;
  }

  #wipe(broker: Broker): void {
    if (this.#wipesLeft === 0) return;
    this.#wipesLeft--;
    this.#crash(broker);
    broker.directory = this.#newDirectory();
    broker.disk = { phase: "empty" };
    broker.group0 = null;
  }

  /** Group 0 of this broker's configuration gets a leader, and the cluster id durable on a majority, at once. */
  #elect(leader: Broker): void {
    const { disk } = leader;
    const takesPart = (state: FoundingState): boolean =>
      state.phase === "founding" && (state.complete || this.#bugs.startEarly === true);
    if (!leader.alive || !takesPart(disk) || disk.phase !== "founding") return;
    const named = new Map(
      disk.configuration.voters.map((voter) => [voter.directory, voter.broker]),
    );
    const up = this.brokers.filter((other) => {
      if (!other.alive || !named.has(other.directory)) return false;
      if (other.disk.phase === "empty" || other.disk.configuration === null) return false;
      const same = other.disk.configuration.voters.every((voter) => named.has(voter.directory));
      return same && (other.disk.phase === "member" || takesPart(other.disk));
    });
    if (up.length * 2 <= named.size) return;
    const known = up.map((other) => other.group0).find((id) => id !== null);
    const clusterId = known ?? (`c${this.clusterIds.size}`.padEnd(22, "A") as ClusterId);
    this.clusterIds.add(clusterId);
    for (const other of up) {
      other.group0 = clusterId;
      if (other.disk.phase !== "founding") continue;
      other.disk = { phase: "member", clusterId, configuration: other.disk.configuration };
    }
  }
}

const at = fc.nat(4);
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ step: fc.constant("say"), from: at, to: at }) },
  { weight: 6, arbitrary: fc.record({ step: fc.constant("hear"), at }) },
  { weight: 6, arbitrary: fc.record({ step: fc.constant("decide"), at }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant("elect"), at }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constantFrom("crash", "wipe"), at }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constant("start"), at }) },
) as fc.Arbitrary<Step>;

/** Everybody starts, says, hears and decides until nothing changes; then group 0 elects. */
function settle(world: World): void {
  for (let round = 0; round < 8; round++) {
    const all = world.brokers.map((_, index) => index);
    for (const index of all) world.take({ step: "start", at: index });
    for (const from of all) for (const to of all) world.take({ step: "say", from, to });
    for (const index of all) for (const _ of all) world.take({ step: "hear", at: index });
    for (const index of all) world.take({ step: "decide", at: index });
    for (const index of all) world.take({ step: "elect", at: index });
  }
}

function property(bugs: Bugs): fc.IProperty<[number, number, readonly Step[]]> {
  const steps = fc.array(step, { minLength: 20, maxLength: 200, size: "max" });
  return fc.property(fc.constantFrom(1, 2, 3, 5), fc.nat(2), steps, (count, wipes, taken) => {
    // Some directory that took part in a founding stays: with all of them gone there is nothing to contradict.
    const world = new World(count, Math.min(wipes, count - 1), bugs);
    for (const one of taken) {
      world.take(one);
      expect(world.clusterIds.size).toBeLessThanOrEqual(1);
    }
    settle(world);
    expect(world.clusterIds.size).toBeLessThanOrEqual(1);
  });
}

test("decideFounding never makes two clusters", () => {
  fc.assert(property({}), { numRuns: 1_500 });
});

test("the model finds a planted bug: group 0 starts before all are bound", () => {
  const outcome = fc.check(property({ startEarly: true }), {
    numRuns: 600,
    seed: 19,
    endOnFailure: true,
  });
  expect(outcome.failed).toBe(true);
  expect(String(outcome.errorInstance)).toContain("2 to be less than or equal to 1");
});

test("decideFounding makes one cluster after crashes without wiped disks", () => {
  const steps = fc.array(step, { maxLength: 60 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), steps, (count, taken) => {
      const world = new World(count, 0, {});
      for (const one of taken) world.take(one);
      settle(world);
      expect(world.clusterIds.size).toBe(1);
      for (const broker of world.brokers) expect(broker.disk.phase).toBe("member");
    }),
    { numRuns: 300 },
  );
});

test("decideFounding lets a wiped broker join the cluster that exists", () => {
  const world = new World(3, 1, {});
  settle(world);
  const [clusterId] = world.clusterIds;
  world.take({ step: "wipe", at: 0 });
  settle(world);
  expect(world.brokers[0]!.disk).toEqual({ phase: "member", clusterId, configuration: null });
  expect(world.clusterIds.size).toBe(1);
});

test("decideFounding refuses what an operator has to look at", () => {
  const [one, two] = [1 as BrokerId, 2 as BrokerId];
  const [a, b] = ["a".repeat(21) + "A", "b".repeat(21) + "A"] as [DirectoryId, DirectoryId];
  const empty: FoundingState = { phase: "empty" };
  const self = { broker: one, directory: a, listHash: 7, state: empty, initialBrokers: [one, two] };
  const hello: FoundingHello = { broker: two, directory: b, listHash: 7, state: empty };
  const why = (hellos: FoundingHello[], state: FoundingState = empty): unknown =>
    decideFounding({ ...self, state }, hellos);
  expect(why([])).toEqual({ decide: "wait", for: "peers", missing: [two] });
  expect(why([hello])).toMatchObject({ decide: "found" });
  expect(why([{ ...hello, listHash: 8 }])).toMatchObject({ why: "different-list", broker: two });
  expect(why([{ ...hello, broker: one }])).toMatchObject({ why: "two-directories", broker: one });
  const clusterId = "x".repeat(21) + "A";
  const member = (id: string): FoundingState => {
    return { phase: "member", clusterId: id as ClusterId, configuration: null };
  };
  const other = { ...hello, state: member("y".repeat(21) + "A") };
  expect(why([other], member(clusterId))).toMatchObject({ why: "other-cluster", broker: two });
  expect(why([other])).toMatchObject({ decide: "join", state: other.state });
  const voters = [one, two].map((broker, rank) => ({ broker, directory: [a, b][rank]! }));
  const founding: FoundingState = { phase: "founding", configuration: { voters }, complete: false };
  expect(why([hello], founding)).toEqual({ decide: "wait", for: "binding", missing: [two] });
  expect(
    why([{ ...hello, directory: ("c".repeat(21) + "A") as DirectoryId }], founding),
  ).toMatchObject({
    why: "founding-broken",
    broker: two,
  });
});
