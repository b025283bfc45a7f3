import { expect, test } from "vitest";
import type { SharedJournal } from "../journal/owner.ts";
import type {
  BrokerId,
  DirectoryId,
  GroupId,
  LogIndex,
  Offset,
  PayloadPosition,
  ReplicaId,
  Term,
} from "../model/ids.ts";
import type { Configuration } from "../raft/configuration.ts";
import { ENTRY_COMMAND, ENTRY_CONFIGURATION, ENTRY_NO_OP } from "../raft/entry.ts";
import { Machine } from "../raft/machine.ts";
import type { RecordHeader } from "../record/record.ts";
import type { Session } from "../transport/contract.ts";
import { AppendFrameWriter } from "./append-frame.ts";
import { ACKNOWLEDGEMENT } from "./control-frames.ts";
import { EntryTable } from "./entry-table.ts";
import { groupTableOf } from "./group-table.ts";
import { Inbox } from "./inbox.ts";
import type { LogClient } from "./log-client.ts";
import type { Member } from "./membership.ts";
import { decodeMembership, encodeMembership, membershipOf } from "./membership.ts";
import { payloadSum } from "./payload.ts";
import { GroupRecovery } from "./recovery.ts";
import { Replica } from "./replica.ts";
import type { Surroundings } from "./replica.ts";

const GROUP = 9 as GroupId;

function member(id: number): Member {
  return { replica: id as ReplicaId, broker: id as BrokerId, directory: directoryOf(id) };
}

function directoryOf(id: number): DirectoryId {
  return `directory-${String(id).padStart(12, "0")}` as DirectoryId;
}

function voters(...ids: readonly number[]): Configuration {
  return { voters: ids as ReplicaId[], votersOutgoing: [], learners: [], revision: ids.length };
}

function record(fields: Partial<RecordHeader> & Pick<RecordHeader, "type">): RecordHeader {
  return {
    kind: ENTRY_NO_OP,
    group: GROUP,
    partition: 0,
    replica: 1 as ReplicaId,
    term: 1 as Term,
    index: 0 as LogIndex,
    baseOffset: 0 as Offset,
    recordCount: 0,
    length: 0,
    checksum: 0,
    headSum: 0,
    vote: 0 as ReplicaId,
    ...fields,
  };
}

/** A client that tells which entries its log has. */
class Listener implements LogClient {
  readonly log: string[] = [];

  appended({ index, term }: { index: LogIndex; term: Term }): void {
    this.log.push(`${index}t${term}`);
  }

  truncated(from: LogIndex): void {
    this.log.length = Math.min(this.log.length, from - 1);
  }

  repaired(): void {}
  committed(): void {}
  roleChanged(): void {}
  ready(): void {}
  progressed(): void {}
}

/** What a replica wrote, in order. */
interface Written {
  readonly header: RecordHeader;
  readonly payload: Uint8Array;
}

const PAYLOAD_BYTES_MAX = 1_000;

/** A journal that is durable when its test says so. */
function journalOf(written: Written[]): SharedJournal {
  const append: SharedJournal["append"] = (header, payload, start, end) => {
    written.push({ header, payload: payload?.slice(start, end) ?? new Uint8Array(0) });
    return 0 as PayloadPosition;
  };
  const rest = { fits: () => true, room: () => "ok", payloadBytesMax: PAYLOAD_BYTES_MAX } as const;
  return { append, ...rest, lastTicket: 1, durableTicket: 1 } as unknown as SharedJournal;
}

function surroundings(written: Written[]): Surroundings {
  const nothing = (): void => {};
  return {
    journal: journalOf(written),
    wrote: nothing,
    ready: nothing,
    send: nothing,
    roleChanged: nothing,
    hasQuorumWithRoom: () => true,
    needBase: nothing,
    transferFailed: nothing,
    configurationChanged: nothing,
    recalled: nothing,
    damageFound: nothing,
  };
}

/** A replica that has just been created. */
function replicaOf(configuration: Configuration, members: readonly Member[], written: Written[]) {
  const index = 0 as LogIndex;
  const machine = new Machine({
    self: 1 as ReplicaId,
    term: 0 as Term,
    vote: 0,
    base: { index, term: 0 as Term },
    runs: [],
    last: index,
    configurations: [{ index, configuration }],
    standing: "full",
  });
  const identity = { group: GROUP, partition: 0, self: 1 as ReplicaId };
  const table = new EntryTable(1 as LogIndex);
  return new Replica(identity, machine, table, members, surroundings(written));
}

/** Makes a sole voter the leader and commits its first entry. */
function lead(replica: Replica): void {
  replica.handle({ on: "election-timeout" });
  replica.handle({ on: "durable", write: 1 });
  replica.handle({ on: "durable", write: 2 });
}

test("a row of the group table has the configuration of the log's base, not one that may be truncated (F9)", () => {
  const written: Written[] = [];
  const replica = replicaOf(voters(1), [member(1), member(2)], written);
  lead(replica);
  const learners = [2 as ReplicaId];
  replica.handle({ on: "change", target: { voters: [1 as ReplicaId], learners, revision: 2 } });
  expect(replica.machine.configuration.learners).toEqual(learners);

  const groups = { replicas: () => [replica], replica: () => replica };
  const row = groupTableOf(groups, () => false).row(GROUP);
  if (row === null) throw new Error("the group has a row");
  const recovery = new GroupRecovery(() => new Listener());
  recovery.groupRow(row);
  for (const { header, payload } of written) {
    if (header.type === "append") recovery.append(header, 0 as PayloadPosition, payload);
  }
  const [first, changed] = recovery.groups()[0]!.boot.configurations;
  expect(first).toEqual({ index: 0, configuration: voters(1) });
  expect(changed?.configuration.learners).toEqual(learners);

  recovery.truncate(record({ type: "truncate", index: 1 as LogIndex }));
  expect(recovery.groups()[0]!.boot.configurations).toEqual([first]);
});

