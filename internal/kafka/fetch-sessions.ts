// All incremental fetch sessions of a broker. They belong to no connection: a consumer names its session by id, and a
// session that nobody uses goes when another needs its place. A consumer without a session works as well, only with
// longer requests, so refusing one is harmless.
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { TopicId } from "../model/ids.ts";
import type { FetchedPartition } from "../service/log-service.ts";
import { ErrorCode } from "./codec/errors.ts";
import { FetchSession, partitionKey, SessionPartition } from "./fetch-session.ts";
import type { WantedPartition } from "./fetch-session.ts";
import { PARTITIONS_PER_SESSION, SESSION_STALE_MS } from "./limits.ts";

/** What of a fetch request concerns its session. */
export interface SessionRequest {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly topicId: TopicId;
    readonly partitions: readonly WantedPartition[];
  }[];
  readonly forgottenTopicsData: readonly {
    readonly topic: string;
    readonly topicId: TopicId;
    readonly partitions: readonly number[];
  }[];
}

/** A fetch as it is carried out: what to read, and what of the result the consumer is told. */
export interface FetchPlan {
  readonly partitions: readonly SessionPartition[];
  /** Null: the consumer has no session, or gets one with the answer. */
  readonly session: FetchSession | null;
  readonly usesTopicIds: boolean;
  /** Whether the answer founds a session. */
  readonly founds: boolean;
}

export interface SessionRefusal {
  readonly refusal: ErrorCode;
}

const FINAL_EPOCH = -1;
const NO_SESSION = 0;
const IDS_MAX = 0x7fff_ffff;

export class FetchSessions {
  readonly #clock: Clock;
  readonly #entropy: Entropy;
  readonly #sessionsMax: number;
  /** In the order of their last use. */
  readonly #sessions = new Map<number, FetchSession>();
  #partitions = 0;

  constructor(clock: Clock, entropy: Entropy, sessionsMax: number) {
    this.#clock = clock;
    this.#entropy = entropy;
    this.#sessionsMax = sessionsMax;
  }

  get count(): number {
    return this.#sessions.size;
  }

  /** Partitions that all sessions remember. */
  get partitionCount(): number {
    return this.#partitions;
  }

  /** Begins a fetch. `usesTopicIds`: the version of the request identifies topics instead of naming them. */
  begin(request: SessionRequest, usesTopicIds: boolean): FetchPlan | SessionRefusal {
    const { sessionId, sessionEpoch } = request;
    if (sessionEpoch === FINAL_EPOCH || sessionEpoch === 0) {
      // Whoever starts afresh has given up the session that it names.
      this.#remove(sessionId);
      const partitions = withoutRepeats(wantedOf(request, usesTopicIds), request);
      const founds = sessionEpoch === 0 && partitions.length > 0;
      return { partitions, session: null, usesTopicIds, founds };
    }
    const session = this.#sessions.get(sessionId);
    if (session === undefined) return { refusal: ErrorCode.FETCH_SESSION_ID_NOT_FOUND };
    if (session.epoch !== sessionEpoch || session.isBusy) {
      return { refusal: ErrorCode.INVALID_FETCH_SESSION_EPOCH };
    }
    if (session.usesTopicIds !== usesTopicIds) {
      return { refusal: ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR };
    }
    return this.#continue(session, request);
  }

  #continue(session: FetchSession, request: SessionRequest): FetchPlan | SessionRefusal {
    const { usesTopicIds } = session;
    const before = session.size;
    for (const { topic, topicId, partitions } of request.topics) {
      for (const wanted of partitions) {
        const key = partitionKey(topic, topicId, wanted.partition);
        if (!session.move(key, wanted)) session.add(key, wantedPartition(topic, topicId, wanted));
      }
    }
    for (const { topic, topicId, partitions } of request.forgottenTopicsData) {
      for (const partition of partitions) session.forget(partitionKey(topic, topicId, partition));
    }
    this.#partitions += session.size - before;
    if (this.#partitions > this.#partitionsMax) {
      this.#remove(session.id);
      return { refusal: ErrorCode.FETCH_SESSION_ID_NOT_FOUND };
    }
    if (session.size === 0) {
      this.#remove(session.id);
      return { partitions: [], session: null, usesTopicIds, founds: false };
    }
    session.advance(this.#clock.upMs());
    session.isBusy = true;
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
    return { partitions: session.list(), session, usesTopicIds, founds: false };
  }

