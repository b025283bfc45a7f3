// An attempt of a request is for the leader of one term (C9): in another it is late, and must not overtake a later attempt.
import { expect, test } from "vitest";
import { ok } from "../base/result.ts";
import type { BrokerId, DirectoryId, Incarnation, LogIndex, Term } from "../model/ids.ts";
import { ControllerDesk } from "./controller-desk.ts";
import type { ControllerLog } from "./controller-desk.ts";
import { MetadataImage } from "./image.ts";
import type { TopicReadiness } from "./readiness.ts";
import { decodeReply, encodeRequest } from "./request-codec.ts";

const from = {
  broker: 2 as BrokerId,
  directory: "d" as DirectoryId,
  incarnation: 1 as Incarnation,
};

/** What is answered to an attempt for the leader of term 5, and whether the log was asked. */
function askedIn(term: number | null): { kind: string; wasSubmitted: boolean } {
  let wasSubmitted = false;
  const log: Pick<ControllerLog, "submit" | "leadingTerm"> = {
    leadingTerm: term as Term | null,
    submit: (request, answer) => {
      wasSubmitted = true;
      expect(request.asker).toEqual({ ...from, sequence: 8, floor: 7 });
      answer(ok({ kind: "remove-broker", broker: from.broker }), 1 as LogIndex);
    },
  };
  const attempt = { id: 1, term: 5 as Term, sequence: 8, floor: 7 };
  const message = encodeRequest(attempt, { kind: "remove-broker", broker: from.broker });
  let kind = "nothing";
  const desk = new ControllerDesk(log, new MetadataImage(), {} as TopicReadiness);
  desk.received(from, message.ok ? message.value : new Uint8Array(0), (_, bytes) => {
    const reply = decodeReply(bytes);
    kind = reply?.outcome.ok === true ? "done" : (reply?.outcome.fault.kind ?? "malformed");
  });
  return { kind, wasSubmitted };
}

test("an attempt is taken in its term alone", () => {
  expect(askedIn(5)).toEqual({ kind: "done", wasSubmitted: true });
  for (const term of [4, 6, null]) {
    expect(askedIn(term)).toEqual({ kind: "not-leader", wasSubmitted: false });
  }
});
