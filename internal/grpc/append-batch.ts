// Makes the record batch that an append asks for, so that Kafka clients read what gRPC clients wrote. Everything that a
// client chose is checked here: what gets into the encoder fits the format.
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import { encodeBatch } from "../model/encode-batch.ts";
import type { BatchOptions, NewRecord } from "../model/encode-batch.ts";
import type { AppendRequest } from "./generated/log.ts";
import type { NewRecord as SentRecord } from "./generated/log.ts";
import { invalid } from "./refusal.ts";
import type { Refusal } from "./refusal.ts";

const EPOCH_MAX = 0x7fff;
const SEQUENCE_MAX = 0x7fff_ffff;
/** Kafka's partition numbers are signed. */
const PARTITION_MAX = 0x7fff_ffff;

export function appendBatch(request: AppendRequest, nowMs: number): Result<Uint8Array, Refusal> {
  if (request.topic === "") return failed(invalid("Name the topic to append to."));
  if (request.partition > PARTITION_MAX) return failed(invalid("No partition has that number."));
  if (request.records.length === 0) {
    return failed(invalid("The append has no records. Send at least one."));
  }
  const { expectedEndOffset = 0 } = request;
  if (!Number.isSafeInteger(expectedEndOffset)) {
    return failed(invalid("expected_end_offset is no offset that a partition can have."));
  }
  const producer = producerOf(request);
  if (!producer.ok) return producer;
  const records: NewRecord[] = [];
  for (const record of request.records) {
    const timestampMs = record.timestampMs ?? nowMs;
    if (!Number.isSafeInteger(timestampMs) || timestampMs < 0) {
      return failed(invalid("A timestamp_ms is not in milliseconds since 1970."));
    }
    records.push(recordOf(record, timestampMs));
  }
  return ok(encodeBatch(records, producer.value));
}

function recordOf(record: SentRecord, timestampMs: number): NewRecord {
  const headers = record.headers.map(({ key, value }) => ({ key, value: value ?? null }));
  return { key: record.key ?? null, value: record.value ?? null, timestampMs, headers };
}

function producerOf({ producer }: AppendRequest): Result<BatchOptions, Refusal> {
  if (producer === undefined || producer === null) return ok({});
  const { id, epoch, baseSequence } = producer;
  if (!Number.isSafeInteger(id) || epoch > EPOCH_MAX || baseSequence > SEQUENCE_MAX) {
    return failed(
      invalid(
        `The producer is none that InitProducer gave out: epochs go to ${EPOCH_MAX}, sequence numbers to ` +
          `${SEQUENCE_MAX} and then start again at 0.`,
      ),
    );
  }
  return ok({ producerId: id, producerEpoch: epoch, baseSequence });
}
