// Byte streams between processes as the core sees them: ordered and reliable while open, gone without notice.
// Framing, checksums and back-pressure policy belong to the users of the port.
import type { Result } from "../base/result.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export type CloseReason = "ended" | "reset" | "refused" | "timed-out" | "destroyed";

export interface Wire {
  /**
   * Accepts connections at `at` (port 0 = any free one; the listener's address says which). `accept` is called for
   * each with the connection and returns what receives its events.
   */
  listen(
    at: Address,
    accept: (connection: Connection) => ConnectionEvents,
  ): Promise<
    Result<Listener, { readonly kind: "listen"; readonly code: string; readonly at: Address }>
  >;
  /** Opens a connection. `opened` or `closed` follows; nothing is called inside this call. */
  connect(to: Address, events: ConnectionEvents): Connection;
}

export interface Listener {
  readonly address: Address;
  /** Stops accepting; open connections stay. */
  close(): Promise<void>;
}

/** Called by the wire, never re-entrantly. After `closed` nothing more is called. */
export interface ConnectionEvents {
  /** The connection is usable (outgoing ones only). */
  opened?(): void;
  /** Bytes arrived. Lent: valid until the call returns; keep = copy. */
  received(bytes: Uint8Array): void;
  /** `bufferedBytes` fell to zero after it was above zero at the end of some flush. */
  drained?(): void;
  /** The connection is over. Exactly once for every connection, also after `destroy`. */
  closed(reason: CloseReason): void;
}

export interface Connection {
  /** The other side, for logs and limits. */
  readonly peer: Address;
  /**
   * Queues bytes; they leave at the next `flush`, in order. The bytes are lent to the connection until `released` runs
   * (after they were handed to the system, or the connection ended); without `released` the caller never changes them again.
   */
  write(bytes: Uint8Array, released?: () => void): void;
  /** Sends what was queued, with as few system calls as possible. */
  flush(): void;
  /** Bytes queued or handed over and not yet taken by the system. */
  readonly bufferedBytes: number;
  /** Stops `received` until `resume`. Bytes already being delivered may still come in one call. */
  pause(): void;
  resume(): void;
  /** Flushes, then closes in order. */
  end(): void;
  /** Closes at once; queued bytes may be lost. */
  destroy(): void;
}
