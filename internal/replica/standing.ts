// Who may vote after a start. A replica keeps quiet for the first silence period (L5), and after that until a majority,
// itself included, has compared this directory's starts with what it remembers of them (D3). Who remembers more than is
// here proves that the disk went back in time: then the whole directory is suspect, for ever (D1). After an unclean start
// in another run of the machine nobody may be left who remembers, so each replica first asks all others how far they are
// (raft/recall.ts).
import type { SharedJournal } from "../journal/owner.ts";
import { contradicts } from "../journal/starts.ts";
import type { SeenStart } from "../journal/starts.ts";
import type { DirectoryId, ReplicaId } from "../model/ids.ts";
import type { World } from "../ports/world.ts";
import type { Standing } from "../raft/event.ts";
import type { Replica } from "./replica.ts";
import { inSlices } from "./slices.ts";

/** What is so, and what an operator may do about it. */
export const DISTRUSTED_HELP =
  "replicas in this directory count for nothing any more: if the disk that was used last still exists, stop this broker and put that one back; until then this broker's replicas are as good as lost, so keep the others running";

export class Standings {
  readonly #world: Pick<World, "clock" | "log">;
  readonly #journal: SharedJournal;
  readonly #replicas: () => Iterable<Replica>;
  /** Directories that compared their memory with this one's starts, and found no more. */
  readonly #agreed = new Set<DirectoryId>();
  readonly #mustAsk: boolean;
  readonly #mustRecall: boolean;
  readonly #suspectGroups = new Set<Replica>();
  #settling: boolean;
  #suspectAll: boolean;
  #isVouchedFor: boolean;

  constructor(
    world: Pick<World, "clock" | "log">,
    journal: SharedJournal,
    replicas: () => Iterable<Replica>,
    isNeverAsked: boolean,
  ) {
    const { fresh, trusted, suspectAll } = journal.recovered;
    this.#world = world;
    this.#journal = journal;
    this.#replicas = replicas;
    // A new directory has promised nothing to anybody.
    this.#settling = !fresh;
    this.#mustAsk = !fresh && !isNeverAsked;
    this.#mustRecall = !trusted && !isNeverAsked;
    this.#isVouchedFor = trusted;
    this.#suspectAll = suspectAll;
    if (suspectAll) world.log.error({ help: DISTRUSTED_HELP }, "directory-distrusted");
  }

  /** The first silence period is over. */
  settle(): void {
    this.#settling = false;
    this.#journal.promisesEnded();
    this.review();
  }

  /** A peer said what it had seen of this directory before this session. */
  peerSaw(peer: DirectoryId, seen: SeenStart): void {
    const starts = this.#journal.starts();
    if (contradicts(starts, seen)) {
      // It acknowledged more than it has: an old copy of the disk, or a damaged tail (D3).
      const present = starts.starts.find(({ start }) => start === seen.start)?.last ?? null;
      const help = DISTRUSTED_HELP;
      this.#world.log.error({ peer, seen, present, help }, "journal-rolled-back");
      this.#suspectAll = true;
      void this.#journal.distrust();
    } else this.#agreed.add(peer);
    this.review();
  }

  /** The whole directory is suspect. */
  get isDistrusted(): boolean {
    return this.#suspectAll;
  }

  distrustGroup(replica: Replica): void {
    this.#suspectGroups.add(replica);
  }

  of(replica: Replica): Standing {
    if (this.#suspectAll || this.#suspectGroups.has(replica)) return "suspect";
    // A wiped disk came back under a new directory id: it is not the member that the configuration counts (F5). Whoever came
    // lately may be in no configuration that its log holds, and is the replica that was placed in this directory.
    const counted = replica.member(replica.self);
    if (counted !== null && counted.directory !== this.#journal.recovered.directory)
      return "suspect";
    // A sole voter too: it may be the only one by an old log (D3), or have been loyal to a leader that made it so (L5).
    if (this.#mustRecall && !replica.machine.recalled) return "recalling";
    const isHeard = !this.#mustAsk || this.#mustRecall || this.#mostAgreed(replica);
    return this.#settling || !isHeard ? "quiet" : "full";
  }

  /** Tells the replica's machine what it may do now. */
  apply(replica: Replica): void {
    const standing = this.of(replica);
    const { standing: before } = replica.machine;
    // A look over all replicas goes on for several turns: who left meanwhile stays gone.
    if (before === standing || before === "gone") return;
    replica.handle({ on: "standing", standing });
    if (standing !== "suspect") return;
    this.#world.log.error({ group: replica.group, replica: replica.self }, "replica-suspect");
  }

  review(): void {
    inSlices(this.#world.clock, this.#replicas(), (replica) => this.apply(replica));
  }

  /** Replicas here ask all others before they promise anything. */
  get mustRecall(): boolean {
    return this.#mustRecall;
  }

  /** Nothing that this replica may have forgotten is out of its reach any more, or it will never count again. */
  hasRecalled(replica: Replica): boolean {
    if (!this.#mustRecall) return true;
    return replica.machine.standing === "suspect" || replica.machine.caughtUpWithRecall;
  }

  /** All replicas have recalled: later starts in this run of the machine need not ask again. */
  vouch(): void {
    if (this.#isVouchedFor || this.#suspectAll) return;
    this.#isVouchedFor = true;
    void this.#journal.vouch();
  }

  #mostAgreed(replica: Replica): boolean {
    const { voters, votersOutgoing } = replica.machine.configuration;
    return this.#majority(replica, voters) && this.#majority(replica, votersOutgoing);
  }

  #majority(replica: Replica, voters: readonly ReplicaId[]): boolean {
    if (voters.length === 0) return true;
    let count = 0;
    for (const voter of voters) {
      const directory = replica.member(voter)?.directory;
      if (voter === replica.self || (directory !== undefined && this.#agreed.has(directory))) {
        count++;
      }
    }
    return count * 2 > voters.length;
  }
}
