// Checks of runs in which the power fails: it really took something, who lost it recalled, and a disk that lied was found out.
import { TEARS } from "../cluster/power.ts";
import { isPowerStrike } from "../nemesis/power-cuts.ts";
import type { FaultRecord } from "../nemesis/fault-record.ts";
import { FindingDraft } from "./finding.ts";
import type { Finding } from "./finding.ts";

export function checkPower(faults: readonly FaultRecord[]): Finding[] {
  return [recalls(faults), dropped(faults)];
}

/** What has become of no write under way yet; a run goes on until there is nothing left. */
export function tearsMissing(faults: readonly FaultRecord[]): readonly string[] {
  const seen = new Set(faults.flatMap(({ losses }) => losses.map(({ tear }) => tear)));
  return TEARS.filter((tear) => !seen.has(tear));
}

/** D3: a machine in another run has disks that are doubted until all voters were asked, and no longer. */
function recalls(faults: readonly FaultRecord[]): Finding {
  const draft = new FindingDraft(
    "recalled",
    "after a failure of the power brokers recall, and are done when all are back",
  );
  for (const { kind, startMs, losses, recalledMs } of faults) {
    if (losses.length === 0) continue;
    draft.examined(losses.length);
    const place = { atMs: startMs, partition: 0 };
    if (recalledMs === null) {
      draft.violation(() => `${kind} at ${Math.round(startMs)} ms: never done`, place);
    }
  }
  return draft.finding();
}

/** Each strike takes as many as it says; torn, missing and whole writes take turns; one disk lies, once. */
function dropped(faults: readonly FaultRecord[]): Finding {
  const draft = new FindingDraft(
    "dropped",
    "failures of the power take what was not synced, and one disk more than that",
  );
  const losses = faults.flatMap((fault) => fault.losses);
  draft.examined(losses.length);
  const least = (what: string, seen: number, min: number): void => {
    if (seen < min) draft.violation(() => `${seen} ${what}, at least ${min} are needed`);
  };
  const struck = faults.filter(({ kind }) => isPowerStrike(kind));
  for (const { kind, startMs, victims, losses: of } of struck) {
    const expected = kind === "power again" ? 2 : victims.length;
    least(`machines lost their power in ${kind} at ${Math.round(startMs)} ms`, of.length, expected);
  }
  for (const tear of tearsMissing(faults)) least(`writes under way ${tear}`, 0, 1);
  const lied = faults.filter(({ kind }) => kind === "lying disk");
  least("disks that lied", lied.length, 1);
  const gone = lied
    .flatMap((fault) => fault.losses)
    .reduce((sum, one) => sum + one.acknowledged, 0);
  least("acknowledged journal writes lost", gone, 1);
  return draft.finding();
}
