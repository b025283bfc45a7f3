// A Kafka client of few words over the Wire port: frames out, frames in, a promise for each request. It knows no
// brokers, retries, batches or groups; it is what the simulator, the fault runs, the benchmarks and the wire tests talk
// through. Requests may be pipelined: answers are matched by correlation id, and an answer out of order is an error,
// because a broker must never send one.
import { Reader } from "../../internal/bytes/reader.ts";
import { Writer } from "../../internal/bytes/writer.ts";
import type { Api } from "../../internal/kafka/api/api.ts";
import type { AnyApi } from "../../internal/kafka/api/registry.ts";
import { FrameSplitter } from "../../internal/kafka/codec/frame-splitter.ts";
import { encodeRequest } from "../../internal/kafka/codec/request.ts";
import { decodeResponse } from "../../internal/kafka/codec/response.ts";
import type { Clock } from "../../internal/ports/clock.ts";
import type { Address, CloseReason, Connection, Wire } from "../../internal/ports/wire.ts";
import type { Complete, Draft } from "../../internal/schema/message.ts";

const FRAME_BYTES_MAX = 256 << 20;

/** The connection ended before the answer came: whether the request was carried out is unknown. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
  readonly reason: CloseReason;

  constructor(reason: CloseReason) {
    super(`the connection to the broker is over: ${reason}`);
    this.reason = reason;
  }
}

/** The broker sent something that no broker may send. */
export class ProtocolViolation extends Error {
  override readonly name = "ProtocolViolation";
}

interface Asked {
  readonly api: AnyApi;
  readonly version: number;
  readonly correlationId: number;
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface KafkaClientOptions {
  readonly clientId?: string;
  /** Stops reading from the start; `resume` begins. For tests of slow readers. */
  readonly isPaused?: boolean;
}

export class KafkaClient {
  /** Resolves when the connection is open; rejects when it cannot be opened. */
  readonly opened: Promise<void>;
  /** Resolves, with the reason, when the connection is over. */
  readonly closed: Promise<CloseReason>;
  /** Null while the connection is open or being opened. */
  closeReason: CloseReason | null = null;
  readonly connection: Connection;
  readonly #clock: Clock;
  readonly #clientId: string;
  readonly #writer = new Writer();
  readonly #splitter = new FrameSplitter(FRAME_BYTES_MAX);
  readonly #reader = new Reader(new Uint8Array(0));
  #asked: Asked[] = [];
  #answered = 0;
  #correlationId = 0;
  #willFlush = false;
  #over!: (reason: CloseReason) => void;
  #reject: (error: Error) => void = () => {};

  constructor(
    world: { readonly wire: Wire; readonly clock: Clock },
    to: Address,
    options: KafkaClientOptions = {},
  ) {
    this.#clock = world.clock;
    this.#clientId = options.clientId ?? "flotilla-test";
    this.closed = new Promise((resolve) => {
      this.#over = resolve;
    });
    let open: () => void = () => {};
    this.opened = new Promise((resolve, reject) => {
      open = resolve;
      this.#reject = reject;
    });
    this.opened.catch(() => {}); // whoever does not wait for it sees the rejection of its request
    this.connection = world.wire.connect(to, {
      opened: () => open(),
      received: (bytes) => this.#received(bytes),
      closed: (reason) => this.#closed(reason),
    });
    if (options.isPaused === true) this.connection.pause();
  }

  /** Requests without an answer yet. */
  get unanswered(): number {
    return this.#asked.length - this.#answered;
  }

  /** Sends a request and resolves with its answer, whose bytes belong to the caller. */
  request<Req, Res>(api: Api<Req, Res>, version: number, body: Draft<Req>): Promise<Complete<Res>> {
    return new Promise((resolve, reject) => {
      if (this.closeReason !== null) {
        reject(new ConnectionLost(this.closeReason));
        return;
      }
      const correlationId = this.#write(api, version, body);
      this.#asked.push({
        api: api as AnyApi,
        version,
        correlationId,
        resolve: resolve as (body: unknown) => void,
        reject,
      });
    });
  }

  /** Sends a request that has no answer: Produce with acks 0. */
  tell<Req, Res>(api: Api<Req, Res>, version: number, body: Draft<Req>): void {
    this.#write(api, version, body);
  }

  /** Stops and continues reading, as a slow consumer does. */
  pause(): void {
    this.connection.pause();
  }

  resume(): void {
    this.connection.resume();
  }

  close(): void {
    this.connection.destroy();
  }

  #write<Req, Res>(api: Api<Req, Res>, version: number, body: Draft<Req>): number {
    const correlationId = (this.#correlationId = (this.#correlationId + 1) | 0);
    const header = { apiVersion: version, correlationId, clientId: this.#clientId };
    const frame = encodeRequest(this.#writer, api, header, body);
    if (!frame.ok) throw new ProtocolViolation(`cannot encode ${api.name}: ${frame.fault.kind}`);
    for (const chunk of frame.value) this.connection.write(chunk);
    this.#flushSoon();
    return correlationId;
  }

  #flushSoon(): void {
    if (this.#willFlush) return;
    this.#willFlush = true;
    this.#clock.turnEnd(() => {
      this.#willFlush = false;
      this.connection.flush();
    });
  }

  #received(bytes: Uint8Array): void {
    if (this.closeReason !== null) return;
    this.#splitter.push(bytes);
    while (this.#splitter.next()) {
      this.#take(this.#splitter.bytes.slice(this.#splitter.start, this.#splitter.end));
    }
    this.#splitter.settle();
    if (this.#splitter.fault !== null) this.connection.destroy();
  }

  #take(frame: Uint8Array): void {
    const asked = this.#asked[this.#answered];
    if (asked === undefined) {
      this.connection.destroy();
      return;
    }
    this.#answered++;
    if (this.#answered === this.#asked.length) {
      this.#asked = [];
      this.#answered = 0;
    } else if (this.#answered === 1024) {
      this.#asked.splice(0, 1024);
      this.#answered = 0;
    }
    this.#reader.rebind(frame, 0, frame.length);
    const answer = decodeResponse(this.#reader, asked.api, asked.version);
    const title = `${asked.api.name} ${asked.version}`;
    if (!answer.ok) {
      asked.reject(new ProtocolViolation(`undecodable answer to ${title}: ${answer.fault.kind}`));
    } else if (this.#reader.remaining > 0) {
      asked.reject(new ProtocolViolation(`trailing bytes behind the answer to ${title}`));
    } else if (answer.value.correlationId !== asked.correlationId) {
      asked.reject(new ProtocolViolation(`the answer to ${title} has another's correlation id`));
      this.connection.destroy();
    } else {
      asked.resolve(answer.value.body);
    }
  }

  #closed(reason: CloseReason): void {
    this.closeReason = reason;
    const lost = new ConnectionLost(reason);
    const waiting = this.#asked.slice(this.#answered);
    this.#asked = [];
    this.#answered = 0;
    for (const asked of waiting) asked.reject(lost);
    this.#reject(lost);
    this.#over(reason);
  }
}
