// One Tail call: finds where to start, then fetches, makes responses and sends them, one thing after another. It fetches
// only when everything read before was sent or fits the stream's budget of unsent bytes, so a client that reads slowly
// costs that budget, one fetch and one decompressed batch, and nothing grows. A cancelled call ends its fetch at once.
//
// starting ──start offset known──▶ idle ──fetch──▶ fetching ──records──▶ sending ⇄ decompressing
//                                    ▲                                      │ everything sent
//                                    └──────────────────────────────────────┘   (any) ──end, refusal, cancel──▶ over
import type { ServerWritableStream } from "@grpc/grpc-js";
import type { Offset } from "../model/ids.ts";
import type { DecompressJob } from "../ports/tasks.ts";
import type { World } from "../ports/world.ts";
import type { ReadFault } from "../service/faults.ts";
import type { Fetched, LogService } from "../service/log-service.ts";
import { guarded, handlerFailed, whenOver } from "./calls.ts";
import type { Incoming } from "./calls.ts";
import type { StoredRecord, TailRequest, TailResponse } from "./generated/log.ts";
import type { GrpcLimits } from "./limits.ts";
import type { Method } from "./methods.ts";
import type { GrpcProbe } from "./probe.ts";
import { INTERNAL, statusOf, STOPPING } from "./refusal.ts";
import type { Refusal } from "./refusal.ts";
import { refuseLog } from "./status-table.ts";
import type { LeaderDirectory } from "./status-table.ts";
import { TailRecords } from "./tail-records.ts";
import type { TailPlace } from "./tail-place.ts";

export type TailCall = ServerWritableStream<Incoming<TailRequest>, Buffer>;

/** What all Tails of a server share. */
export interface TailShared {
  readonly world: World;
  readonly log: LogService;
  readonly leaders: LeaderDirectory;
  readonly limits: GrpcLimits;
  readonly probe: GrpcProbe;
  readonly method: Method<TailRequest, TailResponse>;
}

type Phase = "idle" | "fetching" | "sending" | "decompressing" | "over";

export class Tail {
  readonly #shared: TailShared;
  readonly #call: TailCall;
  readonly #place: TailPlace;
  readonly #records: TailRecords;
  readonly #responseBytesMax: number;
  #phase: Phase = "idle";
  #isScheduled = false;
  #cancelFetch: (() => void) | null = null;
  #highWatermark: Offset;
  /** Bytes of responses that the connection has not taken yet. */
  #unsentBytes = 0;

  constructor(shared: TailShared, call: TailCall, request: TailRequest, place: TailPlace) {
    const { limits } = shared;
    this.#shared = shared;
    this.#call = call;
    this.#place = place;
    this.#highWatermark = place.endOffset;
    this.#records = new TailRecords(place.startOffset, limits.decompressedBytesMax);
    const wanted = request.responseBytesMax;
    this.#responseBytesMax =
      wanted === 0 ? limits.tailResponseBytesMax : Math.min(wanted, limits.tailResponseBytesMax);
  }

  get unsentBytes(): number {
    return this.#unsentBytes;
  }

