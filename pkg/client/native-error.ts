// What a call of the native API can end with, as one error class: callers decide by kind, people read the message.
import { status } from "@grpc/grpc-js";
import type { StatusObject } from "@grpc/grpc-js";
import { END_OFFSET_KEY, FAULT_KEY, LEADER_KEY } from "../../internal/grpc/refusal.ts";

/** Refusals that time, or another broker, may cure. The broker did nothing. */
const PASSING: ReadonlySet<string> = new Set([
  "not-leader",
  "fenced-epoch",
  "unknown-epoch",
  "not-enough-replicas",
  "offset-not-available",
  "not-founded",
  "overloaded",
  "busy",
  "stopping",
]);

export class NativeError extends Error {
  override readonly name = "NativeError";
  /** The gRPC status code. */
  readonly code: status;
  /** A word of docs/grpc.md; null when no broker refused, as when a connection broke or the deadline passed. */
  readonly kind: string | null;
  /** The gRPC endpoint of the leader, `<host>:<port>`, when the broker knew it. */
  readonly leader: string | null;
  /** The actual end of the partition, when that is why. */
  readonly endOffset: number | null;

  constructor(told: Pick<StatusObject, "code" | "details" | "metadata">) {
    const kind = text(told, FAULT_KEY);
    super(kind === null ? `${status[told.code]}: ${told.details}` : told.details);
    this.code = told.code;
    this.kind = kind;
    // `<broker>@<host>:<port>`
    this.leader = text(told, LEADER_KEY)?.replace(/^\d+@/, "") ?? null;
    const end = text(told, END_OFFSET_KEY);
    this.endOffset = end === null ? null : Number(end);
  }

  /** Nothing was done, and the same call may succeed later or elsewhere. */
  get isPassing(): boolean {
    return this.kind !== null && PASSING.has(this.kind);
  }

  /** The broker could not be reached, the connection broke, or nothing came in time: whether it did anything is unknown. */
  get isBroken(): boolean {
    if (this.code === status.DEADLINE_EXCEEDED) return true;
    return this.kind === null && this.code === status.UNAVAILABLE;
  }
}

function text(told: Pick<StatusObject, "metadata">, key: string): string | null {
  const value = told.metadata.get(key)[0];
  return value === undefined ? null : String(value);
}
