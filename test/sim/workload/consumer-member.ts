// A member of a consumer group of the newer protocol: it says that it lives, is told what to give up and what to take, and
// says so when it has. Sooner or later it does something else: it leaves, for good or for a while, dies without a word, or
// sleeps for longer than its session and goes on as if nothing had happened (a zombie).
import type {
  ConsumerBeatRequest,
  GroupFault,
} from "../../../internal/coordinator/group-requests.ts";
import type { TopicId } from "../../../internal/model/ids.ts";
import type { Book } from "../checkers/book.ts";
import type { Claim, GroupClient } from "./group-client.ts";
import type { Lost } from "./group-gateway.ts";
import type { GroupMember, Standing } from "./group-member.ts";

export interface ConsumerMemberOptions {
  readonly instanceId: string | null;
  readonly sessionMs: number;
  readonly rebalanceMs: number;
  /** Of the topic that it reads; null: nobody knows it. */
  readonly topicId: () => TopicId | null;
}

const JOINING = 0;
const LEAVING = -1;
const STATIC_LEFT = -2;
const MISCHIEF_PERMILLE = 12;
const COMMIT_PERMILLE = 350;
const FULL_PERMILLE = 200;
const AWAY_MS_MAX = 1_200;

export class ConsumerMember implements GroupMember {
  readonly client: GroupClient;
  readonly #book: Book;
  readonly #options: ConsumerMemberOptions;
  #lives = 0;
  #memberId = "";
  #epoch = JOINING;
  /** What it may have, as it was told last. */
  #assigned: readonly number[] = [];
  /** What it has. */
  #owned: readonly number[] = [];
  /** What it has has changed since it said so, or nobody knows whether that was heard. */
  #isUnsaid = true;
  #beatDueMs = 0;
  #isCalm = false;
  #isStopping = false;
  isDone = false;

  constructor(client: GroupClient, book: Book, options: ConsumerMemberOptions) {
    this.client = client;
    this.#book = book;
    this.#options = options;
    this.#begin();
  }

  calm(): void {
    this.#isCalm = true;
  }

  stop(): void {
    this.#isStopping = true;
  }

  /** Null while it is no member, or on its way to what it shall have. */
  get standing(): Standing | null {
    if (this.#epoch <= JOINING || this.#isUnsaid) return null;
    return { generation: this.#epoch, partitions: this.#owned };
  }

  async run(): Promise<void> {
    const { client } = this;
    while (!this.#isStopping) {
      await client.pause();
      if (!this.#isCalm && this.#epoch > JOINING && client.entropy.chance(MISCHIEF_PERMILLE)) {
        await this.#mischief();
      } else if (this.#isUnsaid || client.simulation.nowMs >= this.#beatDueMs) await this.#beat();
      else if (client.entropy.chance(COMMIT_PERMILLE)) await this.#commit();
    }
    this.isDone = true;
  }

  get #claim(): Claim {
    const { instanceId } = this.#options;
    return { memberId: this.#memberId, instanceId, generation: this.#epoch };
  }

  /** A new process, which has nothing. */
  #begin(): void {
    this.#memberId = `${this.client.name}-${this.#lives++}`;
    this.#giveUp();
  }

  #giveUp(): void {
    this.#epoch = JOINING;
    this.#assigned = [];
    this.#owned = [];
    this.#isUnsaid = true;
    this.client.positions.clear();
  }

  #request(epoch: number): ConsumerBeatRequest | null {
    const { client } = this;
    const { instanceId, rebalanceMs, topicId } = this.#options;
    const topic = topicId();
    if (topic === null) return null;
    const isFull = epoch === JOINING || client.entropy.chance(FULL_PERMILLE);
    const partitions = this.#owned;
    const owned = partitions.length === 0 ? [] : [{ topicId: topic, partitions }];
    return {
      group: client.group,
      memberId: this.#memberId,
      memberEpoch: epoch,
      instanceId,
      rackId: null,
      clientId: client.name,
      clientHost: "/simulated",
      rebalanceTimeoutMs: isFull ? rebalanceMs : -1,
      topics: isFull ? [client.topic] : null,
      regex: null,
      assignor: null,
      owned: isFull || this.#isUnsaid ? owned : null,
      choosesId: true,
    };
  }

