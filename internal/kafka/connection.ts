// One client connection: it cuts the byte stream into frames, decodes ahead, starts the requests in the order of their
// arrival, and sends the answers in that order. Appends of one connection are therefore proposed in the order in which
// they were sent; everything else runs concurrently. What a client can make this broker hold is bounded: above its share
// the connection is not read, and the client's own socket fills up.
//
// Bytes from outside are decoded, never asserted: whatever a client sends ends in an answer or in a closed connection.
import type { Reader } from "../bytes/reader.ts";
import type { Writer } from "../bytes/writer.ts";
import type { Clock } from "../ports/clock.ts";
import type { CloseReason, Connection, ConnectionEvents } from "../ports/wire.ts";
import { AnswerQueue } from "./answer-queue.ts";
import type { ApiVersionsResponse } from "./api/18-api-versions.ts";
import type { AnyApi } from "./api/registry.ts";
import type { BudgetHolder, ByteBudget } from "./byte-budget.ts";
import { Call } from "./call.ts";
import type { CallOwner } from "./call.ts";
import { ClientWatch } from "./client-watch.ts";
import { FrameSplitter } from "./codec/frame-splitter.ts";
import { decodeRequest } from "./codec/request.ts";
import type { RequestFault, RequestHeader } from "./codec/request.ts";
import { encodeResponse } from "./codec/response.ts";
import type { Flushable, Flusher } from "./flusher.ts";
import type { Handler } from "./handler.ts";
import { MEMORY_SHORT_STALL_MS, STRETCH_MS_MAX } from "./limits.ts";
import type { KafkaOptions } from "./options.ts";
import type { CloseCause, KafkaProbe } from "./probe.ts";
import type { QuietLog } from "./quiet-log.ts";
import type { ReadQuota } from "./read-quota.ts";

/** What all connections of a server share. */
export interface ConnectionHome {
  readonly options: KafkaOptions;
  readonly clock: Clock;
  readonly flusher: Flusher;
  readonly budget: ByteBudget;
  readonly quota: ReadQuota;
  readonly probe: KafkaProbe;
  readonly log: QuietLog;
  readonly writer: Writer;
  readonly reader: Reader;
  readonly served: (key: number) => AnyApi | undefined;
  handlerOf(api: AnyApi): Handler;
  /** The answer to an ApiVersions request of a version that nobody here knows (KIP-511). */
  readonly unknownApiVersions: ApiVersionsResponse;
  readonly apiVersions: AnyApi;
  fatal(error: unknown): void;
  gone(connection: KafkaConnection): void;
}

const FRAME_SIZE_BYTES = 4;

export class KafkaConnection implements ConnectionEvents, CallOwner, Flushable, BudgetHolder {
  readonly peerHost: string;
  isDirty = false;
  readonly #home: ConnectionHome;
  readonly #wire: Connection;
  readonly #splitter: FrameSplitter;
  readonly #answers: AnswerQueue;
  /** Serial calls that wait for the one under way. */
  readonly #waiting: Call[] = [];
  #serial: Call | null = null;
  #cause: CloseCause | null = null;
  #isReading = true;
  /** Until the turn ends. */
  #isResting = false;
  #isHeld = false;
  /** Until the turn ends: the frames of this one took long. */
  #isTired = false;
  #isDraining = false;
  #isDecoding = false;
  /** Whether a frame was completed since the budget was last told. */
  #hasCompleted = false;
  #receivedBytes = 0;
  #consumedBytes = 0;
  /** What the budget was last told. */
  #countedPending = 0;
  #countedBusy = 0;
  /** The name that the client gave itself last. */
  #clientId = "";
  readonly #watch: ClientWatch;

