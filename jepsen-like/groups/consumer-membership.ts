// A member of the new protocol (KIP-848): one heartbeat for everything. What is taken away it commits, gives up, and only
// then reports; what it is given it begins at once. After some changes of its epoch it also sends a commit under the older
// one, which must be refused.
import { randomUUID } from "node:crypto";
import { CODE, isElsewhere } from "../wire/error-codes.ts";
import { CONSUMER_GROUP_HEARTBEAT } from "../wire/member-requests.ts";
import type { MemberAnswer } from "../wire/member-requests.ts";
import type { Exchange } from "./body.ts";
import type { Snapshot } from "./desk.ts";
import { ECHO_CHANCE, HEARTBEAT_MS, REBALANCE_MS } from "./membership.ts";
import type { Membership, MembershipOptions, Standing } from "./membership.ts";

const ANSWER_MS_MAX = 2_000;
const AGAIN_MS = 60;
/** Also when the group has become a classic one again meanwhile: then there is no group of this protocol. */
const ENDS_MEMBERSHIP: ReadonlySet<number> = new Set<number>([
  CODE.fencedMemberEpoch,
  CODE.unknownMember,
  CODE.groupNotFound,
]);
const LEAVES = -1;
const LEAVES_FOR_A_WHILE = -2;

export class ConsumerMembership implements Membership {
  readonly #options: MembershipOptions;
  readonly #memberId = randomUUID();
  #epoch = 0;
  /** What the coordinator knows that this member has; null: it must be told. */
  #reported: string | null = null;
  #standing: Standing | null = null;
  #isFenced = false;
  #isLeaving = false;

  constructor(options: MembershipOptions) {
    this.#options = options;
  }

  get standing(): Standing | null {
    return this.#standing;
  }

  async run(): Promise<void> {
    const { body, desk } = this.#options;
    while (!body.isDead && !this.#isFenced && !this.#isLeaving) {
      await this.#beat();
      const isReported = this.#reported === desk.partitions.join();
      if (this.#epoch > 0 && isReported) await body.rest(HEARTBEAT_MS);
    }
    // Who leaves still has something to commit.
    if (this.#isLeaving) return;
    this.#standing = null;
    desk.clear();
  }

  async leave(): Promise<void> {
    const { reader, desk, instanceId } = this.#options;
    this.#isLeaving = true;
    await reader.commit();
    this.#standing = null;
    desk.clear();
    await this.#heartbeat(instanceId === null ? LEAVES : LEAVES_FOR_A_WHILE, null);
  }

  async #beat(): Promise<void> {
    const { desk } = this.#options;
    const joins = this.#epoch === 0;
    if (joins) desk.clear();
    const partitions = desk.partitions;
    const isNews = joins || this.#reported !== partitions.join();
    const exchange = await this.#heartbeat(this.#epoch, isNews ? partitions : null);
    if (exchange === null) return;
    const { answer } = exchange;
    if (answer === null) {
      this.#reported = null;
      return;
    }
    if (answer.code !== CODE.none) return this.#refused(answer.code);
    if (isNews) this.#reported = partitions.join();
    await this.#follow(answer, exchange.sentMs);
  }

  async #heartbeat(
    epoch: number,
    reports: readonly number[] | null,
  ): Promise<Exchange<MemberAnswer> | null> {
    const { body, group, groups, instanceId, topic, topicId } = this.#options;
    const memberId = this.#memberId;
    const isFull = epoch >= 0 && reports !== null;
    const owned =
      reports === null || reports.length === 0 ? [] : [{ topicId, partitions: reports }];
    const exchange = await body.ask(
      CONSUMER_GROUP_HEARTBEAT,
      {
        ...{ group, memberId, instanceId, generation: epoch },
        rebalanceTimeoutMs: isFull ? REBALANCE_MS : null,
        topics: isFull ? [topic] : null,
        owned: isFull ? owned : null,
      },
      ANSWER_MS_MAX,
    );
    if (exchange === null) return null;
    const { sentMs, answer } = exchange;
    const answeredMs = answer === null ? null : exchange.answeredMs;
    const { code, epoch: given } = answer ?? { code: -1, epoch: -1 };
    const assigned = answer === null ? null : partitionsOf(answer, topicId);
    groups.heartbeats.push({
      ...{ group, memberId, instanceId, sentMs, answeredMs },
      ...{ epochSent: epoch, reports, code, epoch: given, assigned },
    });
    return exchange;
  }

  async #follow(answer: MemberAnswer, sentMs: number): Promise<void> {
    const { body, desk, group, instanceId, reader, topicId } = this.#options;
    if (body.isDead || this.#isLeaving) return;
    const memberId = this.#memberId;
    const former = answer.epoch > this.#epoch ? desk.snapshot() : null;
    this.#epoch = answer.epoch;
    desk.claim = { group, memberId, instanceId, generation: answer.epoch };
    const target = partitionsOf(answer, topicId);
    if (target !== null) {
      const revoked = desk.partitions.filter((partition) => !target.includes(partition));
      if (revoked.length > 0) await reader.commit(new Set(revoked));
      for (const partition of revoked) desk.drop(partition);
      for (const partition of target) desk.take(partition);
    }
    const { partitions } = desk;
    this.#standing = { generation: answer.epoch, partitions, aliveMs: sentMs };
    if (former !== null) await this.#echo(former);
  }

  async #echo(former: Snapshot): Promise<void> {
    const { random, reader } = this.#options;
    if (random.chance(ECHO_CHANCE)) await reader.insist(former, "echo");
  }

  async #refused(code: number): Promise<void> {
    const { body, count, desk, groups } = this.#options;
    count(`ConsumerGroupHeartbeat ${code}`);
    this.#standing = null;
    this.#reported = null;
    if (isElsewhere(code)) body.lookElsewhere();
    else if (code === CODE.fencedInstance) this.#isFenced = true;
    else if (ENDS_MEMBERSHIP.has(code)) {
      desk.clear();
      this.#epoch = 0;
    } else if (code !== CODE.unreleasedInstance) {
      groups.unexpected.push(`ConsumerGroupHeartbeat is answered with ${code}`);
    }
    await body.rest(AGAIN_MS);
  }
}

/** Null: the answer says nothing of the assignment. */
function partitionsOf({ assignment }: MemberAnswer, topicId: string): readonly number[] | null {
  if (assignment === null) return null;
  return assignment.flatMap((one) => (one.topicId === topicId ? one.partitions : []));
}