  async #beat(): Promise<void> {
    const { client } = this;
    const at = await client.coordinator();
    const request = this.#request(this.#epoch);
    if (at === null || request === null) return;
    const answer = await client.gateway.consumerBeat(at, request);
    if (answer === "lost" || answer.fault !== null) {
      // Whether it was heard is not known: the next beat says everything again.
      this.#isUnsaid = true;
      return this.#refused(answer === "lost" ? answer : (answer.fault as GroupFault));
    }
    if (request.owned !== null) this.#isUnsaid = false;
    this.#epoch = answer.memberEpoch;
    this.#beatDueMs = client.simulation.nowMs + answer.intervalMs;
    if (answer.assignment !== null) {
      this.#assigned = answer.assignment.flatMap(({ partitions }) => partitions);
    }
    await this.#reconcile();
  }

  /** Gives up first what it may no longer have, and commits before that; then takes what is new. */
  async #reconcile(): Promise<void> {
    const { client } = this;
    const revoked = this.#owned.filter((partition) => !this.#assigned.includes(partition));
    if (revoked.length > 0) {
      await client.commitSome(this.#claim);
      for (const partition of revoked) client.positions.delete(partition);
      this.#owned = this.#owned.filter((partition) => !revoked.includes(partition));
      this.#isUnsaid = true;
      return;
    }
    const added = this.#assigned.filter((partition) => !this.#owned.includes(partition));
    if (added.length === 0) return;
    this.#isUnsaid = true;
    // Not to be had now: the next beat, which is due at once, comes back to it.
    const by = { memberId: this.#memberId, memberEpoch: this.#epoch };
    if ((await client.resume(added, by)) === "resumed") this.#owned = [...this.#assigned];
  }

  async #refused(fault: GroupFault | Lost): Promise<void> {
    if (await this.client.hasMoved(fault)) return;
    if (fault === "fenced-epoch" || fault === "unknown-member") this.#giveUp();
    // While nobody heard of it the group became one of the classic protocol: its application starts it again.
    if (fault === "fenced-instance" || fault === "group-not-found") this.#begin();
    // "unreleased-instance": the one before has to leave, or its session to end.
    await this.client.pause();
  }

  async #commit(): Promise<void> {
    const fault = await this.client.commitSome(this.#claim);
    // It asks for its epoch, which may have risen while the commit was on its way.
    if (fault !== null && fault !== "stale-epoch") await this.#refused(fault);
    else if (fault !== null) this.#isUnsaid = true;
  }

  async #mischief(): Promise<void> {
    const { entropy, simulation } = this.client;
    switch (entropy.below(5)) {
      case 0:
        return this.#leave(LEAVING);
      case 1:
        return this.#leave(this.#options.instanceId === null ? LEAVING : STATIC_LEFT);
      case 2:
        this.#begin();
        return simulation.sleepMs(entropy.below(AWAY_MS_MAX));
      default:
        return this.#sleepLikeDead();
    }
  }

  async #leave(epoch: number): Promise<void> {
    const { client } = this;
    const at = await client.coordinator();
    const request = this.#request(epoch);
    if (at !== null && request !== null) await client.gateway.consumerBeat(at, request);
    this.#begin();
    await client.simulation.sleepMs(client.entropy.below(AWAY_MS_MAX));
  }

  /** The first that it says when it wakes up is what it wanted to say when it fell asleep. */
  async #sleepLikeDead(): Promise<void> {
    const { client } = this;
    const { entropy, simulation } = client;
    const sessionMs = this.#options.sessionMs * (1 + entropy.below(2));
    await simulation.sleepMs(sessionMs + entropy.below(this.#options.rebalanceMs));
    const fault = await client.commitSome(this.#claim);
    if (fault === null || (await client.hasMoved(fault))) return;
    this.#book.groups.sent.zombiesRefused++;
    await this.#refused(fault);
  }
}
