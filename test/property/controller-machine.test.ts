// The controller on three replicas under random requests, commits and changes of leader: taking records back leaves what
// is committed, every replica and every image agree byte for byte, a snapshot equals the replay that it stands for, and
// a broker that follows the image by entries and snapshots ends up with the same one.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ClusterState } from "../../internal/cluster/cluster-state.ts";
import { controllerMachine } from "../../internal/cluster/controller.ts";
import type { ControllerLog } from "../../internal/cluster/controller-desk.ts";
import { ImageFollower } from "../../internal/cluster/image-follower.ts";
import { ImageSource } from "../../internal/cluster/image-source.ts";
import { MetadataImage } from "../../internal/cluster/image.ts";
import { decodeRecords, encodeRecords } from "../../internal/cluster/record-codec.ts";
import type { PartitionPlacement, ReplicaPlacement } from "../../internal/cluster/records.ts";
import { snapshotRecords } from "../../internal/cluster/snapshot.ts";
import type { BrokerId, GroupId, LogIndex, ReplicaId, Term } from "../../internal/model/ids.ts";
import { NO_UNDO } from "../../internal/statelog/machine.ts";
import { StateLog } from "../../internal/statelog/state-log.ts";
import { requestOf } from "../golden/controller-words.ts";
import { CommandGroup, seededEntropy, StepClock } from "./controller-group.ts";
import { TOPIC_RULES } from "./controller-rules.ts";

type Step =
  | { readonly step: "ask"; readonly line: string }
  | { readonly step: "turn" | "restart" | "cut" | "join" }
  | { readonly step: "commit" | "deliver"; readonly count: number }
  | { readonly step: "elect"; readonly node: number; readonly survivors: number };

const NODES = 3;
const FOLLOWER = 9 as BrokerId;
const topic = fc.constantFrom("a", "b", "c.x", "c_x");
const broker = fc.integer({ min: 1, max: 4 });
const count = fc.integer({ min: 1, max: 6 });
const named = fc.integer({ min: 0, max: 3 }).map((id) => `T${id}`);
const revision = fc.integer({ min: 1, max: 4 });
const FIRST = [
  "found c1",
  ...[1, 2, 3, 4].flatMap((id) => [`register ${id} dir=d${id}`, `unfence ${id}`]),
];

const line = fc.oneof(
  fc
    .tuple(topic, count, broker)
    .map(([of, n, f]) => `create ${of} id=# partitions=${n} factor=${f}`),
  fc
    .tuple(topic, count)
    .map(([of, n]) => `create ${of} id=# partitions=${n} factor=1 + z${n} id=#`),
  fc.tuple(topic, count).map(([of, n]) => `create ${of} id=# set=retention.ms:${n}`),
  topic.map((of) => `delete ${of}`),
  fc.tuple(topic, count).map(([of, n]) => `partitions ${of} count=${n + 2}`),
  fc.tuple(topic, count).map(([of, n]) => `alter topic=${of} set=retention.ms:${n}`),
  fc.tuple(topic, count).map(([of, n]) => `change topic=${of} set=retention.bytes:${n}`),
  broker.map((id) => `alter broker=${id}`),
  broker.map((id) => `fence ${id}`),
  broker.map((id) => `unfence ${id}`),
  fc.tuple(broker, count).map(([id, n]) => `register ${id} dir=e${n} inc=${n}`),
  fc.tuple(broker, count).map(([id, n]) => `replace ${id} dir=e${n} max=3`),
  fc
    .tuple(named, revision, broker, broker)
    .map(([of, n, a, b]) => `place ${of}/0 revision=${n} brokers=${a},${b}`),
  fc.tuple(named, revision).map(([of, n]) => `settle ${of}/0 revision=${n}`),
  broker.map((id) => `remove ${id}`),
  broker.map((id) => `producer-ids ${id}`),
  fc.tuple(count, count).map(([key, value]) => `entries acl k${key}:${value},k${value}:-`),
);

