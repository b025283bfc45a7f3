// Produce, versions 3-13. Versions 0-2 carry older record formats and close the connection, although 0 is advertised
// (librdkafka before 2.11.1 compresses only where it sees it).
//
// Behaviour: the batches are proposed in the order of the request, and requests of one connection in the order of their
// arrival; partitions succeed and fail independently. acks -1 is answered when the batch is committed, 1 likewise unless
// the topic says otherwise (P4), 0 never: then an error closes the connection, which makes the client look for the leader.
// When memory is short the rest of the request is set aside and the connection is not read until there is room.
//
// Errors: 2 3 6 7 10 17 19 20 21 32 42 45 47 48 56 (version 3: 6) 74 75 76 87 100 (13). Version 10 and later are told the
// leader with 6. A partition named twice refuses the whole request with INVALID_REQUEST before anything is appended.
//
// The records of every batch are looked through before it is appended, opened within limits where they are compressed:
// what no consumer could read is INVALID_RECORD, and records at fault are named (8+). What decompresses to too much is
// MESSAGE_TOO_LARGE. The header's latest time is put right.
//
// Deliberate differences: transactions do not exist yet, so a transactional id or batch is INVALID_TXN_STATE. Records with
// other offsets than 0, 1, 2 and so on are refused, where Kafka keeps them or writes the batch anew; the lengths of
// compressed records must be true, where Kafka passes them over; the rest is in `test/wire/record-cases.ts`.
import type { Result } from "../../base/result.ts";
import type { ByteRange } from "../../bytes/byte-range.ts";
import { BATCH_HEADER_BYTES, RecordBatchView } from "../../model/record-batch.ts";
import type { Offset, TopicId } from "../../model/ids.ts";
import type { AppendFault } from "../../service/faults.ts";
import type { Appended } from "../../service/log-service.ts";
import { produce } from "../api/00-produce.ts";
import type {
  ProduceRequest,
  ProduceResponse,
  ProduceResponsePartitionResponses,
} from "../api/00-produce.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { appendText, BLAMED_MAX, blamedRecords, produceCode } from "../errors-table.ts";
import { handler } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import { LeaderHints, NO_LEADER } from "../leader-hints.ts";
import type { Complete } from "../../schema/message.ts";

type PartitionResponse = ProduceResponsePartitionResponses;

interface TopicResponse {
  readonly name: string;
  readonly topicId: TopicId;
  readonly partitionResponses: PartitionResponse[];
}

/** One partition of a request, in the order of the request. */
interface Item {
  readonly name: string | null;
  readonly topicId: TopicId | null;
  readonly index: number;
  /** Lent while the request is first walked through; a copy once it was set aside. */
  records: ByteRange | null;
  readonly into: PartitionResponse[];
  readonly at: number;
}

const TOPIC_IDS_FROM = 13;
const LEADER_HINTS_FROM = 10;
const ZSTD_FROM = 7;
const NO_OFFSET = -1 as Offset;
const batchView = new RecordBatchView(new Uint8Array(BATCH_HEADER_BYTES), 0);

export function produceHandler(context: HandlerContext): Handler {
  return handler(produce, (call, request) => new ProduceCall(context, call, request).begin());
}

class ProduceCall {
  readonly #context: HandlerContext;
  readonly #call: CallOf<ProduceResponse>;
  readonly #request: Complete<ProduceRequest>;
  readonly #responses: TopicResponse[] = [];
  readonly #items: Item[] = [];
  /** The first item that was not proposed. */
  #next = 0;
  /** Items without an outcome. */
  #pending = 0;
  /** Records that may still be named: those of thousands of partitions were a thousand times the request. */
  #namesLeft = BLAMED_MAX;
  #isRefused = false;
  #isProposing = false;
  #hints: LeaderHints | null = null;

  constructor(
    context: HandlerContext,
    call: CallOf<ProduceResponse>,
    request: Complete<ProduceRequest>,
  ) {
    this.#context = context;
    this.#call = call;
    this.#request = request;
  }

  begin(): void {
    this.#list();
    const code = this.#requestCode();
    if (code !== ErrorCode.NONE) {
      for (const item of this.#items) this.#settle(item, this.#failure(item, code, null));
      this.#finish();
      return;
    }
    if (!this.#propose()) this.#setAside();
  }

  #list(): void {
    const byId = this.#call.version >= TOPIC_IDS_FROM;
    for (const { name, topicId, partitionData } of this.#request.topicData) {
      const into: PartitionResponse[] = [];
      this.#responses.push({ name, topicId, partitionResponses: into });
      for (let at = 0; at < partitionData.length; at++) {
        const { index, records } = partitionData[at] as (typeof partitionData)[number];
        const item: Item = {
          name: byId ? null : name,
          topicId: byId ? topicId : null,
          index,
          records,
          into,
          at,
        };
        this.#items.push(item);
      }
    }
    this.#pending = this.#items.length;
  }

  /** What is wrong with the request as a whole. */
  #requestCode(): ErrorCode {
    const { acks, transactionalId } = this.#request;
    if (acks < -1 || acks > 1) return ErrorCode.INVALID_REQUIRED_ACKS;
    if (transactionalId !== null) return ErrorCode.INVALID_TXN_STATE;
    return this.#items.length > 1 && namesTwice(this.#items)
      ? ErrorCode.INVALID_REQUEST
      : ErrorCode.NONE;
  }

