// How any broker speaks to the controller (C3): to the own desk when this broker leads group 0, else over a link to the
// broker that does. Every request is numbered, and is asked again until the deadline when its outcome is unknown (the leader
// changed, or the session ended under it): the controller carries it out once, whatever it is (C9). An attempt names the
// term of the leader that it is for, so that one that arrives late cannot overtake a later one.
//
//   request -> no leader known: wait -> sent -> reply
//                 ^                       |
//                 '-----------------------'-> not-leader, cannot send, session ended: wait for a new leader or RETRY_MS
import type { Result } from "../base/result.ts";
import { failed } from "../base/result.ts";
import { CONTROLLER_GROUP } from "../model/ids.ts";
import type { BrokerId, Term } from "../model/ids.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { SubmittedRequest } from "./controller.ts";
import type { ControllerAnswer } from "./controller-desk.ts";
import type {
  ControllerClient,
  ControllerFault,
  ControllerKind,
  ControllerReply,
  ControllerRequest,
} from "./controller-requests.ts";
import type { Contact } from "./fencing.ts";
import { ASKED_MAX } from "./limits.ts";
import type { LeaderTable } from "./leaders.ts";
import { decodeReply, encodeRequest } from "./request-codec.ts";
import { lengthRefusal } from "./request-limits.ts";

export interface ForwardingPorts {
  readonly self: BrokerId;
  /** Of this start of the broker. */
  readonly contact: () => Contact;
  readonly clock: Clock;
  readonly leaders: LeaderTable;
  /** The own desk; answers "not-leader" when this broker does not lead group 0. */
  ask(request: SubmittedRequest, answer: ControllerAnswer): void;
  /** Sends a request to a broker's desk. False: nothing was sent. */
  send(to: BrokerId, message: Uint8Array): boolean;
}

/** A broker that was just elected may not have said so yet; and one that refused is asked again. */
const RETRY_MS = 50;
/** Requests that wait at once. */
const WAITING_MAX = ASKED_MAX / 2;
const NOBODY = { leader: null, term: 0 as Term };

interface Pending {
  readonly request: ControllerRequest;
  /** The same for all attempts. */
  readonly sequence: number;
  readonly deadlineMs: number;
  readonly finish: (outcome: Result<ControllerReply, ControllerFault>) => void;
  readonly cancelDeadline: Cancel;
  /** The attempt under way: its id on the wire, and whom it went to. */
  attempt: number;
  to: BrokerId | null;
  /** An attempt may have had an effect that nobody reported. */
  mayHaveHappened: boolean;
  cancelRetry: Cancel | null;
  isOver: boolean;
}

export class ForwardingClient implements ControllerClient {
  readonly #ports: ForwardingPorts;
  readonly #pending = new Set<Pending>();
  /** By the id of the attempt that is on a link. */
  readonly #sent = new Map<number, Pending>();
  #lastAttempt = 0;
  #lastSequence = 0;

  constructor(ports: ForwardingPorts) {
    this.#ports = ports;
    ports.leaders.listen({
      leaderChanged: (row) => {
        if (row.group === CONTROLLER_GROUP && row.leader !== null) this.#retryWaiting();
      },
    });
  }

