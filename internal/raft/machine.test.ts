// What the transcripts and the random schedules cannot show: messages that no correct peer sends,
// calls that no correct driver makes, and the contract of `ready`, `outgoing` and `sent`.
import { describe, expect, it } from "vitest";
import type { LogIndex, ReplicaId, Term } from "../model/ids.ts";
import type { Configuration } from "./configuration.ts";
import type { Effect } from "./effect.ts";
import { ENTRY_BATCH, ENTRY_CONFIGURATION } from "./entry.ts";
import type { EntryHead } from "./entry.ts";
import type { Boot, Event } from "./event.ts";
import { Machine } from "./machine.ts";
import type { MachineOptions } from "./machine.ts";
import type { Message } from "./message.ts";

const index = (value: number) => value as LogIndex;
const term = (value: number) => value as Term;
const id = (value: number) => value as ReplicaId;

const members = (voters: number[], learners: number[] = [], revision = 0): Configuration => ({
  voters: voters as ReplicaId[],
  votersOutgoing: [],
  learners: learners as ReplicaId[],
  revision,
});

/** Replica 1 of 1, 2, 3 with a durable log of these terms. */
function bootOf(terms: readonly number[], change: Partial<Boot> = {}): Boot {
  const runs: { first: LogIndex; term: Term }[] = [];
  terms.forEach((of, at) => {
    if (runs.at(-1)?.term !== of) runs.push({ first: index(at + 1), term: term(of) });
  });
  return {
    self: id(1),
    term: term(terms.at(-1) ?? 0),
    vote: 0,
    base: { index: index(0), term: term(0) },
    runs,
    last: index(terms.length),
    configurations: [{ index: index(0), configuration: members([1, 2, 3]) }],
    standing: "full",
    ...change,
  };
}

const heads = (...terms: number[]): EntryHead[] =>
  terms.map((of) => ({ term: term(of), kind: ENTRY_BATCH, configuration: null }));

const message = (from: number, said: Message): Event => ({
  on: "message",
  from: id(from),
  message: said,
});

const append = (of: number, prev: [number, number], entries: EntryHead[], commit = 0): Message => ({
  say: "append-request",
  term: term(of),
  prevIndex: index(prev[0]),
  prevTerm: term(prev[1]),
  entries,
  commit: index(commit),
});

const accepted = (of: number, match: number): Message => ({
  say: "append-accepted",
  term: term(of),
  match: index(match),
});

const kinds = (effects: readonly Effect[]) => effects.map((effect) => effect.do);

/** Makes everything durable that was asked for so far. */
function sync(machine: Machine, writes: number): readonly Effect[] {
  return machine.step({ on: "durable", write: writes });
}

/**
 * Replica 1 as the leader of the next term, its no-op durable and committed, in step with 2 and 3.
 */
function leaderOf(terms: readonly number[], options: MachineOptions = {}): Machine {
  const machine = new Machine(bootOf(terms), options);
  const next = machine.term + 1;
  machine.step({ on: "election-timeout" });
  const grant = { term: term(next), granted: true } as const;
  machine.step(message(2, { say: "pre-vote-response", ...grant }));
  sync(machine, 1);
  machine.step(message(2, { say: "vote-response", ...grant }));
  sync(machine, 2);
  for (const peer of [2, 3]) {
    drain(machine, peer);
    machine.step(message(peer, accepted(next, terms.length + 1)));
  }
  for (const peer of [2, 3]) drain(machine, peer);
  expect(machine.termStartCommitted).toBe(true);
  return machine;
}

/** Sends all that a peer should get. */
function drain(machine: Machine, peer: number): number {
  for (let requests = 0; ; requests++) {
    const out = machine.outgoing(id(peer));
    if (out === null) return requests;
    machine.sent(id(peer), out.last, out.commit);
  }
}