const steps = fc.array(
  fc.oneof(
    { weight: 16, arbitrary: fc.record({ step: fc.constant("ask"), line }) },
    { weight: 5, arbitrary: fc.record({ step: fc.constant("turn") }) },
    { weight: 3, arbitrary: fc.record({ step: fc.constant("commit"), count: fc.nat(4) }) },
    { weight: 3, arbitrary: fc.record({ step: fc.constant("deliver"), count: fc.nat(4) }) },
    { weight: 1, arbitrary: fc.record({ step: fc.constantFrom("restart", "cut", "join") }) },
    {
      weight: 1,
      arbitrary: fc.record({
        step: fc.constant("elect"),
        node: fc.nat(NODES - 1),
        survivors: fc.nat(4),
      }),
    },
  ),
  { minLength: 5, maxLength: 100, size: "max" },
) as fc.Arbitrary<readonly Step[]>;

class Run {
  readonly #clock = new StepClock();
  readonly #group = new CommandGroup();
  readonly #nodes: ControllerLog[] = [];
  readonly #states: ClusterState[] = [];
  readonly #images: MetadataImage[] = [];
  readonly #sources: ImageSource[] = [];
  readonly #groups = new Set<GroupId>();
  readonly #founders = new Map<GroupId, readonly ReplicaPlacement[]>();
  readonly #replicas = new Set<ReplicaId>();
  #followed = new MetadataImage();
  #follower = this.#newFollower();
  #isCut = false;
  #topics = 0;
  answers = 0;
  asked = 0;

  constructor() {
    for (let seat = 0; seat < NODES; seat++) this.#addNode(seat);
    this.#group.elect(0, 0);
    this.#follower.start();
    for (const first of FIRST) this.#ask(first);
    this.#clock.endTurn();
    this.#group.commit(99);
  }