test("a group that comes back to its broker as another replica begins with an empty log", () => {
  const listener = new Listener();
  const recovery = new GroupRecovery(() => listener);
  const bytes = encodeMembership({ configuration: voters(1), members: [member(1)] });
  const exists = record({ type: "configuration", length: bytes.length });
  recovery.configuration(exists, bytes);
  for (const index of [1, 2, 3]) {
    const header = record({ type: "append", index: index as LogIndex });
    recovery.append(header, 0 as PayloadPosition, new Uint8Array(0));
  }
  expect(listener.log).toEqual(["1t1", "2t1", "3t1"]);
  recovery.dropGroup(record({ type: "drop-group" }));
  recovery.configuration({ ...exists, replica: 8 as ReplicaId }, bytes);
  const again = record({ type: "append", replica: 8 as ReplicaId, term: 2 as Term });
  recovery.append({ ...again, index: 1 as LogIndex }, 0 as PayloadPosition, new Uint8Array(0));
  expect(listener.log).toEqual(["1t2"]);
  expect(recovery.groups()[0]?.identity.self).toBe(8);
});

test("a configuration entry names its own members, however many the group ever had", () => {
  const written: Written[] = [];
  const former = Array.from({ length: 100 }, (_, k) => member(k + 100));
  const replica = replicaOf(voters(1), [member(1), ...former, member(2)], written);
  lead(replica);
  const learners = [2 as ReplicaId];
  replica.handle({ on: "change", target: { voters: [1 as ReplicaId], learners, revision: 2 } });
  const entry = written.find(({ header }) => header.kind === ENTRY_CONFIGURATION);
  if (entry === undefined) throw new Error("the change is in the log");
  const decoded = decodeMembership(entry.payload, 0, entry.payload.length);
  expect(decoded).toEqual({
    ok: true,
    value: membershipOf(replica.machine.configuration, [member(1), member(2)]),
  });
});

test("a proposal in the middle of a step waits for its turn", () => {
  const replica = replicaOf(voters(1), [member(1)], []);
  const proposal = {
    kind: ENTRY_COMMAND,
    bytes: Uint8Array.of(1),
    start: 0,
    end: 1,
    baseOffset: 0 as Offset,
    recordCount: 0,
    timestampMax: -1,
    checksum: 0,
    headSum: 0,
  } as const;
  const answers: unknown[] = [];
  const listener = new Listener();
  listener.committed = () => void answers.push(replica.propose(proposal));
  replica.attach(listener);
  lead(replica);
  expect(answers).toEqual(["busy"]);
  expect(replica.propose(proposal)).toBe(2);
});

/** What a follower appends of a frame with one row of these entries. */
function received(entries: readonly { readonly term: number; readonly length: number }[]): number {
  const written: Written[] = [];
  const replica = replicaOf(voters(1, 2), [member(1), member(2)], written);
  const from = 2 as ReplicaId;
  const writer = new AppendFrameWriter();
  writer.begin();
  const zero = { prevIndex: 0 as LogIndex, prevTerm: 0 as Term, commit: 0 as LogIndex };
  writer.row({ group: GROUP, to: replica.self, from, term: 5 as Term, ...zero });
  const payloads = entries.map(({ term, length }, k) => {
    const payload = new Uint8Array(length).fill(7);
    const checksum = payloadSum(ENTRY_COMMAND, payload, 0, length).checksum;
    const place = { term: term as Term, index: (k + 1) as LogIndex, length, checksum };
    writer.entry(record({ type: "append", kind: ENTRY_COMMAND, ...place }));
    return payload;
  });
  const ended: string[] = [];
  const session = { end: (reason: string) => ended.push(reason) } as unknown as Session;
  const inbox = new Inbox(session, ACKNOWLEDGEMENT, journalOf(written), false, {
    replicaFor: () => replica,
    cannotStore: () => {},
  });
  const frame = Buffer.concat([writer.take(1), ...payloads]);
  inbox.receive(frame, 0, frame.length);
  expect(ended).toEqual([]);
  return written.filter(({ header }) => header.type === "append").length;
}

test("a follower takes no row that its journal cannot hold, or whose terms go back", () => {
  const small = { term: 5, length: 10 };
  expect(received([small, small])).toBe(2);
  expect(received([{ term: 5, length: PAYLOAD_BYTES_MAX }])).toBe(1);
  expect(received([small, { term: 5, length: PAYLOAD_BYTES_MAX + 1 }])).toBe(0);
  expect(received([small, { term: 4, length: 10 }])).toBe(0);
  expect(received([{ term: 6, length: 10 }])).toBe(0);
});

test("strangers that say they are members are believed up to a limit, and never push out a member", () => {
  const replica = replicaOf(voters(1, 2), [member(1), member(2)], []);
  const believed = Array.from({ length: 2_000 }, (_, k) => replica.meet(member(k + 10)));
  expect(believed.filter(Boolean).length).toBe(1_022);
  expect([...replica.members()].length).toBe(1_024);
  replica.learnMembers([member(5_000)]);
  expect([replica.member(1 as ReplicaId), replica.member(5_000 as ReplicaId)]).toEqual([
    member(1),
    member(5_000),
  ]);
});
