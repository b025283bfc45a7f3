// The working half of a member: fetches its partitions from where the group has committed, processes, and commits what it
// processed. It never commits less than it committed before.
import type { History } from "../history.ts";
import type { Random } from "../random.ts";
import { MalformedAnswer } from "../wire/bytes.ts";
import type { BrokerAddress } from "../wire/connection.ts";
import { CODE, isElsewhere } from "../wire/error-codes.ts";
import { OFFSET_COMMIT, OFFSET_FETCH } from "../wire/member-requests.ts";
import { readBatches } from "../wire/record-batch.ts";
import { FETCH } from "../wire/requests.ts";
import type { FetchedPartition } from "../wire/requests.ts";
import type { RunClock } from "../workload/clock.ts";
import { Connections } from "../workload/connections.ts";
import type { Leaders } from "../workload/leaders.ts";
import type { Body } from "./body.ts";
import type { Desk, Snapshot, Work } from "./desk.ts";
import type { CommitKind, GroupHistory, GroupProtocol } from "./group-history.ts";

const ANSWER_MS_MAX = 2_000;
const FETCH_WAIT_MS = 150;
const FETCH_BYTES = 1 << 17;
const IDLE_MS = 30;
const INSIST_MAX = 25;
const COMMIT_MS_MIN = 150;
const COMMIT_MS_MAX = 600;

export interface ReaderOptions {
  readonly name: string;
  readonly group: string;
  readonly protocol: GroupProtocol;
  readonly topic: string;
  readonly addresses: ReadonlyMap<number, BrokerAddress>;
  readonly leaders: Leaders;
  readonly history: History;
  readonly groups: GroupHistory;
  readonly random: Random;
  readonly nowMs: RunClock;
}

export class Reader {
  readonly #options: ReaderOptions;
  readonly #body: Body;
  readonly #desk: Desk;
  readonly #connections: Connections;
  #commitAtMs = 0;
  /** Commits go one after the other. */
  #committing: Promise<void> = Promise.resolve();

  constructor(options: ReaderOptions, body: Body, desk: Desk) {
    this.#options = options;
    this.#body = body;
    this.#desk = desk;
    this.#connections = new Connections(options.addresses, options.name);
  }

  async run(): Promise<void> {
    const { nowMs, random } = this.#options;
    for (; !this.#body.isDead; await this.#body.awake()) {
      if (this.#desk.works.size === 0) {
        await this.#body.rest(IDLE_MS);
        continue;
      }
      await this.#locate();
      await this.#fetchAll();
      if (nowMs() < this.#commitAtMs) continue;
      this.#commitAtMs = nowMs() + random.between(COMMIT_MS_MIN, COMMIT_MS_MAX);
      await this.commit();
    }
    this.#connections.close();
  }

  /** Where the group has committed, for work that was just taken. */
  async #locate(): Promise<void> {
    const { claim } = this.#desk;
    const { topic, group, groups, protocol } = this.#options;
    const taken = [...this.#desk.works].filter(([, { position }]) => position < 0);
    if (taken.length === 0 || claim === null) return;
    const isConsumer = protocol === "consumer";
    const who = isConsumer
      ? { memberId: claim.memberId, memberEpoch: claim.generation }
      : { memberId: null, memberEpoch: -1 };
    const partitions = taken.map(([partition]) => partition);
    const question = { group, ...who, topic, partitions };
    const exchange = await this.#body.ask(OFFSET_FETCH, question, ANSWER_MS_MAX);
    if (exchange === null || exchange.answer === null) return;
    const { answer, sentMs, answeredMs } = exchange;
    if (answer.code !== CODE.none) return this.#refused("OffsetFetch", answer.code);
    for (const { partition, code, offset } of answer.offsets) {
      if (code !== CODE.none) {
        this.#refused("OffsetFetch of a partition", code);
        continue;
      }
      const start = Math.max(offset, 0);
      groups.offsets.push({ group, partition, offset: start, sentMs, answeredMs });
      const [, work] = taken.find(([of]) => of === partition) ?? [];
      if (work === undefined || this.#desk.works.get(partition) !== work) continue;
      work.position = start;
      work.committed = start;
    }
  }

  #refused(what: string, code: number): void {
    this.#options.history.countCode(`${what} ${code}`);
    if (isElsewhere(code)) this.#body.lookElsewhere();
    else if (!OFFSET_CODES.has(code)) {
      this.#options.groups.unexpected.push(`${what} is answered with ${code}`);
    }
  }

  async #fetchAll(): Promise<void> {
    const byBroker = new Map<number, { partition: number; offset: number; work: Work }[]>();
    for (const [partition, work] of this.#desk.works) {
      const leader = this.#options.leaders.of(partition)?.broker;
      if (leader === undefined || work.position < 0) continue;
      const of = byBroker.get(leader) ?? [];
      byBroker.set(leader, of);
      of.push({ partition, offset: work.position, work });
    }
    const fetches = [...byBroker].map(([broker, wanted]) => this.#fetch(broker, wanted));
    if (fetches.length === 0) await this.#body.rest(IDLE_MS);
    else await Promise.all(fetches);
  }

  async #fetch(
    broker: number,
    wanted: readonly { readonly partition: number; readonly offset: number; readonly work: Work }[],
  ): Promise<void> {
    const { topic, history } = this.#options;
    const link = this.#connections.to(broker);
    if (link === null) return this.#body.rest(IDLE_MS);
    const partitions = wanted.map(({ partition, offset }) => ({ partition, offset }));
    const bytes = { bytesMin: 1, bytesMax: FETCH_BYTES };
    try {
      const question = { topic, waitMs: FETCH_WAIT_MS, ...bytes, partitions };
      const fetched = await link.connection.ask(FETCH, question, ANSWER_MS_MAX);
      await this.#body.awake();
      for (const one of fetched) {
        const asked = wanted.find(({ partition }) => partition === one.partition);
        const isMine = asked !== undefined && this.#desk.works.get(one.partition) === asked.work;
        if (one.code !== CODE.none) history.countCode(`fetch ${one.code}`);
        else if (isMine && !this.#body.isDead) this.#process(broker, asked.work, one);
      }
      // Several members read everything: a pause between makes larger pieces and less load.
      await this.#body.rest(IDLE_MS);
    } catch (error) {
      if (error instanceof MalformedAnswer) history.malformed.push(error.message);
      await this.#body.rest(IDLE_MS);
    }
  }

  #process(broker: number, work: Work, { partition, records }: FetchedPartition): void {
    const { history, groups, group, nowMs } = this.#options;
    const { claim } = this.#desk;
    for (const [{ baseOffset, crc, lastOffsetDelta }] of readBatches(records)) {
      const to = baseOffset + lastOffsetDelta + 1;
      history.sawBatch({ partition, broker, baseOffset, crc });
      if (claim === null || to <= work.position) continue;
      const from = Math.max(baseOffset, work.position);
      const { memberId } = claim;
      groups.consume({ group, partition, memberId, from, to, atMs: nowMs() });
      work.position = to;
    }
  }

