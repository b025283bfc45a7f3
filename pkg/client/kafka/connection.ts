// One connection to one broker: requests out, answers in, a promise for each request. The versions are the highest that
// both sides know. Requests may be pipelined; the broker answers in order.
import { Reader } from "../../../internal/bytes/reader.ts";
import { Writer } from "../../../internal/bytes/writer.ts";
import type { Address } from "../../../internal/config/addresses.ts";
import { showAddress } from "../../../internal/config/addresses.ts";
import { apiVersions } from "../../../internal/kafka/api/18-api-versions.ts";
import type { Api } from "../../../internal/kafka/api/api.ts";
import type { AnyApi } from "../../../internal/kafka/api/registry.ts";
import { errorName } from "../../../internal/kafka/codec/errors.ts";
import { FrameSplitter } from "../../../internal/kafka/codec/frame-splitter.ts";
import { encodeRequest } from "../../../internal/kafka/codec/request.ts";
import { decodeResponse } from "../../../internal/kafka/codec/response.ts";
import type { Cancel, Clock } from "../../../internal/ports/clock.ts";
import type { Connection, Wire } from "../../../internal/ports/wire.ts";
import type { Complete, Draft } from "../../../internal/schema/message.ts";
import { KafkaError, unreachable } from "./kafka-error.ts";

export interface ClientWorld {
  readonly wire: Wire;
  readonly clock: Clock;
}

interface Asked {
  readonly api: AnyApi;
  readonly version: number;
  readonly correlationId: number;
  readonly cancelTimeout: Cancel;
  readonly resolve: (body: unknown) => void;
  readonly reject: (error: Error) => void;
}

const FRAME_BYTES_MAX = 256 << 20;
/** Every broker knows this version of ApiVersions. */
const FIRST_VERSION = 0;

export class BrokerConnection {
  readonly #clock: Clock;
  readonly #clientId: string;
  readonly #name: string;
  readonly #writer = new Writer();
  readonly #splitter = new FrameSplitter(FRAME_BYTES_MAX);
  readonly #reader = new Reader(new Uint8Array(0));
  readonly #asked: Asked[] = [];
  readonly #offered = new Map<number, { readonly min: number; readonly max: number }>();
  readonly #connection: Connection;
  readonly #opened: Promise<void>;
  #lost: KafkaError | null = null;
  #correlationId = 0;
  #willFlush = false;
  #fail: (error: KafkaError) => void = () => {};

  /** Connects and learns what the broker serves. Rejects with a KafkaError. */
  static async open(
    world: ClientWorld,
    to: Address,
    clientId: string,
    withinMs: number,
  ): Promise<BrokerConnection> {
    const connection = new BrokerConnection(world, to, clientId);
    await connection.#opened;
    await connection.#learnVersions(withinMs);
    return connection;
  }

