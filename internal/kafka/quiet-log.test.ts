import { expect, test } from "vitest";
import type { Log, LogFields } from "../ports/log.ts";
import { QuietLog } from "./quiet-log.ts";

test("a second has so many lines, and the next line tells how many were left out", () => {
  const lines: LogFields[] = [];
  const nothing = (): void => {};
  const log: Log = {
    child: () => log,
    debug: nothing,
    info: nothing,
    warn: (fields) => lines.push(fields),
    error: nothing,
  };
  let ms = 5;
  const clock = {
    nowMs: () => 0,
    awakeSinceMs: () => -Infinity,
    upMs: () => ms,
    after: () => nothing,
    turnEnd: nothing,
  };
  const quiet = new QuietLog(log, clock, 3);
  for (let k = 0; k < 10; k++) quiet.warn({ k }, "event");
  ms += 999;
  quiet.warn({ k: 10 }, "event");
  ms += 1;
  quiet.warn({ k: 11 }, "event");
  quiet.warn({ k: 12 }, "event");
  expect(lines).toEqual([{ k: 0 }, { k: 1 }, { k: 2 }, { k: 11, suppressed: 8 }, { k: 12 }]);
});
