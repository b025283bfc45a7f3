// Which replica's writes each journal ticket makes durable (J4): the journal reports tickets, machines count their own
// writes. Writes of a truncated entry are the machine's to forget; the ledger only keeps the order.
import type { Ticket } from "../model/ids.ts";
import type { Replica } from "./replica.ts";

interface Page {
  ticket: Ticket;
  readonly replicas: Replica[];
  /** The newest write of each replica under this ticket. */
  readonly writes: number[];
}

export class WriteLedger {
  readonly #pages: Page[] = [];
  #head = 0;

  note(ticket: Ticket, replica: Replica, write: number): void {
    let page = this.#pages.at(-1);
    if (page === undefined || this.#pages.length === this.#head || page.ticket !== ticket) {
      page = { ticket, replicas: [], writes: [] };
      this.#pages.push(page);
    }
    if (replica.ledgerTicket === ticket) {
      page.writes[replica.ledgerSlot] = write;
      return;
    }
    replica.ledgerTicket = ticket;
    replica.ledgerSlot = page.replicas.length;
    page.replicas.push(replica);
    page.writes.push(write);
  }

  /** Everything up to `ticket` is durable: tells each replica its newest write that is. */
  settle(ticket: Ticket, durable: (replica: Replica, write: number) => void): void {
    while (this.#head < this.#pages.length) {
      const page = this.#pages[this.#head] as Page;
      if (page.ticket > ticket) break;
      this.#head++;
      page.replicas.forEach((replica, k) => durable(replica, page.writes[k] as number));
    }
    if (this.#head > 64 && this.#head * 2 > this.#pages.length) {
      this.#pages.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
