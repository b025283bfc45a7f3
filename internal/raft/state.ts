// All that one machine remembers, in one object that the files of the roles share.
import type { LogIndex, ReplicaId, Term } from "../model/ids.ts";
import type { Configuration } from "./configuration.ts";
import { Configurations } from "./configurations.ts";
import type { Effect, Role } from "./effect.ts";
import type { EntryHead } from "./entry.ts";
import type { Boot, Standing } from "./event.ts";
import type { RaftFaults } from "./faults.ts";
import { Gate } from "./gate.ts";
import { Log } from "./log.ts";
import { Partings } from "./parting.ts";
import type { Progress } from "./progress.ts";

export interface Limits {
  /** The most entries of one `outgoing`. */
  readonly appendEntriesMax: number;
  /** The most entries sent to one peer beyond its match. */
  readonly inflightMax: number;
}

/** What exists only while this replica leads. */
export interface Leadership {
  /** Index of this leader's no-op. */
  readonly termStart: LogIndex;
  /** Everyone of the configuration in force except this replica. */
  readonly peers: Progress[];
  /**
   * The transfer under way. `told`: timeout-now is on its way in the present session. `mayCampaign`:
   * it ever was, so the target may campaign at any later moment, whoever is loyal to this leader.
   */
  transfer: { readonly to: ReplicaId; told: boolean; mayCampaign: boolean } | null;
  /**
   * The one-entry lists of this term's batches, no-ops and commands: shared, so a proposal makes no
   * new one.
   */
  readonly heads: readonly (readonly EntryHead[])[];
}

export interface LogEnd {
  readonly lastIndex: LogIndex;
  readonly lastTerm: Term;
}

/** How far somebody has come. */
export interface Answer extends LogEnd {
  readonly term: Term;
  /** The one in force there. */
  readonly configuration: Configuration;
}

/** What somebody answered, and when it was asked for it. */
export interface Told extends Answer {
  readonly round: number;
}

/** What a replica whose disk may have gone back in time was told (D3). */
export interface Recall {
  /** Everybody is asked again once all have answered. */
  round: number;
  /** The voters that answered the round before, as text; empty before the second. */
  answered: string;
  /**
   * Whom the controller places or still knows of beside this replica; null: not said yet. Who is the only voter by its own
   * log has nobody else to ask, and its log may be of a time before the group grew.
   */
  placed: readonly ReplicaId[] | null;
  /** Null: its disk has lost something too, so whoever asks counts on the others. */
  readonly answers: Map<ReplicaId, Told | null>;
  /** Of whoever has the longest log, this replica included: its configuration says who has to answer. */
  furthest: Answer;
  /** The end of the longest log of a voter in that configuration. Learners may hold what was never decided. */
  longest: LogEnd;
  isDone: boolean;
}

export class State {
  readonly self: ReplicaId;
  readonly limits: Limits;
  readonly faults: RaftFaults;
  readonly log: Log;
  readonly configurations: Configurations;
  readonly gate = new Gate();
  readonly partings = new Partings();
  /** The effects of the step under way. */
  readonly effects: Effect[] = [];

  term: Term;
  vote: ReplicaId | 0;
  role: Role = "follower";
  /** The leader of `term`, while it is known and not silent. */
  leader: ReplicaId | null = null;
  standing: Standing;
  /** What the others said after a start in which this replica was recalling (D3). */
  recall: Recall | null = null;
  commit: LogIndex;

  /** The last write asked for, the last one durable, and the one that holds `term` and `vote`. */
  written = 0;
  durableWrite = 0;
  hardStateWrite = 0;

  /** What the last role effect said. */
  saidRole: Role = "follower";
  saidTerm: Term;
  saidLeader: ReplicaId | null = null;

  /** Follower: everything up to here agrees with the log of this term's leader, `matchedWith`. */
  matched = 0 as LogIndex;
  matchedWith: ReplicaId | null = null;
  /** Follower: the last match acknowledged in this term; −1 before the first. */
  acknowledged = -1;
  /** Follower: an answer is owed as soon as everything up to here is durable; −1 when none is. */
  owed = -1;

  /** Candidate and pre-candidate: who granted their vote. */
  ballots: Set<ReplicaId> | null = null;
  leading: Leadership | null = null;

  constructor(boot: Boot, limits: Limits, faults: RaftFaults) {
    this.self = boot.self;
    this.limits = limits;
    this.faults = faults;
    this.log = new Log(boot, faults.staleTicketAccepted);
    this.configurations = new Configurations(boot.configurations);
    this.term = boot.term;
    this.vote = boot.vote;
    this.standing = boot.standing;
    this.commit = boot.base.index;
    this.saidTerm = boot.term;
  }
}
