// A client that keeps its offsets with a group that it is no member of.
import type { GroupClient } from "./group-client.ts";

const NOBODY = { memberId: "", instanceId: null, generation: -1 };

export class SimpleConsumer {
  readonly client: GroupClient;
  readonly #partitions: readonly number[];
  #isStopping = false;
  isDone = false;

  constructor(client: GroupClient, partitions: readonly number[]) {
    this.client = client;
    this.#partitions = partitions;
  }

  stop(): void {
    this.#isStopping = true;
  }

  async run(): Promise<void> {
    const { client } = this;
    while (!this.#isStopping) {
      await client.pause();
      if (client.positions.size === 0) await client.resume(this.#partitions);
      else await client.hasMoved(await client.commitSome(NOBODY));
    }
    this.isDone = true;
  }
}