  private constructor(world: ClientWorld, to: Address, clientId: string) {
    this.#clock = world.clock;
    this.#clientId = clientId;
    this.#name = showAddress(to);
    let open: () => void = () => {};
    this.#opened = new Promise((resolve, reject) => {
      open = resolve;
      this.#fail = reject;
    });
    this.#connection = world.wire.connect(to, {
      opened: () => {
        this.#fail = () => {};
        open();
      },
      received: (bytes) => this.#received(bytes),
      closed: (reason) => {
        this.#fail(unreachable([to]));
        this.#end(
          new KafkaError(
            "connection-lost",
            `the connection to the broker at ${this.#name} is ${reason}`,
          ),
        );
      },
    });
  }

  get isOpen(): boolean {
    return this.#lost === null;
  }

  close(): void {
    this.#connection.destroy();
  }

  /**
   * Sends a request and resolves with its answer, whose bytes belong to the caller. `versionMax` keeps a caller below
   * versions whose requests look different.
   */
  request<Req, Res>(
    api: Api<Req, Res>,
    body: Draft<Req>,
    withinMs: number,
    versionMax = api.versionMax,
  ): Promise<Complete<Res>> {
    const version = this.#versionOf(api, versionMax);
    if (version !== null) return this.#send(api, version, body, withinMs);
    return Promise.reject(
      new KafkaError(
        "unsupported",
        `the broker at ${this.#name} does not serve ${api.name} as it is needed`,
      ),
    );
  }

  #versionOf(api: Api<unknown, unknown> | AnyApi, versionMax: number): number | null;
  #versionOf<Req, Res>(api: Api<Req, Res>, versionMax: number): number | null;
  #versionOf(api: { readonly key: number; readonly versionMin: number }, versionMax: number) {
    const offered = this.#offered.get(api.key);
    if (offered === undefined) return null;
    const version = Math.min(offered.max, versionMax);
    return version >= Math.max(offered.min, api.versionMin) ? version : null;
  }

  async #learnVersions(withinMs: number): Promise<void> {
    const answer = await this.#send(apiVersions, FIRST_VERSION, {}, withinMs);
    if (answer.errorCode !== 0) {
      this.close();
      const name = errorName(answer.errorCode) ?? String(answer.errorCode);
      throw new KafkaError(
        "unsupported",
        `the broker at ${this.#name} refuses to say what it serves (${name})`,
      );
    }
    for (const { apiKey, minVersion, maxVersion } of answer.apiKeys) {
      this.#offered.set(apiKey, { min: minVersion, max: maxVersion });
    }
  }

  #send<Req, Res>(
    api: Api<Req, Res>,
    version: number,
    body: Draft<Req>,
    withinMs: number,
  ): Promise<Complete<Res>> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== null) {
        // Nothing was sent, so nothing was carried out.
        reject(new KafkaError("unreachable", this.#lost.message));
        return;
      }
      const correlationId = (this.#correlationId = (this.#correlationId + 1) | 0);
      const header = { apiVersion: version, correlationId, clientId: this.#clientId };
      const frame = encodeRequest(this.#writer, api, header, body);
      if (!frame.ok) {
        reject(new KafkaError("protocol", `cannot encode ${api.name}: ${frame.fault.kind}`));
        return;
      }
      // Answers come in order, so one that is late holds up all that follow: the connection is of no more use.
      const cancelTimeout = this.#clock.after(withinMs, () => {
        const what = `the broker at ${this.#name} has not answered ${api.name} for ${withinMs} ms`;
        this.#end(new KafkaError("timed-out", what));
      });
      for (const chunk of frame.value) this.#connection.write(chunk);
      this.#flushSoon();
      this.#asked.push({
        api: api as AnyApi,
        version,
        correlationId,
        cancelTimeout,
        resolve: resolve as (body: unknown) => void,
        reject,
      });
    });
  }

  #flushSoon(): void {
    if (this.#willFlush) return;
    this.#willFlush = true;
    this.#clock.turnEnd(() => {
      this.#willFlush = false;
      if (this.#lost === null) this.#connection.flush();
    });
  }

  #received(bytes: Uint8Array): void {
    if (this.#lost !== null) return;
    this.#splitter.push(bytes);
    while (this.#splitter.next()) {
      this.#take(this.#splitter.bytes.slice(this.#splitter.start, this.#splitter.end));
    }
    this.#splitter.settle();
    if (this.#splitter.fault !== null) this.#violated("a frame of an impossible length");
  }

  #take(frame: Uint8Array): void {
    const asked = this.#asked.shift();
    if (asked === undefined) return this.#violated("an answer that nobody asked for");
    asked.cancelTimeout();
    this.#reader.rebind(frame, 0, frame.length);
    const answer = decodeResponse(this.#reader, asked.api, asked.version);
    if (answer.ok && answer.value.correlationId === asked.correlationId) {
      asked.resolve(answer.value.body);
      return;
    }
    const what = answer.ok ? "an answer out of order" : `an answer that is ${answer.fault.kind}`;
    asked.reject(new KafkaError("protocol", `${what} to ${asked.api.name}`));
    this.#violated(what);
  }

  #violated(what: string): void {
    this.#end(new KafkaError("protocol", `the broker sent ${what}`));
  }

  #end(error: KafkaError): void {
    if (this.#lost !== null) return;
    this.#lost = error;
    for (const { cancelTimeout, reject } of this.#asked.splice(0)) {
      cancelTimeout();
      reject(error);
    }
    this.#connection.destroy();
  }
}