  constructor(home: ConnectionHome, wire: Connection) {
    this.#home = home;
    this.#wire = wire;
    this.peerHost = wire.peer.host;
    this.#splitter = new FrameSplitter(home.options.requestBytesMax);
    this.#answers = new AnswerQueue(
      wire,
      home.options.sendBytesMax,
      (call) => this.#ended(call),
      (bytes) => this.#taken(bytes),
    );
    this.#watch = new ClientWatch(home.clock.upMs(), home.options.idleMsMax);
  }

  // ---- events of the wire ----

  received(bytes: Uint8Array): void {
    if (this.#cause !== null) return;
    this.#home.probe.receivedBytes.add(bytes.length);
    this.#receivedBytes += bytes.length;
    this.#splitter.push(bytes);
    this.#decode();
    this.#splitter.settle();
    if (this.#home.quota.spend(this, bytes.length)) this.#isResting = true;
    this.#account();
  }

  goOn(): void {
    this.#isResting = false;
    if (this.#cause === null) this.#adjustReading();
  }

  closed(_reason: CloseReason): void {
    this.#home.probe.closed[this.#cause ?? "client"].add(1);
    this.#cause ??= "client";
    this.#waiting.length = 0;
    this.#answers.drop();
    this.#splitter.drop();
    this.#consumedBytes = this.#receivedBytes;
    this.#count();
    this.#home.budget.leave(this);
    this.#home.gone(this);
  }

  // ---- requests ----

  get isMidFrame(): boolean {
    return this.#pendingBytes > 0;
  }

  get heldBytes(): number {
    return this.#pendingBytes + this.#answers.bytes;
  }

  /** What it holds without getting on, as far as that is the client's doing: part of a frame, answers not taken. */
  unmovingBytes(nowMs: number): number {
    if (this.#cause !== null) return 0;
    const { budget } = this.#home;
    const isWaiting = this.#isHeld || this.#isTired;
    const pending = isWaiting || budget.favours(this) ? 0 : this.#pendingBytes;
    const isStalled = this.#watch.stalledMs(nowMs) >= MEMORY_SHORT_STALL_MS;
    return pending + (isStalled ? Math.min(this.#answers.bytes, this.#answers.readyBytes) : 0);
  }

  /** Received bytes that are not part of a decoded request. */
  get #pendingBytes(): number {
    return this.#receivedBytes - this.#consumedBytes;
  }

  get #isFull(): boolean {
    const { options } = this.#home;
    if (this.#isHeld || this.#isTired || this.#isDraining || this.#cause !== null) return true;
    return (
      this.#answers.count >= options.connectionRequestsMax ||
      this.#answers.bytes >= options.connectionBytesMax
    );
  }

  #decode(): void {
    const nowMs = this.#home.clock.upMs();
    this.#isDecoding = true;
    let frames = 0;
    while (!this.#isFull && this.#splitter.next()) {
      const { bytes, start, end } = this.#splitter;
      this.#consumedBytes += FRAME_SIZE_BYTES + end - start;
      this.#take(bytes, start, end, nowMs);
      frames++;
      if (this.#home.clock.upMs() - nowMs > STRETCH_MS_MAX) this.#tire();
    }
    this.#isDecoding = false;
    if (frames > 0) {
      this.#watch.requested(nowMs);
      this.#hasCompleted = true;
    }
    const { fault } = this.#splitter;
    if (fault === null || this.#cause !== null) return;
    const sizeBytes = fault.kind === "frame-size" ? fault.sizeBytes : null;
    this.refuse(fault.kind, { sizeBytes, clientId: this.#clientId });
  }

  /** Goes on with the frames behind when the turn ends (L7). */
  #tire(): void {
    this.#isTired = true;
    this.#home.clock.turnEnd(() => {
      this.#isTired = false;
      this.#proceed();
    });
  }

  #take(bytes: Uint8Array, start: number, end: number, nowMs: number): void {
    const { reader, served } = this.#home;
    reader.rebind(bytes, start, end);
    const request = decodeRequest(reader, served);
    if (!request.ok) {
      this.#refuseRequest(request.fault, end - start, nowMs);
      return;
    }
    const { header, api, body } = request.value;
    const call = this.#callOf(api, header, header.apiVersion, end - start, nowMs);
    const handler = this.#home.handlerOf(api);
    if (handler.isSerial) {
      if (this.#serial !== null) {
        call.body = body;
        this.#waiting.push(call);
        return;
      }
      this.#serial = call;
    }
    this.#run(handler, call, body);
  }

  #callOf(
    api: AnyApi,
    header: RequestHeader,
    version: number,
    requestBytes: number,
    nowMs: number,
  ): Call {
    const { correlationId, clientId } = header;
    this.#clientId = clientId;
    const call = new Call(this, api, version, correlationId, clientId, requestBytes, nowMs);
    this.#answers.push(call);
    return call;
  }

  #run(handler: Handler, call: Call, body: unknown): void {
    call.state = "running";
    try {
      handler.handle(call, body);
    } catch (error) {
      this.fatal(error);
    }
  }

  #refuseRequest(fault: RequestFault, requestBytes: number, nowMs: number): void {
    if (fault.kind === "short-header") {
      this.refuse("undecodable", { requestBytes });
      return;
    }
    const { header } = fault;
    const { apiKey, apiVersion, clientId } = header;
    switch (fault.kind) {
      case "unsupported-api-versions": {
        const { apiVersions, unknownApiVersions } = this.#home;
        const call = this.#callOf(apiVersions, header, 0, requestBytes, nowMs);
        call.state = "running";
        call.answer(unknownApiVersions);
        return;
      }
      case "malformed":
        this.refuse("undecodable", { apiKey, apiVersion, clientId, ...fault.cause });
        return;
      case "unknown-api":
      case "unsupported-version":
        this.refuse(fault.kind, { apiKey, apiVersion, clientId });
    }
  }

  // ---- answers; called by calls and the queue ----

  encode(call: Call, body: unknown): readonly Uint8Array[] | null {
    const { writer, probe, clock } = this.#home;
    const { api, version, correlationId } = call;
    let frame;
    try {
      frame = encodeResponse(writer, api, version, correlationId, body);
    } catch (error) {
      writer.discard();
      this.fatal(error);
      return null;
    }
    probe.answered(api.key, clock.upMs() - call.arrivedMs);
    if (frame.ok) return frame.value;
    this.close("unencodable-answer", call);
    return null;
  }

  /**
   * Answers come out of the middle of a commit. Frames that had to wait are therefore taken up when the turn ends: what
   * they ask for may be a step of the very machine that is committing.
   */
  answered(call: Call): void {
    this.#answers.answered(call);
    if (this.#cause !== null) return;
    this.#answers.pump();
    this.#home.flusher.mark(this);
  }

  /** The answer of a call was handed to the system as a whole. */
  #ended(call: Call): void {
    if (call !== this.#serial) return;
    this.#serial = null;
    const next = this.#waiting.shift();
    if (next === undefined || this.#cause !== null) return;
    this.#serial = next;
    const { body } = next;
    next.body = null;
    this.#run(this.#home.handlerOf(next.api), next, body);
  }

  #taken(bytes: number): void {
    this.#home.probe.sentBytes.add(bytes);
    if (this.#cause === null && this.#answers.pump()) this.#home.flusher.mark(this);
    this.#proceed();
  }

  flush(): void {
    this.#wire.flush();
    this.#proceed();
  }

  hold(): void {
    this.#isHeld = true;
  }

  unhold(): void {
    this.#isHeld = false;
    this.#proceed();
  }

  /** Something was answered or taken: goes on with frames that had to wait, and with reading. */
  #proceed(): void {
    if (this.#isDecoding || this.#cause !== null) return;
    if (this.#pendingBytes > 0) this.#decode();
    this.#account();
    if (this.#isDraining) this.#endIfDone();
  }

  // ---- reading ----

  #account(): void {
    this.#count();
    if (this.#hasCompleted) {
      this.#hasCompleted = false;
      this.#home.budget.completed(this);
    }
    if (this.#cause === null) this.#adjustReading();
  }

  #count(): void {
    const pending = this.#pendingBytes;
    const busy = this.#answers.bytes;
    const pendingDelta = pending - this.#countedPending;
    const busyDelta = busy - this.#countedBusy;
    if (pendingDelta === 0 && busyDelta === 0) return;
    this.#countedPending = pending;
    this.#countedBusy = busy;
    this.#home.budget.change(pendingDelta, busyDelta);
  }

  #adjustReading(): boolean {
    const reads = !this.#isResting && !this.#isFull && this.#home.budget.admits(this);
    if (reads !== this.#isReading) {
      this.#isReading = reads;
      if (reads) this.#wire.resume();
      else this.#wire.pause();
    }
    return reads;
  }

  readAgain(): boolean {
    return this.#cause === null && this.#adjustReading();
  }

  // ---- the end ----

  /** Looks for reasons to give this client up. Called every second or so. */
  sweep(nowMs: number): void {
    if (this.#cause !== null) return;
    const cause = this.#watch.verdict({
      nowMs,
      isMidFrame: this.isMidFrame,
      isReading: this.#isReading,
      isAnswered: this.#answers.isEmpty,
      receivedBytes: this.#receivedBytes,
      inFlightBytes: this.#answers.inFlightBytes,
      takenBytes: this.#answers.takenBytes,
      bufferedBytes: this.#wire.bufferedBytes,
    });
    if (cause === "idle") this.close(cause, null);
    else if (cause !== null) this.refuse(cause, { clientId: this.#clientId });
  }

  /** Reads nothing more, answers what is under way, then closes in order. */
  drain(): void {
    if (this.#cause !== null || this.#isDraining) return;
    this.#isDraining = true;
    this.#adjustReading();
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (!this.#answers.isEmpty || this.#cause !== null) return;
    this.#cause = "shutdown";
    this.#wire.resume(); // a paused connection would not see the other side's end
    this.#wire.end();
  }

  /** The client did something that it must not do: it is told by the end of the connection, and we by a log line. */
  refuse(cause: CloseCause, fields: Readonly<Record<string, unknown>>): void {
    if (this.#cause !== null) return;
    this.#home.log.warn({ cause, host: this.peerHost, ...fields }, "client-refused");
    this.close(cause, null);
  }

  close(cause: CloseCause, call: Call | null): void {
    if (this.#cause !== null) return;
    if (call !== null) {
      const { api, version, clientId } = call;
      const fields = { cause, host: this.peerHost, api: api.name, apiVersion: version, clientId };
      this.#home.log.warn(fields, "client-refused");
    }
    this.#cause = cause;
    this.#wire.flush();
    this.#wire.destroy();
  }

  countError(code: number): void {
    this.#home.probe.refused(code);
  }

  fatal(error: unknown): void {
    this.#home.fatal(error);
  }
}
