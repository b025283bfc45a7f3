import { expect, it } from "vitest";
import { banViolations } from "./bans.ts";
import { fixtureFiles, projectFiles } from "./project.ts";

it("banViolations finds nothing in the project", () => {
  expect(banViolations(projectFiles())).toEqual([]);
});

it("banViolations finds every banned use, and no member, parameter or string that looks like one", () => {
  expect(banViolations(fixtureFiles("broken"))).toEqual([
    "internal/grpc/serve.ts:3 grpc must not import node:net",
    "internal/raft/machine.test.ts:7 setTimeout is banned here: use until() of test/until.ts, or simulated time",
    "internal/raft/machine.test.ts:9 a limit of its own: use HANG_MS",
    "internal/raft/machine.test.ts:10 a limit of its own: use HANG_MS",
    "internal/segment/impure.ts:2 segment must not import node:fs/promises",
    "internal/segment/impure.ts:5 setTimeout is banned here: use the Clock port",
    "internal/segment/impure.ts:6 setInterval is banned here: use the Clock port",
    "internal/segment/impure.ts:7 setImmediate is banned here: use the Clock port",
    "internal/segment/impure.ts:8 console is banned here: use the Log port",
    "internal/segment/impure.ts:9 Date is banned here: use the Clock port",
    "internal/segment/impure.ts:9 Date is banned here: use the Clock port",
    "internal/segment/impure.ts:9 Math.random is banned here: use the Entropy port",
    "internal/segment/impure.ts:9 performance is banned here: use the Clock port",
    "internal/segment/impure.ts:9 Buffer.allocUnsafe is banned here: use new Uint8Array, whose bytes are zero",
    "internal/segment/impure.ts:11 globalThis is banned here: use a named global",
    "internal/segment/impure.ts:12 crypto is banned here: use the Entropy port",
    "internal/segment/impure.ts:14 a full control lane loses this: say() it, or keep it",
  ]);
});
