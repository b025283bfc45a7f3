// The runtime of record-and-response machines against a model (C8, F4): a register of names that each may be held by one
// owner. Steps are requests, reads, ends of turns, commits, refused proposals, and changes of leader that keep any part
// of the uncommitted tail. Three planted bugs show that the checks can fail.
import fc from "fast-check";
import { expect, test } from "vitest";
import { failed, ok } from "../../internal/base/result.ts";
import type { LogIndex } from "../../internal/model/ids.ts";
import type { Machine } from "../../internal/statelog/machine.ts";
import type { StateLogBugs } from "../../internal/statelog/state-log.ts";
import { StateLog } from "../../internal/statelog/state-log.ts";
import { CommandGroup, seededEntropy, StepClock } from "./controller-group.ts";

type Names = Map<string, number>;
type Claim = { readonly name: string; readonly owner: number };
type Request = { readonly ask: "claim" | "release" } & Claim;
type Taken = { readonly kind: "taken" };

const register: Machine<Names, Request, Claim, Taken, Request> = {
  empty: () => new Map(),
  handle: (state, request) => {
    const free = !state.has(request.name);
    if (request.ask === "claim" && !free) return failed({ kind: "taken" });
    const isIdle = request.ask === "release" && free;
    return ok({ records: isIdle ? [] : [request], reply: request });
  },
  apply: (state, record, undo) => {
    const before = state.get(record.name);
    if (record.ask === "claim") state.set(record.name, record.owner);
    else state.delete(record.name);
    undo.add(() => {
      if (before === undefined) state.delete(record.name);
      else state.set(record.name, before);
    });
  },
  codec: {
    bytesMax: () => 64,
    encode: (records) => new TextEncoder().encode(JSON.stringify(records)),
    decode: (bytes, start, end) => {
      return ok(JSON.parse(new TextDecoder().decode(bytes.subarray(start, end))) as Request[]);
    },
  },
};

type Step =
  | { readonly step: "claim" | "release" | "read"; readonly node: number; readonly name: number }
  | { readonly step: "turn" | "depose" | "refuse" }
  | { readonly step: "commit"; readonly count: number }
  | { readonly step: "deliver"; readonly node: number; readonly count: number }
  | { readonly step: "elect"; readonly node: number; readonly survivors: number };

const NODES = 3;
const TURNS = [...new Array<"turn">(11).fill("turn"), "depose"] as const;
const node = fc.nat(NODES - 1);
/** Mostly the leader, whoever that is then. */
const LEADER = -1;
const asked = fc.oneof(
  { weight: 9, arbitrary: fc.constant(LEADER) },
  { weight: 1, arbitrary: node },
);
const steps = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({ step: fc.constant("claim"), node: asked, name: fc.nat(3) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ step: fc.constant("release"), node: asked, name: fc.nat(3) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ step: fc.constant("read"), node: asked, name: fc.nat(3) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({ step: fc.constantFrom(...TURNS) }),
    },
    { weight: 1, arbitrary: fc.record({ step: fc.constant("refuse") }) },
    { weight: 4, arbitrary: fc.record({ step: fc.constant("commit"), count: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ step: fc.constant("deliver"), node, count: fc.nat(4) }) },
    {
      weight: 2,
      arbitrary: fc.record({ step: fc.constant("elect"), node, survivors: fc.nat(4) }),
    },
  ),
  { minLength: 1, maxLength: 120, size: "max" },
) as fc.Arbitrary<readonly Step[]>;

interface Asked {
  readonly request: Request | null;
  answers: number;
}

class Run {
  readonly #clock = new StepClock();
  readonly #group = new CommandGroup();
  readonly #nodes: StateLog<Names, Request, Claim, Taken, Request>[] = [];
  readonly #states: Names[] = [];
  readonly #asked: Asked[] = [];
  readonly #won: Request[] = [];
  readonly #refused: Request[] = [];
  #owner = 0;

