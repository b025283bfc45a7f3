// What this broker's disk is worth to the others (D3), in words for an operator: replicas may wait without an end for a broker
// that is gone, or count for nothing any more, and in both cases somebody has to decide something.
import type { BrokerId } from "../model/ids.ts";
import type { Log } from "../ports/log.ts";
import { DISTRUSTED_HELP } from "../replica/standing.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";

const WAY_OUT =
  "start them; if this disk has certainly lost nothing, start this broker once with disk.trusted=true";

/** What readings of the disk rest on. */
export interface Disk {
  readonly raft: MultiRaft;
  /** For how long replicas have asked: since the start. */
  readonly upSeconds: number;
  readonly isLinked: (broker: BrokerId) => boolean;
}

export interface DiskStatus {
  /** `doubted`: the machine went down without a clean stop, and replicas ask what they may have forgotten. */
  readonly trust: "trusted" | "doubted" | "distrusted";
  readonly replicas: number;
  /** Replicas that count for nothing: their disk has lost what they had promised. */
  readonly suspect: number;
  /** Replicas that take no part until they have heard all others. */
  readonly recalling: number;
  readonly waitsFor: readonly { readonly broker: BrokerId; readonly isLinked: boolean }[];
  /** What to know of all this, and what may be done; null when all is well. */
  readonly detail: string | null;
}

/** Says once, at the start, that this disk is doubted. */
export function noteDoubt(log: Log, raft: MultiRaft): void {
  if (!raft.disk.mustRecall) return;
  const why = "the machine went down without a clean stop, and its disk may have lost writes";
  const help = `replicas here wait until they have heard all others; /readyz names the brokers: ${WAY_OUT}`;
  log.warn({ why, help }, "disk-doubted");
}

/** Looked up when somebody asks. */
export function diskStatus({ raft, upSeconds, isLinked }: Disk): DiskStatus {
  const brokers = new Set<BrokerId>();
  let [replicas, suspect, recalling] = [0, 0, 0];
  for (const replica of raft.replicas()) {
    replicas++;
    if (replica.machine.standing === "suspect") suspect++;
    if (!raft.disk.mustRecall || raft.hasRecalled(replica)) continue;
    if (replica.machine.standing === "recalling") recalling++;
    for (const broker of raft.recallAwaits(replica)) brokers.add(broker);
  }
  const waitsFor = [...brokers]
    .sort((left, right) => left - right)
    .map((broker) => ({ broker, isLinked: isLinked(broker) }));
  const trust = raft.disk.isDistrusted ? "distrusted" : recalling > 0 ? "doubted" : "trusted";
  const counted = { trust, replicas, suspect, recalling, waitsFor } as const;
  return { ...counted, detail: detailOf(counted, upSeconds) };
}

function detailOf(status: Omit<DiskStatus, "detail">, upSeconds: number): string | null {
  const { trust, replicas, suspect, recalling, waitsFor } = status;
  if (trust === "distrusted") {
    return `another broker remembers writes that are not on this disk: it went back in time, and ${DISTRUSTED_HELP}`;
  }
  if (suspect > 0) {
    return `${suspect} of ${replicas} replicas count for nothing, because this disk lost what it had held of them: a wiped disk or a damaged journal; ${DISTRUSTED_HELP}`;
  }
  if (recalling === 0) return null;
  const why = `the machine went down without a clean stop, and ${recalling} of ${replicas} replicas wait`;
  if (waitsFor.length === 0) return `${why} for ${upSeconds} s until they have heard all others`;
  const names = waitsFor.map((one) => `${one.broker} (${one.isLinked ? "linked" : "no link"})`);
  return `${why} for ${upSeconds} s until they have heard brokers ${names.join(", ")}: ${WAY_OUT}`;
}
