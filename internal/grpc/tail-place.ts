// Where a Tail begins and, if it does not follow, where it ends; and where a partition begins and ends for Log.Offsets.
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { Offset } from "../model/ids.ts";
import type { ClusterService } from "../service/cluster-service.ts";
import type { ReadFault } from "../service/faults.ts";
import type { LogService, PartitionAddress } from "../service/log-service.ts";
import type { AnyCall, ServeUnary } from "./calls.ts";
import type { OffsetsRequest, OffsetsResponse, TailRequest } from "./generated/log.ts";
import { invalid } from "./refusal.ts";
import type { Refusal } from "./refusal.ts";
import { placeOf, refuseLog } from "./status-table.ts";
import type { LeaderDirectory } from "./status-table.ts";

export interface TailPlace {
  readonly address: PartitionAddress;
  /** For people. */
  readonly where: string;
  readonly startOffset: Offset;
  /** The high watermark when the call began. */
  readonly endOffset: Offset;
  readonly stopAtEnd: boolean;
}

const NO_EPOCH = -1;

export class Places {
  readonly #log: LogService;
  readonly #cluster: ClusterService;
  readonly #leaders: LeaderDirectory;

  constructor(log: LogService, cluster: ClusterService, leaders: LeaderDirectory) {
    this.#log = log;
    this.#cluster = cluster;
    this.#leaders = leaders;
  }

  /** A topic that is deleted and made again is another topic: a Tail keeps to the id that its name had. */
  async tailPlace(request: TailRequest, call: AnyCall): Promise<Result<TailPlace, Refusal>> {
    const { topic, partition } = request;
    if (topic === "") return failed(invalid("Name the topic to tail."));
    const named = this.#cluster.topicNamed(topic);
    const address: PartitionAddress =
      named === null
        ? { name: topic, topicId: null, partition }
        : { name: null, topicId: named.topicId, partition };
    const where = placeOf(topic, partition);
    const refuse = (fault: ReadFault): Result<TailPlace, Refusal> =>
      failed(refuseLog(fault, where, this.#leaders));
    // Before the look-up by time, so that records which come meanwhile are not skipped.
    const bounds = this.#log.bounds(address);
    if (!bounds.ok) return refuse(bounds.fault);
    const { logStart, highWatermark } = bounds.value;
    const place = { address, where, endOffset: highWatermark, stopAtEnd: request.stopAtEnd };
    const { offset, timestampMs } = request;
    if (request.earliest === true) return ok({ ...place, startOffset: logStart });
    if (timestampMs !== undefined) {
      const found = await this.#find(address, timestampMs, call);
      if (!found.ok) return refuse(found.fault);
      return ok({ ...place, startOffset: (found.value?.offset ?? highWatermark) as Offset });
    }
    if (offset === undefined) return ok({ ...place, startOffset: highWatermark });
    if (offset >= logStart && offset <= highWatermark) {
      return ok({ ...place, startOffset: offset as Offset });
    }
    const refusal = refuseLog({ kind: "offset-out-of-range" }, where, this.#leaders);
    const message = `${refusal.message} It has ${logStart} to ${highWatermark}.`;
    return failed({ ...refusal, message, endOffset: highWatermark });
  }

  /** Log.Offsets. */
  readonly serveOffsets: ServeUnary<OffsetsRequest, OffsetsResponse> = async (request, call) => {
    const { topic, partition, timestampMs } = request;
    if (topic === "") return failed(invalid("Name the topic to look up."));
    const where = placeOf(topic, partition);
    const address = { name: topic, topicId: null, partition };
    const bounds = this.#log.bounds(address);
    if (!bounds.ok) return failed(refuseLog(bounds.fault, where, this.#leaders));
    const { logStart, highWatermark, leaderEpoch } = bounds.value;
    const answer = { logStartOffset: logStart, highWatermark, leaderEpoch };
    if (timestampMs === undefined) return ok(answer);
    const found = await this.#find(address, timestampMs, call);
    if (!found.ok) return failed(refuseLog(found.fault, where, this.#leaders));
    return ok(found.value === null ? answer : { ...answer, found: found.value });
  };

  async #find(
    address: PartitionAddress,
    timestampMs: number,
    call: AnyCall,
  ): Promise<Result<{ readonly offset: number; readonly timestampMs: number } | null, ReadFault>> {
    // Negative times have special meanings below; as times they are all before the first record.
    const fromMs = Math.max(0, timestampMs);
    const asker = {
      owner: call,
      get isOver() {
        return call.cancelled;
      },
    };
    const found = await this.#log.offset(address, NO_EPOCH, fromMs, true, asker);
    if (!found.ok) return found;
    const { offset, timestampMs: atMs } = found.value;
    return ok(offset < 0 ? null : { offset, timestampMs: atMs });
  }
}