  constructor(bugs: StateLogBugs) {
    for (let seat = 0; seat < NODES; seat++) {
      const machine = { ...register, empty: () => (this.#states[seat] = new Map()) };
      const world = { clock: this.#clock, entropy: seededEntropy(seat + 1) };
      const limits = { entryBytesMax: 192, entriesMax: 4, bytesMax: 640, waitersMax: 12 };
      const events = {
        undecodable: (): void => expect.unreachable("entries decode"),
        deposed: (): void => this.#checkState(seat),
      };
      this.#nodes[seat] = new StateLog(machine, this.#group.log(seat), world, events, limits, bugs);
    }
    this.#group.elect(0, 0);
  }

  take(step: Step): void {
    switch (step.step) {
      case "claim":
      case "release":
        return this.#submit(this.#seat(step.node), step.step, `n${step.name}`);
      case "read":
        return this.#read(this.#seat(step.node));
      case "turn":
        return this.#clock.endTurn();
      case "depose":
        return this.#group.depose();
      case "refuse":
        this.#group.refuseNext = "busy";
        return;
      case "commit":
        return this.#group.commit(step.count);
      case "deliver":
        return this.#group.deliver(step.node, step.count);
      case "elect":
        return this.#group.elect(step.node, step.survivors);
    }
  }

  #seat(node: number): number {
    return node === LEADER ? Math.max(0, this.#group.leader) : node;
  }

  #submit(seat: number, ask: Request["ask"], name: string): void {
    const request: Request = { ask, name, owner: ++this.#owner };
    const asked: Asked = { request, answers: 0 };
    this.#asked.push(asked);
    this.#nodes[seat]!.submit(request, (outcome, at) => {
      asked.answers++;
      if (outcome.ok) {
        expect(at).toBeLessThanOrEqual(this.#group.committed.at(-1)?.index ?? 0);
        if (ask === "claim") this.#won.push(request);
      } else if (outcome.fault.kind === "taken") {
        expect(replay(this.#recordsTo(at)).has(name) || this.#sawBefore(name, at)).toBe(true);
      } else if (outcome.fault.kind !== "outcome-unknown") this.#refused.push(request);
    });
  }

  /** A later record of the same entry may have freed the name again. */
  #sawBefore(name: string, at: LogIndex): boolean {
    const entry = this.#group.committed.find((committed) => committed.index === at);
    return entry !== undefined && recordsOf(entry.payload).some((record) => record.name === name);
  }

  #read(seat: number): void {
    const asked: Asked = { request: null, answers: 0 };
    this.#asked.push(asked);
    // Ends the turn on both sides, so that the value is a whole prefix of the log.
    this.#clock.endTurn();
    this.#nodes[seat]!.read(
      (state) => JSON.stringify([...state].sort()),
      (outcome, at) => {
        asked.answers++;
        if (!outcome.ok) return;
        expect(outcome.value).toBe(JSON.stringify([...replay(this.#recordsTo(at))].sort()));
      },
    );
    this.#clock.endTurn();
  }

  #recordsTo(at: LogIndex): Request[] {
    return this.#group.committed.flatMap((entry) =>
      entry.index > at ? [] : recordsOf(entry.payload),
    );
  }

  #checkState(seat: number): void {
    const applied = this.#group.committed.slice(0, this.#group.appliedCount(seat));
    const expected = replay(applied.flatMap((entry) => recordsOf(entry.payload)));
    expect([...this.#states[seat]!].sort()).toEqual([...expected].sort());
  }

  finish(): void {
    this.#clock.endTurn();
    this.#group.depose();
    this.#clock.endTurn();
    this.#group.elect(0, 9);
    for (let seat = 0; seat < NODES; seat++) {
      this.#group.deliver(seat, Number.MAX_SAFE_INTEGER);
      this.#checkState(seat);
    }
    for (const { answers } of this.#asked) expect(answers).toBe(1);
    const records = this.#group.committed.flatMap((entry) => recordsOf(entry.payload));
    const held = new Set<string>();
    for (const { ask, name } of records) {
      // Two claims that passed one check must not both be in the log.
      if (ask === "claim") expect(held.has(name)).toBe(false);
      if (ask === "claim") held.add(name);
      else held.delete(name);
    }
    const owners = new Set(records.map((record) => record.owner));
    for (const { owner } of this.#won) expect(owners.has(owner)).toBe(true);
    for (const { owner } of this.#refused) expect(owners.has(owner)).toBe(false);
  }
}

function recordsOf(payload: Uint8Array): Request[] {
  return JSON.parse(new TextDecoder().decode(payload)) as Request[];
}

function replay(records: readonly Request[]): Names {
  const state = register.empty();
  for (const record of records) register.apply(state, record, { add: () => undefined });
  return state;
}

function property(bugs: StateLogBugs): fc.IProperty<[readonly Step[]]> {
  return fc.property(steps, (taken) => {
    const run = new Run(bugs);
    for (const step of taken) run.take(step);
    run.finish();
  });
}

test("StateLog tells nothing without a commit where the lease does not hold (L5)", () => {
  const clock = new StepClock();
  const group = new CommandGroup();
  const world = { clock, entropy: seededEntropy(1) };
  const node = new StateLog(register, group.log(0), world, { undecodable: () => undefined });
  group.elect(0, 0);
  const said: string[] = [];
  const claim = (owner: number): void =>
    node.submit({ ask: "claim", name: "n", owner }, (outcome) =>
      said.push(outcome.ok ? "ok" : outcome.fault.kind),
    );
  const turn = (): string[] => {
    clock.endTurn();
    return said.splice(0);
  };
  claim(1);
  turn();
  group.commit(1);
  expect(turn()).toEqual(["ok"]);
  claim(2);
  expect(turn()).toEqual(["taken"]);

  group.leaseHolds = false;
  claim(2);
  node.read(
    ({ size }) => size,
    (outcome) => said.push(outcome.ok ? "read" : outcome.fault.kind),
  );
  expect(turn()).toEqual(["not-leader", "not-leader"]);

  // A commit of this leader is proof enough.
  node.submit({ ask: "release", name: "n", owner: 1 }, ({ ok: isOk }) => said.push(`${isOk}`));
  claim(3);
  claim(4);
  expect(turn()).toEqual([]);
  group.commit(1);
  expect(turn()).toEqual(["true", "ok", "taken"]);
});

test("StateLog answers only what is committed, and two handlers never both win", () => {
  fc.assert(property({}), { numRuns: 1_500 });
});

test.each<[string, StateLogBugs]>([
  ["handlers that do not see earlier proposals", { speculationOff: true }],
  ["a deposed leader that keeps its speculative state", { undoOff: true }],
  ["answers that do not wait for the commit", { answerEarly: true }],
])("the model finds a planted bug: %s", (_, bugs) => {
  expect(fc.check(property(bugs), { numRuns: 1_500, seed: 7 }).failed).toBe(true);
});
