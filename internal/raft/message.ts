// What the machines of one group say to each other. Messages may be lost, repeated, delayed for
// seconds and reordered; only the entries of one link session arrive in order. The driver adds
// group, replica and session.
import type { LogIndex, Term } from "../model/ids.ts";
import type { Configuration } from "./configuration.ts";
import type { EntryHead, LogBase } from "./entry.ts";

export type Message =
  | {
      readonly say: "pre-vote-request" | "vote-request";
      /** The term the sender would campaign in (pre-vote) or campaigns in (vote). */
      readonly term: Term;
      readonly lastIndex: LogIndex;
      readonly lastTerm: Term;
      /** The leader asked for this campaign, so a live leader does not speak against it (L5). */
      readonly transfer: boolean;
    }
  | {
      readonly say: "pre-vote-response" | "vote-response";
      /** Granted: the term asked for. Refused: the refuser's own term. */
      readonly term: Term;
      readonly granted: boolean;
    }
  | {
      readonly say: "append-request";
      readonly term: Term;
      readonly prevIndex: LogIndex;
      readonly prevTerm: Term;
      readonly entries: readonly EntryHead[];
      /** Clamped by the leader to what this follower acknowledged in this term (F2). */
      readonly commit: LogIndex;
    }
  | {
      readonly say: "append-accepted";
      readonly term: Term;
      /** Everything up to here matches the leader's log of `term` and is durable (F1). */
      readonly match: LogIndex;
    }
  | {
      readonly say: "append-rejected";
      /** The refuser's term: higher than the leader's if the leader is deposed. */
      readonly term: Term;
      /** The previous index that did not match (0 when only the term was too old). */
      readonly prevIndex: LogIndex;
      /** A probe the follower proposes: its log may match at or below this (index, term). */
      readonly hintIndex: LogIndex;
      readonly hintTerm: Term;
    }
  | {
      /** "I lead this group": a row of an assertion table (L1), with the commit position (F2). */
      readonly say: "assert";
      readonly term: Term;
      readonly commit: LogIndex;
    }
  | {
      readonly say: "timeout-now";
      readonly term: Term;
    }
  | {
      /** To a "timeout-now": this replica may not lead (now), so lead on. */
      readonly say: "transfer-refused";
      readonly term: Term;
    }
  | {
      /** The sender's disk may have lost what it promised: what the receiver holds of it is void (D3). */
      readonly say: "recall-request";
      readonly term: Term;
      readonly round: number;
    }
  | {
      /** How far the sender has come, which covers whatever it relied on the asker for. */
      readonly say: "recall-response";
      readonly term: Term;
      /** That of the request; 0: nobody asked. */
      readonly round: number;
      /** The sender's disk has lost something for certain: nobody waits for what its log holds. */
      readonly lost: boolean;
      readonly lastIndex: LogIndex;
      readonly lastTerm: Term;
      /** The one in force at the sender. */
      readonly configuration: Configuration;
    }
  | {
      readonly say: "install-base";
      readonly term: Term;
      readonly base: LogBase;
      /** The committed configuration at the base (F9). */
      readonly configuration: Configuration;
    };
