// Who may vote after a start. A replica keeps quiet for the first silence period (L5), and after an unclean start until
// enough voters said how far they had seen this data directory's journal to form a majority with it (D3). A peer that
// saw more than is here proves a rollback or a damaged tail: then the whole directory is suspect, for ever (D1).
import type { DirectoryId, ReplicaId } from "../model/ids.ts";
import type { Standing } from "../raft/event.ts";
import type { Replica } from "./replica.ts";

export class Standings {
  readonly #own: DirectoryId;
  readonly #answered = new Set<DirectoryId>();
  readonly #mustAsk: boolean;
  readonly #suspectGroups = new Set<Replica>();
  #settling = true;
  #suspectAll: boolean;

  constructor(own: DirectoryId, wasClean: boolean, suspectAll: boolean) {
    this.#own = own;
    this.#mustAsk = !wasClean;
    this.#suspectAll = suspectAll;
  }

  /** The first silence period is over. */
  settle(): void {
    this.#settling = false;
  }

  /** A peer said that it never saw more of this directory than is here. */
  answered(peer: DirectoryId): void {
    this.#answered.add(peer);
  }

  /** A rollback is proven. */
  distrust(): void {
    this.#suspectAll = true;
  }

  distrustGroup(replica: Replica): void {
    this.#suspectGroups.add(replica);
  }

  of(replica: Replica): Standing {
    if (this.#suspectAll || this.#suspectGroups.has(replica)) return "suspect";
    // A wiped disk came back under a new directory id: it is not the member that the configuration counts (F5). Whoever came
    // lately may be in no configuration that its log holds, and is the replica that was placed in this directory.
    const counted = replica.member(replica.self);
    if (counted !== null && counted.directory !== this.#own) return "suspect";
    if (this.#settling) return this.#isAlone(replica) ? "full" : "quiet";
    if (!this.#mustAsk) return "full";
    const { voters, votersOutgoing } = replica.machine.configuration;
    const enough = this.#majority(replica, voters) && this.#majority(replica, votersOutgoing);
    return enough ? "full" : "quiet";
  }

  /** A sole voter has nobody to ask and nobody to wait for. */
  #isAlone(replica: Replica): boolean {
    const { voters, votersOutgoing } = replica.machine.configuration;
    return voters.length === 1 && voters[0] === replica.self && votersOutgoing.length === 0;
  }

  #majority(replica: Replica, voters: readonly ReplicaId[]): boolean {
    if (voters.length === 0) return true;
    let count = 0;
    for (const voter of voters) {
      const directory = replica.member(voter)?.directory;
      if (voter === replica.self || (directory !== undefined && this.#answered.has(directory))) {
        count++;
      }
    }
    return count * 2 > voters.length;
  }
}
