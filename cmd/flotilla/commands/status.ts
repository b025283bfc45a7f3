// `flotilla status`: whether a cluster is well.
import { Admin } from "../../../pkg/client/kafka/admin.ts";
import type { ClusterBroker } from "../../../pkg/client/kafka/admin.ts";
import type { KafkaClient } from "../../../pkg/client/kafka/kafka-client.ts";
import { CLIENT_OPTIONS, JSON_OPTION, withClient } from "../client/connect.ts";
import { healthOf, isHealthy } from "../client/health.ts";
import type { Health, PartitionName } from "../client/health.ts";
import { table } from "../client/table.ts";
import type { Command } from "../command.ts";
import { EXIT_CODE, usageFailure } from "../exit-code.ts";

const NAMED_MAX = 5;

export const status: Command = {
  name: "status",
  positionals: "",
  summary: "Show whether a cluster is well.",
  about: [
    "A fenced broker does not serve: it is down, cut off, or starting. A silent one does not answer from here, whatever " +
      "the cluster says: without a controller nobody fences it. An under-replicated partition has replicas that " +
      "lag or are down; a leaderless one serves nobody until a majority of its replicas is back; an unknown one is led " +
      "by a silent broker, or has most replicas on such.",
    "Without a controller nothing is created, changed or fenced, and brokers tell what they heard last. /readyz and /status " +
      "on a broker's HTTP port say what it waits for.",
  ],
  options: {
    check: { type: "boolean", doc: "Exit with 1 unless everything is well." },
    ...CLIENT_OPTIONS,
    json: JSON_OPTION,
  },
  examples: [
    { line: "flotilla status", does: "The local cluster" },
    { line: "flotilla status -b log1.example:9092 --check --json", does: "For a script" },
  ],
  async run(call) {
    const { options, positionals, terminal } = call;
    if (positionals.length > 0) throw usageFailure(`flotilla status takes no ${positionals[0]}`);
    return withClient(call, async (client) => {
      const admin = new Admin(client);
      const { clusterId, brokers } = await admin.describeCluster();
      const { topics } = await client.retrying(() => client.refresh(null));
      const health = healthOf(brokers, topics, await silentAmong(client, brokers));
      // Last: a broker that looks for the controller keeps those waiting who ask for something else.
      const controller = await admin.controller();
      const healthy = isHealthy(health) && controller !== null;
      const partitions = topics.reduce((sum, topic) => sum + topic.partitions.length, 0);
      const counts = { topics: topics.length, partitions };
      if (options.isSet("json")) {
        const summary = { clusterId, controllerId: controller, healthy, ...counts };
        terminal.print(JSON.stringify({ ...summary, ...health, brokers }));
      } else {
        terminal.print(`cluster     ${clusterId}`);
        terminal.print(`controller  ${controllerText(controller)}`);
        const rows = brokers.map(({ id, host, port, rack }) => [
          String(id),
          `${host}:${port}`,
          rack ?? "",
          stateOf(id, health),
        ]);
        terminal.print(`\n${table(["BROKER", "KAFKA", "RACK", "STATE"], rows)}\n`);
        terminal.print(`topics      ${topics.length}, with ${partitions} partitions`);
        for (const line of healthLines(health)) terminal.print(line);
      }
      const isFine = !options.isSet("check") || healthy;
      return isFine ? EXIT_CODE.ok : EXIT_CODE.failed;
    });
  },
};

/** Those that should serve and do not answer: what a cluster says of its brokers stands still when it has no controller. */
async function silentAmong(
  client: KafkaClient,
  brokers: readonly ClusterBroker[],
): Promise<readonly number[]> {
  const asked = brokers.filter(({ isFenced }) => !isFenced);
  const said = await Promise.all(asked.map(({ id }) => client.answers(id)));
  return asked.flatMap(({ id }, place) => (said[place] === true ? [] : [id]));
}

function controllerText(controller: number | null): string {
  if (controller !== null) return `broker ${controller}`;
  return "none answers; what follows is what was heard last, and may be true no more";
}

function stateOf(broker: number, { fencedBrokers, silentBrokers }: Health): string {
  if (fencedBrokers.includes(broker)) return "fenced";
  return silentBrokers.includes(broker) ? "silent" : "serving";
}

function healthLines({ underReplicated, leaderless, unknown }: Health): readonly string[] {
  const lines = [
    `under-replicated partitions  ${listed(underReplicated)}`,
    `leaderless partitions        ${listed(leaderless)}`,
  ];
  if (unknown.length > 0) lines.push(`unknown partitions           ${listed(unknown)}`);
  return lines;
}

function listed(partitions: readonly PartitionName[]): string {
  if (partitions.length === 0) return "none";
  const names = partitions.slice(0, NAMED_MAX).map((one) => `${one.topic}/${one.partition}`);
  const more = partitions.length > NAMED_MAX ? ", …" : "";
  return `${partitions.length}: ${names.join(", ")}${more}`;
}
