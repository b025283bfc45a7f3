// The command log of a record-and-response machine over a replica: what the replica reports becomes applied commands in
// log order, and leadership once everything before its term-start entry is applied (F7, C8). A start applies a whole log,
// so it is done in pieces (L7).
import { assert } from "../base/assert.ts";
import { takeBack } from "../base/lent.ts";
import { crc32c } from "../bytes/crc32c.ts";
import type { BrokerId, LogIndex, Offset, Term } from "../model/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { Role } from "../raft/effect.ts";
import { ENTRY_COMMAND } from "../raft/entry.ts";
import type { AppendedEntry, LogClient } from "../replica/log-client.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import type { Replica } from "../replica/replica.ts";
import type { CommandFollower, CommandLog } from "./command-log.ts";

/** Work without giving the event loop back (L7): so long, and commands of so many bytes. */
const STRETCH_MS_MAX = 4;
const STRETCH_BYTES_MAX = 32 * 1024;

interface PendingCommand {
  readonly index: LogIndex;
  readonly term: Term;
  /** Null while the payload is damaged on this replica (D1). */
  bytes: Uint8Array | null;
}

export class ReplicatedCommandLog implements LogClient, CommandLog {
  readonly #pending: PendingCommand[] = [];
  readonly #clock: Clock;
  readonly #damaged: (index: LogIndex) => void;
  #replica: Replica | null = null;
  #raft: Pick<MultiRaft, "mayServe"> | null = null;
  #follower: CommandFollower | null = null;
  #commit = 0 as LogIndex;
  /** The term that is to be led once everything before it is applied. */
  #readyTerm: Term | null = null;
  #leads = false;
  #stuck = false;
  #pausing = false;

  /** `damaged`: a committed command cannot be read on this replica; nothing after it is applied here. */
  constructor(clock: Clock, damaged: (index: LogIndex) => void) {
    this.#clock = clock;
    this.#damaged = damaged;
  }

  attach(follower: CommandFollower): void {
    assert(this.#follower === null, "a command log has one follower");
    this.#follower = follower;
  }

  bind(replica: Replica, raft: Pick<MultiRaft, "mayServe">): void {
    assert(this.#follower !== null, "the follower is named before the group starts");
    this.#replica = replica;
    this.#raft = raft;
    replica.attach(this);
  }

  propose(payload: Uint8Array): ReturnType<CommandLog["propose"]> {
    const replica = this.#replica;
    if (replica === null || !this.#leads) return { ok: false, fault: "not-leader" };
    const index = replica.propose({
      kind: ENTRY_COMMAND,
      bytes: payload,
      start: 0,
      end: payload.length,
      baseOffset: 0 as Offset,
      recordCount: 0,
      timestampMax: -1,
      checksum: crc32c(payload, 0, payload.length),
      headSum: 0,
    });
    if (typeof index === "string") return { ok: false, fault: index };
    return { ok: true, term: replica.machine.term, index };
  }

  mayAnswer(): boolean {
    const replica = this.#replica;
    return this.#leads && replica !== null && this.#raft?.mayServe(replica) === true;
  }

  appended(entry: AppendedEntry): void {
    if (entry.kind !== ENTRY_COMMAND) return;
    const { index, term, bytes, start, end } = entry;
    this.#pending.push({ index, term, bytes: bytes === null ? null : bytes.slice(start, end) });
  }

  repaired(entry: AppendedEntry): void {
    const { index, bytes, start, end } = entry;
    const pending = this.#pending.find((each) => each.index === index);
    if (pending === undefined || pending.bytes !== null || bytes === null) return;
    pending.bytes = bytes.slice(start, end);
    if (!this.#stuck || this.#pending[0] !== pending) return;
    this.#stuck = false;
    this.#apply();
  }

  truncated(from: LogIndex): void {
    while ((this.#pending.at(-1)?.index ?? 0) >= from) this.#pending.pop();
  }

  committed(index: LogIndex): void {
    this.#commit = index;
    this.#apply();
  }

  roleChanged(_role: Role, _term: Term, _leader: BrokerId | null): void {
    this.#readyTerm = null;
    if (!this.#leads) return;
    this.#leads = false;
    this.#follower?.deposed();
  }

  ready(term: Term): void {
    this.#readyTerm = term;
    this.#apply();
  }

  #apply(): void {
    if (this.#pausing || this.#stuck) return;
    const untilMs = this.#clock.upMs() + STRETCH_MS_MAX;
    let count = 0;
    let applied = 0;
    for (const { index, term, bytes } of this.#pending) {
      if (index > this.#commit) break;
      this.#stuck = bytes === null;
      this.#pausing = applied >= STRETCH_BYTES_MAX || this.#clock.upMs() >= untilMs;
      if (bytes === null || this.#pausing) break;
      this.#follower?.applied(index, term, bytes, 0, bytes.length);
      takeBack(bytes);
      applied += bytes.length;
      count++;
    }
    this.#pending.splice(0, count);
    if (this.#stuck) return this.#damaged(this.#pending[0]!.index);
    if (!this.#pausing) return this.#lead();
    this.#clock.turnEnd(() => {
      this.#pausing = false;
      this.#apply();
    });
  }

  /** Nothing that is committed is left to apply. */
  #lead(): void {
    const term = this.#readyTerm;
    if (term === null) return;
    this.#readyTerm = null;
    this.#leads = true;
    this.#follower?.leading(term);
  }

  progressed(): void {}
}
