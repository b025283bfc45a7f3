// What can go wrong for a client of a cluster, as one error class with a kind: callers decide by kind, people read the
// message.
import type { Address } from "../../../internal/config/addresses.ts";
import { showAddress } from "../../../internal/config/addresses.ts";
import { ErrorCode, errorName, isRetriable } from "../../../internal/kafka/codec/errors.ts";
import { ERROR_WORDS } from "./error-words.ts";

export type KafkaErrorKind =
  /** No broker accepted a connection. */
  | "unreachable"
  /** A connection ended before the answer; whether the request was carried out is unknown. */
  | "connection-lost"
  /** No answer in time; whether the request was carried out is unknown. */
  | "timed-out"
  /** The broker answered with an error code. */
  | "refused"
  /** There is no such topic or group, as far as a broker knows. */
  | "missing"
  /** The broker does not serve what the client needs. */
  | "unsupported"
  /** The broker sent something that no broker may send. */
  | "protocol";

export class KafkaError extends Error {
  override readonly name = "KafkaError";
  readonly kind: KafkaErrorKind;
  /** Kafka's error code when the kind is `refused`, else 0. */
  readonly code: number;

  constructor(kind: KafkaErrorKind, message: string, code = 0) {
    super(message);
    this.kind = kind;
    this.code = code;
  }

  /** The same, with what became of further tries. */
  with(note: string): KafkaError {
    return new KafkaError(this.kind, `${this.message}; ${note}`, this.code);
  }

  /** Whether the same request may succeed later, or at another broker. */
  get isRetriable(): boolean {
    if (this.kind === "refused") return isRetriable(this.code);
    return this.kind === "unreachable" || this.isOutcomeUnknown;
  }

  /** Whether the request may have been carried out although it failed. */
  get isOutcomeUnknown(): boolean {
    if (this.kind === "refused") return this.code === ErrorCode.REQUEST_TIMED_OUT;
    return this.kind === "connection-lost" || this.kind === "timed-out";
  }
}

export function unreachable(addresses: readonly Address[]): KafkaError {
  const list = addresses.map((address) => showAddress(address)).join(", ");
  return new KafkaError("unreachable", `no broker answers at ${list}`);
}

/** An error code of an answer, in the broker's own words where it has any; `what` says what was refused. */
export function refused(code: number, what: string, message: string | null = null): KafkaError {
  const name = errorName(code);
  const words = (name === undefined ? null : ERROR_WORDS[name]) ?? "the broker refuses it";
  const said = message === null || message === "" ? words : message;
  return new KafkaError("refused", `${what}: ${said} (${name ?? `error ${code}`})`, code);
}
