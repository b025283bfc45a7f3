// The cluster layer of four brokers together: registration and fencing (C2), forwarding (C3), topics that are ready when
// CreateTopics says so (C3), and what a client may conclude from the outcome it got, under changes of leader and cuts.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { ControllerRequest, NewTopic } from "../../internal/cluster/controller-requests.ts";
import type { BrokerId, DirectoryId, TopicId } from "../../internal/model/ids.ts";
import type { Asked } from "./controller-fleet.ts";
import { BROKERS, Fleet, VOTERS } from "./controller-fleet.ts";

async function founded(): Promise<Fleet> {
  const fleet = new Fleet();
  fleet.lead(0);
  await fleet.pass(50);
  fleet.registerAll();
  await fleet.pass(1_500);
  return fleet;
}

let topics = 0;

function newTopic(name: string, more: Partial<NewTopic> = {}): NewTopic {
  const topicId = `t${++topics}x`.padEnd(22, "A") as TopicId;
  return { topicId, name, partitions: 1, factor: 1, assignments: [], configs: [], ...more };
}

function creating(topic: NewTopic, readyWithinMs = 1_000): ControllerRequest<"create-topics"> {
  return { kind: "create-topics", topics: [topic], validateOnly: false, readyWithinMs };
}

test("brokers register, are unfenced, and all images agree", async () => {
  const fleet = await founded();
  const ids = fleet.seats.map(({ node }) => node.image.clusterId);
  expect(new Set(ids).size).toBe(1);
  expect(ids[0]).not.toBeNull();
  for (const { node } of fleet.seats) {
    expect(node.image.unfencedBrokers().map((broker) => broker.broker)).toEqual([1, 2, 3, 4]);
  }
  for (const { registration } of fleet.seats) expect(registration!.isRegistered).toBe(true);
});

test("a silent broker is fenced after a while, and unfenced when it is back", async () => {
  const fleet = await founded();
  fleet.cut(2);
  await fleet.pass(800);
  expect(fleet.fencedBrokers()).toEqual([]);
  await fleet.pass(600);
  expect(fleet.fencedBrokers()).toEqual([3]);
  fleet.heal(2);
  await fleet.pass(90);
  expect(fleet.fencedBrokers()).toEqual([3]);
  await fleet.pass(500);
  expect(fleet.fencedBrokers()).toEqual([]);
});

test("a flicker of contact fences nobody and unfences nobody", async () => {
  const fleet = await founded();
  for (let times = 0; times < 5; times++) {
    fleet.cut(2);
    await fleet.pass(500);
    fleet.heal(2);
    await fleet.pass(150);
  }
  expect(fleet.fencedBrokers()).toEqual([]);
});

test("a new leader of group 0 counts silence anew", async () => {
  const fleet = await founded();
  fleet.cut(3);
  await fleet.pass(900);
  fleet.lead(1);
  await fleet.pass(900);
  expect(fleet.fencedBrokers()).toEqual([]);
  await fleet.pass(400);
  expect(fleet.fencedBrokers()).toEqual([4]);
});

test("a restarted broker is fenced at once, and unfenced when it has the image", async () => {
  const fleet = await founded();
  fleet.restartLast();
  await fleet.pass(100);
  const image = fleet.leaderNode().image;
  expect(image.broker(4 as BrokerId)).toMatchObject({ incarnation: 2, fenced: true });
  await fleet.pass(1_000);
  expect(image.broker(4 as BrokerId)).toMatchObject({ incarnation: 2, fenced: false });
});

test("a replaced directory is refused while the old one lives, then its replicas get new ids", async () => {
  const fleet = await founded();
  const brokers = [4, 1, 2] as BrokerId[];
  const assigned = { partitions: -1, factor: -1, assignments: [{ partition: 0, brokers }] };
  const asked = fleet.ask(0, creating(newTopic("orders", assigned), 0), 500);
  await fleet.pass(600);
  expect(asked.outcome?.ok).toBe(true);
  const image = fleet.leaderNode().image;
  const before = image.topicNamed("orders")!.partitions[0]!.replicas[0]!;
  const fresh = "fresh".padEnd(22, "A") as DirectoryId;
  fleet.restartLast(fresh);
  await fleet.pass(300);
  expect(fleet.refused.map((fault) => fault.kind)).toContain("duplicate-broker");
  // The incarnation that its link shows is not the registered one, so the registered one is silent.
  await fleet.pass(4_000);
  expect(image.broker(4 as BrokerId)).toMatchObject({ directory: fresh, fenced: false });
  const after = image.topicNamed("orders")!.partitions[0]!;
  expect(after).toMatchObject({ revision: 2, replicas: [{ broker: 4, directory: fresh }, {}, {}] });
  expect(after.replicas[0]!.replica).not.toBe(before.replica);
});