describe("Machine as a follower", () => {
  it("never commits past what agrees with this term's leader, whatever it is told (F2)", () => {
    const machine = new Machine(bootOf([1, 1, 1, 1]));
    expect(kinds(machine.step(message(2, append(2, [2, 1], [], 4))))).toContain("commit");
    expect(machine.commit).toBe(2);
    const assertion: Message = { say: "assert", term: term(2), commit: index(4) };
    expect(machine.step(message(2, assertion))).toEqual([]);
    const stale: Message = { say: "assert", term: term(1), commit: index(4) };
    expect(kinds(machine.step(message(3, stale)))).not.toContain("commit");
    expect(machine.commit).toBe(2);
  });

  it("tells a leader that its term is over when the new one is durable, and not before", () => {
    const machine = new Machine(bootOf([1]));
    machine.step(message(2, append(2, [1, 1], [])));
    const stale: Message = { say: "assert", term: term(1), commit: index(1) };
    expect(machine.step(message(3, stale))).toEqual([]);
    const over = expect.objectContaining({ say: "append-rejected", term: 2 });
    expect(sync(machine, 1)).toContainEqual({ do: "send", to: 3, message: over });
    expect(machine.step(message(3, stale))).toEqual([{ do: "send", to: 3, message: over }]);
  });

  it("acknowledges what agrees, not the end of its log", () => {
    const machine = new Machine(bootOf([1, 1, 1, 1]));
    machine.step(message(2, append(2, [1, 1], heads(1))));
    const [said] = sync(machine, 1);
    expect(said).toEqual({ do: "send", to: 2, message: accepted(2, 2) });
  });

  it("answers a repeated request without writing, and an empty one only if it moved nothing", () => {
    const machine = new Machine(bootOf([1]));
    machine.step(message(2, append(1, [1, 1], heads(1, 1))));
    sync(machine, 1);
    const again = machine.step(message(2, append(1, [1, 1], heads(1, 1))));
    expect(again).toEqual([{ do: "send", to: 2, message: accepted(1, 3) }]);
    expect(kinds(machine.step(message(2, append(1, [3, 1], [], 3))))).toEqual(["commit"]);
    expect(kinds(machine.step(message(2, append(1, [3, 1], [], 3))))).toEqual(["send"]);
  });

  it("takes a request that starts below its base or its commit index", () => {
    const base = { index: index(3), term: term(1) };
    const machine = new Machine(
      bootOf([], {
        term: term(1),
        base,
        runs: [{ first: index(4), term: term(1) }],
        last: index(4),
        configurations: [{ index: index(3), configuration: members([1, 2, 3]) }],
      }),
    );
    const effects = machine.step(message(2, append(1, [1, 1], heads(1, 1, 1, 1))));
    expect(effects.find((effect) => effect.do === "append")).toMatchObject({ first: 5, skip: 3 });
    const old = machine.step(message(2, append(1, [0, 0], heads(1))));
    expect(old).toEqual([{ do: "send", to: 2, message: accepted(1, 4) }]);
  });

  it("stops rather than truncate what is committed, or follow two leaders of a term", () => {
    const machine = new Machine(bootOf([1, 1, 1]));
    machine.step(message(2, append(1, [3, 1], [], 2)));
    expect(() => machine.step(message(3, append(1, [3, 1], [])))).toThrow("a term has one leader");
    const rival = new Machine(bootOf([1, 1, 1]));
    rival.step(message(2, append(1, [3, 1], [], 2)));
    expect(() => rival.step(message(3, append(2, [1, 1], heads(2))))).toThrow(
      "committed entries are never truncated",
    );
    const liar = new Machine(bootOf([1, 1, 1]));
    liar.step(message(2, append(1, [3, 1], [], 2)));
    expect(() => liar.step(message(3, append(3, [2, 2], [])))).toThrow(
      "committed entries agree with the leader",
    );
  });

  it("an install-base that is not above what is committed only gets its answer", () => {
    const machine = new Machine(bootOf([1, 1, 1]));
    machine.step(message(2, append(1, [3, 1], [], 3)));
    const base = { index: index(2), term: term(1) };
    const configuration = members([1, 2, 3]);
    const install: Message = { say: "install-base", term: term(1), base, configuration };
    const effects = machine.step(message(2, install));
    expect(effects).toEqual([{ do: "send", to: 2, message: accepted(1, 3) }]);
  });

  it("does not count what an older round of pre-votes granted", () => {
    const machine = new Machine(bootOf([1], { term: term(4) }));
    machine.step({ on: "election-timeout" });
    const late: Message = { say: "pre-vote-response", term: term(4), granted: true };
    expect(machine.step(message(2, late))).toEqual([]);
    expect(machine.role).toBe("pre-candidate");
  });

  it("asks for no votes of a campaign that it gave up before its own vote was durable", () => {
    const machine = new Machine(bootOf([1]));
    machine.step({ on: "election-timeout" });
    const granted: Message = { say: "pre-vote-response", term: term(2), granted: true };
    expect(kinds(machine.step(message(2, granted)))).toEqual(["role", "hard-state"]);
    expect(kinds(machine.step({ on: "election-timeout" }))).toEqual(["role", "send", "send"]);
    expect(sync(machine, 1)).toEqual([]);
  });

  it("stops rather than drop what is not committed from its log", () => {
    const machine = new Machine(bootOf([1, 1, 1]));
    machine.step(message(2, append(1, [3, 1], [], 2)));
    const base = { index: index(3), term: term(1) };
    expect(() => machine.step({ on: "checkpoint", base })).toThrow(
      "only committed entries leave the log",
    );
  });

  it("refuses what it was never asked to write", () => {
    expect(() => sync(new Machine(bootOf([1])), 1)).toThrow("only what was written");
  });
});

