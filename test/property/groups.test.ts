// Groups under random histories: clients that join, synchronise, commit, leave and fall silent, over a log whose leader
// changes while entries are on their way. Checked after every step: a partition has one owner in a generation, an offset
// whose commit was answered is never lost and never goes back without a commit, and nobody waits for ever.
import { NO_LOG } from "../../internal/coordinator/group-requests.ts";
import fc from "fast-check";
import { expect, test } from "vitest";
import type { StateLogBugs } from "../../internal/statelog/state-log.ts";
import type { GroupFault, JoinAnswer } from "../../internal/coordinator/group-requests.ts";
import { seededEntropy } from "./controller-group.ts";
import { GroupsStage } from "./groups-stage.ts";

const GROUP = "g";
const PARTITIONS = 6;
const CLIENTS = 4;
const SEATS = 3;

type Step =
  | { readonly step: "act"; readonly client: number; readonly rotate: number }
  | { readonly step: "join"; readonly client: number }
  | { readonly step: "sync"; readonly client: number; readonly rotate: number }
  | { readonly step: "beat"; readonly client: number }
  | { readonly step: "leave"; readonly client: number }
  | { readonly step: "commit"; readonly client: number; readonly partition: number }
  | { readonly step: "fetch" }
  | { readonly step: "pass"; readonly ms: number }
  | { readonly step: "settle" }
  | { readonly step: "elect"; readonly seat: number; readonly survivors: number };

