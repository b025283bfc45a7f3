// How the server says no: one shape for every refusal, and its two forms on the wire, the status of a call with its
// trailing metadata and the Fault message of an append stream.
import { Metadata, status } from "@grpc/grpc-js";
import type { StatusObject } from "@grpc/grpc-js";
import { SHOWN_LENGTH_MAX } from "./limits.ts";
import type { Fault } from "./generated/log.ts";

export interface Refusal {
  readonly code: status;
  /** The word in docs/grpc.md. */
  readonly kind: string;
  /** What happened, where, and what to do. */
  readonly message: string;
  readonly endOffset?: number;
  /** `<broker>@<host>:<port>`. */
  readonly leader?: string;
}

export const FAULT_KEY = "flotilla-fault";
export const LEADER_KEY = "flotilla-leader";
export const END_OFFSET_KEY = "flotilla-end-offset";

const HEADER_TEXT = /^[\x21-\x7e]*$/;

export function statusOf(refusal: Refusal): StatusObject {
  const metadata = new Metadata();
  metadata.set(FAULT_KEY, refusal.kind);
  if (refusal.leader !== undefined && HEADER_TEXT.test(refusal.leader)) {
    metadata.set(LEADER_KEY, refusal.leader);
  }
  if (refusal.endOffset !== undefined) metadata.set(END_OFFSET_KEY, String(refusal.endOffset));
  // The message is percent-encoded on its way, which fails for halves of surrogate pairs.
  return { code: refusal.code, details: refusal.message.toWellFormed(), metadata };
}

export function faultOf(refusal: Refusal): Fault {
  const { code, kind, message, endOffset, leader } = refusal;
  const fault = { kind, code, message };
  return {
    ...fault,
    ...(endOffset === undefined ? {} : { endOffset }),
    ...(leader === undefined ? {} : { leader }),
  };
}

/** A client's own text in a message: quoted, short. */
export function shown(text: string): string {
  const short = text.length > SHOWN_LENGTH_MAX ? `${text.slice(0, SHOWN_LENGTH_MAX)}…` : text;
  return JSON.stringify(short);
}

export function invalid(message: string): Refusal {
  return { code: status.INVALID_ARGUMENT, kind: "invalid-argument", message };
}

export const MALFORMED = invalid(
  "The request is no message of this method's type. Check that client and server use the same .proto files.",
);
export const TOO_MANY_PARTS = invalid(
  "The request has too many embedded messages. Send fewer records and headers in one request.",
);

export function overloaded(callsMax: number): Refusal {
  return {
    code: status.RESOURCE_EXHAUSTED,
    kind: "overloaded",
    message: `The broker serves ${callsMax} gRPC calls at a time and all are in use. Nothing was done; try again later.`,
  };
}

export const STOPPING: Refusal = {
  code: status.UNAVAILABLE,
  kind: "stopping",
  message: "The broker is stopping. Go on at another broker, or at this one when it is back.",
};

export const BUSY: Refusal = {
  code: status.RESOURCE_EXHAUSTED,
  kind: "busy",
  message:
    "The broker had no memory for this append in time. Nothing was appended; try again later.",
};

export const NOT_TRIED: Refusal = {
  code: status.ABORTED,
  kind: "not-tried",
  message:
    "An earlier append of this stream was refused, so this one was not tried. Nothing was appended.",
};

export const INTERNAL: Refusal = {
  code: status.INTERNAL,
  kind: "internal",
  message:
    "The broker failed to serve this call; its log says why. What was asked for may have happened.",
};
