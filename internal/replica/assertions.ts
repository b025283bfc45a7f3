// "I lead this group": said to every peer once per session and again on every change (L1). A peer that hosts the group
// suspends its election clock while the row stands in the present session; every peer learns the leader for its clients.
import { assert } from "../base/assert.ts";
import { CONTROLLER_GROUP } from "../model/ids.ts";
import type { BrokerId, GroupId, LogIndex } from "../model/ids.ts";
import type { Session } from "../transport/contract.ts";
import type { Assertion } from "./control-frames.ts";
import { ASSERTION_BYTES_MAX, ASSERTIONS, encodeAssertions } from "./control-frames.ts";
import type { InSyncSet } from "./isr.ts";
import { isController } from "./precedence.ts";
import type { Replica } from "./replica.ts";

/** A table goes in chunks, the next when the control lane has drained (F6). */
const CHUNK_BYTES_MAX = 32 * 1024;

export class AssertionOutbox {
  readonly #session: Session;
  readonly #row: (group: GroupId, session: Session) => Assertion | null;
  /** With what to say of a group that is no longer here. */
  readonly #unsaid = new Map<GroupId, Assertion | null>();

  /** `row` says what is true of a group now; null when there is nothing to say. */
  constructor(session: Session, row: (group: GroupId, session: Session) => Assertion | null) {
    this.#session = session;
    this.#row = row;
  }

  /** `last`: what to say of a group that will not be here any more. */
  say(group: GroupId, last: Assertion | null = null): void {
    this.#unsaid.set(group, last);
  }

  /** Without looking at more than is sent: many may wait. */
  *#waiting(): Iterable<readonly [GroupId, Assertion | null]> {
    const first = this.#unsaid.get(CONTROLLER_GROUP);
    if (first !== undefined) yield [CONTROLLER_GROUP, first];
    for (const waiting of this.#unsaid) if (!isController(waiting[0])) yield waiting;
  }

  /** End of turn, and when the control lane has drained. */
  flush(): void {
    while (this.#unsaid.size > 0) {
      const rows: Assertion[] = [];
      const groups: GroupId[] = [];
      let bytes = 0;
      for (const [group, last] of this.#waiting()) {
        if (bytes + ASSERTION_BYTES_MAX > CHUNK_BYTES_MAX) break;
        groups.push(group);
        const row = last ?? this.#row(group, this.#session);
        if (row === null) continue;
        rows.push(row);
        bytes += 38 + row.isr.length * 4;
      }
      const isSent =
        rows.length === 0 || this.#session.send("control", ASSERTIONS, [encodeAssertions(rows)]);
      if (!isSent) return;
      for (const group of groups) this.#unsaid.delete(group);
    }
  }
}

/** What is true of a group now, as a broker is to hear it; `inSync`: what is in sync with its leader, if that is here. */
export function assertionOf(
  replica: Replica,
  inSync: InSyncSet | null,
  to: BrokerId,
): Assertion | null {
  if (inSync === null) return replica.ledTerm > 0 ? resignationOf(replica) : null;
  const { group, machine, self: leader } = replica;
  let commit = 0 as LogIndex;
  for (const member of replica.members()) {
    // Clamped to what this follower acknowledged in this term (F2).
    if (member.broker === to) commit = machine.commitFor(member.replica);
  }
  const { brokers: isr, version } = inSync;
  return { group, term: machine.term, leader, leads: true, commit, version, isr };
}

/** That it does not lead any more what it led last. */
export function resignationOf({ group, self, ledTerm, leads }: Replica): Assertion {
  assert(!leads, "a term is given up for good");
  const nothing = { commit: 0 as LogIndex, version: 0, isr: [] };
  return { group, term: ledTerm, leader: self, leads: false, ...nothing };
}
