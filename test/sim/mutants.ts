// The bugs that can be planted, by name, for `--mutant` and for test/mutants. Each breaks one rule of docs/rules.md.
import type { BrokerFaults } from "../../internal/server/broker.ts";
import { NO_FAULTS } from "../../internal/raft/faults.ts";
import type { RaftFaults } from "../../internal/raft/faults.ts";

function machine(fault: keyof RaftFaults): BrokerFaults {
  return { machine: { ...NO_FAULTS, [fault]: true } };
}

export const MUTANTS = {
  /** F1: a follower's frames are acknowledged when they were received. */
  "ack-before-sync": { replica: { ackBeforeSync: true } },
  /** F1: a follower's machine acknowledges what it has appended. */
  "machine-acks-before-sync": machine("ackBeforeSync"),
  /** F1: a leader counts its own log before that is durable. */
  "leader-counts-itself-before-sync": machine("leaderCountsItselfBeforeSync"),
  /** Raft's figure 8: entries of earlier terms are committed by counting. */
  "commit-old-term-by-count": machine("commitOldTermByCount"),
  /** F1: a restart forgets for whom the replica voted. */
  "vote-forgotten": { replica: { voteForgotten: true } },
  /** A request replaces whatever follows its previous entry. */
  "truncate-below-commit": machine("truncateBelowCommit"),
  /** F2: the commit position is clamped to the end of the log and not to the match. */
  "commit-min-leader-commit-last-index": machine("commitMinLeaderCommitLastIndex"),
  /** J4: a late completion vouches for entries that were rewritten since. */
  "stale-ticket-accepted": machine("staleTicketAccepted"),
  /** F4: who waits for an append is answered by position alone, across leaders. */
  "waiter-across-leaders": { partition: { waiterAcrossLeaders: true, tailForgotten: false } },
  /** F8: a new leader forgets the producers of its uncommitted tail. */
  "tail-forgotten": { partition: { waiterAcrossLeaders: false, tailForgotten: true } },
  /** L5: a leader that has not heard a quorum lately answers reads. */
  "stale-leader-answers": { replica: { staleLeaderAnswers: true } },
  /** L5: an echoed ping is contact, whomever its sender follows. */
  "echo-is-contact": { replica: { echoIsContact: true } },
  /** L5: replicas vote as soon as they have started. */
  "no-quiet-period": { replica: { noQuietPeriod: true } },
  /** L5: voters help others to lead while they hear their leader. */
  "disloyal-voters": machine("disloyalVoters"),
  /** L5: whoever leaves a leader does not tell it. */
  "deposed-not-told": machine("deposedNotTold"),
  /** L5: a leader goes on in its term though a transfer's target may still campaign. */
  "leads-on-after-transfer": machine("leadsOnAfterTransfer"),
  /** L1: late entries of a leader that gave its term up are believed. */
  "loyal-to-the-resigned": machine("loyalToTheResigned"),
  /** D3: after a loss of power nobody is asked what the disk may have lost. */
  "disk-never-doubted": { replica: { neverSuspicious: true } },
  /** D3: a ticket is a number that later starts use again, and proves nothing. */
  "starts-alike": { journal: { startsAlike: true } },
  /** A member of an earlier generation commits offsets. */
  "old-generation-commits": { groups: { oldGenerationCommits: true } },
  /** C8: a commit of offsets is answered before it is committed. */
  "commit-answered-early": { groups: { answerEarly: true } },
  /** F7: a coordinator serves before it has applied what earlier leaders committed. */
  "serves-while-loading": { groups: { servesWhileLoading: true } },
  /** F4: what a deposed coordinator had not committed is taken back over what its successors did. */
  "undo-late": { groups: { undoLate: true } },
  /** C8: two SyncGroups of one leader both find that nobody has assigned yet. */
  "assigns-twice": { groups: { assignsTwice: true } },
  /** C8: heartbeats of consumer groups that are decided at once do not see each other's records. */
  "speculation-off": { groups: { speculationOff: true } },
  /** C9: a request to the controller that is asked again is carried out again. */
  "repeats-requests": { controller: { repeats: true } },
  /** C4: a replica is dropped as soon as a target excludes it, while its group still counts it. */
  "drops-excluded": { moves: { dropsExcluded: true } },
  /** F5: what an old image says is created anew after it was dropped. */
  "trusts-old-images": { moves: { trustsOldImages: true } },
  /** C4: nobody hears that a group has settled, so replicas that left it stay. */
  "never-settles": { moves: { neverSettles: true } },
  /** A consumer group's partition is given to a member before the last one has given it up. */
  "hands-out-owned": { groups: { handsOutOwned: true } },
} as const satisfies Record<string, BrokerFaults>;

export type MutantName = keyof typeof MUTANTS;

export function isMutantName(name: string): name is MutantName {
  return Object.hasOwn(MUTANTS, name);
}
