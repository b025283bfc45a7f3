// The epoch history of a replica against the committed log: every epoch that has records ends where the next one begins,
// and there is no other.
import type { EpochHistory } from "../../../internal/partition/epoch-history.ts";
import type { CommittedLog } from "./committed-log.ts";

/** What is wrong, or null. */
export function wrongEpoch(history: EpochHistory, log: CommittedLog): string | null {
  let start = 0;
  while (start < log.batches.length) {
    const term = log.batches[start]?.term ?? 0;
    let next = start;
    while (log.batches[next]?.term === term) next++;
    const wanted = log.batches[next]?.baseOffset ?? log.end;
    // Of the last epoch that could lie between the two: what was cut off is not there any more.
    const latest = (log.batches[next]?.term ?? Infinity) - 1;
    const { epoch, endOffset } = history.endOf(latest, log.end);
    if (epoch !== term || endOffset !== wanted) {
      return `epoch ${term} ends at ${wanted}, it says that ${epoch} does at ${endOffset}`;
    }
    start = next;
  }
  return null;
}
