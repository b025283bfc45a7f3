// What the controller answers and writes: test/golden/controller/*.txt.
import { expect, it } from "vitest";
import { CONTROLLER_FAULT_KINDS } from "../../internal/cluster/controller-requests.ts";
import { ControllerTranscript } from "./controller-transcript.ts";
import { playTranscripts } from "./transcripts.ts";

const all = playTranscripts("controller", () => new ControllerTranscript());

/** These are said by the client of the controller, or by a log that is full; their tests are elsewhere. */
const ELSEWHERE = new Set(["timed-out", "busy", "storage-full", "not-leader"]);

it("every fault of the controller is in a transcript", () => {
  const missing = CONTROLLER_FAULT_KINDS.filter(
    (kind) => !ELSEWHERE.has(kind) && !new RegExp(`(^|[ :])${kind}(:|$)`, "m").test(all),
  );
  expect(missing).toEqual([]);
});