describe("Machine as a leader", () => {
  it("says ready once, and again only after outgoing had nothing", () => {
    const machine = leaderOf([1]);
    const propose = { on: "propose", kind: ENTRY_BATCH } as const;
    expect(kinds(machine.step(propose))).toEqual(["append", "ready", "ready"]);
    expect(kinds(machine.step(propose))).toEqual(["append"]);
    expect(drain(machine, 2)).toBe(1);
    expect(machine.step(propose)).toMatchObject([{ do: "append" }, { do: "ready", to: 2 }]);
    expect(machine.outgoing(id(9))).toBeNull();
  });

  it("outgoing may be sent in part, or not at all", () => {
    const machine = leaderOf([1]);
    for (let i = 0; i < 5; i++) machine.step({ on: "propose", kind: ENTRY_BATCH });
    const all = machine.outgoing(id(2));
    expect(all).toMatchObject({ prevIndex: 2, prevTerm: 2, first: 3, last: 7, commit: 2 });
    expect(machine.outgoing(id(2))).toEqual(all);
    machine.sent(id(2), index(2), index(2));
    expect(machine.outgoing(id(2))).toEqual(all);
    machine.sent(id(2), index(4), index(2));
    expect(machine.outgoing(id(2))).toMatchObject({ prevIndex: 4, first: 5, last: 7 });
    expect(() => machine.sent(id(2), index(8), index(2))).toThrow("what was sent is of this log");
  });

  it("never tells a peer of a commit position past what it acknowledged in this term (F2)", () => {
    const machine = leaderOf([1]);
    machine.step({ on: "propose", kind: ENTRY_BATCH });
    sync(machine, 3);
    drain(machine, 2);
    machine.step(message(2, accepted(2, 3)));
    expect(machine.commit).toBe(3);
    expect([machine.commitFor(id(2)), machine.commitFor(id(3))]).toEqual([3, 2]);
    expect(machine.outgoing(id(3))).toMatchObject({ first: 3, last: 3, commit: 2 });
  });

  it("ignores what is stale, and stops at an acknowledgement of what it never had", () => {
    const machine = leaderOf([1]);
    const rejected = (prevIndex: number, of: number): Message => ({
      say: "append-rejected",
      term: term(of),
      prevIndex: index(prevIndex),
      hintIndex: index(0),
      hintTerm: term(0),
    });
    for (const stale of [rejected(2, 2), rejected(1, 2), rejected(9, 1), accepted(1, 9)]) {
      expect(machine.step(message(2, stale))).toEqual([]);
    }
    expect(machine.match(id(2))).toBe(2);
    expect(() => machine.step(message(2, accepted(2, 9)))).toThrow("only what its leader has");
  });

  it("a proposal makes no new entry list, and only a leader takes one", () => {
    const machine = leaderOf([]);
    const propose = { on: "propose", kind: ENTRY_BATCH } as const;
    const entries = () =>
      machine.step(propose).flatMap((effect) => (effect.do === "append" ? [effect.entries] : []));
    expect(entries()[0]).toBe(entries()[0]);
    expect(() => machine.step({ on: "propose", kind: ENTRY_CONFIGURATION })).toThrow();
    const follower = new Machine(bootOf([]));
    expect(follower.proposeRefusal()).toBe("not-leader");
    expect(() => follower.step(propose)).toThrow("the driver asked proposeRefusal first");
  });

  it("changeRefusal names the reason", () => {
    const machine = leaderOf([1]);
    const { voters } = members([1, 2, 3]);
    expect(machine.changeRefusal(members([], [], 1))).toBe("malformed");
    expect(machine.changeRefusal(members([1, 1], [], 1))).toBe("malformed");
    const crowd = Array.from({ length: 16 }, (_, at) => at + 1);
    expect(machine.changeRefusal(members(crowd, [], 1))).toBe("malformed");
    expect(machine.changeRefusal({ voters, learners: crowd.map(id), revision: 1 })).toBe(
      "malformed",
    );
    expect(machine.changeRefusal(members([1, 2, 3, 4], [], 1))).toBe("not-caught-up");
    expect(machine.changeRefusal(members([1, 2], [], 0))).toBe("stale-revision");
    machine.step({ on: "peer-lost", peer: id(3) });
    expect(machine.changeRefusal(members([1, 3], [], 1))).toBe("unreachable");
    expect(machine.changeRefusal(members([1, 2], [], 1))).toBeNull();
    machine.step({ on: "transfer", to: id(2) });
    expect(machine.changeRefusal(members([1, 2], [], 1))).toBe("transferring");
    const refused = { say: "transfer-refused", term: machine.term } as const;
    machine.step({ on: "message", from: id(2), message: refused });
    machine.step({ on: "change", target: members([1, 2], [], 1) });
    expect(machine.changeRefusal(members([1, 2], [], 2))).toBe("change-in-progress");
  });

  it("a bulk copy that the base has overtaken is asked for again, a late one is ignored", () => {
    const machine = leaderOf([1, 1, 1]);
    const base = (at: number, of: number) => ({ index: index(at), term: term(of) });
    machine.step({ on: "change", target: members([1, 2, 3], [4], 1) });
    drain(machine, 4);
    machine.step({ on: "checkpoint", base: base(2, 1) });
    const hint = { hintIndex: index(0), hintTerm: term(0) };
    const prevIndex = index(4);
    const rejection: Message = { say: "append-rejected", term: term(2), prevIndex, ...hint };
    expect(machine.step(message(4, rejection))).toEqual([{ do: "need-base", to: 4 }]);
    machine.step({ on: "checkpoint", base: base(3, 1) });
    const copied = (at: number) =>
      machine.step({ on: "base-copied", peer: id(4), base: base(at, at > 3 ? 2 : 1) });
    expect(copied(2)).toEqual([{ do: "need-base", to: 4 }]);
    const install = { say: "install-base", base: base(4, 2), configuration: members([1, 2, 3]) };
    expect(copied(4)).toMatchObject([{ do: "send", to: 4, message: install }]);
    expect(copied(4)).toEqual([]);
  });
});
