// A member of a consumer group that speaks the classic protocol. It joins, synchronises, commits, and sooner or later
// does something else: it leaves, dies without a word and comes back, sleeps for longer than its session and goes on as if
// nothing had happened (a zombie), or asks for a rebalance.
import type { GroupFault, JoinAnswer } from "../../../internal/coordinator/group-requests.ts";
import {
  encodeAssignment,
  encodeSubscription,
} from "../../../internal/schema/consumer-protocol.ts";
import type { Book } from "../checkers/book.ts";
import { partitionsOf } from "../checkers/group-partition-log.ts";
import type { Claim, GroupClient } from "./group-client.ts";
import type { Lost } from "./group-gateway.ts";
import type { GroupMember, Standing } from "./group-member.ts";

export interface ClassicMemberOptions {
  readonly instanceId: string | null;
  readonly sessionMs: number;
  readonly rebalanceMs: number;
  readonly requiresMemberId: boolean;
  readonly partitions: number;
}

/** One that the coordinator could take over when a member of the newer protocol joins. */
const PROTOCOL = "range";
const ANSWER_MS_MAX = 1_000;
const SYNC_AGAIN_MS_MAX = 5;
const HEARTBEATS_PER_SESSION = 4;
/** Per mille of a step. */
const MISCHIEF_PERMILLE = 12;
const COMMIT_PERMILLE = 350;
const IMPATIENT_PERMILLE = 300;
const AWAY_MS_MAX = 1_200;

export class ClassicMember implements GroupMember {
  readonly client: GroupClient;
  readonly #book: Book;
  readonly #options: ClassicMemberOptions;
  #memberId = "";
  #generation = -1;
  /** Of the generation, when this member leads it. */
  #members: readonly string[] = [];
  /** Changes with the subscription. */
  #version = 0;
  #heartbeatDueMs = 0;
  #isCalm = false;
  #isStopping = false;
  isDone = false;
  /** Null while it is no member, or does not know. */
  standing: Standing | null = null;

  constructor(client: GroupClient, book: Book, options: ClassicMemberOptions) {
    this.client = client;
    this.#book = book;
    this.#options = options;
  }

  /** From now on it is a member and nothing else. */
  calm(): void {
    this.#isCalm = true;
  }

  stop(): void {
    this.#isStopping = true;
  }

  async run(): Promise<void> {
    while (!this.#isStopping) {
      if (!(await this.#join())) continue;
      if (!(await this.#synchronise())) continue;
      await this.#work();
      this.standing = null;
    }
    this.isDone = true;
  }

  get #claim(): Claim {
    const { instanceId } = this.#options;
    return { memberId: this.#memberId, instanceId, generation: this.#generation };
  }

  async #join(): Promise<boolean> {
    const { client } = this;
    const { sessionMs, rebalanceMs, instanceId, requiresMemberId } = this.#options;
    const at = await client.coordinator();
    if (at === null) return false;
    const metadata = encodeSubscription({
      topics: [client.topic],
      userData: Uint8Array.of(this.#version),
      // It gives up everything before it joins again.
      ownedPartitions: [],
      generationId: this.#generation,
      rackId: null,
    });
    const answer = await client.gateway.join(
      at,
      {
        group: client.group,
        memberId: this.#memberId,
        instanceId,
        clientId: client.name,
        clientHost: "/simulated",
        sessionTimeoutMs: sessionMs,
        rebalanceTimeoutMs: rebalanceMs,
        protocolType: "consumer",
        protocols: [{ name: PROTOCOL, metadata }],
        requiresMemberId,
        knowsSkip: true,
      },
      rebalanceMs + ANSWER_MS_MAX,
    );
    if (answer === "lost") return this.#refused(answer);
    if (answer.fault === "member-id-required") this.#memberId = answer.memberId;
    else if (answer.fault !== null) return this.#refused(answer.fault);
    else this.#joined(answer);
    return answer.fault === null;
  }

  #joined({ memberId, generation, members, skipAssignment }: JoinAnswer): void {
    this.client.positions.clear();
    this.#memberId = memberId;
    this.#generation = generation;
    this.#members = skipAssignment ? [] : members.map((member) => member.memberId);
  }

  /** What to do about a refusal; false. */
  async #refused(fault: GroupFault | Lost): Promise<false> {
    this.standing = null;
    if (await this.client.hasMoved(fault)) return false;
    if (fault === "unknown-member" || fault === "fenced-instance") this.#memberId = "";
    await this.client.pause();
    return false;
  }

  async #synchronise(): Promise<boolean> {
    const { client } = this;
    const isLeader = this.#members.length > 0;
    const answers = [this.#sync()];
    if (isLeader && client.entropy.chance(IMPATIENT_PERMILLE)) {
      // It takes its request for lost and sends another one, for which it has made up its mind anew.
      await client.simulation.sleepMs(client.entropy.below(SYNC_AGAIN_MS_MAX));
      answers.push(this.#sync());
    }
    const outcomes = await Promise.all(answers);
    const taken = outcomes.findLast((outcome) => typeof outcome !== "string");
    if (taken === undefined) return this.#refused(outcomes.at(-1) as GroupFault | Lost);
    const generation = this.#generation;
    const partitions = partitionsOf(taken as Uint8Array);
    for (;;) {
      if ((await client.resume(partitions)) === "resumed") break;
      const fault = await this.#beat();
      if (fault !== null || this.#isStopping) return false;
    }
    this.standing = { generation, partitions };
    return true;
  }

  async #sync(): Promise<Uint8Array | GroupFault | Lost> {
    const { client } = this;
    const at = await client.coordinator();
    if (at === null) return "lost";
    const request = {
      group: client.group,
      ...this.#claim,
      protocolType: "consumer",
      protocol: PROTOCOL,
      assignments: this.#assign(),
    };
    const { rebalanceMs } = this.#options;
    const answer = await client.gateway.sync(at, request, client.name, rebalanceMs);
    if (answer === "lost") return answer;
    return answer.fault ?? answer.assignment;
  }

  /** Spreads the partitions over the members, each time differently. */
  #assign(): { readonly memberId: string; readonly assignment: Uint8Array }[] {
    const shift = this.client.entropy.below(16);
    const count = this.#members.length;
    return this.#members.map((memberId, at) => {
      const owned: number[] = [];
      for (let partition = 0; partition < this.#options.partitions; partition++) {
        if ((partition + shift) % count === at) owned.push(partition);
      }
      const assignedPartitions = [{ topic: this.client.topic, partitions: owned }];
      return { memberId, assignment: encodeAssignment({ assignedPartitions, userData: null }) };
    });
  }

