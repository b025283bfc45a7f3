// Journals are filled up to their limit; then topics are created and every broker is killed and started, in turn. Reads,
// elections and groups go on, and what is refused is refused in words.
import type { LocalCluster } from "../process/local-cluster.ts";
import type { RoomClient } from "./client.ts";

const RECORD_BYTES = 60_000;
const RECORDS_MAX = 5_000;
const TOPICS_PER_ROUND = 5;
/** What a client may be told when there is no room, or while a leader is found. */
const REFUSALS: readonly string[] = ["KAFKA_STORAGE_ERROR", "REQUEST_TIMED_OUT"];

export async function fullJournals(
  cluster: LocalCluster,
  client: RoomClient,
  rounds: number,
  say: (line: string) => void,
): Promise<readonly string[]> {
  const complaints: string[] = [];
  const expect = (what: string, got: string, among: readonly string[]): void => {
    if (!among.includes(got)) complaints.push(`${what}: ${got}`);
  };
  expect("creating", await client.create(1, "t", 3), ["NONE"]);
  expect("commit", await client.commit("g", "t", 7), ["NONE"]);
  const ends = new Map<string, number>();
  let acknowledged = 0;
  for (let k = 0; k < RECORDS_MAX && (ends.get("KAFKA_STORAGE_ERROR") ?? 0) < 10; k++) {
    const code = await client.produce("t", k % 3, RECORD_BYTES);
    ends.set(code, (ends.get(code) ?? 0) + 1);
    if (code === "NONE") acknowledged++;
  }
  say(`filled: ${[...ends].map(([code, count]) => `${count} × ${code}`).join(", ")}`);
  for (let round = 1; round <= rounds; round++) {
    for (const broker of cluster.brokers) {
      const created: string[] = [];
      for (let k = 0; k < TOPICS_PER_ROUND; k++) {
        created.push(await client.create((broker.id % 3) + 1, `n${round}-${broker.id}-${k}`, 20));
      }
      for (const code of created) expect("creating", code, ["NONE", ...REFUSALS]);
      const tookMs = await cluster.restart(broker);
      client.reconnect(broker.id);
      const read = await client.readFirst("t");
      const offset = await client.committed("g", "t");
      const produced = await client.produce("t", 0, RECORD_BYTES);
      const commit = await client.commit("g", "t", 7);
      say(
        `round ${round}: broker ${broker.id} serves after ${Math.round(tookMs)} ms; created ${created.join(" ")}; ` +
          `read ${read}; group has ${offset}; produce ${produced}; commit ${commit}`,
      );
      expect("reading", read, ["NONE"]);
      expect("the group's offset", String(offset), ["7"]);
      expect("producing", produced, ["NONE", ...REFUSALS]);
      expect("committing", commit, ["NONE", ...REFUSALS, "COORDINATOR_NOT_AVAILABLE"]);
    }
  }
  const count = await client.count("t", 3);
  say(`${acknowledged} records were acknowledged, ${count} are there`);
  if (count < acknowledged) complaints.push("acknowledged records are missing");
  return complaints;
}