  #addNode(seat: number): void {
    const machine = controllerMachine({
      settings: () => ({
        partitionsDefault: 2,
        factorDefault: 3,
        topicPartitionsMax: 8,
        clusterPartitionsMax: 24,
      }),
      topicConfigs: TOPIC_RULES,
      brokerConfigs: { refusal: () => null, listDefault: () => null },
      highestTerm: (group) => (group + 3) as Term,
    });
    const image = new MetadataImage();
    this.#images[seat] = image;
    // So small that entries are cut off and snapshots come in pieces.
    const limits = { heldBytesMax: 1_500, pieceBytesMax: 700 };
    this.#sources[seat] = new ImageSource(image, this.#clock, limits);
    const empty = (): ClusterState => (this.#states[seat] = machine.empty());
    const world = { clock: this.#clock, entropy: seededEntropy(seat + 5) };
    this.#nodes[seat] = new StateLog({ ...machine, empty }, this.#group.log(seat), world, {
      committed: (index, records) => image.advance(index, records),
      deposed: () => this.#check(seat),
      undecodable: () => expect.unreachable("records decode"),
    });
  }

  /** Fetches from the voters in turn; messages arrive within the call. */
  #newFollower(): ImageFollower {
    const image = this.#followed;
    const follower: ImageFollower = new ImageFollower(image, {
      clock: this.#clock,
      sources: () => (this.#isCut ? [] : [1, 2, 3]) as BrokerId[],
      send: (to, fetch) => {
        this.#clock.after(0, () => {
          this.#sources[to - 1]!.asked(FOLLOWER, fetch, (_, piece) => {
            this.#clock.after(0, () => follower.received(to, piece));
          });
        });
        return true;
      },
      undecodable: () => expect.unreachable("pieces decode"),
    });
    return follower;
  }

  take(step: Step): void {
    switch (step.step) {
      case "ask":
        return this.#ask(step.line);
      case "turn":
        return this.#clock.pass(10);
      case "commit":
        return this.#group.commit(step.count);
      case "deliver":
        for (let seat = 0; seat < NODES; seat++) this.#group.deliver(seat, step.count);
        return;
      case "elect":
        return this.#group.elect(step.node, step.survivors);
      case "cut":
        this.#isCut = true;
        return;
      case "join":
        this.#isCut = false;
        return;
      case "restart":
        this.#follower.stop();
        this.#followed = new MetadataImage();
        this.#follower = this.#newFollower();
        return this.#follower.start();
    }
  }

  #ask(text: string): void {
    const request = requestOf(text.replaceAll("#", () => `T${++this.#topics}`));
    this.asked++;
    this.#nodes[Math.max(0, this.#group.leader)]!.submit(request, () => void this.answers++);
  }

  #check(seat: number): void {
    const committed = bytesOf(this.#images[seat]!.state);
    expect(bytesOf(this.#states[seat]!)).toEqual(committed);
    const reloaded = new ClusterStateOf(committed);
    expect(bytesOf(reloaded.state)).toEqual(committed);
  }

  finish(): void {
    this.#clock.endTurn();
    this.#group.depose();
    this.#group.elect(0, 99);
    for (let seat = 0; seat < NODES; seat++) {
      this.#group.deliver(seat, Number.MAX_SAFE_INTEGER);
      this.#check(seat);
      expect(bytesOf(this.#states[seat]!)).toEqual(bytesOf(this.#states[0]!));
    }
    this.#isCut = false;
    this.#clock.pass(6_000);
    expect(this.#followed.version).toBe(this.#images[0]!.version);
    expect(bytesOf(this.#followed.state)).toEqual(bytesOf(this.#images[0]!.state));
    expect(this.answers).toBe(this.asked);
    this.#checkIds();
    this.#checkIndex(this.#images[0]!);
    this.#checkIndex(this.#followed);
  }

  /** Over the whole log, no group or replica id is given twice (F5). */
  #checkIds(): void {
    for (const { payload } of this.#group.committed) {
      const decoded = decodeRecords(payload, 0, payload.length);
      for (const record of decoded.ok ? decoded.value : []) {
        if (record.kind === "placement-set") this.#checkFounders(record.placement);
        if (record.kind !== "topic-created" && record.kind !== "partitions-added") continue;
        for (const { group, replicas } of record.partitions) {
          expect(this.#groups.has(group)).toBe(false);
          this.#groups.add(group);
          this.#founders.set(group, replicas);
          for (const { replica } of replicas) {
            expect(this.#replicas.has(replica)).toBe(false);
            this.#replicas.add(replica);
          }
        }
      }
    }
  }

  /** All that founded the group, or nobody: a part of them could lead without the others (F9). None is forgotten while they count. */
  #checkFounders(placement: PartitionPlacement): void {
    const { group, founders, replicas, leaving } = placement;
    expect([[], this.#founders.get(group)]).toContainEqual(founders);
    expect([...replicas, ...leaving]).toEqual(expect.arrayContaining([...founders]));
  }

  #checkIndex(image: MetadataImage): void {
    let partitions = 0;
    for (const of of image.topics()) {
      expect(image.topicNamed(of.name)).toBe(of);
      for (const placement of of.partitions) {
        partitions++;
        const found = image.partitionOfGroup(placement.group);
        expect(found).toEqual({ topic: of, partition: placement.partition });
        const [first] = placement.replicas;
        expect(image.standing(placement.group, first!.replica)).toBe("assigned");
      }
    }
    expect(image.partitionCount).toBe(partitions);
    for (const group of this.#groups) {
      expect(image.standing(group, 1 as ReplicaId)).toBe("gone");
      for (const { replica } of image.placementOfGroup(group)?.leaving ?? []) {
        expect(image.standing(group, replica)).toBe("leaving");
      }
    }
  }
}

/** Loads are kept beside the placements and never recorded. */
function checkLoads(state: Readonly<ClusterState>): void {
  const all = [...state.topics.values()].flatMap((of) => of.partitions);
  for (let id = 1; id <= 4; id++) {
    const held = all
      .flatMap(({ replicas, leaving }) => [...replicas, ...leaving])
      .filter(({ broker }) => broker === id);
    const preferred = all.filter(({ replicas }) => replicas[0]!.broker === id).length;
    expect(state.load(id as BrokerId)).toEqual({ replicas: held.length, preferred });
  }
}

/** A state made from a snapshot's bytes. */
class ClusterStateOf {
  readonly state = controllerState();

  constructor(bytes: Uint8Array) {
    const decoded = decodeRecords(bytes, 0, bytes.length);
    for (const record of decoded.ok ? decoded.value : []) this.state.apply(record, NO_UNDO);
  }
}

function controllerState(): ClusterState {
  const none = { refusal: () => null, listDefault: () => null };
  const settings = {
    partitionsDefault: 1,
    factorDefault: 1,
    topicPartitionsMax: 1,
    clusterPartitionsMax: 1,
  };
  return controllerMachine({
    settings: () => settings,
    topicConfigs: none,
    brokerConfigs: none,
    highestTerm: () => 0 as Term,
  }).empty();
}

function bytesOf(state: Readonly<ClusterState>): Uint8Array {
  checkLoads(state);
  return encodeRecords([...snapshotRecords(state)]);
}

test("the controller's replicas, images, snapshots and followers agree", () => {
  fc.assert(
    fc.property(steps, (taken) => {
      const run = new Run();
      for (const step of taken) run.take(step);
      run.finish();
    }),
    { numRuns: 300 },
  );
});

test("a ClusterState takes any record back", () => {
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 40 }), (lines) => {
      let topics = 0;
      const group = new CommandGroup();
      const clock = new StepClock();
      const machine = controllerMachine({
        settings: () => ({
          partitionsDefault: 2,
          factorDefault: 2,
          topicPartitionsMax: 8,
          clusterPartitionsMax: 40,
        }),
        topicConfigs: TOPIC_RULES,
        brokerConfigs: { refusal: () => null, listDefault: () => null },
        highestTerm: () => 5 as Term,
      });
      let state = machine.empty();
      const steps: (() => void)[] = [];
      const before: Uint8Array[] = [];
      const log = new StateLog(
        { ...machine, empty: () => (state = machine.empty()) },
        group.log(0),
        {
          clock,
          entropy: seededEntropy(3),
        },
        { undecodable: () => expect.unreachable("records decode") },
      );
      group.elect(0, 0);
      for (const text of [...FIRST, ...lines]) {
        log.submit(requestOf(text.replaceAll("#", () => `U${++topics}`)), () => undefined);
      }
      clock.endTurn();
      group.commit(99);
      // The same records, one by one, with every step back kept.
      const copy = machine.empty();
      for (const { payload } of group.committed) {
        const decoded = decodeRecords(payload, 0, payload.length);
        for (const record of decoded.ok ? decoded.value : []) {
          before.push(bytesOf(copy));
          const first = steps.length;
          copy.apply(record, { add: (step) => void steps.push(step) });
          steps.splice(first, steps.length, combine(steps.slice(first)));
        }
      }
      expect(bytesOf(copy)).toEqual(bytesOf(state));
      while (steps.length > 0) {
        steps.pop()!();
        expect(bytesOf(copy)).toEqual(before.pop());
      }
    }),
    { numRuns: 100 },
  );
});

function combine(steps: readonly (() => void)[]): () => void {
  return () => {
    for (const step of steps.toReversed()) step();
  };
}

test("a snapshot that is not newer than the image is ignored", () => {
  const image = new MetadataImage();
  image.advance(5 as LogIndex, [{ kind: "feature-level-set", feature: "f", level: 1 }]);
  image.install(5 as LogIndex, []);
  image.advance(4 as LogIndex, [{ kind: "feature-level-set", feature: "f", level: 9 }]);
  expect(image.featureLevel("f")).toBe(1);
});
