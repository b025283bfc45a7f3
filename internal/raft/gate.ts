// Messages that wait for durability (F1): vote requests, granted votes and what they mean for a
// leader that was left, each behind the write of the hard state that it speaks of. All of them
// belong to the current term; a new term throws them away.
import type { ReplicaId } from "../model/ids.ts";
import type { Message } from "./message.ts";

interface Held {
  readonly write: number;
  readonly to: ReplicaId;
  readonly message: Message;
}

export class Gate {
  #held: Held[] = [];

  /**
   * Holds `message` until `write` is durable. A repeat replaces its predecessor, so peers bound the
   * length.
   */
  hold(write: number, to: ReplicaId, message: Message): void {
    this.#held = this.#held.filter((held) => held.to !== to || held.message.say !== message.say);
    this.#held.push({ write, to, message });
  }

  /** Hands out, in order, what everything up to `write` being durable sets free. */
  release(write: number, send: (to: ReplicaId, message: Message) => void): void {
    if (this.#held.length === 0) return;
    const held = this.#held;
    this.#held = held.filter((waiting) => waiting.write > write);
    for (const waiting of held) if (waiting.write <= write) send(waiting.to, waiting.message);
  }

  clear(): void {
    if (this.#held.length > 0) this.#held = [];
  }
}
