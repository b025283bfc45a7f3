// What is asked of the journal before something begins that it must then take (J11): a step of a machine cannot be taken
// back, and so whatever can wait, be lost or be refused is not begun while there is no room for its records.
import type { JournalUse, SharedJournal } from "../journal/owner.ts";
import type { Ticket } from "../model/ids.ts";
import { ENTRY_BATCH } from "../raft/entry.ts";
import type { ReceivedRow } from "./append-frame.ts";

/** A hard state, and the first entry of who is elected. */
const RECORDS_OF_A_CAMPAIGN = 2;
/** A configuration, and a hard state where the first term is not 0. */
const RECORDS_OF_A_GROUP = 2;
const GROUP_BYTES_MAX = 1024;
/** Besides the entries of a row: a hard state and a truncation. */
const RECORDS_OF_A_ROW = 2;

/** For a vote, a campaign, or what follows from one. */
export function hasRoomForCampaign(journal: SharedJournal): boolean {
  return journal.fits("own", 0, RECORDS_OF_A_CAMPAIGN);
}

/** For the beginning or the end of a group on this broker. */
export function hasRoomForGroup(journal: SharedJournal): boolean {
  return journal.fits("own", GROUP_BYTES_MAX, RECORDS_OF_A_GROUP);
}

/** For a row of an append frame, stepped into a machine of the term `term`. */
export function hasRoomForRow(journal: SharedJournal, row: ReceivedRow, term: number): boolean {
  if (row.entries.length === 0 && row.term <= term) return true;
  let payloadBytes = 0;
  let use: JournalUse = "own";
  for (const { length, kind } of row.entries) {
    payloadBytes += length;
    if (kind === ENTRY_BATCH) use = "batch";
  }
  return journal.fits(use, payloadBytes, row.entries.length + RECORDS_OF_A_ROW);
}

/** Who goes on when what was written so far is durable. */
export class AfterWrites {
  readonly #journal: SharedJournal;
  readonly #waiting: { readonly ticket: Ticket; readonly run: () => void }[] = [];

  constructor(journal: SharedJournal) {
    this.#journal = journal;
  }

  add(run: () => void): void {
    this.#waiting.push({ ticket: this.#journal.lastTicket, run });
  }

  durable(): void {
    const due = this.#waiting.filter(({ ticket }) => ticket <= this.#journal.durableTicket);
    this.#waiting.splice(0, due.length);
    for (const { run } of due) run();
  }
}