  request<K extends ControllerKind>(
    request: ControllerRequest<K>,
    withinMs: number,
  ): Promise<Result<ControllerReply<K>, ControllerFault>> {
    if (this.#pending.size >= WAITING_MAX) {
      const detail = "Too many requests to the controller wait on this broker.";
      return Promise.resolve(failed({ kind: "busy", detail }));
    }
    const tooLong = lengthRefusal(request);
    if (tooLong !== null) return Promise.resolve(failed(tooLong));
    this.#giveUpOldest();
    return new Promise((resolve) => {
      const { clock } = this.#ports;
      const pending: Pending = {
        request,
        sequence: ++this.#lastSequence,
        deadlineMs: clock.upMs() + withinMs,
        finish: (outcome) => resolve(outcome as Result<ControllerReply<K>, ControllerFault>),
        cancelDeadline: clock.after(Math.max(0, withinMs), () => this.#expire(pending)),
        attempt: 0,
        to: null,
        mayHaveHappened: false,
        cancelRetry: null,
        isOver: false,
      };
      this.#pending.add(pending);
      this.#try(pending);
    });
  }

  /** A reply came over a link. `bytes` are lent. */
  received(from: BrokerId, bytes: Uint8Array): void {
    const reply = decodeReply(bytes);
    if (reply === null) return;
    const pending = this.#sent.get(reply.id);
    if (pending === undefined || pending.to !== from) return; // late, or not for us
    this.#sent.delete(reply.id);
    this.#answered(pending, reply.outcome);
  }

  /** The session with a broker ended: what was sent in it will not be answered. */
  sessionEnded(broker: BrokerId): void {
    const detail = "The connection to the controller ended before it answered.";
    for (const [attempt, pending] of [...this.#sent]) {
      if (pending.to !== broker) continue;
      this.#sent.delete(attempt);
      this.#answered(pending, failed({ kind: "outcome-unknown", detail }));
    }
  }

  #try(pending: Pending): void {
    if (pending.isOver) return;
    pending.cancelRetry?.();
    pending.cancelRetry = null;
    const { leader, term } = this.#ports.leaders.row(CONTROLLER_GROUP) ?? NOBODY;
    if (leader === null) return this.#retryLater(pending);
    const attempt = ++this.#lastAttempt;
    pending.attempt = attempt;
    pending.to = leader;
    const request = this.#asAsked(pending);
    const numbers = { sequence: pending.sequence, floor: this.#floor() };
    if (leader === this.#ports.self) {
      const { directory, incarnation } = this.#ports.contact();
      const asker = { broker: leader, directory, incarnation, ...numbers };
      return this.#ports.ask({ ...request, asker }, (outcome) => {
        if (pending.attempt === attempt) this.#answered(pending, outcome);
      });
    }
    const message = encodeRequest({ id: attempt, term, ...numbers }, request);
    if (!message.ok) return this.#finish(pending, message);
    if (!this.#ports.send(leader, message.value)) return this.#retryLater(pending);
    this.#sent.set(attempt, pending);
  }

  /**
   * The controller remembers a stretch of numbers. A client may have its topics waited for as long as it likes, and nobody
   * else's requests wait for that: whoever is left behind is told that it may have happened.
   */
  #giveUpOldest(): void {
    for (const pending of this.#pending) {
      if (this.#lastSequence + 1 - pending.sequence < ASKED_MAX) return;
      const detail = "Too many later requests were asked meanwhile.";
      this.#finish(pending, failed({ kind: "outcome-unknown", detail }));
    }
  }

  /** The number of the oldest request that may be asked again. */
  #floor(): number {
    for (const { sequence } of this.#pending) return sequence;
    return this.#lastSequence + 1;
  }

  /** An attempt that starts late must still be answered in time. */
  #asAsked(pending: Pending): ControllerRequest {
    const { request } = pending;
    if (!("readyWithinMs" in request)) return request;
    const left = Math.max(0, Math.floor(pending.deadlineMs - this.#ports.clock.upMs()));
    return { ...request, readyWithinMs: Math.min(request.readyWithinMs, left) };
  }

  #answered(pending: Pending, outcome: Result<ControllerReply, ControllerFault>): void {
    if (pending.isOver) return;
    pending.to = null;
    pending.attempt = 0;
    if (outcome.ok) return this.#finish(pending, outcome);
    const { kind } = outcome.fault;
    if (kind === "not-leader") return this.#retryLater(pending);
    if (kind !== "outcome-unknown") {
      const isRefusal = kind === "busy" || kind === "storage-full";
      // An earlier attempt may have done what this one was refused.
      if (!isRefusal || !pending.mayHaveHappened) return this.#finish(pending, outcome);
      const { detail } = outcome.fault;
      return this.#finish(pending, failed({ kind: "outcome-unknown", detail }));
    }
    pending.mayHaveHappened = true;
    this.#retryLater(pending);
  }

  #retryLater(pending: Pending): void {
    pending.to = null;
    pending.attempt = 0;
    pending.cancelRetry = this.#ports.clock.after(RETRY_MS, () => this.#try(pending));
  }

  #retryWaiting(): void {
    for (const pending of [...this.#pending]) if (pending.cancelRetry !== null) this.#try(pending);
  }

  #expire(pending: Pending): void {
    const isUnknown = pending.to !== null || pending.mayHaveHappened;
    const fault: ControllerFault = isUnknown
      ? { kind: "outcome-unknown", detail: "The controller did not answer in time." }
      : { kind: "timed-out", detail: "No controller took the request in time." };
    this.#finish(pending, failed(fault));
  }

  #finish(pending: Pending, outcome: Result<ControllerReply, ControllerFault>): void {
    if (pending.isOver) return;
    pending.isOver = true;
    this.#pending.delete(pending);
    this.#sent.delete(pending.attempt);
    pending.cancelRetry?.();
    pending.cancelDeadline();
    pending.finish(outcome);
  }
}
