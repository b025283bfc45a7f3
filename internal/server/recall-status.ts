// For whom replicas wait whose disk may have gone back in time (D3), in words for an operator: they may wait without an end
// for a broker that is gone, and there is a way out.
import type { BrokerId } from "../model/ids.ts";
import type { Log } from "../ports/log.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";

const WAY_OUT =
  "start or replace them; if this disk has certainly lost nothing, start this broker once with disk.trusted=true";

/** Says once, at the start, that this disk is doubted. */
export function noteDoubt(log: Log, raft: MultiRaft): void {
  if (!raft.mustRecall) return;
  const why = "the machine went down without a clean stop, and its disk may have lost writes";
  const help = `replicas here wait until they have heard all others; /readyz names the brokers: ${WAY_OUT}`;
  log.warn({ why, help }, "disk-doubted");
}

/** What to tell an operator now, null when no replica waits. Looked up when somebody asks. */
export function recallDetail(raft: MultiRaft): string | null {
  if (!raft.mustRecall) return null;
  const brokers = new Set<BrokerId>();
  for (const replica of raft.replicas()) {
    for (const broker of raft.recallAwaits(replica)) brokers.add(broker);
  }
  if (brokers.size === 0) return null;
  const names = [...brokers].sort((left, right) => left - right).join(", ");
  return `the machine went down without a clean stop, and replicas wait until they have heard brokers ${names}: ${WAY_OUT}`;
}
