// Producer ids of one broker: taken from the controller a block at a time and handed out one by one. What is left of a
// block when the broker stops is never used.
import type { Result } from "../base/result.ts";
import { ok } from "../base/result.ts";
import type { BrokerId, Incarnation } from "../model/ids.ts";
import type { ControllerClient, ControllerFault } from "./controller-requests.ts";

export class ProducerIds {
  readonly #client: ControllerClient;
  readonly #broker: BrokerId;
  readonly #incarnation: Incarnation;
  #next = 0;
  #end = 0;
  /** The request for a block that is under way: everyone who finds no id waits for the same one. */
  #asked: Promise<ControllerFault | null> | null = null;

  constructor(client: ControllerClient, broker: BrokerId, incarnation: Incarnation) {
    this.#client = client;
    this.#broker = broker;
    this.#incarnation = incarnation;
  }

  /** An id that no producer had before. */
  async next(withinMs: number): Promise<Result<number, ControllerFault>> {
    while (this.#next === this.#end) {
      this.#asked ??= this.#takeBlock(withinMs);
      const fault = await this.#asked;
      if (fault !== null) return { ok: false, fault };
    }
    return ok(this.#next++);
  }

  async #takeBlock(withinMs: number): Promise<ControllerFault | null> {
    const [broker, incarnation] = [this.#broker, this.#incarnation];
    const request = { kind: "allocate-producer-ids", broker, incarnation } as const;
    const outcome = await this.#client.request<"allocate-producer-ids">(request, withinMs);
    this.#asked = null;
    if (!outcome.ok) return outcome.fault;
    this.#next = outcome.value.first;
    this.#end = outcome.value.end;
    return null;
  }
}
