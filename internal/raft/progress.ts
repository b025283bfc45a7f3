// What a leader knows of one peer. A peer starts in `probe`: one request at a time until the place
// where the logs agree is found. In `replicate` requests are sent without waiting. In `base` the
// peer needs entries that this log no longer has, and Raft waits for the bulk copy.
//
//     probe ──accepted──▶ replicate ──rejected──▶ probe
//       └──── next at or below the base ────▶ base ──base copied──▶ probe
import type { LogIndex, ReplicaId } from "../model/ids.ts";

export interface Progress {
  readonly id: ReplicaId;
  mode: "probe" | "replicate" | "base";
  /** Everything up to here agrees with this leader's log and is durable there. */
  match: LogIndex;
  /** The next entry to send; match < next. */
  next: LogIndex;
  /** In `probe`: a request is under way. */
  probing: boolean;
  /** The highest commit position put into this session. */
  commitSent: LogIndex;
  /** "ready" was said and `outgoing` has not returned null since. */
  announced: boolean;
  /** The peer's broker is not silent. */
  reachable: boolean;
}

export function newProgress(id: ReplicaId, next: LogIndex): Progress {
  return {
    id,
    mode: "probe",
    match: 0 as LogIndex,
    next,
    probing: false,
    commitSent: 0 as LogIndex,
    announced: false,
    reachable: true,
  };
}

/** What was in flight is void: go on from what is known. */
export function restart(progress: Progress): void {
  progress.probing = false;
  progress.announced = false;
  progress.commitSent = 0 as LogIndex;
  if (progress.match > 0) {
    // Durable agreement within this term cannot be lost, so there is nothing to probe for.
    progress.mode = "replicate";
    progress.next = (progress.match + 1) as LogIndex;
  } else {
    progress.mode = "probe";
  }
}

/**
 * Notes an acknowledgement by a peer of a log that begins after `base`; says whether it was news.
 */
export function accept(progress: Progress, match: LogIndex, base: LogIndex): boolean {
  const news = match > progress.match;
  if (news) progress.match = match;
  if (progress.mode === "replicate") {
    if (progress.next <= match) progress.next = (match + 1) as LogIndex;
    return news;
  }
  if (progress.mode === "base" && progress.match < base) return news;
  progress.mode = "replicate";
  progress.probing = false;
  progress.next = (progress.match + 1) as LogIndex;
  return news;
}