  /** Commits what was processed since the last commit, of all partitions or of some. */
  commit(only: ReadonlySet<number> | null = null): Promise<void> {
    this.#committing = this.#committing.then(async () => {
      const now = this.#desk.snapshot();
      const offsets = (now?.offsets ?? []).filter(({ partition, offset }) => {
        const isNew = offset > (this.#desk.works.get(partition)?.committed ?? offset);
        return isNew && (only === null || only.has(partition));
      });
      if (now !== null && offsets.length > 0) await this.#send({ ...now, offsets }, "owner");
    });
    return this.#committing;
  }

  /**
   * Sends a commit under a claim that may be old, until a coordinator judges it: it may have moved meanwhile. Other commits
   * wait, because they may be higher, and nobody here ever commits less than before.
   */
  insist(snapshot: Snapshot, kind: CommitKind): Promise<void> {
    this.#committing = this.#committing.then(async () => {
      for (let tries = 0; tries < INSIST_MAX && !this.#body.isDead; tries++) {
        if (await this.#send(snapshot, kind)) return;
      }
    });
    return this.#committing;
  }

  /** True: a coordinator answered, one way or the other. */
  async #send({ claim, offsets }: Snapshot, kind: CommitKind): Promise<boolean> {
    const { topic, group, protocol, groups, history } = this.#options;
    const works = new Map(
      offsets.map(({ partition }) => [partition, this.#desk.works.get(partition)]),
    );
    const question = { ...claim, topic, offsets };
    const exchange = await this.#body.ask(OFFSET_COMMIT, question, ANSWER_MS_MAX);
    if (exchange === null) return false;
    let isJudged = exchange.answer !== null;
    const { sentMs, answer } = exchange;
    const { memberId, instanceId, generation } = claim;
    for (const { partition, offset } of offsets) {
      const code = answer?.find((one) => one.partition === partition)?.code ?? -1;
      const answeredMs = answer === null ? null : exchange.answeredMs;
      const who = { group, protocol, memberId, instanceId, generation };
      groups.commits.push({ ...who, partition, offset, kind, sentMs, answeredMs, code });
      if (answer === null) history.countCode("OffsetCommit without answer");
      else if (code !== CODE.none) this.#refused(`OffsetCommit (${kind})`, code);
      if (isElsewhere(code)) isJudged = false;
      const work = works.get(partition);
      if (code === CODE.none && kind === "owner" && work !== undefined) work.committed = offset;
    }
    return isJudged;
  }
}

/** What may be said to who fetches or commits offsets, besides "ask another broker". */
const OFFSET_CODES: ReadonlySet<number> = new Set<number>([
  CODE.illegalGeneration,
  CODE.unknownMember,
  CODE.rebalanceInProgress,
  CODE.fencedInstance,
  CODE.groupNotFound,
  88, // UNSTABLE_OFFSET_COMMIT
  CODE.staleMemberEpoch,
  CODE.fencedMemberEpoch,
]);
