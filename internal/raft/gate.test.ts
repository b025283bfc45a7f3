import { expect, it } from "vitest";
import type { ReplicaId, Term } from "../model/ids.ts";
import { Gate } from "./gate.ts";
import type { Message } from "./message.ts";

const vote = (term: number): Message => ({
  say: "vote-response",
  term: term as Term,
  granted: true,
});
const [two, three] = [2 as ReplicaId, 3 as ReplicaId];

function released(gate: Gate, write: number): string[] {
  const sent: string[] = [];
  gate.release(write, (to, { say, term }) => sent.push(`${say} ${term} to ${to}`));
  return sent;
}

it("Gate sets messages free in order, once, and not before their write is durable", () => {
  const gate = new Gate();
  gate.hold(4, three, vote(1));
  gate.hold(7, two, vote(1));
  expect(released(gate, 3)).toEqual([]);
  expect(released(gate, 6)).toEqual(["vote-response 1 to 3"]);
  expect(released(gate, 9)).toEqual(["vote-response 1 to 2"]);
  expect(released(gate, 9)).toEqual([]);
});

it("Gate holds one message of a kind for each peer, and forgets all of them when told to", () => {
  const gate = new Gate();
  gate.hold(4, two, vote(1));
  gate.hold(5, two, vote(2));
  gate.hold(5, three, vote(2));
  expect(released(gate, 4)).toEqual([]);
  gate.clear();
  expect(released(gate, 9)).toEqual([]);
});
