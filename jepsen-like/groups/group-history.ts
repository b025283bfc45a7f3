// What the members of consumer groups did and saw, on the clock of the run: assignments, heartbeats, commits, fetched
// offsets, consumed records. The checkers of groups read nothing else, so such a history can be written by hand.
//
// `sentMs` is read before a request leaves and `answeredMs` after its answer was taken, so a coordinator did what it did
// between the two.

export type GroupProtocol = "classic" | "consumer";

/** A classic member was given its partitions of a generation. */
export interface SyncSeen {
  readonly group: string;
  readonly generation: number;
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly partitions: readonly number[];
  readonly sentMs: number;
  readonly answeredMs: number;
}

/** A classic member's heartbeat was accepted: it is of the generation, and is asked to join again or not. */
export interface BeatSeen {
  readonly group: string;
  readonly generation: number;
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly sentMs: number;
  readonly isAskedToJoin: boolean;
}

/**
 * A classic member gives up what it has, before it joins again or leaves; or another life of a static member joins, which
 * ends the right of all earlier ones.
 */
export interface ReleaseSeen {
  readonly group: string;
  /** The member id, or the instance id. */
  readonly who: string;
  readonly atMs: number;
}

/** A heartbeat of the new protocol, whatever became of it. */
export interface HeartbeatSeen {
  readonly group: string;
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly sentMs: number;
  /** Null when no answer came; then everything below `reports` says nothing. */
  readonly answeredMs: number | null;
  /** 0 joins, below 0 leaves. */
  readonly epochSent: number;
  /** The partitions that the member says it has; null: as before. */
  readonly reports: readonly number[] | null;
  readonly code: number;
  readonly epoch: number;
  /** Null: as before. */
  readonly assigned: readonly number[] | null;
}

/**
 * - `owner`: a member's own commit.
 * - `zombie`: by a member that was paused for longer than its session, before it asked anybody.
 * - `echo`: by a member in good standing, under the generation that it had before.
 */
export type CommitKind = "owner" | "zombie" | "echo";

/** One partition of a commit. */
export interface CommitSeen {
  readonly group: string;
  readonly protocol: GroupProtocol;
  readonly memberId: string;
  readonly instanceId: string | null;
  /** The member epoch in the new protocol. */
  readonly generation: number;
  readonly partition: number;
  readonly offset: number;
  readonly kind: CommitKind;
  readonly sentMs: number;
  /** Null when no answer came: it may have been accepted, or may still be. */
  readonly answeredMs: number | null;
  readonly code: number;
}

/** A committed offset as a coordinator told it; 0 when it said that there is none. */
export interface OffsetSeen {
  readonly group: string;
  readonly partition: number;
  readonly offset: number;
  readonly sentMs: number;
  readonly answeredMs: number;
}

/** Records that a member processed: offsets in [from, to). */
export interface Consumed {
  readonly group: string;
  readonly partition: number;
  readonly memberId: string;
  readonly from: number;
  to: number;
  readonly atMs: number;
}

export class GroupHistory {
  readonly syncs: SyncSeen[] = [];
  readonly beats: BeatSeen[] = [];
  readonly releases: ReleaseSeen[] = [];
  readonly heartbeats: HeartbeatSeen[] = [];
  readonly commits: CommitSeen[] = [];
  readonly offsets: OffsetSeen[] = [];
  readonly consumed: Consumed[] = [];
  /** Answers that no coordinator should give, in words. */
  readonly unexpected: string[] = [];
  readonly #recent = new Map<string, Consumed>();

  /** Goes on with the last run of records when one member read them in one piece. */
  consume(run: Consumed): void {
    const key = `${run.group}/${run.partition}`;
    const before = this.#recent.get(key);
    if (before?.memberId === run.memberId && before.to === run.from) {
      before.to = run.to;
      return;
    }
    this.#recent.set(key, run);
    this.consumed.push(run);
  }
}

/** A static member keeps its name through many member ids. */
export function nameOf(seen: {
  readonly memberId: string;
  readonly instanceId: string | null;
}): string {
  return seen.instanceId ?? seen.memberId;
}
