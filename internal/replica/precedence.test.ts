// Thousands of groups wait in every line of a broker, and the controller's group came last: it is served first (L8).
import { expect, test } from "vitest";
import type { SharedJournal } from "../journal/owner.ts";
import type { GroupId, LogIndex, ReplicaId, Term } from "../model/ids.ts";
import { CONTROLLER_GROUP } from "../model/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Session } from "../transport/contract.ts";
import { AssertionOutbox } from "./assertions.ts";
import { ASSERTIONS, decodeAssertions, decodeEnvelopes, RAFT_MESSAGES } from "./control-frames.ts";
import type { Assertion, Envelope } from "./control-frames.ts";
import { Elections } from "./elections.ts";
import { Peer } from "./peer.ts";
import { controllerFirst } from "./precedence.ts";
import type { Replica } from "./replica.ts";

const GROUPS = [...Array.from({ length: 3_000 }, (_, k) => (k + 1) as GroupId), CONTROLLER_GROUP];

/** A session whose control lane takes one frame, and then none. */
function narrowSession() {
  const frames: { readonly type: number; readonly bytes: Uint8Array }[] = [];
  const session = {
    peer: { payloadBytesMax: 1 << 20 },
    open: true,
    number: 1,
    onDrained: () => {},
    send: (_lane: string, type: number, [bytes]: readonly Uint8Array[]) => {
      if (frames.length > 0 || bytes === undefined) return false;
      frames.push({ type, bytes });
      return true;
    },
  };
  return { frames, session: session as unknown as Session };
}

function envelopeOf(group: GroupId): Envelope {
  const message = { say: "timeout-now", term: 1 as Term } as const;
  return { group, to: 2 as ReplicaId, from: 1 as ReplicaId, message, membership: null };
}

function rowOf(group: GroupId): Assertion {
  const nothing = { commit: 0 as LogIndex, version: 0, isr: [] };
  return { group, term: 1 as Term, leader: 1 as ReplicaId, leads: true, ...nothing };
}

test("its messages leave before those that waited longer, and a backlog is seen", () => {
  const { frames, session } = narrowSession();
  const journal = {} as SharedJournal;
  const peer = new Peer(session, journal, { frameBytesMax: 1024, acksEarly: false }, {} as never);
  for (const group of [...GROUPS, ...GROUPS]) peer.post(envelopeOf(group));
  expect(peer.isBacklogged).toBe(true);
  peer.flush(false);
  const [frame] = frames;
  expect(frame?.type).toBe(RAFT_MESSAGES);
  const sent = decodeEnvelopes(frame?.bytes ?? new Uint8Array(0), 0, frame?.bytes.length ?? 0);
  expect(sent.ok && sent.value.map(({ group }) => group)).toEqual([
    CONTROLLER_GROUP,
    CONTROLLER_GROUP,
  ]);
});

test("its leader is asserted first", () => {
  const { frames, session } = narrowSession();
  const outbox = new AssertionOutbox(session, rowOf);
  for (const group of GROUPS) outbox.say(group);
  outbox.flush();
  const [frame] = frames;
  expect(frame?.type).toBe(ASSERTIONS);
  const said = decodeAssertions(frame?.bytes ?? new Uint8Array(0), 0, frame?.bytes.length ?? 0);
  expect(said.ok && said.value[0]?.group).toBe(CONTROLLER_GROUP);
});

test("it campaigns first", () => {
  const timers: (() => void)[] = [];
  let nowMs = 0;
  const clock = {
    upMs: () => nowMs,
    after: (_ms: number, wake: () => void) => {
      timers.push(wake);
      return () => {};
    },
    turnEnd: (then: () => void) => then(),
  };
  const entropy = { below: () => 0, fill: () => {} };
  const delays = { rankMs: 0, jitterMs: 0, retryMs: 100, retryMsMax: 100 };
  const campaigned: GroupId[] = [];
  const elections = new Elections(
    { clock: clock as unknown as Clock, entropy },
    delays,
    () => 0,
    { replica: () => null },
    (replica) => {
      campaigned.push(replica.group);
    },
  );
  for (const group of GROUPS) elections.arm({ group } as Replica, 0);
  nowMs = 1_000;
  timers[0]?.();
  expect(campaigned.length).toBe(GROUPS.length);
  expect(campaigned[0]).toBe(CONTROLLER_GROUP);
});

test("who goes through all groups begins with it, and keeps the order of the others", () => {
  const order = controllerFirst(GROUPS.map((group) => ({ group }))).map(({ group }) => group);
  expect(order).toEqual([CONTROLLER_GROUP, ...GROUPS.slice(0, -1)]);
  expect(controllerFirst([{ group: 7 as GroupId }])).toEqual([{ group: 7 }]);
});
