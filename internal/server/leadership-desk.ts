// Where brokers ask each other to hand leaderships to the preferred replicas, and where this one answers. It moves a bounded
// number of groups at a time, however many are asked for.
import type { BrokerId, GroupId } from "../model/ids.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import {
  decodeLeadershipAnswer,
  decodeLeadershipQuestion,
  encodeLeadershipAnswer,
  encodeLeadershipQuestion,
  QUESTION_GROUPS_MAX,
} from "../cluster/leadership-messages.ts";
import type { MoveRefusal } from "../service/local-election-service.ts";
import type { Links } from "../transport/links.ts";
import type { Leadership, Preference } from "./leadership.ts";

/** Message types on the links. */
const LEADERSHIP_QUESTION = 37;
const LEADERSHIP_ANSWER = 38;

const AT_ONCE = 64;
const QUESTIONS_OPEN_MAX = 1_000;
/** Groups of all brokers' questions that wait here. */
const WAITING_MAX = 100_000;

type Refusals = readonly MoveRefusal[];

interface Question {
  readonly to: BrokerId;
  readonly answered: (refusals: Refusals | "timed-out") => void;
  readonly cancel: Cancel;
}

interface Waiting {
  readonly group: GroupId;
  readonly done: (refusal: MoveRefusal) => void;
}

const WHY: Readonly<Record<Extract<Preference, { is: "unfit" }>["why"], string>> = {
  "not-live": "The preferred replica's broker is not available.",
  "not-leader": "The leader has just changed.",
  transferring: "Leadership is being moved already.",
  changing: "The partition's replicas are being changed.",
  "not-a-voter": "The preferred replica does not belong to the partition yet.",
  unreachable: "The preferred replica cannot be reached.",
  "not-in-sync": "The preferred replica is not in sync.",
  behind: "The preferred replica is behind.",
  stalled: "The preferred replica's disk is slow.",
};
const NOT_TAKEN = "The preferred replica did not take the leadership.";
const TOO_MANY = "Too many leaderships are waiting to be moved.";

export class LeadershipDesk {
  readonly #self: BrokerId;
  readonly #clock: Clock;
  readonly #links: Links;
  readonly #raft: MultiRaft;
  readonly #leadership: Leadership;
  readonly #questions = new Map<number, Question>();
  #waiting: Waiting[] = [];
  #moving = 0;
  #lastId = 0;

  constructor(self: BrokerId, clock: Clock, links: Links, raft: MultiRaft, leadership: Leadership) {
    this.#self = self;
    this.#clock = clock;
    this.#links = links;
    this.#raft = raft;
    this.#leadership = leadership;
    links.handle(LEADERSHIP_QUESTION, "data", (session, bytes, start, end) => {
      const question = decodeLeadershipQuestion(bytes.subarray(start, end));
      if (question === null) return session.end("malformed question about leadership");
      void this.#moveAll(question.groups).then((refusals) => {
        const answer = encodeLeadershipAnswer({ id: question.id, refusals });
        if (session.open) session.send("data", LEADERSHIP_ANSWER, [answer]);
      });
    });
    links.handle(LEADERSHIP_ANSWER, "data", (session, bytes, start, end) => {
      const answer = decodeLeadershipAnswer(bytes.subarray(start, end));
      if (answer === null) return session.end("malformed answer about leadership");
      const question = this.#questions.get(answer.id);
      if (question?.to !== session.peer.broker) return;
      this.#finish(answer.id, answer.refusals);
    });
  }

  /** Asks a broker, which may be this one. */
  async ask(
    broker: BrokerId,
    groups: readonly GroupId[],
    withinMs: number,
  ): Promise<Refusals | "timed-out"> {
    if (broker === this.#self) return this.#moveAll(groups);
    const refusals: MoveRefusal[] = [];
    const untilMs = this.#clock.upMs() + withinMs;
    for (let first = 0; first < groups.length; first += QUESTION_GROUPS_MAX) {
      const some = groups.slice(first, first + QUESTION_GROUPS_MAX);
      const answer = await this.#askOther(broker, some, untilMs - this.#clock.upMs());
      if (answer === "timed-out") return answer;
      refusals.push(...answer);
    }
    return refusals;
  }

  #askOther(
    to: BrokerId,
    groups: readonly GroupId[],
    withinMs: number,
  ): Promise<Refusals | "timed-out"> {
    const session = this.#links.session(to);
    if (session === null || this.#questions.size >= QUESTIONS_OPEN_MAX) {
      return Promise.resolve(groups.map(() => WHY["not-leader"]));
    }
    const id = ++this.#lastId;
    return new Promise((answered) => {
      const cancel = this.#clock.after(Math.max(0, withinMs), () => this.#finish(id, "timed-out"));
      this.#questions.set(id, { to, answered, cancel });
      const bytes = encodeLeadershipQuestion({ id, groups });
      const isSent = session.send("data", LEADERSHIP_QUESTION, [bytes]);
      if (!isSent)
        this.#finish(
          id,
          groups.map(() => WHY["not-leader"]),
        );
    });
  }

  #finish(id: number, refusals: Refusals | "timed-out"): void {
    const question = this.#questions.get(id);
    if (question === undefined) return;
    this.#questions.delete(id);
    question.cancel();
    question.answered(refusals);
  }

  #moveAll(groups: readonly GroupId[]): Promise<Refusals> {
    return Promise.all(
      groups.map(
        (group) =>
          new Promise<MoveRefusal>((done) => {
            if (this.#waiting.length >= WAITING_MAX) return done(TOO_MANY);
            this.#waiting.push({ group, done });
            this.#goOn();
          }),
      ),
    );
  }

  #goOn(): void {
    while (this.#moving < AT_ONCE && this.#waiting.length > 0) {
      const { group, done } = this.#waiting.shift() as Waiting;
      this.#moving++;
      this.#move(group, (refusal) => {
        this.#moving--;
        done(refusal);
        this.#goOn();
      });
    }
  }

  #move(group: GroupId, done: (refusal: MoveRefusal) => void): void {
    const later = (refusal: MoveRefusal): void => this.#clock.turnEnd(() => done(refusal));
    const replica = this.#raft.replica(group);
    if (replica === null || !replica.leads) return later(WHY["not-leader"]);
    const preference = this.#leadership.preferenceOf(replica);
    if (preference.is === "here") return later(null);
    if (preference.is === "unfit") return later(WHY[preference.why]);
    this.#raft.transfer(replica, preference.to, "asked", (moved) => done(moved ? null : NOT_TAKEN));
  }
}
