// The arithmetic of majorities. A joint configuration decides by a majority of each of its halves;
// an outgoing half that is empty has no say. Nothing here allocates: it runs for every
// acknowledgement.
import { assert } from "../base/assert.ts";
import type { LogIndex, ReplicaId } from "../model/ids.ts";
import type { Configuration } from "./configuration.ts";

/** The most voters that one half of a configuration may have. */
export const VOTERS_MAX = 15;

const sorted = new Float64Array(VOTERS_MAX);

/** The highest index that a majority of `voters` has reached; 0 voters have reached nothing. */
export function majorityIndex(
  voters: readonly ReplicaId[],
  matchOf: (voter: ReplicaId) => LogIndex,
): LogIndex {
  const count = voters.length;
  assert(count <= VOTERS_MAX, "a half has at most VOTERS_MAX voters");
  if (count === 0) return 0 as LogIndex;
  for (let i = 0; i < count; i++) {
    const match = matchOf(voters[i] as ReplicaId);
    let at = i;
    // Insertion sort, descending: there are three or five numbers.
    while (at > 0 && (sorted[at - 1] as number) < match) {
      sorted[at] = sorted[at - 1] as number;
      at--;
    }
    sorted[at] = match;
  }
  return sorted[count >> 1] as LogIndex;
}

/** The highest index that is decided: reached by a majority of every half. */
export function decidedIndex(
  configuration: Configuration,
  matchOf: (voter: ReplicaId) => LogIndex,
): LogIndex {
  const incoming = majorityIndex(configuration.voters, matchOf);
  if (configuration.votersOutgoing.length === 0) return incoming;
  const outgoing = majorityIndex(configuration.votersOutgoing, matchOf);
  return incoming < outgoing ? incoming : outgoing;
}

/** Whether the voters for which `says` holds are a majority of every half. */
export function isQuorum(
  configuration: Configuration,
  says: (voter: ReplicaId) => boolean,
): boolean {
  return (
    isMajority(configuration.voters, says) &&
    (configuration.votersOutgoing.length === 0 || isMajority(configuration.votersOutgoing, says))
  );
}

function isMajority(voters: readonly ReplicaId[], says: (voter: ReplicaId) => boolean): boolean {
  let count = 0;
  for (const voter of voters) if (says(voter)) count++;
  return count * 2 > voters.length;
}
