// A big topic is made and deleted again and again; then a broker that has all of that in its log is killed and started.
import type { LocalCluster } from "../process/local-cluster.ts";
import type { RoomClient } from "./client.ts";

/** Whatever the machine: a start that made all of them again would take minutes, or end. */
const START_MS_MAX = 10_000;

export async function goneTopics(
  cluster: LocalCluster,
  client: RoomClient,
  topics: number,
  partitions: number,
  say: (line: string) => void,
): Promise<readonly string[]> {
  const complaints: string[] = [];
  for (let round = 1; round <= topics; round++) {
    const made = await client.create(1, "gone", partitions);
    const deleted = await client.remove(1, "gone");
    if (made !== "NONE" || deleted !== "NONE") {
      complaints.push(`round ${round}: created ${made}, deleted ${deleted}`);
    }
  }
  say(`${topics} times a topic of ${partitions} partitions was created and deleted`);
  for (const broker of cluster.brokers) {
    const tookMs = await cluster.restart(broker);
    say(`broker ${broker.id} was killed and serves after ${Math.round(tookMs)} ms`);
    if (tookMs > START_MS_MAX) complaints.push(`broker ${broker.id} took ${tookMs} ms`);
  }
  return complaints;
}
