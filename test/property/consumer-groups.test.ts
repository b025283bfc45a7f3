// Consumer groups under random histories: clients of both protocols that join, live, give up and take over partitions,
// leave and fall silent, answers that are lost, topics that come, grow and go, over a log whose leader changes while
// entries are on their way. Checked after every step: a partition has one owner, and what a client that is a member owns
// is what the coordinator knows it to own. Epochs never go back; committed offsets move by accepted commits only; and
// after some quiet time all partitions are owned by somebody.
import { NO_LOG } from "../../internal/coordinator/group-requests.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { GroupFaults } from "../../internal/coordinator/group-faults.ts";
import type { ConsumerState } from "../../internal/coordinator/consumer-state.ts";
import type { GroupFault } from "../../internal/coordinator/group-requests.ts";
import { ClassicClient, GROUP, ModernClient } from "./consumer-clients.ts";
import type { StageClient } from "./consumer-clients.ts";
import { seededEntropy } from "./controller-group.ts";
import { GroupsStage } from "./groups-stage.ts";

const SEATS = 3;
const MODERN = 3;
const CLASSIC = 2;
const CLIENTS = MODERN + CLASSIC;
const PARTITIONS_MAX = 6;
const QUIET_ROUNDS = 60;

type Step =
  | { readonly step: "act" | "give-up" | "leave" | "reconcile"; readonly client: number }
  | { readonly step: "subscribe"; readonly client: number; readonly to: number }
  | { readonly step: "commit"; readonly client: number; readonly isOld: boolean }
  | { readonly step: "pass"; readonly ms: number }
  | { readonly step: "settle" | "refuse" }
  | { readonly step: "topic"; readonly name: string; readonly partitions: number }
  | { readonly step: "elect"; readonly seat: number; readonly survivors: number };

const client = fc.nat(CLIENTS - 1);
const modern = fc.nat(MODERN - 1);

function of<const Name extends string>(step: Name, by: fc.Arbitrary<number> = client) {
  return fc.record({ step: fc.constant(step), client: by });
}

const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 40, arbitrary: of("act") },
  { weight: 12, arbitrary: of("reconcile", modern) },
  { weight: 3, arbitrary: of("give-up") },
  { weight: 2, arbitrary: of("leave") },
  {
    weight: 2,
    arbitrary: fc.record({ step: fc.constant("subscribe"), client: modern, to: fc.nat(2) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ step: fc.constant("commit"), client, isOld: fc.boolean() }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      step: fc.constant("pass"),
      ms: fc.constantFrom(100, 1_000, 5_000, 12_000, 21_000),
    }),
  },
  { weight: 14, arbitrary: fc.record({ step: fc.constantFrom("settle", "settle", "refuse") }) },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant("topic"),
      name: fc.constantFrom("t", "u"),
      partitions: fc.nat(PARTITIONS_MAX),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      step: fc.constant("elect"),
      seat: fc.nat(SEATS - 1),
      survivors: fc.nat(3),
    }),
  },
);

const UNDECIDED: ReadonlySet<GroupFault | null> = new Set([
  "not-coordinator",
  "coordinator-not-available",
]);

class Model {
  readonly stage: GroupsStage;
  readonly clients: readonly StageClient[];
  readonly #epochs: number[];
  /** What may be read of the one offset that all commit. */
  readonly #offsets = new Set([-1]);
  #nextOffset = 0;
  handovers = 0;
  converged = 0;

  constructor(seed: number, faults: GroupFaults) {
    this.stage = new GroupsStage(SEATS, seededEntropy(seed), faults);
    this.stage.settings.consumer = { ...this.stage.settings.consumer, membersMax: CLIENTS };
    this.stage.settings.membersMax = CLIENTS;
    const { topics, coordinators } = this.stage;
    topics.put("t", 3);
    topics.put("u", 2);
    this.clients = Array.from({ length: CLIENTS }, (_, number) =>
      number < MODERN
        ? new ModernClient(`m${number}`, number === 0)
        : new ClassicClient(`c${number}`, topics),
    );
    this.#epochs = coordinators.map(() => 0);
    coordinators.forEach((coordinator, seat) => {
      coordinator.listen({
        committed: (_at, records) => {
          for (const record of records) {
            if (record.kind !== "consumer-epoch") continue;
            const epoch = record.value?.epoch ?? 0;
            if (epoch > 0) expect(epoch).toBeGreaterThanOrEqual(this.#epochs[seat] ?? 0);
            this.#epochs[seat] = epoch;
          }
        },
      });
    });
    this.stage.group.elect(0, 0);
  }

  get #state(): ConsumerState | null {
    return this.stage.leader.state.row(GROUP)?.consumer ?? null;
  }

  run(step: Step): void {
    this.#run(step);
    this.check();
  }

