// What an operator sets for consumer groups of the newer protocol.
import type { Assignor } from "./assignment.ts";
import type { MigrationPolicy } from "./consumer-migration.ts";

export interface ConsumerSettings {
  readonly membersMax: number;
  /** Of one group, which may have its own. */
  sessionMs(group: string): number;
  heartbeatIntervalMs(group: string): number;
  /** The first is for members who ask for none. */
  readonly assignors: ReadonlyMap<string, Assignor>;
  readonly migration: MigrationPolicy;
}
