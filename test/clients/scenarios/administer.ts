// Administration: a topic is created, described, altered and deleted; under kills the controller dies as soon as the topic is there.
import { act } from "../driver.ts";
import type { Line, TopicShown } from "../driver.ts";
import { same } from "../expect.ts";
import { bootstrapOf, errorsRemark } from "../scenario.ts";
import type { Remark, Scenario, Stage } from "../scenario.ts";
import { isGone } from "../stored.ts";

const ADMIN_MS_MAX = 60_000;

export const administer: Scenario = {
  columns: ["admin", "admin, kills"],
  async run(stage) {
    const { around, name: topic, withKills } = stage;
    let killed: Promise<unknown> = Promise.resolve();
    const strike = (line: Line): void => {
      if (!withKills || line.created !== true) return;
      killed = around.faults.killController().catch((error: unknown) => error);
    };
    const action = { action: "admin", bootstrap: bootstrapOf(stage), topic } as const;
    const lines = await act(stage.driver, action, ADMIN_MS_MAX, strike);
    const fault = await killed;
    if (fault instanceof Error) throw fault;
    return judge(stage, lines);
  },
};

async function judge(
  { around, name, withKills }: Stage,
  lines: readonly Line[],
): Promise<Remark[]> {
  const missing = lines.flatMap(({ lacks }) => (lacks === undefined ? [] : [lacks]));
  const only = <T>(pick: (line: Line) => T | undefined): T | undefined =>
    lines.map(pick).find((value) => value !== undefined);
  const errors = lines.flatMap(({ error }) => (error === undefined ? [] : [error]));
  if (errors.length > 0 && !withKills) throw new Error(errors.join("; "));
  same(
    "created",
    only(({ created }) => created),
    true,
  );
  const described = only((line) => line.described);
  const altered = only((line) => line.altered);
  expectShown("described", described, { partitions: 3, retentionMs: 60_000 }, missing);
  expectShown("altered", altered, { partitions: 5, retentionMs: 120_000 }, missing);
  same(
    "deleted",
    only(({ deleted }) => deleted),
    true,
  );
  await isGone(around, name);
  const remarks: Remark[] = missing.map((text) => ({ kind: "lacks", text }));
  if (errors.length > 0) remarks.push(errorsRemark(errors));
  return remarks;
}

/** A part may be missing only where the driver said that its client lacks something. */
function expectShown(
  what: string,
  shown: TopicShown | undefined,
  expected: Required<TopicShown>,
  missing: readonly string[],
): void {
  if (missing.length === 0) return same(what, shown, expected);
  if (shown === undefined) return;
  same(what, { ...expected, ...shown }, expected);
}
