// A member of the classic protocol: joins, assigns when it leads, lives by heartbeats, and gives everything up before it
// joins again. After some rebalances it also sends a commit under the claim that it had before, which must be refused.
import { CODE, isElsewhere } from "../wire/error-codes.ts";
import { decodeAssignment, encodeAssignment, encodeSubscription } from "../wire/consumer-blobs.ts";
import { HEARTBEAT, JOIN_GROUP, LEAVE_GROUP, SYNC_GROUP } from "../wire/member-requests.ts";
import type { Claim, JoinAnswer, JoinedMember, SyncQuestion } from "../wire/member-requests.ts";
import type { Snapshot } from "./desk.ts";
import { ECHO_CHANCE, HEARTBEAT_MS, REBALANCE_MS, SESSION_MS } from "./membership.ts";
import type { Membership, MembershipOptions, Standing } from "./membership.ts";

const ANSWER_MS_MAX = 2_000;
/** An answer to a join comes when all have joined. */
const JOIN_MS_MAX = REBALANCE_MS + 2_000;
const AGAIN_MS = 60;
const PROTOCOL = "rotate";
/** How often a leader sends two different assignments of one generation. */
const SECOND_CHANCE = 0.2;

type Assignments = SyncQuestion["assignments"];

interface Given {
  readonly code: number;
  readonly partitions: readonly number[];
}

