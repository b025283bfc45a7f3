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
  /** Voters help others to lead while they hear their leader (breaks L5). */
  readonly disloyalVoters: boolean;
  /** Whoever leaves a leader tells it nothing (breaks L5). */
  readonly deposedNotTold: boolean;
  /** A leader goes on in its term though a transfer's target may still campaign (breaks L5). */
  readonly leadsOnAfterTransfer: boolean;
  /** A follower believes late entries of a leader that gave its term up (breaks L1). */
  readonly loyalToTheResigned: boolean;
  /** A leader ends the change that leaves it out, so whoever recalls does not ask it (breaks D3). */
  readonly removesItself: boolean;
  /** Whoever recalls believes the first answers, which may come before the last promise was counted (breaks D3). */
  readonly recallsOnce: boolean;
}

export const NO_FAULTS: RaftFaults = {
  ackBeforeSync: false,
  leaderCountsItselfBeforeSync: false,
  commitOldTermByCount: false,
  truncateBelowCommit: false,
  commitMinLeaderCommitLastIndex: false,
  staleTicketAccepted: false,
  disloyalVoters: false,
  deposedNotTold: false,
  leadsOnAfterTransfer: false,
  loyalToTheResigned: false,
  removesItself: false,
  recallsOnce: false,
};