  /** Proposes what is left, in order. False when there is no room for the next batch. */
  #propose(): boolean {
    this.#isProposing = true;
    const isWhole = this.#proposeRest();
    this.#isProposing = false;
    if (!isWhole) return false;
    // Without acks nobody waits: later answers of the connection do not queue up behind this one.
    if (this.#request.acks === 0 && this.#pending > 0) this.#call.answerNothing();
    if (this.#pending === 0) this.#finish();
    return true;
  }

  #proposeRest(): boolean {
    while (this.#next < this.#items.length) {
      const item = this.#items[this.#next] as Item;
      if (!this.#proposeOne(item)) return false;
      this.#next++;
    }
    return true;
  }

  #proposeOne(item: Item): boolean {
    const { records } = item;
    const recordCount = recordCountOf(records);
    const { acks, timeoutMs } = this.#request;
    const outcome = this.#context.log.append(
      {
        name: item.name,
        topicId: item.topicId,
        partition: item.index,
        batch: records,
        acks,
        timeoutMs: Math.max(0, timeoutMs),
        allowsZstd: this.#call.version >= ZSTD_FROM,
        client: this.#call.owner,
      },
      (result) => {
        try {
          this.#settle(item, this.#responseTo(item, result, recordCount));
          if (!this.#isProposing && this.#pending === 0) this.#finish();
        } catch (error) {
          this.#call.fatal(error);
        }
      },
    );
    return outcome === "taken";
  }

  /** Keeps what was not proposed until there is room; nothing of this connection overtakes it. */
  #setAside(): void {
    for (let at = this.#next; at < this.#items.length; at++) {
      const item = this.#items[at] as Item;
      if (item.records !== null) item.records = copied(item.records);
    }
    this.#call.owner.hold();
    this.#waitForRoom();
  }

  #waitForRoom(): void {
    this.#context.log.whenRoom(() => {
      if (this.#call.isOver) return;
      try {
        if (this.#propose()) this.#call.owner.unhold();
        else this.#waitForRoom();
      } catch (error) {
        this.#call.fatal(error);
      }
    });
  }

  #settle(item: Item, response: PartitionResponse): void {
    item.into[item.at] = response;
    this.#pending--;
    if (response.errorCode !== ErrorCode.NONE) this.#isRefused = true;
    if (this.#isRefused && this.#request.acks === 0) {
      this.#call.owner.close("refused-without-acks", null);
    }
  }

  #finish(): void {
    if (this.#request.acks === 0) {
      if (this.#call.state === "running") this.#call.answerNothing();
      return;
    }
    // What is left out here is what the encoder of this API need not look at.
    const answer = { responses: this.#responses, throttleTimeMs: 0 };
    if (this.#hints === null) {
      this.#call.answer(answer);
      return;
    }
    const { cluster, options } = this.#context;
    const nodeEndpoints = this.#hints.endpoints(cluster, options.listener);
    this.#call.answer({ ...answer, nodeEndpoints });
  }

  #responseTo(
    item: Item,
    result: Result<Appended, AppendFault>,
    recordCount: number,
  ): PartitionResponse {
    if (!result.ok) {
      const code = produceCode(result.fault, this.#call.version);
      return this.#failure(item, code, result.fault, recordCount);
    }
    const { baseOffset, appendTimeMs, logStart } = result.value;
    return {
      index: item.index,
      errorCode: ErrorCode.NONE,
      baseOffset,
      logAppendTimeMs: appendTimeMs,
      logStartOffset: logStart,
    };
  }

  #failure(
    item: Item,
    errorCode: ErrorCode,
    fault: AppendFault | null,
    recordCount = 0,
  ): PartitionResponse {
    this.#call.refused(errorCode);
    const errorMessage = fault === null ? null : appendText(fault);
    const blamed = fault === null ? [] : blamedRecords(fault, recordCount, this.#namesLeft);
    this.#namesLeft -= blamed.length;
    return {
      index: item.index,
      errorCode,
      baseOffset: NO_OFFSET,
      logAppendTimeMs: -1,
      logStartOffset: -1,
      recordErrors: blamed.map((batchIndex) => {
        return { batchIndex, batchIndexErrorMessage: errorMessage };
      }),
      errorMessage,
      currentLeader: this.#leaderIn(fault),
    };
  }

  #leaderIn(fault: AppendFault | null): typeof NO_LEADER {
    if (fault?.kind !== "not-leader" || this.#call.version < LEADER_HINTS_FROM) return NO_LEADER;
    this.#hints ??= new LeaderHints();
    return this.#hints.point(fault.hint);
  }
}

function namesTwice(items: readonly Item[]): boolean {
  let isAscending = true;
  for (let at = 1; at < items.length && isAscending; at++) {
    const last = items[at - 1] as Item;
    const item = items[at] as Item;
    isAscending = item.into === last.into && item.index > last.index;
  }
  if (isAscending) return false; // one topic, its partitions in order: what most producers send
  const seen = new Set<string>();
  for (const { name, topicId, index } of items) seen.add(`${index} ${name ?? topicId}`);
  return seen.size < items.length;
}

/** As the header says, for what is reported of a batch that is refused. */
function recordCountOf(records: ByteRange | null): number {
  if (records === null || records.end - records.start < BATCH_HEADER_BYTES) return 0;
  return batchView.moveTo(records.bytes, records.start).recordCount;
}

function copied({ bytes, start, end }: ByteRange): ByteRange {
  return { bytes: bytes.slice(start, end), start: 0, end: end - start };
}
