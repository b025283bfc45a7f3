// A replica hears of its writes when their ticket is durable (J4): of the newest, and never of one before its time.
import fc from "fast-check";
import { expect, test } from "vitest";
import type { Ticket } from "../model/ids.ts";
import type { Replica } from "./replica.ts";
import { WriteLedger } from "./write-ledger.ts";

const REPLICAS = 3;

/** Replicas that write, under one ticket after another, and what they hear. */
class Stage {
  readonly #ledger = new WriteLedger();
  readonly #replicas = Array.from({ length: REPLICAS }, () => {
    return { ledgerTicket: 0, ledgerSlot: 0 } as Replica;
  });
  /** The ticket of each write of a replica, in order. */
  readonly #tickets = this.#replicas.map(() => [] as number[]);
  readonly heard = this.#replicas.map(() => 0);
  lastTicket = 0;

  /** The replicas that write under the next ticket, in order. */
  write(writers: readonly number[]): void {
    this.lastTicket++;
    for (const at of writers) {
      const write = (this.#tickets[at] as number[]).push(this.lastTicket);
      this.#ledger.note(this.lastTicket as Ticket, this.#replicas[at] as Replica, write);
    }
  }

  settle(ticket: number): void {
    this.#ledger.settle(ticket as Ticket, (replica, write) => {
      this.heard[this.#replicas.indexOf(replica)] = write;
    });
  }

  /** How many writes of each replica are durable. */
  durable(ticket: number): number[] {
    return this.#tickets.map((tickets) => tickets.filter((one) => one <= ticket).length);
  }
}

test("settle tells each replica of its newest durable write", () => {
  const step = fc.record({
    tickets: fc.array(fc.array(fc.nat(REPLICAS - 1), { maxLength: 5 }), { maxLength: 4 }),
    underWay: fc.nat(3),
  });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 80 }), (steps) => {
      const stage = new Stage();
      let durable = 0;
      for (const { tickets, underWay } of steps) {
        for (const writers of tickets) stage.write(writers);
        durable = Math.max(durable, stage.lastTicket - underWay);
        stage.settle(durable);
        expect(stage.heard).toEqual(stage.durable(durable));
      }
    }),
  );
});
