// A member of a consumer group, whatever protocol it speaks.
import type { GroupClient } from "./group-client.ts";

/** What a member has when it is a member. */
export interface Standing {
  /** Or the epoch. */
  readonly generation: number;
  readonly partitions: readonly number[];
}

/** A member of a group, of whatever protocol. */
export interface GroupMember {
  readonly client: GroupClient;
  /** Null while it is no member, or does not know. */
  readonly standing: Standing | null;
  readonly isDone: boolean;
  run(): Promise<void>;
  /** From now on it is a member and nothing else. */
  calm(): void;
  stop(): void;
}