test.each([0, 3])(
  "CreateTopics through broker seat %i waits until all can use the topic",
  async (at) => {
    const fleet = await founded();
    const asked = fleet.ask(at, creating(newTopic("orders", { factor: 3 })), 2_000);
    await fleet.pass(300);
    expect(asked.outcome).toBeNull();
    fleet.leadAll();
    await fleet.pass(100);
    expect(asked.outcome).toMatchObject({ ok: true, value: { ready: true } });
    for (const { node } of fleet.seats) expect(node.image.topicNamed("orders")).not.toBeNull();
  },
);

test("CreateTopics says when a topic is not ready in time", async () => {
  const fleet = await founded();
  const late = fleet.ask(3, creating(newTopic("late"), 200), 2_000);
  const now = fleet.ask(3, creating(newTopic("now"), 0), 2_000);
  await fleet.pass(150);
  expect(now.outcome).toMatchObject({ ok: true, value: { ready: false } });
  await fleet.pass(200);
  expect(late.outcome).toMatchObject({ ok: true, value: { ready: false } });
});

test("a topic is not ready while an unfenced broker lacks it", async () => {
  const fleet = await founded();
  fleet.cut(3);
  const asked = fleet.ask(0, creating(newTopic("orders"), 5_000), 6_000);
  await fleet.pass(100);
  fleet.leadAll();
  await fleet.pass(500);
  expect(asked.outcome).toBeNull();
  await fleet.pass(800); // fenced by now
  expect(asked.outcome).toMatchObject({ ok: true, value: { ready: true } });
});

test("a topic that its asker created before the leader changed is found again", async () => {
  const fleet = await founded();
  const topic = newTopic("orders");
  const asked = fleet.ask(3, creating(topic, 2_000), 3_000);
  await fleet.pass(50, false);
  expect(fleet.group.tailLength).toBe(1);
  fleet.lead(1, 1);
  await fleet.pass(100);
  fleet.leadAll();
  await fleet.pass(200);
  const outcome = { ok: true, value: { topicId: topic.topicId } };
  expect(asked.outcome).toMatchObject({ ok: true, value: { ready: true, topics: [{ outcome }] } });
});

/** Broker 4 asks for something, and the answer is lost with the leader that carried it out, or did not. */
async function askedAcrossLeaders(
  request: (orders: NewTopic) => ControllerRequest,
  isCommitted: boolean,
  meanwhile: readonly ControllerRequest[] = [],
) {
  const fleet = await founded();
  const orders = newTopic("orders");
  fleet.ask(0, creating(orders, 0), 500);
  await fleet.pass(200);
  const asked = fleet.ask(3, request(orders), 5_000);
  await fleet.pass(50, false);
  expect(fleet.group.tailLength).toBe(1);
  fleet.lead(1, isCommitted ? 1 : 0);
  for (const other of meanwhile) fleet.ask(1, other, 500);
  await fleet.pass(100);
  fleet.leadAll();
  await fleet.pass(300);
  return { asked, orders: fleet.leaderNode().image.topicNamed("orders") };
}

const WHETHER_COMMITTED = [true, false];
const deletion: ControllerRequest = { kind: "delete-topics", topics: [{ name: "orders" }] };

test.each(WHETHER_COMMITTED)("a topic is deleted once, by whichever leader: %s", async (did) => {
  const { asked, orders } = await askedAcrossLeaders(() => deletion, did);
  const value = { topics: [{ outcome: { ok: true } }] };
  expect(asked.outcome).toMatchObject({ ok: true, value });
  expect(orders).toBeNull();
});

test.each(WHETHER_COMMITTED)("partitions are added once, by whichever leader: %s", async (did) => {
  const topics = [{ name: "orders", count: 4, assignments: [] }];
  const request = { kind: "create-partitions", topics, validateOnly: false } as const;
  const { asked, orders } = await askedAcrossLeaders(() => ({ ...request, readyWithinMs: 0 }), did);
  const value = { topics: [{ outcome: { ok: true } }] };
  expect(asked.outcome).toMatchObject({ ok: true, value });
  expect(orders?.partitions).toHaveLength(4);
});

test.each(WHETHER_COMMITTED)("replicas are placed once, by whichever leader: %s", async (did) => {
  const brokers = [3, 4] as BrokerId[];
  const request = ({ topicId }: NewTopic): ControllerRequest => {
    return { kind: "place-replicas", changes: [{ topicId, partition: 0, revision: 1, brokers }] };
  };
  const { asked, orders } = await askedAcrossLeaders(request, did);
  const value = { outcomes: [{ ok: true, value: { revision: 2 } }] };
  expect(asked.outcome).toMatchObject({ ok: true, value });
  expect(orders?.partitions[0]).toMatchObject({
    revision: 2,
    replicas: [{ broker: 3 }, { broker: 4 }],
  });
});

