import { expect, test } from "vitest";
import { ok } from "../base/result.ts";
import type { BrokerId, DirectoryId, Incarnation, Term } from "../model/ids.ts";
import { CONTROLLER_GROUP } from "../model/ids.ts";
import type { ControllerAnswer } from "./controller-desk.ts";
import type { SubmittedRequest } from "./controller.ts";
import { ForwardingClient } from "./forwarding.ts";
import { LeaderTable } from "./leaders.ts";
import { ASKED_MAX } from "./limits.ts";

const SELF = 1 as BrokerId;

class Stage {
  readonly asked: { readonly request: SubmittedRequest; readonly answer: ControllerAnswer }[] = [];
  readonly outcomes: string[] = [];
  readonly client: ForwardingClient;

  constructor() {
    const leaders = new LeaderTable();
    const row = { group: CONTROLLER_GROUP, term: 1 as Term, leader: SELF, isr: [SELF], version: 1 };
    leaders.accept(row);
    const contact = { directory: "d" as DirectoryId, incarnation: 1 as Incarnation };
    this.client = new ForwardingClient({
      self: SELF,
      contact: () => contact as never,
      clock: { upMs: () => 0, after: () => () => {} } as never,
      leaders,
      ask: (request, answer) => void this.asked.push({ request, answer }),
      send: () => false,
    });
  }

  request(name: string): void {
    void this.client.request({ kind: "describe" } as never, 1_000).then((outcome) => {
      this.outcomes.push(`${name} ${outcome.ok ? "ok" : outcome.fault.kind}`);
    });
  }

  answer(at: number): void {
    this.asked[at]?.answer(ok({ kind: "describe" } as never));
  }
}

test("a request that waits long does not keep later ones from being asked", async () => {
  const stage = new Stage();
  stage.request("slow");
  for (let at = 1; at < 2 * ASKED_MAX; at++) {
    stage.request("quick");
    stage.answer(at);
  }
  await Promise.resolve();
  const counts = Map.groupBy(stage.outcomes, (outcome) => outcome);
  expect([...counts].map(([outcome, { length }]) => [outcome, length])).toEqual([
    ["quick ok", 2 * ASKED_MAX - 1],
    ["slow outcome-unknown", 1],
  ]);
  // All that may be asked again are within what the controller remembers.
  for (const { request } of stage.asked) {
    const { sequence, floor } = request.asker!;
    expect(sequence - floor).toBeLessThan(ASKED_MAX);
  }
});

test("many requests that wait are not given up for more", async () => {
  const stage = new Stage();
  for (let at = 0; at < ASKED_MAX; at++) stage.request("waits");
  await Promise.resolve();
  expect(new Set(stage.outcomes)).toEqual(new Set(["waits busy"]));
  expect(stage.asked.length).toBeGreaterThan(1_000);
  expect(stage.outcomes.length).toBe(ASKED_MAX - stage.asked.length);
});
