// Bugs that tests plant on purpose, to prove that the checkers would see them. Production passes
// none.

export interface RaftFaults {
  /** A follower acknowledges what it has appended, durable or not (breaks F1). */
  readonly ackBeforeSync: boolean;
  /** A leader counts its own log before that is durable (breaks F1). */
  readonly leaderCountsItselfBeforeSync: boolean;
  /** A leader commits entries of earlier terms by counting replicas (Raft's figure 8). */
  readonly commitOldTermByCount: boolean;
  /**
   * A request replaces all that follows its previous entry, even if it agrees and even below the
   * commit index.
   */
  readonly truncateBelowCommit: boolean;
  /**
   * Commit positions are sent as they are and clamped to the last index instead of the match
   * (breaks F2).
   */
  readonly commitMinLeaderCommitLastIndex: boolean;
  /** A late completion vouches for entries that were rewritten since (breaks J4). */
  readonly staleTicketAccepted: boolean;
}

export const NO_FAULTS: RaftFaults = {
  ackBeforeSync: false,
  leaderCountsItselfBeforeSync: false,
  commitOldTermByCount: false,
  truncateBelowCommit: false,
  commitMinLeaderCommitLastIndex: false,
  staleTicketAccepted: false,
};
