// How any broker speaks to the controller (C3): to the own desk when this broker leads group 0, else over a link to the
// broker that does. "not-leader" is asked again elsewhere until the deadline. A request whose outcome is unknown (the
// leader changed, or the session ended under it) is repeated only where repeating is harmless.
//
//   request -> no leader known: wait -> sent -> reply
//                 ^                       |-> not-leader, cannot send: wait for a new leader or RETRY_MS
//                 '-----------------------'-> session ended: the same, if harmless
import type { Result } from "../base/result.ts";
import { failed } from "../base/result.ts";
import { CONTROLLER_GROUP } from "../model/ids.ts";
import type { BrokerId } from "../model/ids.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { ControllerAnswer } from "./controller-desk.ts";
import type {
  ControllerClient,
  ControllerFault,
  ControllerKind,
  ControllerReply,
  ControllerRequest,
} from "./controller-requests.ts";
import type { LeaderTable } from "./leaders.ts";
import { decodeReply, encodeRequest } from "./request-codec.ts";
import { lengthRefusal } from "./request-limits.ts";

export interface ForwardingPorts {
  readonly self: BrokerId;
  readonly clock: Clock;
  readonly leaders: LeaderTable;
  /** The own desk; answers "not-leader" when this broker does not lead group 0. */
  ask(request: ControllerRequest, answer: ControllerAnswer): void;
  /** Sends a request to a broker's desk. False: nothing was sent. */
  send(to: BrokerId, message: Uint8Array): boolean;
}

/** A broker that was just elected may not have said so yet; and one that refused is asked again. */
const RETRY_MS = 50;
const PENDING_MAX = 4_096;

/**
 * Kinds for which asking twice does no more than asking once. Producer ids may be wasted, never given twice. What is in
 * `TOLD` is told that it is a repeat, and then knows its own effects.
 */
const REPEATABLE: ReadonlySet<ControllerKind> = new Set<ControllerKind>([
  "found-cluster",
  "register-broker",
  "fence-broker",
  "unfence-broker",
  "drain-broker",
  "create-topics", // The asker chose the topic ids, so it recognises its own.
  "replace-directory",
  "alter-configs",
  "alter-configs-incrementally", // Items of a list are added once.
  "allocate-producer-ids",
  "set-entries",
  "describe-quorum",
  "describe",
]);

const TOLD: ReadonlySet<ControllerKind> = new Set<ControllerKind>([
  "delete-topics",
  "create-partitions",
]);

function isRepeatable(request: ControllerRequest): boolean {
  if (request.kind !== "delete-topics")
    return REPEATABLE.has(request.kind) || TOLD.has(request.kind);
  // A name alone may belong to another topic by then.
  return request.topics.every((of) => !("name" in of) || of.seen !== undefined);
}

interface Pending {
  readonly request: ControllerRequest;
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
    if (this.#pending.size >= PENDING_MAX) {
      const detail = "Too many requests to the controller wait on this broker.";
      return Promise.resolve(failed({ kind: "busy", detail }));
    }
    const tooLong = lengthRefusal(request);
    if (tooLong !== null) return Promise.resolve(failed(tooLong));
    return new Promise((resolve) => {
      const { clock } = this.#ports;
      const pending: Pending = {
        request,
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
    const leader = this.#ports.leaders.leaderOf(CONTROLLER_GROUP);
    if (leader === null) return this.#retryLater(pending);
    const attempt = ++this.#lastAttempt;
    pending.attempt = attempt;
    pending.to = leader;
    const request = this.#asAsked(pending);
    if (leader === this.#ports.self) {
      return this.#ports.ask(request, (outcome) => {
        if (pending.attempt === attempt) this.#answered(pending, outcome);
      });
    }
    const message = encodeRequest(attempt, request);
    if (!message.ok) return this.#finish(pending, message);
    if (!this.#ports.send(leader, message.value)) return this.#retryLater(pending);
    this.#sent.set(attempt, pending);
  }

  /** An attempt that starts late must still be answered in time, and one that is a repeat says so. */
  #asAsked(pending: Pending): ControllerRequest {
    const isRepeat = pending.mayHaveHappened && TOLD.has(pending.request.kind);
    const request = isRepeat
      ? ({ ...pending.request, isRepeat } as ControllerRequest)
      : pending.request;
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
    if (!isRepeatable(pending.request)) return this.#finish(pending, outcome);
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
