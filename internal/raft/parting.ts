// Who left whom (L5). A follower that moves on keeps in mind which leader it left until that one is known to have heard: an
// idle leader sends nothing that would be refused, and answers readers while its pings are echoed. And a leader that gave
// its term up never leads it again, however late what it had sent arrives (L1).
import type { ReplicaId, Term } from "../model/ids.ts";

/** Leaders that are remembered; who was left before sixteen others has been left by everybody. */
const REMEMBERED_MAX = 16;

export class Partings {
  readonly #left = new Map<ReplicaId, Term>();
  readonly #over = new Map<ReplicaId, Term>();

  /** This replica is no longer with `leader`, who leads `term` as far as it knows. */
  leave(leader: ReplicaId, term: Term): void {
    if (!this.isOver(leader, term)) remember(this.#left, leader, term);
  }

  /** Leaders that were left and are not known to have heard of it. */
  unheard(): IterableIterator<ReplicaId> {
    return this.#left.keys();
  }

  hasLeft(leader: ReplicaId): boolean {
    return this.#left.has(leader);
  }

  /** `from` says something in `term`: a later one than it led shows that it has heard. */
  said(from: ReplicaId, term: Term): void {
    const left = this.#left.get(from);
    if (left !== undefined && term > left) this.#left.delete(from);
  }

  /** `leader` led `term`, and does not any more. */
  resigned(leader: ReplicaId, term: Term): void {
    this.said(leader, (term + 1) as Term);
    if (!this.isOver(leader, term)) remember(this.#over, leader, term);
  }

  /** Whether `leader` is known to have given `term` up. */
  isOver(leader: ReplicaId, term: Term): boolean {
    return term <= (this.#over.get(leader) ?? -1);
  }
}

function remember(map: Map<ReplicaId, Term>, leader: ReplicaId, term: Term): void {
  map.delete(leader); // So that the oldest stands first.
  map.set(leader, term);
  if (map.size <= REMEMBERED_MAX) return;
  for (const oldest of map.keys()) return void map.delete(oldest);
}
