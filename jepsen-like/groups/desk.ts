// The partitions that a member works on right now, and under which claim. Each partition that it is given is a new piece
// of work: what was asked for an old one is recognised by identity and thrown away.
import type { Claim } from "../wire/member-requests.ts";

export interface Work {
  /** The next offset to read; -1 until the committed one is known. */
  position: number;
  /** What is committed as far as the member knows. */
  committed: number;
}

export class Desk {
  readonly works = new Map<number, Work>();
  /** Null: the member belongs to no generation. */
  claim: Claim | null = null;

  get partitions(): number[] {
    return [...this.works.keys()].toSorted((a, b) => a - b);
  }

  take(partition: number): void {
    if (!this.works.has(partition)) this.works.set(partition, { position: -1, committed: -1 });
  }

  drop(partition: number): void {
    this.works.delete(partition);
  }

  clear(): void {
    this.works.clear();
    this.claim = null;
  }

  /** What could be committed now, under the claim of now. */
  snapshot(): Snapshot | null {
    if (this.claim === null) return null;
    const offsets = [...this.works]
      .filter(([, { position }]) => position >= 0)
      .map(([partition, { position }]) => ({ partition, offset: position }));
    return offsets.length === 0 ? null : { claim: this.claim, offsets };
  }
}

export interface Snapshot {
  readonly claim: Claim;
  readonly offsets: readonly { readonly partition: number; readonly offset: number }[];
}
