// The contract of metadata and administration, as front ends rely on it.
import { beforeEach, describe, expect, test } from "vitest";
import type { Result } from "../../internal/base/result.ts";
import type { TopicId } from "../../internal/model/ids.ts";
import type {
  AdminFault,
  ClusterService,
  ConfigChange,
  ConfigTarget,
  NewTopic,
} from "../../internal/service/cluster-service.ts";
import { PARTITIONS } from "./service-stages.ts";
import type { ServiceStage } from "./service-stages.ts";

const WITHIN_MS = 5_000;
const UNKNOWN_ID = `${"B".repeat(21)}A` as TopicId;
const T: ConfigTarget = { resource: "topic", name: "t" };
const NOBODY: ConfigTarget = { resource: "topic", name: "nobody" };

function kindOf(outcome: Result<unknown, AdminFault> | undefined): string | undefined {
  return outcome?.ok === false ? outcome.fault.kind : outcome && "ok";
}

function set(name: string, value: string): ConfigChange {
  return { name, operation: "set", value };
}

export function describeClusterService(name: string, open: () => Promise<ServiceStage>): void {
  describe(`cluster service of ${name}`, () => {
    let stage: ServiceStage;
    let cluster: ClusterService;

    beforeEach(async () => {
      stage = await open();
      ({ cluster } = stage);
    });

    async function create(topics: readonly Partial<NewTopic>[], validateOnly = false) {
      const filled = topics.map((topic) => {
        return { name: "new", partitions: 1, factor: 1, assignments: [], configs: [], ...topic };
      });
      return stage.settle(cluster.createTopics(filled, validateOnly, WITHIN_MS));
    }

    async function alter(
      of: ConfigTarget,
      changes: readonly ConfigChange[],
      mode: "replace" | "incremental" = "incremental",
      validateOnly = false,
    ): Promise<string | undefined> {
      const altered = cluster.alterConfigs([{ of, changes }], mode, validateOnly, WITHIN_MS);
      const [outcome] = await stage.settle(altered);
      return kindOf(outcome);
    }

    function config(of: ConfigTarget, wanted: string): readonly (string | null | undefined)[] {
      const views = cluster.describeConfigs(of, [wanted]);
      if (!views.ok) return [views.fault.kind];
      expect(views.value.map((view) => view.name)).toEqual([wanted]);
      return [views.value[0]?.value, views.value[0]?.source];
    }

    test("a topic is seen by its name and by its id, with a leader for each partition", () => {
      const { broker } = cluster;
      const view = cluster.topicNamed("t");
      expect(view).toMatchObject({ topicId: stage.topicId, name: "t", isInternal: false });
      expect(view?.partitions).toHaveLength(PARTITIONS);
      for (const [place, one] of view?.partitions.entries() ?? []) {
        expect(one).toMatchObject({ partition: place, leader: broker, replicas: [broker] });
        expect([one.isr, one.offline]).toEqual([[broker], []]);
      }
      expect(cluster.topicWithId(stage.topicId)).toEqual(view);
      expect([cluster.topicNamed("nobody"), cluster.topicWithId(UNKNOWN_ID)]).toEqual([null, null]);
      expect([...cluster.topicNames()]).toContain("t");
      expect(cluster.topicCount()).toBe([...cluster.topicNames()].length);
      expect(cluster.controller()).toBe(broker);
      expect(cluster.clusterId).toMatch(/^[\w-]{22}$/);
    });

    test("names that topics may not have", () => {
      const names = ["a.B_c-9", "n".repeat(249), "", ".", "..", "n".repeat(250), "a/b", "ä"];
      const legal = names.map((one) => cluster.isLegalTopicName(one));
      expect(legal).toEqual([true, true, false, false, false, false, false, false]);
    });

    test("topics are made once, under legal names, and not at all to see whether they could be", async () => {
      const [tried] = await create([{ name: "new", partitions: 3 }], true);
      expect([kindOf(tried?.outcome), cluster.topicNamed("new")]).toEqual(["ok", null]);
      const outcomes = await create([
        { name: "new", partitions: 3 },
        { name: "t" },
        { name: "a/b" },
        { name: "none", partitions: 0 },
      ]);
      expect(outcomes.map((one) => [one.name, kindOf(one.outcome)])).toEqual([
        ["new", "ok"],
        ["t", "topic-exists"],
        ["a/b", "invalid-topic-name"],
        ["none", "invalid-partitions"],
      ]);
      const [made] = outcomes;
      const view = cluster.topicNamed("new");
      expect(made?.outcome).toMatchObject({ value: { partitions: 3, topicId: view?.topicId } });
      expect(view?.partitions).toHaveLength(3);
      expect(view?.topicId).not.toBe(stage.topicId);
    });

    test("what a client writes to for the first time is made with the defaults", async () => {
      const [made] = await stage.settle(cluster.autoCreate(["new"], WITHIN_MS));
      expect(kindOf(made?.outcome)).toBe("ok");
      expect(cluster.topicNamed("new")?.partitions).toHaveLength(1);
    });

    test("topics are deleted by name and by id, and one that is made again is another", async () => {
      const [made] = await create([{ name: "new" }]);
      const newId = made?.outcome.ok === true ? made.outcome.value.topicId : null;
      const deleted = await stage.settle(
        cluster.deleteTopics(
          [
            { name: null, topicId: newId },
            { name: "t", topicId: null },
            { name: "nobody", topicId: null },
            { name: null, topicId: UNKNOWN_ID },
          ],
          WITHIN_MS,
        ),
      );
      expect(deleted.map((one) => kindOf(one.outcome))).toEqual([
        "ok",
        "ok",
        "unknown-topic",
        "unknown-topic-id",
      ]);
      expect(deleted.map((one) => one.name)).toEqual(["new", "t", "nobody", null]);
      expect(deleted[0]?.topicId).toBe(newId);
      expect([cluster.topicNamed("t"), cluster.topicWithId(newId!)]).toEqual([null, null]);
      await create([{ name: "new" }]);
      expect(cluster.topicNamed("new")?.topicId).not.toBe(newId);
    });

    test("partitions are added and never taken away", async () => {
      const grow = async (topic: string, count: number, validateOnly = false) => {
        const topics = [{ name: topic, count, assignments: [] }];
        const grown = cluster.createPartitions(topics, validateOnly, WITHIN_MS);
        const [outcome] = await stage.settle(grown);
        return [kindOf(outcome?.outcome), cluster.topicNamed("t")?.partitions.length];
      };
      expect(await grow("t", 4, true)).toEqual(["ok", PARTITIONS]);
      expect(await grow("t", 4)).toEqual(["ok", 4]);
      expect(await grow("t", 4)).toEqual(["invalid-partitions", 4]);
      expect(await grow("t", 3)).toEqual(["invalid-partitions", 4]);
      expect(await grow("nobody", 3)).toEqual(["unknown-topic", 4]);
    });

    test("configs are altered one by one or as a whole, and name where their value comes from", async () => {
      const [retention, cleanup] = ["retention.ms", "cleanup.policy"];
      const fallback = config(T, retention!);
      expect(fallback[1]).toBe("default");
      expect(await alter(T, [set(retention!, "7")], "incremental", true)).toBe("ok");
      expect(config(T, retention!)).toEqual(fallback);
      expect(await alter(T, [set(retention!, "7"), set(cleanup!, "delete")])).toBe("ok");
      expect(config(T, retention!)).toEqual(["7", "topic"]);
      const away: ConfigChange = { name: retention!, operation: "delete", value: null };
      expect(await alter(T, [away])).toBe("ok");
      expect(config(T, retention!)).toEqual(fallback);
      expect(config(T, cleanup!)).toEqual(["delete", "topic"]);
      expect(await alter(T, [set(retention!, "8")], "replace")).toBe("ok");
      expect([config(T, retention!), config(T, cleanup!)[1]]).toEqual([["8", "topic"], "default"]);
      expect(await alter(T, [set("no.such.config", "1")])).toBe("invalid-config");
      expect(await alter(NOBODY, [set(retention!, "7")])).toBe("unknown-topic");
      expect(config(NOBODY, retention!)).toEqual(["unknown-topic"]);
    });

    test("a producer id is given once", async () => {
      const ids = [];
      for (let k = 0; k < 3; k++) {
        const given = await stage.settle(cluster.allocateProducerId(WITHIN_MS));
        ids.push(given.ok ? given.value : -1);
      }
      expect(ids.every((id) => id >= 0)).toBe(true);
      expect(new Set(ids).size).toBe(ids.length);
    });
  });
}
