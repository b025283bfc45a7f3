// What serves one API. Handlers are given a call and the decoded request, whose byte strings are lent until `handle`
// returns, and answer the call then or later. Expected failures are codes in the answer; an exception is a bug and ends
// the broker.
import type { LogService } from "../service/log-service.ts";
import type { ClusterService } from "../service/cluster-service.ts";
import type { GroupService } from "../service/group-service.ts";
import type { ElectionService } from "../service/election-service.ts";
import type { InspectionService } from "../service/inspection-service.ts";
import type { Clock } from "../ports/clock.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { Complete } from "../schema/message.ts";
import type { Api } from "./api/api.ts";
import type { AnyApi } from "./api/registry.ts";
import type { Call, CallOf } from "./call.ts";
import type { FetchSessions } from "./fetch-sessions.ts";
import type { KafkaOptions } from "./options.ts";

/** What handlers work with. */
export interface HandlerContext {
  readonly log: LogService;
  readonly cluster: ClusterService;
  readonly groups: GroupService;
  readonly inspection: InspectionService;
  readonly elections: ElectionService;
  readonly clock: Clock;
  readonly entropy: Entropy;
  readonly options: KafkaOptions;
  readonly sessions: FetchSessions;
}

export interface Handler {
  readonly api: AnyApi;
  /** A connection has one such request under way at a time: the next starts when the answer to the last was taken. */
  readonly isSerial: boolean;
  handle(call: Call, body: unknown): void;
}

/** A handler that answers the call by itself. */
export function handler<Req, Res>(
  api: Api<Req, Res>,
  handle: (call: CallOf<Res>, request: Complete<Req>) => void,
  isSerial = false,
): Handler {
  return {
    api: api as AnyApi,
    isSerial,
    handle: (call, body) => handle(call, body as Complete<Req>),
  };
}

/** A handler that is a function from the request to its answer, at once or as a promise. */
export function responder<Req, Res>(
  api: Api<Req, Res>,
  respond: (request: Complete<Req>, call: CallOf<Res>) => Res | Promise<Res>,
): Handler {
  return handler(api, (call, request) => {
    const response = respond(request, call);
    if (!(response instanceof Promise)) {
      call.answer(response);
      return;
    }
    response.then((body) => call.answer(body)).catch((error: unknown) => call.fatal(error));
  });
}
