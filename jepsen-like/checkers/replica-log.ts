// One partition as one broker holds it at the end of a run: which value lies at which offset, and a digest of each batch.
// Built batch by batch from what the broker serves; what cannot be is noted and not repaired.
import { createHash } from "node:crypto";
import { MalformedAnswer } from "../wire/bytes.ts";
import { readBatches, readValues } from "../wire/record-batch.ts";
import { decodeValue } from "../workload/value.ts";

export interface StoredBatch {
  readonly baseOffset: number;
  readonly count: number;
  readonly crc: number;
  /** Of all bytes, also of those that the checksum leaves out. */
  readonly digest: string;
}

export class ReplicaLog {
  readonly broker: number;
  readonly partition: number;
  readonly batches: StoredBatch[] = [];
  /** By offset: who wrote the value there; -1 where nobody of this run did. */
  readonly lanes: number[] = [];
  readonly counters: number[] = [];
  /** Gaps, bytes that are no batch, values that nobody wrote. */
  readonly faults: string[] = [];
  logStart = 0;

  constructor(broker: number, partition: number) {
    this.broker = broker;
    this.partition = partition;
  }

  /** The first offset that is not there. */
  get end(): number {
    return this.lanes.length;
  }

  /** Takes what a fetch returned; true when it brought the end forward. */
  append(run: string, fetched: Buffer): boolean {
    const before = this.end;
    try {
      for (const [header, whole] of readBatches(fetched)) {
        const { baseOffset, crc, lastOffsetDelta } = header;
        if (baseOffset + lastOffsetDelta < this.end) continue;
        if (baseOffset !== this.end) {
          this.#fault(`after offset ${this.end - 1} comes ${baseOffset}`);
          if (baseOffset < this.end) continue;
        }
        for (; this.end < baseOffset;) this.#put(-1, -1);
        for (const { offset, value } of readValues(header, whole)) {
          if (offset !== this.end) this.#fault(`a record says ${offset} and lies at ${this.end}`);
          const name = decodeValue(run, value);
          if (name === null) this.#fault(`nobody wrote what lies at ${offset}`);
          this.#put(name?.lane ?? -1, name?.counter ?? -1);
        }
        const digest = createHash("sha1").update(whole).digest("base64");
        this.batches.push({ baseOffset, count: lastOffsetDelta + 1, crc, digest });
      }
    } catch (error) {
      if (!(error instanceof MalformedAnswer)) throw error;
      this.#fault(`what is served ${error.message}`);
    }
    return this.end > before;
  }

  /** Puts one value at the end; for tests that write a log by hand. */
  putByHand(lane: number, counter: number): void {
    const baseOffset = this.end;
    this.#put(lane, counter);
    const digest = `${lane}/${counter}`;
    this.batches.push({ baseOffset, count: 1, crc: lane * 1_000_003 + counter, digest });
  }

  #put(lane: number, counter: number): void {
    this.lanes.push(lane);
    this.counters.push(counter);
  }

  #fault(what: string): void {
    if (this.faults.length < 100) {
      this.faults.push(`partition ${this.partition} on broker ${this.broker}: ${what}`);
    }
  }
}