  /** `ended` runs once, when the call is over. */
  start(ended: () => void): void {
    whenOver(this.#call, () => {
      this.#leave();
      ended();
    });
    this.#guarded(() => this.#advance());
  }

  /** The broker stops. */
  stop(): void {
    this.#refuse(STOPPING);
  }

  #guarded(work: () => void): void {
    const { world, method } = this.#shared;
    guarded(world, method.path, work, () => this.#refuse(INTERNAL));
  }

  #leave(): void {
    this.#phase = "over";
    this.#unsentBytes = 0;
    this.#cancelFetch?.();
    this.#cancelFetch = null;
  }

  #refuse(refusal: Refusal): void {
    if (this.#phase === "over") return;
    this.#leave();
    this.#call.emit("error", statusOf(refusal));
  }

  #refuseRead(fault: ReadFault): void {
    this.#refuse(refuseLog(fault, this.#place.where, this.#shared.leaders));
  }

  /** Does the next thing there is to do. One response per turn, so that a Tail with much to send delays nobody. */
  #advance(): void {
    if (this.#unsentBytes >= this.#shared.limits.streamBytesMax) return;
    if (this.#phase === "idle") this.#fetch();
    else if (this.#phase === "sending") this.#send();
  }

  #advanceSoon(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    this.#shared.world.clock.turnEnd(() => {
      this.#isScheduled = false;
      this.#guarded(() => this.#advance());
    });
  }

  #fetch(): void {
    if (this.#place.stopAtEnd && this.#records.nextOffset >= this.#place.endOffset) {
      this.#leave();
      this.#call.end();
      return;
    }
    const { log, limits } = this.#shared;
    const { address, stopAtEnd } = this.#place;
    const bytesMax = limits.tailFetchBytesMax;
    const fetchOffset = this.#records.nextOffset;
    const partition = { ...address, fetchOffset, leaderEpoch: -1, lastFetchedEpoch: -1, bytesMax };
    this.#phase = "fetching";
    const cancel = log.fetch(
      {
        partitions: [partition],
        waitMsMax: stopAtEnd ? 0 : limits.tailWaitMsMax,
        bytesMin: 1,
        bytesMax,
        readCommitted: true,
        allowsFollower: false,
      },
      (fetched) => {
        this.#cancelFetch = null;
        this.#guarded(() => {
          this.#take(fetched);
          this.#advanceSoon();
        });
      },
    );
    if (this.#phase === "fetching") this.#cancelFetch = cancel;
  }

  #take(fetched: Fetched): void {
    const answer = fetched.partitions[0];
    // A cancelled fetch may still answer when its bytes were already on their way.
    if (this.#phase !== "fetching" || answer === undefined) {
      fetched.release();
      return;
    }
    if (answer.fault === null) this.#records.offer(answer.slices, answer.bytes);
    fetched.release();
    if (answer.fault !== null) {
      this.#refuseRead(answer.fault);
      return;
    }
    this.#highWatermark = answer.highWatermark;
    this.#phase = "sending";
    if (answer.bytes > 0) return;
    this.#phase = "idle";
    // Below the end there is always something to read, unless the leader lost its place.
    if (this.#place.stopAtEnd) this.#refuseRead({ kind: "offset-not-available" });
  }

  #send(): void {
    const taken = this.#records.take(this.#responseBytesMax);
    if (!taken.ok) {
      this.#refuseRead({ kind: "storage" });
      return;
    }
    const step = taken.value;
    switch (step.step) {
      case "empty":
        this.#phase = "idle";
        this.#advanceSoon();
        return;
      case "pause":
        this.#advanceSoon();
        return;
      case "records":
        this.#write(step.records);
        this.#advanceSoon();
        return;
      case "decompress":
        this.#phase = "decompressing";
        void this.#decompress(step);
        return;
      default:
        step satisfies never;
    }
  }

  async #decompress({ job }: { readonly job: DecompressJob }): Promise<void> {
    const { world, method } = this.#shared;
    try {
      const opened = await world.tasks.compute(job);
      if (this.#phase !== "decompressing") return;
      if (!opened.ok) {
        this.#refuseRead({ kind: "storage" });
        return;
      }
      this.#phase = "sending";
      this.#records.opened(opened.value);
      this.#advanceSoon();
    } catch (fault) {
      handlerFailed(world, method.path, fault);
      this.#refuse(INTERNAL);
    }
  }

  #write(records: readonly StoredRecord[]): void {
    const { method, probe } = this.#shared;
    const nextOffset = this.#records.nextOffset;
    const highWatermark = Math.max(this.#highWatermark, nextOffset);
    const bytes = method.response.encode({ records, nextOffset, highWatermark });
    this.#unsentBytes += bytes.length;
    probe.recordsSent.add(records.length);
    probe.bytesSent.add(bytes.length);
    this.#call.write(bytes, () => {
      if (this.#phase === "over") return;
      this.#unsentBytes -= bytes.length;
      this.#advanceSoon();
    });
  }
}
