// Controller requests and replies as bytes. Bytes from a peer are decoded, never trusted: null means that they make no
// sense here, and a request that is decoded still meets every check of its handler.
import { assert } from "../base/assert.ts";
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { Term } from "../model/ids.ts";
import type { Draft } from "../schema/message.ts";
import { CONTROLLER_FAULT_KINDS } from "./controller-requests.ts";
import type {
  ConfigResource,
  ControllerFault,
  ControllerFaultKind,
  ControllerKind,
  ControllerReply,
  ControllerRequest,
} from "./controller-requests.ts";
import { REPLY_ENVELOPE, REQUEST_ENVELOPE, REQUEST_SCHEMAS } from "./request-schemas.ts";
import type { RequestSchema, Row } from "./request-schemas.ts";

const SCHEMAS: Readonly<Record<ControllerKind, RequestSchema>> = REQUEST_SCHEMAS;
const KIND_OF_NUMBER = new Map(
  (Object.keys(SCHEMAS) as ControllerKind[]).map((kind) => [SCHEMAS[kind].number, kind]),
);
const FAULT_KINDS: ReadonlySet<string> = new Set(CONTROLLER_FAULT_KINDS);
const DETAIL_CHARS_MAX = 1_000;
/** No broker has this id: it stands for "the default of all brokers", and for "not a broker". */
const NO_BROKER = -1;
const WORDS = {
  protocol: new Set(["kafka", "grpc", "http", "link"]),
  space: new Set(["acl", "credential", "quota"]),
  operation: new Set(["set", "delete", "append", "subtract"]),
} as const;

/** Of an encoded request; far below what a link takes as one message. */
const REQUEST_BYTES_MAX = 4 << 20;

/** What an attempt says beside its request. */
export interface Attempt {
  readonly id: number;
  /** Of the leader that it is for. */
  readonly term: Term;
  readonly sequence: number;
  readonly floor: number;
}

export function encodeRequest(
  attempt: Attempt,
  request: ControllerRequest,
): Result<Uint8Array, ControllerFault> {
  const { number, request: message } = SCHEMAS[request.kind];
  const body = message.encode(0, requestRow(request) as Draft<Row>);
  if (!body.ok) {
    return failed({ kind: "invalid-request", detail: "An id in the request is malformed." });
  }
  if (body.value.length > REQUEST_BYTES_MAX) {
    return failed({ kind: "too-large", detail: "The request is too large to be forwarded." });
  }
  const whole = REQUEST_ENVELOPE.encode(0, { ...attempt, kind: number, body: body.value });
  assert(whole.ok, "a request's envelope has no text");
  return whole;
}

export interface ReceivedRequest extends Attempt {
  /** Null: the kind is unknown here or the body is malformed. */
  readonly request: ControllerRequest | null;
}

export function decodeRequest(bytes: Uint8Array): ReceivedRequest | null {
  const envelope = REQUEST_ENVELOPE.decode(bytes, 0);
  if (!envelope.ok) return null;
  const { kind: number, body, term, ...numbers } = envelope.value;
  const attempt = { ...numbers, term: term as Term };
  const kind = KIND_OF_NUMBER.get(number);
  if (kind === undefined) return { ...attempt, request: null };
  const row = SCHEMAS[kind].request.decode(body, 0);
  return { ...attempt, request: row.ok ? requestOf(kind, row.value as Row) : null };
}

export function encodeReply(
  id: number,
  kind: ControllerKind,
  outcome: Result<ControllerReply, ControllerFault>,
): Uint8Array {
  const { number, reply: message } = SCHEMAS[kind];
  const { fault, detail } = outcome.ok ? NO_FAULT : faultRow(outcome.fault);
  const encoded = outcome.ok
    ? message.encode(0, replyRow(outcome.value) as Draft<Row>)
    : ok(new Uint8Array(0));
  assert(encoded.ok, "a reply repeats only what a request could carry");
  const whole = REPLY_ENVELOPE.encode(0, { id, kind: number, fault, detail, body: encoded.value });
  assert(whole.ok, "a reply's envelope has no long text");
  return whole.value;
}

export interface ReceivedReply {
  readonly id: number;
  readonly outcome: Result<ControllerReply, ControllerFault>;
}

export function decodeReply(bytes: Uint8Array): ReceivedReply | null {
  const envelope = REPLY_ENVELOPE.decode(bytes, 0);
  if (!envelope.ok) return null;
  const { id, kind: number, fault, detail, body } = envelope.value;
  if (fault !== null) return { id, outcome: failed(faultOf(fault, detail)) };
  const kind = KIND_OF_NUMBER.get(number);
  if (kind === undefined) return null;
  const row = SCHEMAS[kind].reply.decode(body, 0);
  return row.ok ? { id, outcome: ok(replyOf(kind, row.value as Row)) } : null;
}

const NO_FAULT = { fault: null, detail: null };

function faultRow({ kind, detail }: ControllerFault): { fault: string; detail: string } {
  return { fault: kind, detail: detail.slice(0, DETAIL_CHARS_MAX) };
}

