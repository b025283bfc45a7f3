// The armed list (L2): replicas that know no leader for their term, each with the moment at which it will campaign. One
// coarse timer serves all of them, and only while somebody is armed; what falls due together campaigns together (L6). On a
// slow disk everybody waits longer for those before him: two votes are two writes, one after the other, and who campaigns
// before the other's are durable unseats him, again and again.
import type { Cancel, Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { World } from "../ports/world.ts";
import type { Replica } from "./replica.ts";
import { CONTROLLER_GROUP } from "../model/ids.ts";
import type { GroupsOfBroker } from "./group-table.ts";
import { controllerFirst, lacksLeader, waitsForController } from "./precedence.ts";
import { inSlices } from "./slices.ts";

export interface ElectionDelays {
  /** Between the first tries of two ranks (L2). */
  readonly rankMs: number;
  /** Random part of every delay. */
  readonly jitterMs: number;
  /** First delay before trying again; doubles up to `retryMsMax`. */
  readonly retryMs: number;
  readonly retryMsMax: number;
}

export const ELECTION_DELAYS: ElectionDelays = {
  rankMs: 150,
  jitterMs: 40,
  retryMs: 250,
  retryMsMax: 1500,
};

const TICK_MS = 10;
/** Candidate and voter write one after the other, each behind a write that may be under way. */
const WRITES_PER_ROUND = 4;
const ROUND_MS_MAX = 3_000;
/** So long, at most, groups wait for the controller's to have its leader: two rounds, and not for as long as N15 allows. */
const ROUNDS_BEHIND = 2;
const BEHIND_MS_MAX = 1_500;

interface Armed {
  dueMs: number;
  tries: number;
  /** Of its rank, before the first try. */
  readonly delayMs: number;
}

export class Elections {
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #delays: ElectionDelays;
  readonly #writeMs: () => number;
  readonly #groups: Pick<GroupsOfBroker, "replica">;
  readonly #campaign: (replica: Replica) => void;
  readonly #armed = new Map<Replica, Armed>();
  #cancel: Cancel | null = null;
  #lookedMs = 0;
  /** For so long the controller's group has had no leader while it could have. */
  #behindMs = 0;

  /** `writeMs`: how long a journal write takes at present. */
  constructor(
    { clock, entropy }: Pick<World, "clock" | "entropy">,
    delays: ElectionDelays,
    writeMs: () => number,
    groups: Pick<GroupsOfBroker, "replica">,
    campaign: (replica: Replica) => void,
  ) {
    this.#clock = clock;
    this.#entropy = entropy;
    this.#delays = delays;
    this.#writeMs = writeMs;
    this.#groups = groups;
    this.#campaign = campaign;
  }

  /** Arms a replica to campaign after its rank's delay. One that is armed already keeps its moment. */
  arm(replica: Replica, rank: number): void {
    if (this.#armed.has(replica)) return;
    const delayMs = rank * this.#roundMs(this.#delays.rankMs) + this.#jitter(rank);
    this.#armed.set(replica, { dueMs: this.#clock.upMs() + delayMs, tries: 0, delayMs });
    this.#schedule();
  }

  /**
   * Somebody has this replica's vote, and needs a moment to win and to say so. Without it, a campaign that was due, or that
   * the first rank began at once, would unseat whoever was just elected before anybody heard of him.
   */
  giveWay(replica: Replica, rank: number): void {
    this.disarm(replica);
    this.arm(replica, rank + 1);
  }

  /** What kept everybody from campaigning is over: nobody waits out the pauses that grew meanwhile. */
  hurry(): void {
    const nowMs = this.#clock.upMs();
    for (const armed of this.#armed.values()) {
      armed.tries = 0;
      armed.dueMs = Math.min(armed.dueMs, nowMs + this.#entropy.below(this.#delays.retryMs));
    }
  }

  /** Somebody else can be reached now: who has tried in vain does not wait out the pause that grew meanwhile. */
  tryAgain(replica: Replica): void {
    const armed = this.#armed.get(replica);
    if (armed === undefined || armed.tries === 0) return;
    armed.tries = 0;
    const soonMs = this.#clock.upMs() + this.#entropy.below(this.#delays.retryMs);
    armed.dueMs = Math.min(armed.dueMs, soonMs);
  }

  disarm(replica: Replica): void {
    this.#armed.delete(replica);
  }

  get armedCount(): number {
    return this.#armed.size;
  }

  armed(): IterableIterator<Replica> {
    return this.#armed.keys();
  }

  close(): void {
    this.#armed.clear();
    this.#cancel?.();
    this.#cancel = null;
  }

  /** What a campaign takes: at least `ms`, and the writes of the candidate and of who votes for him. */
  #roundMs(ms: number): number {
    return Math.max(ms, Math.min(WRITES_PER_ROUND * this.#writeMs(), ROUND_MS_MAX));
  }

  /** The first rank waits for nobody, so that a lone new group has its leader at once. */
  #jitter(rank: number): number {
    return rank === 0 ? 0 : this.#entropy.below(this.#delays.jitterMs + 1);
  }

  #schedule(): void {
    if (this.#cancel !== null || this.#armed.size === 0) return;
    this.#lookedMs = this.#clock.upMs();
    this.#cancel = this.#clock.after(TICK_MS, () => {
      this.#cancel = null;
      // Buffered votes and assertions are read first: a stall must not look like silence (L3).
      this.#clock.turnEnd(() => this.#tick());
    });
  }

  /** For a while others wait, whose writes would only stand before its own. */
  #controllerGoesFirst(nowMs: number): boolean {
    const controller = this.#groups.replica(CONTROLLER_GROUP);
    if (controller === null || !lacksLeader(controller)) {
      this.#behindMs = 0;
      return false;
    }
    if (controller.machine.standing === "full") this.#behindMs += nowMs - this.#lookedMs;
    const rounds = ROUNDS_BEHIND * this.#roundMs(this.#delays.rankMs);
    return this.#behindMs < Math.min(rounds, BEHIND_MS_MAX);
  }

  #tick(): void {
    const nowMs = this.#clock.upMs();
    const goesFirst = this.#controllerGoesFirst(nowMs);
    const due: Replica[] = [];
    for (const [replica, armed] of this.#armed) {
      // Afterwards it begins as if it were just armed, so that ranks stand apart.
      if (goesFirst && waitsForController(replica)) {
        armed.tries = 0;
        armed.dueMs = nowMs + TICK_MS + armed.delayMs;
      }
      if (armed.dueMs > nowMs) continue;
      due.push(replica);
      const backOffMs = this.#roundMs(this.#delays.retryMs) * 2 ** Math.min(armed.tries++, 10);
      const delayMs = Math.min(backOffMs, this.#roundMs(this.#delays.retryMsMax));
      armed.dueMs = nowMs + delayMs + this.#entropy.below(Math.ceil(delayMs / 2) + 1);
    }
    inSlices(this.#clock, controllerFirst(due), (replica) => {
      if (this.#armed.has(replica)) this.#campaign(replica);
    });
    this.#schedule();
  }
}

/** Candidates of one group try one after another; which one begins differs from group to group. */
export function electionRank(replica: Replica): number {
  const { voters } = replica.machine.configuration;
  const at = voters.indexOf(replica.self);
  if (at < 0 || voters.length === 0) return 0;
  return (at + replica.group) % voters.length;
}