  #run(step: Step): void {
    const { stage } = this;
    switch (step.step) {
      case "act":
        return this.#client(step.client).act(stage.leader);
      case "give-up":
        return this.#client(step.client).giveUp();
      case "leave":
        return this.#client(step.client).leave(stage.leader);
      case "reconcile":
        return this.#reconcile(this.#client(step.client));
      case "subscribe":
        return this.#subscribe(this.#client(step.client), step.to);
      case "commit":
        return this.#commit(this.#client(step.client), step.isOld);
      case "pass":
        return this.#pass(step.ms);
      case "settle":
        return this.settle();
      case "refuse":
        stage.group.refuseNext = "busy";
        return stage.clock.endTurn();
      case "topic":
        if (step.partitions === 0) return stage.topics.remove(step.name);
        return this.#grow(step.name, step.partitions);
      case "elect":
        return stage.group.elect(step.seat, step.survivors);
    }
  }

  #client(number: number): StageClient {
    return this.clients[number] as StageClient;
  }

  /** Topics never shrink. */
  #grow(name: string, partitions: number): void {
    const present = this.stage.topics.topicNamed(name)?.partitions.length ?? 0;
    this.stage.topics.put(name, Math.max(present, partitions));
  }

  #reconcile(one: StageClient): void {
    if (!(one instanceof ModernClient)) return;
    const before = one.owned.size;
    one.reconcile();
    if (one.owned.size < before) this.handovers++;
  }

  #subscribe(one: StageClient, to: number): void {
    if (!(one instanceof ModernClient)) return;
    if (to === 0) one.subscribe(["t", "u"], null);
    else if (to === 1) one.subscribe(["u"], null);
    else one.subscribe([], "[tu]");
  }

  #commit(one: StageClient, isOld: boolean): void {
    const offset = this.#nextOffset++;
    const { memberId } = one;
    const generation = isOld ? one.epoch - 1 : one.epoch;
    const claim = { memberId, instanceId: null, generation };
    const offsets = [
      { topic: "t", partition: 0, log: NO_LOG, offset, leaderEpoch: -1, metadata: "" },
    ];
    this.#offsets.add(offset);
    this.stage.leader.commit({ group: GROUP, ...claim, retentionMs: -1, offsets }, (fault) => {
      if (fault === null) {
        for (const older of this.#offsets) if (older < offset) this.#offsets.delete(older);
      } else if (!UNDECIDED.has(fault)) this.#offsets.delete(offset);
    });
  }

  settle(): void {
    const { clock, group } = this.stage;
    for (let turn = 0; turn < 3; turn++) {
      clock.endTurn();
      group.commit(Number.MAX_SAFE_INTEGER);
    }
  }

  #pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 500) {
      this.stage.clock.pass(Math.min(500, ms - passed));
      this.stage.group.commit(Number.MAX_SAFE_INTEGER);
    }
  }

  check(): void {
    const state = this.#state;
    if (state === null) return;
    const owners = new Map<string, string>();
    for (const [memberId, { assigned, revoking }] of state.positions) {
      for (const part of [assigned, revoking]) {
        for (const [topicId, partitions] of part) {
          for (const partition of partitions) {
            const key = `${topicId}/${partition}`;
            expect(`${key} ${owners.get(key) ?? memberId}`).toBe(`${key} ${memberId}`);
            expect(state.owner(topicId, partition)).toBe(memberId);
            owners.set(key, memberId);
          }
        }
      }
    }
    for (const one of this.clients) {
      const { memberId, owned } = one;
      // Whoever is no member any more has been told so, or will be at its next word.
      if (!state.members.has(memberId)) continue;
      for (const key of owned) {
        // What a classic member was given of a topic that is gone has no name any more by which it could be known.
        if (one instanceof ClassicClient && this.#isGone(key)) continue;
        expect(`${key} ${owners.get(key)}`).toBe(`${key} ${memberId}`);
      }
    }
  }

  #isGone(partition: string): boolean {
    const topics = [...this.stage.topics.topics()];
    return !topics.some(({ topicId }) => partition.startsWith(`${topicId}/`));
  }

  /** Nothing fails any more, and everybody does what it is told: in the end all is owned, once. */
  finish(): void {
    this.stage.group.elect(0, 0);
    this.#grow("t", 1);
    for (let round = 0; round < QUIET_ROUNDS; round++) {
      for (const one of this.clients) {
        this.#reconcile(one);
        one.act(this.stage.leader);
        this.settle();
        this.check();
      }
      this.#pass(1_000);
    }
    const state = this.#state;
    if (state === null) throw new Error("the group is not a consumer group in the end");
    expect(state.phase).toBe("Stable");
    const owned = this.clients.flatMap((one) => [...one.owned]);
    const all = [...this.stage.topics.topics()].flatMap(({ topicId, name, partitions }) => {
      const isRead = this.clients.some((one) => this.#reads(one, name));
      return isRead ? Array.from(partitions as ArrayLike<0>, (_, at) => `${topicId}/${at}`) : [];
    });
    expect(owned.sort()).toEqual(all.sort());
    this.#fetch();
    this.converged++;
  }

  #reads(one: StageClient, topic: string): boolean {
    if (!(one instanceof ModernClient)) return true;
    return one.regex !== null || one.topics.includes(topic);
  }

  #fetch(): void {
    let read: number | null = null;
    const wanted = [{ topic: "t", partition: 0 }];
    this.stage.leader.fetch(GROUP, wanted, (outcome) => {
      if (outcome.ok) read = outcome.value[0]?.committed?.offset ?? -1;
    });
    this.settle();
    expect([...this.#offsets]).toContain(read);
  }
}

const histories = fc.tuple(
  fc.integer(),
  fc.array(steps, { minLength: 20, maxLength: 250, size: "max" }),
);

function play(seed: number, history: readonly Step[], faults: GroupFaults = {}): Model {
  const model = new Model(seed, faults);
  for (const step of history) model.run(step);
  model.finish();
  return model;
}

test("one owner for each partition; epochs and offsets hold; all is owned in the end", () => {
  let handovers = 0;
  let converged = 0;
  fc.assert(
    fc.property(histories, ([seed, history]) => {
      const model = play(seed, history);
      handovers += model.handovers;
      converged += model.converged;
    }),
    { numRuns: 60 },
  );
  expect(converged).toBeGreaterThanOrEqual(60);
  expect(handovers).toBeGreaterThan(100);
});

test.each([{ answerEarly: true }, { undoOff: true }, { handsOutOwned: true }])(
  "%j is found",
  (faults) => {
    const found = fc.check(
      fc.property(histories, ([seed, history]) => void play(seed, history, faults)),
      { numRuns: 300, seed: 1, endOnFailure: true },
    );
    expect(found.failed).toBe(true);
  },
);
