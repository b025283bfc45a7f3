// Tools that look at the cluster and its brokers, and the one that moves leaderships.
import type { Check } from "../client.ts";
import { eventually } from "../../../jepsen-like/cluster/cluster.ts";
import { holds, numbered, same } from "../expect.ts";
import { createTopic } from "../stored.ts";
import { jsonLines, tableRows } from "./tool.ts";
import type { Tools } from "./tool.ts";

const MOVED_MS_MAX = 20_000;

export function clusterChecks(tools: Tools): readonly Check[] {
  return [identity(tools), versions(tools), quorum(tools), logDirs(tools), elect(tools)];
}

function identity({ run }: Tools): Check {
  return {
    does: "kafka-cluster tells the id of the cluster and its brokers; kafka-features and kafka-metadata-quorum agree with it",
    run: async () => {
      const id = /Cluster ID: (\S+)/.exec(await run("ClusterTool", ["cluster-id"]))?.[1] ?? "";
      same("length of the id", id.length, 22);
      const rows = tableRows(await run("ClusterTool", ["list-endpoints"]), "ID");
      same("brokers", rows.map(([broker]) => broker).toSorted(), ["1", "2", "3"]);
      await run("FeatureCommand", ["describe"]);
      const status = await run("MetadataQuorumCommand", ["describe", "--status"]);
      same("the quorum's cluster", /ClusterId:\s+(\S+)/.exec(status)?.[1], id);
    },
  };
}

function versions({ run }: Tools): Check {
  return {
    does: "kafka-broker-api-versions lists three brokers with the same APIs",
    run: async () => {
      const text = await run("BrokerApiVersionsCommand", []);
      const brokers = text
        .split(/^\S+:\d+ \(id: /m)
        .slice(1)
        .map((one) => one.replace(/^.*->/, ""));
      same("brokers", brokers.length, 3);
      same("different answers", new Set(brokers).size, 1);
      holds("Produce can be used", /Produce\(0\): 0 to 13 \[usable: 13\]/.test(brokers[0] ?? ""));
    },
  };
}

function quorum({ run }: Tools): Check {
  return {
    does: "kafka-metadata-quorum names the leader and three voters",
    run: async () => {
      const status = await run("MetadataQuorumCommand", ["describe", "--status"]);
      const leader = /LeaderId:\s+(\d)/.exec(status)?.[1];
      holds(`a leader: ${status}`, leader !== undefined);
      const text = await run("MetadataQuorumCommand", ["describe", "--replication"]);
      const rows = tableRows(text, "NodeId");
      same("voters", rows.map(([node]) => node).toSorted(), ["1", "2", "3"]);
      same(
        "leaders",
        rows.filter((row) => row.includes("Leader")).map(([node]) => node),
        [leader],
      );
    },
  };
}

interface LogDirs {
  readonly brokers: readonly {
    readonly broker: number;
    readonly logDirs: readonly {
      readonly error: string | null;
      readonly partitions: readonly { readonly partition: string; readonly size: number }[];
    }[];
  }[];
}

function logDirs({ around, run }: Tools): Check {
  return {
    does: "kafka-log-dirs shows every replica of a topic with its size",
    run: async () => {
      await createTopic(around, "tools-dirs");
      await run("ConsoleProducer", ["--topic", "tools-dirs"], `${numbered(3_000).join("\n")}\n`);
      const said = await run("LogDirsCommand", ["--describe", "--topic-list", "tools-dirs"]);
      const [answer] = jsonLines<LogDirs>(said);
      const sizes = new Map<string, number[]>();
      for (const { broker, logDirs } of answer?.brokers ?? []) {
        for (const { error, partitions } of logDirs) {
          same(`the fault of broker ${broker}`, error, null);
          for (const { partition, size } of partitions) {
            sizes.set(partition, [...(sizes.get(partition) ?? []), size]);
          }
        }
      }
      same("partitions", [...sizes.keys()].toSorted(), [
        "tools-dirs-0",
        "tools-dirs-1",
        "tools-dirs-2",
      ]);
      for (const [partition, of] of sizes) same(`replicas of ${partition}`, of.length, 3);
      const bytes = [...sizes.values()].flat().reduce((sum, size) => sum + size, 0);
      holds(`at least what was sent, three times: ${bytes}`, bytes > 3 * 3_000 * 12);
    },
  };
}

function elect({ around, run }: Tools): Check {
  return {
    does: "kafka-leader-election gives partitions back to their first replicas after a broker died",
    run: async () => {
      await createTopic(around, "tools-elect", 6);
      await around.faults.killLeader("tools-elect");
      // Far sooner than brokers move leaderships back by themselves.
      const before = await leaders({ around, run });
      holds(
        "somebody else leads",
        before.some(([leader, first]) => leader !== first),
      );
      const words = ["--election-type", "preferred", "--all-topic-partitions"];
      const said = await run("LeaderElectionCommand", words);
      holds(
        `what it says: ${said}`,
        /Successfully completed|Valid replica already elected/.test(said),
      );
      await eventually("leaders do not move", MOVED_MS_MAX, async () => {
        const moved = await leaders({ around, run });
        same(
          "leaders",
          moved.map(([leader]) => leader),
          moved.map(([, first]) => first),
        );
      });
    },
  };
}

/** Leader and first replica of each partition. */
async function leaders({ run }: Tools): Promise<(readonly [string, string])[]> {
  const text = await run("TopicCommand", ["--describe", "--topic", "tools-elect"]);
  const rows = [...text.matchAll(/Leader: (\S+)\s+Replicas: (\d)/g)];
  same("partitions", rows.length, 6);
  return rows.map(([, leader = "", first = ""]) => [leader, first] as const);
}