  /**
   * Ends a fetch: answers the session id for the response, and which partitions it tells of, by index. Null means all.
   */
  finish(
    plan: FetchPlan,
    fetched: readonly FetchedPartition[],
  ): { readonly sessionId: number; readonly told: readonly number[] | null } {
    const { session, partitions } = plan;
    if (session === null) {
      return { sessionId: plan.founds ? this.#found(plan, fetched) : NO_SESSION, told: null };
    }
    session.isBusy = false;
    const told: number[] = [];
    const served: string[] = [];
    for (let index = 0; index < partitions.length; index++) {
      const result = fetched[index] as FetchedPartition;
      const partition = partitions[index] as SessionPartition;
      if (partition.tell(result)) told.push(index);
      if (result.bytes === 0) continue;
      const { name, topicId } = partition;
      served.push(partitionKey(name ?? "", topicId ?? "", partition.partition));
    }
    session.rotate(served);
    return { sessionId: session.id, told };
  }

  /** The consumer is gone in the middle of a fetch. */
  abandon(plan: FetchPlan): void {
    if (plan.session !== null) plan.session.isBusy = false;
  }

  #found(plan: FetchPlan, fetched: readonly FetchedPartition[]): number {
    const nowMs = this.#clock.upMs();
    const { partitions, usesTopicIds } = plan;
    if (!this.#makeRoom(partitions.length, nowMs)) return NO_SESSION;
    const session = new FetchSession(this.#freeId(), usesTopicIds, nowMs);
    partitions.forEach((partition, index) => {
      const { name, topicId } = partition;
      partition.tell(fetched[index] as FetchedPartition);
      session.add(partitionKey(name ?? "", topicId ?? "", partition.partition), partition);
    });
    this.#sessions.set(session.id, session);
    this.#partitions += session.size;
    return session.id;
  }

  get #partitionsMax(): number {
    return this.#sessionsMax * PARTITIONS_PER_SESSION;
  }

  /**
   * A place for a session of `size` partitions: a free one, that of the session that was unused for longest if it is
   * stale, or that of a smaller one that has had its time. A big consumer gains the most from a session.
   */
  #makeRoom(size: number, nowMs: number): boolean {
    if (this.#sessionsMax === 0 || this.#partitions + size > this.#partitionsMax) return false;
    if (this.#sessions.size < this.#sessionsMax) return true;
    const [oldest] = this.#sessions.values();
    if (oldest !== undefined && nowMs - oldest.usedMs >= SESSION_STALE_MS) {
      this.#remove(oldest.id);
      return true;
    }
    let smallest: FetchSession | null = null;
    for (const session of this.#sessions.values()) {
      if (session.size >= (smallest?.size ?? size)) continue;
      if (nowMs - session.createdMs >= SESSION_STALE_MS) smallest = session;
    }
    if (smallest === null) return false;
    this.#remove(smallest.id);
    return true;
  }

  #remove(id: number): void {
    const session = this.#sessions.get(id);
    if (session === undefined) return;
    this.#sessions.delete(id);
    this.#partitions -= session.size;
  }

  #freeId(): number {
    for (;;) {
      const id = this.#entropy.below(IDS_MAX) + 1;
      if (!this.#sessions.has(id)) return id;
    }
  }
}

function wantedOf(request: SessionRequest, usesTopicIds: boolean): SessionPartition[] {
  const wanted: SessionPartition[] = [];
  for (const { topic, topicId, partitions } of request.topics) {
    for (const partition of partitions) {
      wanted.push(
        new SessionPartition(usesTopicIds ? null : topic, usesTopicIds ? topicId : null, partition),
      );
    }
  }
  return wanted;
}

/**
 * A partition that is named again counts once, with what was asked last, as in Kafka. Else a small request could ask for
 * the same bytes twenty thousand times.
 */
function withoutRepeats(wanted: SessionPartition[], request: SessionRequest): SessionPartition[] {
  if (wanted.length < 2 || !namesTwice(request)) return wanted;
  const byKey = new Map<string, SessionPartition>();
  for (const one of wanted) {
    byKey.set(partitionKey(one.name ?? "", one.topicId ?? "", one.partition), one);
  }
  return [...byKey.values()];
}

function namesTwice({ topics }: SessionRequest): boolean {
  const named = new Set<string>();
  const numbers = new Set<number>();
  for (const { topic, topicId, partitions } of topics) {
    named.add(topicId === "" ? topic : topicId);
    if (partitions.length < 2) continue;
    numbers.clear();
    for (const { partition } of partitions) numbers.add(partition);
    if (numbers.size < partitions.length) return true;
  }
  return named.size < topics.length;
}

function wantedPartition(
  topic: string,
  topicId: TopicId,
  wanted: WantedPartition,
): SessionPartition {
  const isId = topicId !== "";
  return new SessionPartition(isId ? null : topic, isId ? topicId : null, wanted);
}