  /** Until it has to join again. */
  async #work(): Promise<void> {
    const { client } = this;
    while (!this.#isStopping) {
      await client.pause();
      if (!this.#isCalm && client.entropy.chance(MISCHIEF_PERMILLE)) {
        if (await this.#mischief()) return;
      }
      if (client.simulation.nowMs >= this.#heartbeatDueMs) {
        const fault = await this.#beat();
        // A member commits what it has before it joins again.
        if (fault === "rebalance-in-progress") await client.commitSome(this.#claim);
        if (fault !== null) return;
      } else if (client.entropy.chance(COMMIT_PERMILLE)) {
        const fault = await client.commitSome(this.#claim);
        if (await client.hasMoved(fault)) continue;
        if (fault !== null) return void (await this.#refused(fault as GroupFault));
      }
    }
  }

  /** Null: it is a member still, or nobody could be asked. */
  async #beat(): Promise<GroupFault | null> {
    const { client } = this;
    const at = await client.coordinator();
    if (at === null) return null;
    const fault = await client.gateway.heartbeat(at, { group: client.group, ...this.#claim });
    if (await client.hasMoved(fault)) return null;
    const everyMs = this.#options.sessionMs / HEARTBEATS_PER_SESSION;
    this.#heartbeatDueMs = client.simulation.nowMs + everyMs;
    if (fault === null) return null;
    if (fault !== "rebalance-in-progress") await this.#refused(fault as GroupFault);
    return fault as GroupFault;
  }

  /** True: it has to join again. */
  async #mischief(): Promise<boolean> {
    const { entropy, simulation } = this.client;
    switch (entropy.below(5)) {
      case 0:
        await this.#leave();
        await simulation.sleepMs(entropy.below(AWAY_MS_MAX));
        return true;
      case 1:
        // It dies. A static member comes back under its instance's name.
        this.#memberId = "";
        await simulation.sleepMs(entropy.below(AWAY_MS_MAX));
        return true;
      case 2:
        this.#version++;
        return true;
      default:
        return this.#sleepLikeDead();
    }
  }

  async #leave(): Promise<void> {
    const { client } = this;
    const at = await client.coordinator();
    const { memberId, instanceId } = this.#claim;
    const members = [{ memberId, instanceId }];
    if (at !== null) await client.gateway.leave(at, { group: client.group, members });
    this.#memberId = "";
  }

  /** The first that it says when it wakes up is what it wanted to say when it fell asleep. */
  async #sleepLikeDead(): Promise<boolean> {
    const { client } = this;
    const { entropy, simulation } = client;
    const sessionMs = this.#options.sessionMs * (1 + entropy.below(4));
    await simulation.sleepMs(sessionMs + entropy.below(this.#options.rebalanceMs));
    const fault = await client.commitSome(this.#claim);
    if (fault === null) return false;
    if (await client.hasMoved(fault)) return false;
    this.#book.groups.sent.zombiesRefused++;
    await this.#refused(fault as GroupFault);
    return true;
  }
}