export class ClassicMembership implements Membership {
  readonly #options: MembershipOptions;
  #memberId = "";
  #standing: Standing | null = null;
  #needsJoin = true;
  #isFenced = false;
  #isLeaving = false;
  /** What this member worked on before its last rebalance. */
  #former: Snapshot | null = null;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  get standing(): Standing | null {
    return this.#standing;
  }

  async run(): Promise<void> {
    const { body } = this.#options;
    while (!body.isDead && !this.#isFenced && !this.#isLeaving) {
      if (this.#needsJoin) await this.#join();
      else {
        await this.#beat();
        if (!this.#needsJoin) await body.rest(HEARTBEAT_MS);
      }
    }
    // Who leaves still has something to commit.
    if (!this.#isLeaving) this.#giveUp();
  }

  async leave(): Promise<void> {
    const { body, group, instanceId, reader } = this.#options;
    const memberId = this.#memberId;
    this.#isLeaving = true;
    await reader.commit();
    this.#giveUp();
    await body.ask(LEAVE_GROUP, { group, memberId, instanceId }, ANSWER_MS_MAX);
  }

  async #beat(): Promise<void> {
    const { body, desk, groups, group, instanceId, reader } = this.#options;
    const { claim } = desk;
    if (claim === null) return;
    const exchange = await body.ask(HEARTBEAT, claim, ANSWER_MS_MAX);
    if (exchange === null || exchange.answer === null) return;
    const { sentMs, answer } = exchange;
    const { memberId, generation } = claim;
    const isAskedToJoin = answer.code === CODE.rebalanceInProgress;
    if (answer.code === CODE.none || isAskedToJoin) {
      groups.beats.push({ group, generation, memberId, instanceId, sentMs, isAskedToJoin });
    }
    if (answer.code === CODE.none) {
      this.#standing = { generation, partitions: desk.partitions, aliveMs: sentMs };
      return;
    }
    this.#standing = null;
    if (isAskedToJoin) {
      await reader.commit();
      this.#needsJoin = true;
    } else await this.#refused("Heartbeat", answer.code);
  }

  async #join(): Promise<void> {
    const { body, group, groups, instanceId, nowMs, topic } = this.#options;
    this.#giveUp();
    if (instanceId !== null && this.#memberId === "") {
      groups.releases.push({ group, who: instanceId, atMs: nowMs() });
    }
    const exchange = await body.ask(
      JOIN_GROUP,
      {
        group,
        sessionTimeoutMs: SESSION_MS,
        rebalanceTimeoutMs: REBALANCE_MS,
        memberId: this.#memberId,
        instanceId,
        protocol: PROTOCOL,
        metadata: encodeSubscription(topic),
      },
      JOIN_MS_MAX,
    );
    if (exchange === null || exchange.answer === null) return;
    const { answer } = exchange;
    if (answer.code === CODE.memberIdRequired) this.#memberId = answer.memberId;
    else if (answer.code !== CODE.none) await this.#refused("JoinGroup", answer.code);
    else {
      this.#memberId = answer.memberId;
      await this.#sync(answer);
    }
  }

  async #sync({ generation, leader, members, skipAssignment }: JoinAnswer): Promise<void> {
    const { body, group, instanceId, desk, random } = this.#options;
    const claim = { group, memberId: this.#memberId, instanceId, generation };
    const leads = leader === this.#memberId && !skipAssignment;
    const first = this.#askToSync(claim, leads ? this.#assign(members, generation) : []);
    // A leader may change its mind; the coordinator must not.
    const again = leads && random.chance(SECOND_CHANCE);
    const second = again ? this.#askToSync(claim, this.#assign(members, generation + 1)) : null;
    const answers = [await first, second === null ? null : await second];
    const given = answers.find((answer) => answer?.code === CODE.none) ?? null;
    const refused = answers.findLast((answer) => answer !== null);
    if (given === null) {
      return refused ? this.#refused("SyncGroup", refused.code) : undefined;
    }
    if (body.isDead || this.#isLeaving) return;
    desk.claim = claim;
    for (const partition of given.partitions) desk.take(partition);
    this.#needsJoin = false;
    await this.#echo(generation);
  }

  async #askToSync(claim: Claim, assignments: Assignments): Promise<Given | null> {
    const { body, groups, topic } = this.#options;
    const question = { ...claim, protocol: PROTOCOL, assignments };
    const exchange = await body.ask(SYNC_GROUP, question, JOIN_MS_MAX);
    if (exchange === null || exchange.answer === null) return null;
    const { sentMs, answeredMs, answer } = exchange;
    const { code } = answer;
    if (code !== CODE.none) return { code, partitions: [] };
    const partitions = decodeAssignment(answer.assignment, topic);
    groups.syncs.push({ ...claim, partitions, sentMs, answeredMs });
    return { code, partitions };
  }

  /** In turn, and another way round in every generation, so that partitions move. */
  #assign(members: readonly JoinedMember[], generation: number): Assignments {
    const { topic, partitions } = this.#options;
    const ids = members.map(({ memberId }) => memberId).toSorted();
    return ids.map((memberId, k) => {
      const own: number[] = [];
      for (let partition = 0; partition < partitions; partition++) {
        if ((partition + generation) % ids.length === k) own.push(partition);
      }
      return { memberId, assignment: encodeAssignment(topic, own) };
    });
  }

  /** Says again what it said in an older generation. */
  async #echo(generation: number): Promise<void> {
    const { random, reader } = this.#options;
    const former = this.#former;
    this.#former = null;
    if (former === null || former.claim.generation >= generation) return;
    if (random.chance(ECHO_CHANCE)) await reader.insist(former, "echo");
  }

  async #refused(what: string, code: number): Promise<void> {
    const { body, count, groups } = this.#options;
    count(`${what} ${code}`);
    if (isElsewhere(code)) body.lookElsewhere();
    else if (code === CODE.fencedInstance) this.#isFenced = true;
    else if (code === CODE.unknownMember || code === CODE.illegalGeneration) {
      if (code === CODE.unknownMember) this.#memberId = "";
      this.#needsJoin = true;
    } else if (code !== CODE.rebalanceInProgress) {
      groups.unexpected.push(`${what} is answered with ${code}`);
    }
    if (what === "SyncGroup") this.#needsJoin = true;
    await body.rest(AGAIN_MS);
  }

  #giveUp(): void {
    const { body, desk, group, groups, nowMs } = this.#options;
    // Whoever is killed tells nobody.
    if (desk.claim !== null && !body.isDead) {
      groups.releases.push({ group, who: desk.claim.memberId, atMs: nowMs() });
    }
    this.#former = desk.snapshot() ?? this.#former;
    this.#standing = null;
    desk.clear();
  }
}
