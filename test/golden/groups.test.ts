// What a group's coordinator answers and writes: test/golden/groups/*.txt.
import { expect, it } from "vitest";
import { GROUP_FAULTS } from "../../internal/coordinator/group-requests.ts";
import { GroupsTranscript } from "./groups-transcript.ts";
import { playTranscripts } from "./transcripts.ts";

const all = playTranscripts("groups", () => new GroupsTranscript());

/** These are said by the service and the broker around the coordinator; their tests are with them. */
const ELSEWHERE = new Set([
  "coordinator-loading",
  "unknown-topic",
  "unknown-topic-id",
  "metadata-too-large",
]);

it("every fault of the coordinator is in a transcript", () => {
  const missing = GROUP_FAULTS.filter(
    (fault) => !ELSEWHERE.has(fault) && !new RegExp(`(^|[ :])${fault}( |$)`, "m").test(all),
  );
  expect(missing).toEqual([]);
});
