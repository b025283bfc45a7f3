// The starts of a data directory, and what peers remember of them (D3). A ticket is a number within one start, and each
// start has a number that was drawn for it and made durable before anybody heard of it: so a pair (start, ticket) is
// used once, also by a disk that went back in time and lives through its numbers again. A peer that remembers a pair which
// the directory's own account of its starts does not contain proves that the directory has lost something.
import { assert } from "../base/assert.ts";
import type { DirectoryId, StartId, Ticket } from "../model/ids.ts";
import type { Entropy } from "../ports/entropy.ts";
import { PEERS_MAX } from "./format.ts";

/** One start in the identity of its directory: the last ticket before it. */
export interface BegunStart {
  readonly start: StartId;
  readonly after: Ticket;
}

/** The last durable ticket that was seen of a directory; all zero when nothing was. */
export interface SeenStart {
  readonly start: StartId;
  readonly ticket: Ticket;
}

/** A directory's own account, oldest first; of starts that ended at or before `floor` it may know nothing. */
export interface StartAccount {
  readonly floor: Ticket;
  readonly starts: readonly { readonly start: StartId; readonly last: Ticket }[];
}

export const NOTHING_SEEN: SeenStart = { start: 0 as StartId, ticket: 0 as Ticket };
/** Starts that an account goes back to. */
export const STARTS_MAX = 32;
const START_BYTES = 6;

/** 48 random bits, never zero. */
export function drawStartId(entropy: Entropy): StartId {
  const bytes = new Uint8Array(START_BYTES);
  for (;;) {
    entropy.fill(bytes);
    const drawn = bytes.reduce((number, byte) => number * 256 + byte, 0);
    if (drawn !== 0) return drawn as StartId;
  }
}

/** One more start, of which the journal held everything up to `after`. */
export function withStart(
  starts: readonly BegunStart[],
  start: StartId,
  after: Ticket,
): readonly BegunStart[] {
  assert(!starts.some((known) => known.start === start), "the number of a start is used once");
  return [...starts, { start, after }].slice(-STARTS_MAX);
}

/** `durable` is the last durable ticket of the start that is under way. */
export function accountOf(starts: readonly BegunStart[], durable: Ticket): StartAccount {
  return {
    floor: starts[0]?.after ?? (0 as Ticket),
    starts: starts.map(({ start }, k) => ({ start, last: starts[k + 1]?.after ?? durable })),
  };
}

/** Whether `seen` proves that the directory once held more than it says. */
export function contradicts(account: StartAccount, seen: SeenStart): boolean {
  if (seen.start === 0) return false;
  const known = account.starts.find(({ start }) => start === seen.start);
  return seen.ticket > (known?.last ?? account.floor);
}

/** What this broker has seen of the directories of others. Every batch of the journal carries all of it (J1). */
export class PeerMemory {
  readonly #seen: Map<DirectoryId, SeenStart>;

  constructor(seen: ReadonlyMap<DirectoryId, SeenStart>) {
    this.#seen = new Map(seen);
  }

  get all(): ReadonlyMap<DirectoryId, SeenStart> {
    return this.#seen;
  }

  of(peer: DirectoryId): SeenStart {
    return this.#seen.get(peer) ?? NOTHING_SEEN;
  }

  /**
   * A peer gave account of itself. What is remembered goes over into its present start, unless the account contradicts it:
   * a proof stays for ever, and the peer hears of it in every session.
   */
  compare(peer: DirectoryId, account: StartAccount): void {
    const present = account.starts.at(-1);
    if (present === undefined || contradicts(account, this.of(peer))) return;
    this.#makeRoom(peer);
    this.#seen.set(peer, { start: present.start, ticket: present.last });
  }

  /** A peer's journal is durable up to `ticket` of its present start, with which it began this session. */
  note(peer: DirectoryId, start: StartId, ticket: Ticket): void {
    const seen = this.#seen.get(peer);
    if (seen?.start === start && ticket > seen.ticket) this.#seen.set(peer, { start, ticket });
  }

  #makeRoom(peer: DirectoryId): void {
    if (this.#seen.has(peer) || this.#seen.size < PEERS_MAX) return;
    for (const oldest of this.#seen.keys()) {
      this.#seen.delete(oldest);
      return;
    }
  }
}
