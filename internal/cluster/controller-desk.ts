// Where requests to the controller arrive on the broker that leads group 0: from this broker itself, or forwarded over a
// link. It hands them to the state log, turns the log's refusals into the controller's vocabulary, and keeps the
// answers to CreateTopics and CreatePartitions until the topics can be used (C3).
import { unreachable } from "../base/assert.ts";
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { BrokerId, LogIndex, TopicId } from "../model/ids.ts";
import type { StateLog, StateLogFault } from "../statelog/state-log.ts";
import type { AskingBroker } from "./answered-requests.ts";
import type { ClusterState } from "./cluster-state.ts";
import type { SubmittedRequest } from "./controller.ts";
import type { ControllerFault, ControllerReply, ControllerRequest } from "./controller-requests.ts";
import type { MetadataImage } from "./image.ts";
import type { TopicReadiness } from "./readiness.ts";
import type { ControllerRecord } from "./records.ts";
import { decodeRequest, encodeReply } from "./request-codec.ts";

export type ControllerLog = StateLog<
  ClusterState,
  SubmittedRequest,
  ControllerReply,
  ControllerFault,
  ControllerRecord
>;

export type ControllerAnswer = (outcome: Result<ControllerReply, ControllerFault>) => void;

export class ControllerDesk {
  readonly #log: Pick<ControllerLog, "submit" | "leadingTerm">;
  readonly #image: MetadataImage;
  readonly #readiness: TopicReadiness;

  constructor(
    log: Pick<ControllerLog, "submit" | "leadingTerm">,
    image: MetadataImage,
    readiness: TopicReadiness,
  ) {
    this.#log = log;
    this.#image = image;
    this.#readiness = readiness;
  }

  /** Answers once; at once with "not-leader" where group 0 is not led. */
  ask(request: SubmittedRequest, answer: ControllerAnswer): void {
    this.#log.submit(request, (outcome, at) => {
      if (!outcome.ok) return answer(failed(controllerFault(outcome.fault)));
      const reply = outcome.value;
      if (reply.kind === "describe") return answer(ok({ ...reply, version: at }));
      if (reply.kind !== "create-topics" && reply.kind !== "create-partitions") {
        return answer(outcome);
      }
      const { readyWithinMs } = request as ControllerRequest<"create-topics">;
      const { validateOnly } = request as ControllerRequest<"create-topics">;
      const topics = validateOnly ? [] : this.#changedTopics(reply);
      if (topics.length === 0) return answer(outcome);
      this.#answerWhenReady(reply, at, topics, readyWithinMs, answer);
    });
  }

  /** A forwarded request: `bytes` are lent. `send` carries the reply back, if it still can. */
  received(
    from: AskingBroker,
    bytes: Uint8Array,
    send: (to: BrokerId, reply: Uint8Array) => void,
  ): void {
    const received = decodeRequest(bytes);
    if (received === null) return;
    const { id, term, sequence, floor, request } = received;
    const { broker, directory, incarnation } = from;
    if (request === null) {
      const detail = "The controller does not understand the request.";
      return send(broker, encodeReply(id, "describe", failed({ kind: "invalid-request", detail })));
    }
    const answer: ControllerAnswer = (outcome) =>
      send(broker, encodeReply(id, request.kind, outcome));
    // Whatever this leader was asked in another term is in its state by now, or will never be.
    if (term !== this.#log.leadingTerm) {
      return answer(failed(controllerFault({ kind: "not-leader" })));
    }
    this.ask({ ...request, asker: { broker, directory, incarnation, sequence, floor } }, answer);
  }

  #changedTopics(reply: ControllerReply<"create-topics" | "create-partitions">): TopicId[] {
    return reply.topics.flatMap(({ name, outcome }) => {
      if (!outcome.ok) return [];
      const topicId = outcome.value?.topicId ?? this.#image.topicNamed(name)?.topicId;
      return topicId === undefined ? [] : [topicId];
    });
  }

  #answerWhenReady(
    reply: ControllerReply<"create-topics" | "create-partitions">,
    at: LogIndex,
    topics: readonly TopicId[],
    withinMs: number,
    answer: ControllerAnswer,
  ): void {
    if (withinMs <= 0) {
      return answer(ok({ ...reply, ready: this.#readiness.isReady(at, topics) }));
    }
    this.#readiness.whenReady(at, topics, withinMs, (readiness) => {
      // The asker of an unknown outcome asks the new leader, which finds the topic and waits for it again.
      if (readiness === "resigned") answer(failed(controllerFault({ kind: "outcome-unknown" })));
      else answer(ok({ ...reply, ready: readiness === "ready" }));
    });
  }
}

function controllerFault(fault: ControllerFault | StateLogFault): ControllerFault {
  if ("detail" in fault) return fault;
  const { kind } = fault;
  switch (kind) {
    case "not-leader":
      return { kind, detail: "This broker does not lead the controller group." };
    case "outcome-unknown":
      return { kind, detail: "The controller changed before the change was committed." };
    case "busy":
      return { kind, detail: "The controller has too much to do." };
    case "storage-full":
      return { kind, detail: "The controller's disk is full." };
    case "too-large":
      return { kind, detail: "The request changes more than one log entry can hold." };
    default:
      return unreachable(kind);
  }
}
