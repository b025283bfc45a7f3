// Real brokers where there is no room: starts after many topics that came and went, and journals at their limit through
// kills of every broker. Ends with 1 when a broker does not come back, or anything else fails than what must be refused.
import { parseArgs } from "node:util";
import { LocalCluster } from "../process/local-cluster.ts";
import { RoomClient } from "./client.ts";
import { fullJournals } from "./full-journals.ts";
import { goneTopics } from "./gone-topics.ts";

const MIB = 1 << 20;

const { values } = parseArgs({
  options: {
    topics: { type: "string", default: "24" },
    partitions: { type: "string", default: "2000" },
    rounds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
  },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function run(
  name: string,
  settings: Readonly<Record<string, string>>,
  part: (cluster: LocalCluster, client: RoomClient) => Promise<readonly string[]>,
): Promise<boolean> {
  if (values.only !== "" && values.only !== name) return true;
  say(`== ${name}`);
  const cluster = await LocalCluster.start(settings);
  const client = new RoomClient(cluster.brokers);
  try {
    const complaints = await part(cluster, client);
    for (const complaint of complaints) say(`FAILED: ${complaint}`);
    return complaints.length === 0;
  } catch (error) {
    say(`FAILED: ${String(error)}`);
    return false;
  } finally {
    client.close();
    await cluster.stop();
  }
}

const isGood = [
  await run("topics", {}, (cluster, client) =>
    goneTopics(cluster, client, Number(values.topics), Number(values.partitions), say),
  ),
  await run(
    "journals",
    { "journal.bytes.max": String(64 * MIB), "journal.file.bytes": String(8 * MIB) },
    (cluster, client) => fullJournals(cluster, client, Number(values.rounds), say),
  ),
];
process.exitCode = isGood.every(Boolean) ? 0 : 1;
