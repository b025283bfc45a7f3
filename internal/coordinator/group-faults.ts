// Bugs that tests plant into coordinators, to see that the checks which must find them do. Production passes none.
import type { StateLogBugs } from "../statelog/state-log.ts";

export interface GroupFaults extends StateLogBugs {
  /** A member of an earlier generation commits offsets like one of the present. */
  readonly oldGenerationCommits?: boolean;
  /** A broker coordinates from its election on, before what earlier leaders committed is applied (F7). */
  readonly servesWhileLoading?: boolean;
  /** Two SyncGroups of a generation's leader both find that nobody has assigned yet. */
  readonly assignsTwice?: boolean;
  /** A consumer group's partition is handed out while its owner has not given it up. */
  readonly handsOutOwned?: boolean;
}