const client = fc.nat(CLIENTS - 1);
const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 40,
    arbitrary: fc.record({ step: fc.constant("act" as const), client, rotate: fc.nat(5) }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("join" as const), client }) },
  {
    weight: 2,
    arbitrary: fc.record({ step: fc.constant("sync" as const), client, rotate: fc.nat(5) }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("beat" as const), client }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("leave" as const), client }) },
  {
    weight: 6,
    arbitrary: fc.record({
      step: fc.constant("commit" as const),
      client,
      partition: fc.nat(PARTITIONS - 1),
    }),
  },
  { weight: 2, arbitrary: fc.record({ step: fc.constant("fetch" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant("pass" as const),
      ms: fc.constantFrom(20, 100, 500, 500, 1_000, 7_000),
    }),
  },
  { weight: 10, arbitrary: fc.record({ step: fc.constant("settle" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant("elect" as const),
      seat: fc.nat(SEATS - 1),
      survivors: fc.nat(3),
    }),
  },
);

/** What a client believes. */
interface Client {
  readonly name: string;
  readonly isStatic: boolean;
  memberId: string;
  generation: number;
  members: readonly string[];
  isWaiting: boolean;
  /** What a real client would do next. */
  next: "join" | "sync" | "beat";
}

/** The commits of one partition. Each has an offset of its own, in the order in which they were asked for. */
interface OffsetBook {
  /** The newest one whose commit was answered. */
  acknowledged: number;
  /** What may be read. */
  readonly possible: Set<number>;
  /** Those of them whose commits are not answered. */
  readonly pending: Set<number>;
}

class Model {
  readonly stage: GroupsStage;
  readonly clients: readonly Client[];
  readonly #owners = new Map<string, string>();
  readonly #books = Array.from({ length: PARTITIONS }, (): OffsetBook => ({
    acknowledged: -1,
    possible: new Set([-1]),
    pending: new Set(),
  }));
  #nextOffset = 0;
  #waiting = 0;
  stableAnswers = 0;
  offsetsRead = 0;

  constructor(seed: number, bugs: StateLogBugs) {
    this.stage = new GroupsStage(SEATS, seededEntropy(seed), bugs);
    this.clients = Array.from({ length: CLIENTS }, (_, number) => ({
      name: `c${number}`,
      isStatic: number === 0,
      memberId: "",
      generation: -1,
      members: [],
      isWaiting: false,
      next: "join",
    }));
    this.stage.group.elect(0, 0);
  }

  run(step: Step): void {
    switch (step.step) {
      case "act":
        return this.#act(this.#client(step.client), step.rotate);
      case "join":
        return this.#join(this.#client(step.client));
      case "sync":
        return this.#sync(this.#client(step.client), step.rotate);
      case "beat":
        return this.#beat(this.#client(step.client));
      case "leave":
        return this.#leave(this.#client(step.client));
      case "commit":
        return this.#commit(this.#client(step.client), step.partition);
      case "fetch":
        return this.#fetch();
      case "pass":
        return this.#pass(step.ms);
      case "settle":
        return this.settle();
      case "elect":
        return this.stage.group.elect(step.seat, step.survivors);
    }
  }

  settle(): void {
    const { clock, group } = this.stage;
    for (let turn = 0; turn < 3; turn++) {
      clock.endTurn();
      group.commit(Number.MAX_SAFE_INTEGER);
    }
  }

  #client(number: number): Client {
    return this.clients[number] as Client;
  }

  #pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 500) {
      this.stage.clock.pass(Math.min(500, ms - passed));
      this.stage.group.commit(Number.MAX_SAFE_INTEGER);
    }
  }

  #act(client: Client, rotate: number): void {
    if (client.next === "join") this.#join(client);
    else if (client.next === "sync" && !client.isWaiting) this.#sync(client, rotate);
    else if (client.next === "beat") this.#beat(client);
  }

  #beat(client: Client): void {
    const { memberId, generation, name, isStatic } = client;
    const instanceId = isStatic ? name : null;
    const fault = this.stage.leader.heartbeat({ group: GROUP, memberId, generation, instanceId });
    if (fault !== null) this.#refused(client, fault);
  }

  #join(client: Client): void {
    if (client.isWaiting) return;
    client.isWaiting = true;
    this.#waiting++;
    const { name, isStatic, memberId } = client;
    this.stage.leader.join(
      {
        group: GROUP,
        memberId,
        instanceId: isStatic ? name : null,
        clientId: name,
        clientHost: "/h",
        sessionTimeoutMs: 6_000,
        rebalanceTimeoutMs: 10_000,
        protocolType: "consumer",
        protocols: [{ name: "range", metadata: new Uint8Array(0) }],
        requiresMemberId: true,
        knowsSkip: true,
      },
      (answer) => this.#joined(client, answer),
    );
  }

  #joined(client: Client, answer: JoinAnswer): void {
    client.isWaiting = false;
    this.#waiting--;
    const { fault, memberId, generation, members } = answer;
    if (fault !== null) this.#refused(client, fault);
    if (fault === "member-id-required") client.memberId = memberId;
    if (fault !== null) return;
    client.next = "sync";
    client.memberId = memberId;
    client.generation = generation;
    client.members = answer.skipAssignment ? [] : members.map((one) => one.memberId);
  }

  /** Leaders of one generation may assign differently each time they are asked. */
  #sync(client: Client, rotate: number): void {
    const { memberId, generation, members, name, isStatic } = client;
    if (memberId === "") return;
    const assignments = members.map((id, at) => {
      const owned: number[] = [];
      for (let partition = 0; partition < PARTITIONS; partition++) {
        if ((partition + rotate) % members.length === at) owned.push(partition);
      }
      return { memberId: id, assignment: Uint8Array.from(owned) };
    });
    client.isWaiting = true;
    this.#waiting++;
    const claim = { memberId, generation, instanceId: isStatic ? name : null };
    const asked = { group: GROUP, ...claim, protocolType: null, protocol: null, assignments };
    this.stage.leader.sync(asked, ({ fault, assignment }) => {
      client.isWaiting = false;
      this.#waiting--;
      if (fault !== null) return this.#refused(client, fault);
      this.stableAnswers++;
      client.next = "beat";
      for (const partition of assignment) this.#owns(name, generation, partition);
    });
  }

  /** By client, not by member id: a static member that was replaced is the same owner. */
  #owns(name: string, generation: number, partition: number): void {
    const key = `${generation}/${partition}`;
    const owner = this.#owners.get(key) ?? name;
    expect(`${key} ${owner}`).toBe(`${key} ${name}`);
    this.#owners.set(key, name);
  }

  #refused(client: Client, fault: GroupFault): void {
    client.next = "join";
    if (fault === "unknown-member" || fault === "fenced-instance") client.memberId = "";
  }

  #leave(client: Client): void {
    const { memberId, name, isStatic } = client;
    if (memberId === "") return;
    const members = [{ memberId, instanceId: isStatic ? name : null }];
    this.stage.leader.leave({ group: GROUP, members }, () => {});
    client.memberId = "";
    client.next = "join";
  }

  #commit(client: Client, partition: number): void {
    const offset = this.#nextOffset++;
    const { memberId, generation, name, isStatic } = client;
    const book = this.#books[partition] as OffsetBook;
    let isInside = true;
    let isKnown = false;
    const claim = { memberId, generation, instanceId: isStatic ? name : null };
    const offsets = [{ topic: "t", partition, log: NO_LOG, offset, leaderEpoch: -1, metadata: "" }];
    this.stage.leader.commit({ group: GROUP, ...claim, retentionMs: -1, offsets }, (fault) => {
      isKnown = true;
      book.pending.delete(offset);
      if (fault === null) {
        // Later ones may have been answered or be on their way: they count after this one.
        for (const one of book.possible) if (one < offset) book.possible.delete(one);
        book.possible.add(offset);
        book.acknowledged = Math.max(book.acknowledged, offset);
      } else if (isInside) book.possible.delete(offset);
    });
    isInside = false;
    if (isKnown) return;
    book.possible.add(offset);
    book.pending.add(offset);
  }

  #fetch(): void {
    const decided = this.#books.map(({ possible, pending }) =>
      [...possible].filter((offset) => !pending.has(offset)),
    );
    const asked = this.#books.map(({ acknowledged }) => acknowledged);
    const wanted = this.#books.map((_book, partition) => ({ topic: "t", partition }));
    this.stage.leader.fetch(GROUP, wanted, (outcome) => {
      if (!outcome.ok) return;
      outcome.value.forEach(({ committed }, partition) => {
        const book = this.#books[partition] as OffsetBook;
        const offset = committed?.offset ?? -1;
        this.offsetsRead++;
        expect([...book.possible]).toContain(offset);
        expect(offset).toBeGreaterThanOrEqual(asked[partition] ?? -1);
        // What was decided before the question and is not the answer never happened, or was overwritten.
        const over = (one: number): boolean =>
          one !== offset && (one < offset || decided[partition]?.includes(one) === true);
        for (const one of book.possible) if (over(one)) book.possible.delete(one);
      });
    });
  }

  /** Two full timeouts later nobody waits, whoever leads. */
  finish(): void {
    this.stage.group.elect(0, 0);
    this.#fetch();
    this.settle();
    this.#pass(60_000);
    expect(this.#waiting).toBe(0);
  }
}

function play(seed: number, history: readonly Step[], bugs: StateLogBugs = {}): Model {
  const model = new Model(seed, bugs);
  for (const step of history) model.run(step);
  model.finish();
  return model;
}

const histories = fc.tuple(
  fc.integer(),
  fc.array(steps, { minLength: 20, maxLength: 300, size: "max" }),
);

test("one owner for each partition and generation; committed offsets stay", () => {
  let stableAnswers = 0;
  let offsetsRead = 0;
  fc.assert(
    fc.property(histories, ([seed, history]) => {
      const model = play(seed, history);
      stableAnswers += model.stableAnswers;
      offsetsRead += model.offsetsRead;
    }),
    { numRuns: 200 },
  );
  // The histories get somewhere: groups become stable, and offsets are read.
  expect(stableAnswers).toBeGreaterThan(1_000);
  expect(offsetsRead).toBeGreaterThan(3_000);
});

test.each([{ answerEarly: true }, { undoOff: true }])("%j is found", (bugs) => {
  const found = fc.check(
    fc.property(histories, ([seed, history]) => void play(seed, history, bugs)),
    { numRuns: 1_000, seed: 1, endOnFailure: true },
  );
  expect(found.failed).toBe(true);
});
