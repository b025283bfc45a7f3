// Histories that lack an epoch, keep one that was cut off, or begin it too late are told from the one that is right.
import { expect, test } from "vitest";
import type { GroupId, LogIndex, Offset, Term } from "../../../internal/model/ids.ts";
import { EpochHistory } from "../../../internal/partition/epoch-history.ts";
import { ENTRY_BATCH } from "../../../internal/raft/entry.ts";
import { CommittedLog } from "./committed-log.ts";
import { wrongEpoch } from "./epoch-ends.ts";
import { Verdict } from "./verdict.ts";

const BATCHES = [
  [1, 0],
  [1, 2],
  [4, 4],
  [6, 6],
] as const;

function logOf(): CommittedLog {
  const log = new CommittedLog(7 as GroupId, new Verdict());
  BATCHES.forEach(([term, offset], k) => {
    log.committed("one", (k + 1) as LogIndex, {
      term: term as Term,
      kind: ENTRY_BATCH,
      checksum: k,
      baseOffset: offset as Offset,
      recordCount: 2,
    });
  });
  return log;
}

function historyOf(starts: readonly (readonly [epoch: number, offset: number])[]): EpochHistory {
  const history = new EpochHistory();
  starts.forEach(([epoch, offset], k) => {
    history.appended(epoch as Term, offset as Offset, (k + 1) as LogIndex);
  });
  return history;
}

test("only the right history is", () => {
  const log = logOf();
  expect(wrongEpoch(historyOf(BATCHES), log)).toBe(null);
  expect(wrongEpoch(historyOf([BATCHES[0], BATCHES[3]]), log)).toContain("epoch 1 ends at 4");
  expect(wrongEpoch(historyOf([BATCHES[0], [3, 4], ...BATCHES.slice(2)]), log)).toContain(
    "epoch 1 ends at 4, it says that 3 does",
  );
  expect(wrongEpoch(historyOf([BATCHES[0], [4, 2], [6, 6]]), log)).toContain("epoch 1 ends at 4");
});