/** A fault of a newer version is a refusal all the same. */
function faultOf(kind: string, detail: string | null): ControllerFault {
  const known = FAULT_KINDS.has(kind) ? (kind as ControllerFaultKind) : "invalid-request";
  return { kind: known, detail: detail ?? "" };
}

function requestRow(request: ControllerRequest): Row {
  switch (request.kind) {
    case "delete-topics": {
      const topics = request.topics.map((of) =>
        "name" in of ? { name: of.name, topicId: "" } : { name: null, ...of },
      );
      return { ...request, topics };
    }
    case "create-partitions": {
      const topics = request.topics.map((topic) => {
        return { ...topic, assignments: topic.assignments.map((brokers) => ({ brokers })) };
      });
      return { ...request, topics };
    }
    case "alter-configs":
    case "alter-configs-incrementally": {
      const resources = request.resources.map(({ of, ...rest }) => ({
        ...resourceRow(of),
        ...rest,
      }));
      return { ...request, resources };
    }
    default:
      return { ...request };
  }
}

function resourceRow(of: ConfigResource): Row {
  if (of.resource !== "broker") return { ...of, broker: NO_BROKER };
  return { resource: "broker", name: "", broker: of.broker ?? NO_BROKER };
}

function requestOf(kind: ControllerKind, row: Row): ControllerRequest | null {
  const fields = requestFields(kind, row);
  return fields === null ? null : ({ kind, ...fields } as unknown as ControllerRequest);
}

type Rows = readonly Row[];

function requestFields(kind: ControllerKind, row: Row): Row | null {
  switch (kind) {
    case "register-broker":
      return areWords(row["endpoints"] as Rows, "protocol") ? row : null;
    case "delete-topics": {
      const topics = (row["topics"] as Rows).map(({ name, topicId }) => {
        return name === null ? { topicId } : { name };
      });
      return { ...row, topics };
    }
    case "create-partitions": {
      const topics = (row["topics"] as Rows).map((topic) => {
        const assignments = (topic["assignments"] as Rows).map((of) => of["brokers"]);
        return { ...topic, assignments };
      });
      return { ...row, topics };
    }
    case "alter-configs":
    case "alter-configs-incrementally":
      return withResources(row);
    case "set-entries": {
      const changes = (row["changes"] as Rows).map(({ key, value }) => {
        return { key, value: (value as Uint8Array | null)?.slice() ?? null }; // lent bytes are kept
      });
      return areWords([row], "space") ? { ...row, changes } : null;
    }
    default:
      return row;
  }
}

function withResources(row: Row): Row | null {
  const resources: Row[] = [];
  for (const { resource, name, broker, ...rest } of row["resources"] as Rows) {
    if (resource !== "topic" && resource !== "broker" && resource !== "group") return null;
    if (!areWords((rest["changes"] ?? []) as Rows, "operation")) return null;
    const id = broker === NO_BROKER ? null : broker;
    resources.push({
      of: resource === "broker" ? { resource, broker: id } : { resource, name },
      ...rest,
    });
  }
  return { ...row, resources };
}

function areWords(rows: Rows, field: keyof typeof WORDS): boolean {
  return rows.every((row) => WORDS[field].has(row[field] as string));
}

type Outcome = Result<object | null, ControllerFault>;

function outcomeRow(outcome: Outcome): Row {
  if (!outcome.ok) return { ...faultRow(outcome.fault), value: null };
  return { ...NO_FAULT, value: outcome.value };
}

function outcomeOf({ fault, detail, value }: Row): Outcome {
  if (fault === null) return ok((value ?? null) as object | null);
  return failed(faultOf(fault as string, detail as string | null));
}

function replyRow(reply: ControllerReply): Row {
  if ("outcomes" in reply) {
    return { outcomes: (reply.outcomes as readonly Outcome[]).map((of) => outcomeRow(of)) };
  }
  if ("topics" in reply) {
    const topics = reply.topics.map(({ outcome, ...rest }) => {
      return { ...nullIdAsEmpty(rest), outcome: outcomeRow(outcome) };
    });
    return { ...reply, topics };
  }
  return nullIdAsEmpty({ ...reply });
}

/** The id that is no id is sixteen zero bytes on the wire, and the empty text in messages. */
function nullIdAsEmpty(row: Row): Row {
  const plain = { ...row };
  for (const field of ["topicId", "clusterId"]) if (plain[field] === null) plain[field] = "";
  return plain;
}

function replyOf(kind: ControllerKind, row: Row): ControllerReply {
  const fields = { kind, ...row } as Row;
  if ("outcomes" in row) fields["outcomes"] = (row["outcomes"] as Rows).map(outcomeOf);
  if ("topics" in row) {
    fields["topics"] = (row["topics"] as Rows).map(({ outcome, ...rest }) => {
      if (rest["topicId"] === "") rest["topicId"] = null;
      return { ...rest, outcome: outcomeOf(outcome as Row) };
    });
  }
  if (kind === "describe" && row["clusterId"] === "") fields["clusterId"] = null;
  return fields as unknown as ControllerReply;
}