test("a creation that is asked again does not bring a deleted topic back", async () => {
  const fresh = newTopic("fresh");
  const deleted: ControllerRequest = { kind: "delete-topics", topics: [{ name: "fresh" }] };
  const fleet = await founded();
  const asked = fleet.ask(3, creating(fresh, 0), 5_000);
  await fleet.pass(50, false);
  fleet.lead(1, 1);
  const deletedBy = fleet.ask(1, deleted, 500);
  await fleet.pass(500);
  expect(deletedBy.outcome).toMatchObject({
    ok: true,
    value: { topics: [{ outcome: { ok: true } }] },
  });
  expect(asked.outcome).toMatchObject({ ok: true, value: { topics: [{ outcome: { ok: true } }] } });
  expect(fleet.leaderNode().image.topic(fresh.topicId)).toBeNull();
});

test("configs that are set again do not undo what somebody else set meanwhile", async () => {
  const setting = (value: string): ControllerRequest => {
    const of = { resource: "topic", name: "orders" } as const;
    const resources = [{ of, configs: [{ name: "retention.ms", value }] }];
    return { kind: "alter-configs", resources, validateOnly: false };
  };
  const { asked, orders } = await askedAcrossLeaders(() => setting("1"), true, [setting("2")]);
  expect(asked.outcome).toMatchObject({ ok: true, value: { outcomes: [{ ok: true }] } });
  expect(orders?.configs).toEqual([{ name: "retention.ms", value: "2" }]);
});

test("without a leader a request times out and nothing happened", async () => {
  const fleet = await founded();
  fleet.silence();
  const asked = fleet.ask(3, creating(newTopic("orders")), 300);
  await fleet.pass(400);
  expect(asked.outcome).toMatchObject({ ok: false, fault: { kind: "timed-out" } });
});

test("a log that refuses is told as it is", async () => {
  const fleet = await founded();
  for (const fault of ["busy", "storage-full"] as const) {
    fleet.group.refuseNext = fault;
    const asked = fleet.ask(3, creating(newTopic("orders")), 300);
    await fleet.pass(50);
    expect(asked.outcome).toMatchObject({ ok: false, fault: { kind: fault } });
  }
});

test("describe answers a version that the asker can wait for", async () => {
  const fleet = await founded();
  const asked = fleet.ask(3, { kind: "describe" }, 300);
  await fleet.pass(100);
  const { version, clusterId } = fleet.leaderNode().image;
  expect(asked.outcome).toMatchObject({ ok: true, value: { version, clusterId } });
});

type Step =
  | { readonly step: "create"; readonly at: number; readonly name: number; readonly ms: number }
  | { readonly step: "delete"; readonly at: number; readonly name: number; readonly ms: number }
  | { readonly step: "lead"; readonly at: number; readonly survivors: number }
  | { readonly step: "pass"; readonly ms: number; readonly commits: boolean }
  | { readonly step: "cut" | "heal"; readonly at: number }
  | { readonly step: "silence" };

const at = fc.nat(BROKERS - 1);
const name = fc.nat(3);
const ms = fc.integer({ min: 20, max: 900 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ step: fc.constant("create" as const), at, name, ms }) },
  { weight: 3, arbitrary: fc.record({ step: fc.constant("delete" as const), at, name, ms }) },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant("lead" as const),
      at: fc.nat(VOTERS - 1),
      survivors: fc.nat(3),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      step: fc.constant("pass" as const),
      ms: fc.integer({ min: 10, max: 120 }),
      commits: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ step: fc.constantFrom("cut" as const, "heal" as const), at }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant("silence" as const) }) },
);

test("outcomes mean what they say under changes of leader and cuts", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 5, maxLength: 40, size: "max" }),
      async (steps) => {
        const fleet = await founded();
        const created: Asked<"create-topics">[] = [];
        const everCreated = new Set<TopicId>();
        for (const { node } of fleet.seats) {
          node.image.listen({
            topicAdded: (topic) => void everCreated.add(topic.topicId),
          });
        }
        for (const one of steps) {
          if (one.step === "create") {
            created.push(fleet.ask(one.at, creating(newTopic(`n${one.name}`), one.ms), one.ms));
          } else if (one.step === "delete") {
            const topics = [{ name: `n${one.name}` }];
            fleet.ask(one.at, { kind: "delete-topics", topics }, one.ms);
          } else if (one.step === "lead") fleet.lead(one.at, one.survivors);
          else if (one.step === "pass") await fleet.pass(one.ms, one.commits);
          else if (one.step === "cut") fleet.cut(one.at);
          else if (one.step === "heal") fleet.heal(one.at);
          else fleet.silence();
        }
        for (let seat = 0; seat < BROKERS; seat++) fleet.heal(seat);
        fleet.lead(0, 9);
        await fleet.pass(3_000);
        for (const { request, outcome } of created) {
          const { topicId } = request.topics[0]!;
          if (outcome === null) return expect.unreachable("every request is answered in its time");
          if (outcome.ok) {
            const [topic] = outcome.value.topics;
            expect(everCreated.has(topicId)).toBe(topic!.outcome.ok);
          } else if (outcome.fault.kind === "timed-out")
            expect(everCreated.has(topicId)).toBe(false);
        }
      },
    ),
    { numRuns: 40 },
  );
});
