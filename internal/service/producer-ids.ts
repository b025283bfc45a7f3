// Producer ids out of blocks that the controller gives to this broker for ever: every id is handed out once, whatever
// fails. What is left of a block is lost with the process.
import type { Result } from "../base/result.ts";
import { ok } from "../base/result.ts";
import type { ControllerClient, ControllerFault } from "../cluster/controller-requests.ts";
import type { BrokerId, Incarnation } from "../model/ids.ts";

export class ProducerIds {
  readonly #controller: ControllerClient;
  readonly #broker: BrokerId;
  readonly #incarnation: Incarnation;
  #next = 0;
  #end = 0;
  #refill: Promise<Result<null, ControllerFault>> | null = null;

  constructor(controller: ControllerClient, broker: BrokerId, incarnation: Incarnation) {
    this.#controller = controller;
    this.#broker = broker;
    this.#incarnation = incarnation;
  }

  async next(withinMs: number): Promise<Result<number, ControllerFault>> {
    while (this.#next >= this.#end) {
      this.#refill ??= this.#allocate(withinMs);
      const refilled = await this.#refill;
      if (!refilled.ok) return refilled;
    }
    return ok(this.#next++);
  }

  async #allocate(withinMs: number): Promise<Result<null, ControllerFault>> {
    const broker = this.#broker;
    const incarnation = this.#incarnation;
    const reply = await this.#controller.request<"allocate-producer-ids">(
      { kind: "allocate-producer-ids", broker, incarnation },
      withinMs,
    );
    this.#refill = null;
    if (!reply.ok) return reply;
    this.#next = reply.value.first;
    this.#end = reply.value.end;
    return ok(null);
  }
}
