// One producing client: batches of unique records to one partition, some under way at once. An idempotent one sends the
// same batch again until it knows what became of it, in order; a plain one never sends a batch twice.
import { encodeBatch } from "../../../internal/model/encode-batch.ts";
import { RecordBatchView } from "../../../internal/model/record-batch.ts";
import type { Book } from "../checkers/book.ts";
import type { SentBatch } from "../checkers/sent-records.ts";
import type { SeededEntropy } from "../world/seeded-entropy.ts";
import type { Simulation } from "../world/sim-world.ts";
import type { AppendAnswer, Gateway, Target } from "./gateway.ts";

export interface ProducerOptions {
  readonly name: string;
  readonly target: Target;
  readonly idempotent: boolean;
  /** Batches under way at once; at most 5 for an idempotent one. */
  readonly inFlightMax: number;
  readonly pauseMsMax: number;
  readonly recordsMax: number;
  readonly valueBytesMax: number;
  readonly volume: Volume;
  readonly timeoutMs: number;
}

/** What the producers of a run write together: beyond it they go on with small values. */
export interface Volume {
  leftBytes: number;
}

interface Batch {
  readonly sent: SentBatch;
  readonly bytes: Uint8Array;
}

const RETRY_PAUSE_MS = 20;
const TIMESTAMP_MS = 1_735_689_600_000;
/** One batch in so many is compressed, and of those one in so many opens to more than is opened inside a call (P5). */
const PACKED_EVERY = 8;
const LARGE_EVERY = 4;
const LARGE_BYTES = 80 << 10;
/** Values when the volume is used up. */
const SMALL_VALUE_BYTES = 40;
/** Where the values of a batch are made: it copies them. */
let values = Buffer.alloc(256 << 10);

export class Producer {
  readonly #simulation: Simulation;
  readonly #book: Book;
  readonly #gateway: Gateway;
  readonly #options: ProducerOptions;
  readonly #entropy: SeededEntropy;
  readonly #packing: SeededEntropy;
  #producerId = -1;
  #batches = 0;
  #sequence = 0;
  /** Sent and not known to be committed, oldest first. */
  #open: Batch[] = [];
  #inFlight = 0;
  #isStopping = false;
  isDone = false;

  constructor(simulation: Simulation, book: Book, gateway: Gateway, options: ProducerOptions) {
    this.#simulation = simulation;
    this.#book = book;
    this.#gateway = gateway;
    this.#options = options;
    this.#entropy = simulation.entropy(`producer ${options.name}`);
    this.#packing = simulation.entropy(`packing ${options.name}`);
  }

  /** Sends no new batch any more; an idempotent one goes on until nothing is open. */
  stop(): void {
    this.#isStopping = true;
  }

