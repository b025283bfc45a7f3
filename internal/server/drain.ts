// Before a broker stops: the controller is told, so that new replicas and leaderships avoid it; everything that it leads is
// handed over, the controller's own group too; and it is taken off the list of brokers that clients are given. What
// cannot be done in time is left: whoever waits for a broker that stops may not wait for ever.
import type { ControllerClient } from "../cluster/controller-requests.ts";
import type { MetadataImage } from "../cluster/image.ts";
import type { BrokerId, Incarnation } from "../model/ids.ts";
import type { World } from "../ports/world.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import type { Links } from "../transport/links.ts";
import type { Leadership } from "./leadership.ts";

export interface DrainParts {
  readonly world: World;
  readonly broker: BrokerId;
  readonly incarnation: Incarnation;
  readonly image: MetadataImage;
  readonly client: ControllerClient;
  readonly raft: MultiRaft;
  readonly links: Links;
  readonly leadership: Leadership;
}

/** Time for a word with the controller, which may just be on the move itself. */
const TOLD_MS_MAX = 1_500;
const BUSY_MS = 50;

export class Drain {
  readonly #parts: DrainParts;

  constructor(parts: DrainParts) {
    this.#parts = parts;
  }

  /** Resolves with the number of brokers that go on, 0 when nobody does: then there was nothing to hand over. */
  async run(withinMs: number): Promise<number> {
    const { world, broker, incarnation, raft, leadership } = this.#parts;
    const { clock, log } = world;
    const untilMs = clock.upMs() + withinMs;
    const leftMs = (): number => Math.max(0, untilMs - clock.upMs());
    const self = { broker, incarnation };
    if (this.#others() === 0) return 0;
    await this.#tell({ kind: "drain-broker", ...self }, Math.min(TOLD_MS_MAX, leftMs() / 4));
    const led = raft.leaderCount;
    const mayLead = (other: BrokerId): boolean => other !== broker && leadership.mayLead(other);
    await raft.drain(leftMs() * 0.8, mayLead);
    log.info({ led, left: raft.leaderCount }, "leaderships-handed-over");
    if (this.#others() === 0) return 0;
    await this.#tell({ kind: "fence-broker", ...self }, Math.min(TOLD_MS_MAX, leftMs()));
    return this.#others();
  }

  /** Brokers that can take over, and that this one is in contact with. */
  #others(): number {
    const { image, links, leadership, broker } = this.#parts;
    let count = 0;
    for (const { broker: other } of image.unfencedBrokers()) {
      if (other === broker || !leadership.mayLead(other)) continue;
      if (!links.isSilent(other) && links.session(other) !== null) count++;
    }
    return count;
  }

  async #tell(
    request: Parameters<ControllerClient["request"]>[0] & {
      readonly kind: "drain-broker" | "fence-broker";
    },
    withinMs: number,
  ): Promise<void> {
    const { client, world } = this.#parts;
    const { clock, log } = world;
    const untilMs = clock.upMs() + withinMs;
    for (;;) {
      const told = await client.request(request, Math.max(0, untilMs - clock.upMs()));
      if (told.ok) return;
      // Busy it is also while its own leadership moves.
      const isLate = clock.upMs() + BUSY_MS > untilMs;
      if (told.fault.kind !== "busy" || isLate) {
        return log.warn({ kind: request.kind, fault: told.fault }, "controller-not-told");
      }
      await new Promise<void>((wake) => clock.after(BUSY_MS, wake));
    }
  }
}
