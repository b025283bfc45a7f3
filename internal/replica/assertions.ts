// "I lead this group": said to every peer once per session and again on every change (L1). A peer that hosts the group
// suspends its election clock while the row stands in the present session; every peer learns the leader for its clients.
import type { GroupId } from "../model/ids.ts";
import type { Session } from "../transport/contract.ts";
import type { Assertion } from "./control-frames.ts";
import { ASSERTION_BYTES_MAX, ASSERTIONS, encodeAssertions } from "./control-frames.ts";

/** A table goes in chunks, the next when the control lane has drained (F6). */
const CHUNK_BYTES_MAX = 32 * 1024;

export class AssertionOutbox {
  readonly #session: Session;
  readonly #row: (group: GroupId, session: Session) => Assertion | null;
  readonly #unsaid = new Set<GroupId>();

  /** `row` says what is true of a group now; null when there is nothing to say. */
  constructor(session: Session, row: (group: GroupId, session: Session) => Assertion | null) {
    this.#session = session;
    this.#row = row;
    session.onDrained("control", () => this.flush());
  }

  say(group: GroupId): void {
    this.#unsaid.add(group);
  }

  /** End of turn, and when the control lane has drained. */
  flush(): void {
    while (this.#unsaid.size > 0) {
      const rows: Assertion[] = [];
      const groups: GroupId[] = [];
      let bytes = 0;
      for (const group of this.#unsaid) {
        if (bytes + ASSERTION_BYTES_MAX > CHUNK_BYTES_MAX) break;
        groups.push(group);
        const row = this.#row(group, this.#session);
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