  /** What it waits for, for people. */
  get waitsFor(): string {
    const numbers = this.#open.map(
      ({ sent }) => `${sent.number}${sent.committedAt === null ? "" : "*"}`,
    );
    return `${this.#options.name} group ${this.#options.target.group}: batches ${numbers.join(", ")}`;
  }

  async run(): Promise<void> {
    if (this.#options.idempotent) await this.#runIdempotent();
    else await this.#runPlain();
    this.isDone = true;
  }

  /** The only copy of its partition lost something: its session is worth nothing there. */
  get #isForgiven(): boolean {
    return this.#book.log(this.#options.target.group).isForgiven;
  }

  async #runPlain(): Promise<void> {
    while (!this.#isStopping && !this.#isForgiven) {
      await this.#pause();
      if (this.#inFlight >= this.#options.inFlightMax) continue;
      void this.#sendOnce(this.#newBatch());
    }
    while (this.#inFlight > 0) await this.#simulation.sleepMs(RETRY_PAUSE_MS);
  }

  async #sendOnce(batch: Batch): Promise<void> {
    this.#inFlight++;
    const answer = await this.#send(batch);
    this.#inFlight--;
    if (answer.kind !== "acknowledged") {
      batch.sent.fate = answer.kind === "refused" ? "refused" : "unknown";
    }
  }

  async #runIdempotent(): Promise<void> {
    while (this.#producerId < 0) {
      if (this.#isStopping || this.#isForgiven) return;
      this.#producerId = (await this.#gateway.producerId()) ?? -1;
      await this.#pause();
    }
    while ((!this.#isStopping || this.#open.length > 0) && !this.#isForgiven) {
      await this.#pause();
      if (this.#open.length === 0) await this.#fill();
      else await this.#sendAgain();
    }
  }

  /** Sends new batches while all goes well; returns when nothing is under way. */
  async #fill(): Promise<void> {
    let isWell = true;
    while (this.#inFlight > 0 || (isWell && !this.#isStopping)) {
      if (this.#isForgiven) isWell = false;
      // Alone until it is acknowledged: a broker that does not know the producer takes any first sequence.
      const window = this.#sequence === 0 || this.#batches === 1 ? 1 : this.#options.inFlightMax;
      const mayBegin = isWell && !this.#isStopping && this.#open.length < window;
      if (mayBegin) {
        const batch = this.#newBatch();
        this.#open.push(batch);
        this.#inFlight++;
        void this.#send(batch).then((answer) => {
          this.#inFlight--;
          if (!this.#took(batch, answer)) isWell = false;
        });
      }
      await this.#pause();
    }
  }

  /** Sends the open batches once more, one after another from the oldest. */
  async #sendAgain(): Promise<void> {
    for (const batch of [...this.#open]) {
      const isOldest = this.#open[0] === batch;
      const answer = await this.#send(batch);
      if (answer.kind === "gap" && isOldest) this.#lostSequence(batch, answer.expected);
      if (!this.#took(batch, answer)) {
        await this.#simulation.sleepMs(RETRY_PAUSE_MS);
        return;
      }
    }
  }

  /** Notes an answer; true when the batch is committed. */
  #took(batch: Batch, answer: AppendAnswer): boolean {
    if (answer.kind === "acknowledged") {
      this.#open = this.#open.filter((open) => open !== batch);
      return true;
    }
    batch.sent.fate = "unknown"; // an earlier attempt may have been appended
    return false;
  }

  /** Everything before the batch is acknowledged, and a leader says that it is not there: clients believe that (F8). */
  #lostSequence(batch: Batch, expected: number): void {
    if (this.#isForgiven) return;
    const { name, target } = this.#options;
    const detail =
      `group ${target.group} ${name} batch ${batch.sent.number}: the leader expects sequence ${expected} ` +
      "although all before it is acknowledged";
    this.#book.verdict.report("idempotent producers neither repeat nor reorder", detail);
  }

  async #send({ sent, bytes }: Batch): Promise<AppendAnswer> {
    const { target, timeoutMs } = this.#options;
    const answer = await this.#gateway.append(target, bytes, timeoutMs);
    if (answer.kind === "acknowledged") {
      this.#book.sent.acknowledge(sent, answer.offset, this.#book.settled(target.group));
    }
    return answer;
  }

  #newBatch(): Batch {
    const { name, target, idempotent, recordsMax, volume } = this.#options;
    const isUsedUp = volume.leftBytes <= 0;
    const valueBytesMax = isUsedUp ? SMALL_VALUE_BYTES : this.#options.valueBytesMax;
    const number = this.#batches++;
    const recordCount = 1 + this.#entropy.below(recordsMax);
    const codec = this.#drawCodec();
    const isLarge = codec !== 0 && this.#packing.below(LARGE_EVERY) === 0 && !isUsedUp;
    let used = 0;
    const records = Array.from({ length: recordCount }, (_, k) => {
      const drawn = 24 + this.#entropy.below(valueBytesMax);
      const length = isLarge ? Math.ceil(LARGE_BYTES / recordCount) : drawn;
      if (used + length > values.length) values = Buffer.alloc(used + length);
      const value = values.subarray(used, (used += length));
      value.fill(`${name} ${target.group} ${number} ${k} `);
      return { key: null, value, timestampMs: TIMESTAMP_MS + number };
    });
    volume.leftBytes -= used;
    const baseSequence = this.#sequence;
    const producer = { producerId: this.#producerId, producerEpoch: 0, baseSequence };
    const bytes = encodeBatch(records, idempotent ? { ...producer, codec } : { codec });
    if (idempotent) this.#sequence += recordCount;
    const sent: SentBatch = {
      group: target.group,
      producer: name,
      idempotent,
      number,
      checksum: new RecordBatchView(bytes, 0).crc,
      recordCount,
      fate: "open",
      offset: null,
      committedAt: null,
    };
    this.#book.sent.sent(sent);
    return { sent, bytes };
  }

  #drawCodec(): 0 | 1 | 2 | 3 | 4 {
    const isPacked = this.#packing.below(PACKED_EVERY) === 0;
    return isPacked ? ((1 + this.#packing.below(4)) as 1 | 2 | 3 | 4) : 0;
  }

  #pause(): Promise<void> {
    return this.#simulation.sleepMs(1 + this.#entropy.below(this.#options.pauseMsMax));
  }
}
