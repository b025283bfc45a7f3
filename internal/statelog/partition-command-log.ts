// The command log of a machine whose records are those of a partition: a record batch is a command. It follows the
// partition's high watermark like a consumer, on leaders and followers alike, from the first batch on; so a replica that
// becomes the leader has loaded its state already, or knows how much is missing (F7). A command's place is the offset of
// its batch plus one: batches keep their offsets through checkpoints and compaction, which log indexes do not survive.
import { assert } from "../base/assert.ts";
import type { SharedJournal } from "../journal/owner.ts";
import { splitBatches } from "../model/decode-batch.ts";
import type { LogIndex, Offset, Term } from "../model/ids.ts";
import { RecordBatchView } from "../model/record-batch.ts";
import { readFromDisk, readFromMemory } from "../partition/partition-reader.ts";
import type { Partition } from "../partition/partition.ts";
import type { Clock } from "../ports/clock.ts";
import type { Log } from "../ports/log.ts";
import type { CommandFollower, CommandLog, ProposeRefusal } from "./command-log.ts";

const READ_BYTES = 1 << 20;
/** Work without giving the event loop back (L7). */
const STRETCH_MS_MAX = 4;
const RETRY_MS = 1_000;
/** The runtime hears of its entries through `applied`; this only bounds how long the partition remembers an append. */
const APPEND_MS_MAX = 60_000;
const ACKS_ALL = -1;

export interface PartitionLogWorld {
  readonly clock: Clock;
  readonly log: Log;
}

export class PartitionCommandLog implements CommandLog {
  readonly #partition: Partition;
  readonly #journal: SharedJournal;
  readonly #world: PartitionLogWorld;
  readonly #view = new RecordBatchView(new Uint8Array(61), 0);
  #follower: CommandFollower | null = null;
  #unwatch: (() => void) | null = null;
  /** The first offset that is not applied. */
  #next: Offset;
  /** The term that is led, once everything before it is applied. */
  #term: Term | null = null;
  #state: "idle" | "applying" | "reading" | "pausing" | "closed" = "idle";

  constructor(partition: Partition, journal: SharedJournal, world: PartitionLogWorld) {
    this.#partition = partition;
    this.#journal = journal;
    this.#world = world;
    this.#next = partition.logStart;
  }

  attach(follower: CommandFollower): void {
    assert(this.#follower === null, "a command log has one follower");
    this.#follower = follower;
  }

  /** Begins to apply what is committed. */
  start(): void {
    assert(this.#follower !== null, "the follower is named before the log is followed");
    this.#unwatch = this.#partition.watch(() => this.#moved());
    this.#moved();
  }

  /** The replica is no longer here. */
  close(): void {
    this.#unwatch?.();
    this.#unwatch = null;
    this.#depose();
    this.#state = "closed";
  }

  /** This broker leads the partition and still reads what came before its term. */
  get isLoading(): boolean {
    return this.#term === null && this.#partition.leads;
  }

  propose(payload: Uint8Array): ReturnType<CommandLog["propose"]> {
    const term = this.#term;
    if (term === null) return { ok: false, fault: "not-leader" };
    // The replica is in the middle of an event: nothing can be appended now.
    if (this.#state === "applying") return { ok: false, fault: "busy" };
    const index = indexOf(this.#partition.logEnd);
    const command = { bytes: payload, start: 0, end: payload.length, acks: ACKS_ALL };
    let refusal: ProposeRefusal | null = null;
    let isInside = true;
    const taken = this.#partition.append(
      { ...command, timeoutMs: APPEND_MS_MAX, allowsZstd: false, expectedEnd: null },
      (outcome) => {
        if (!isInside || outcome.ok) return;
        const { kind } = outcome.fault;
        refusal = kind === "not-leader" || kind === "storage-full" ? kind : "busy";
      },
    );
    isInside = false;
    if (taken === "busy") refusal = "busy";
    return refusal === null ? { ok: true, term, index } : { ok: false, fault: refusal };
  }

  mayAnswer(): boolean {
    return this.#term !== null && this.#partition.mayServe;
  }

  #moved(): void {
    if (this.#state === "closed") return;
    const { leads, term } = this.#partition;
    if (this.#term !== null && (!leads || term !== this.#term)) this.#depose();
    this.#proceed();
  }

  #depose(): void {
    if (this.#term === null) return;
    this.#term = null;
    this.#follower?.deposed();
  }

  /** Applies what is committed and not applied, as far as this turn may. */
  #proceed(): void {
    if (this.#state !== "idle") return;
    const { clock } = this.#world;
    const untilMs = clock.upMs() + STRETCH_MS_MAX;
    this.#state = "applying";
    while (this.#isBehind()) {
      if (clock.upMs() > untilMs) {
        this.#state = "pausing";
        return clock.turnEnd(() => this.#resume("pausing"));
      }
      const read = readFromMemory(this.#partition, this.#journal, this.#next, READ_BYTES, true);
      if (read === "on-disk") {
        this.#state = "reading";
        void this.#readFromDisk();
        return;
      }
      assert(read.bytes > 0, "a committed batch is in the log");
      for (const slice of read.slices) this.#apply(slice);
      read.release();
    }
    if (this.#isClosed()) return;
    this.#state = "idle";
    this.#lead();
  }

  /** What retention has removed is not waited for. */
  #isBehind(): boolean {
    this.#next = Math.max(this.#next, this.#partition.logStart) as Offset;
    return !this.#isClosed() && this.#next < this.#partition.highWatermark;
  }

  /** Asked anew after every callback: a follower may close its log. */
  #isClosed(): boolean {
    return this.#state === "closed";
  }

  async #readFromDisk(): Promise<void> {
    const read = await readFromDisk(this.#partition, this.#journal, this.#next, READ_BYTES, true);
    if (this.#state === "closed") return;
    if (!read.ok) {
      // The replica fetches damaged entries again (D1); until then this broker's machine stands still.
      this.#world.log.error({ offset: this.#next }, "command-unreadable");
      this.#world.clock.after(RETRY_MS, () => this.#resume("reading"));
      return;
    }
    for (const slice of read.value.slices) this.#apply(slice);
    this.#resume("reading");
  }

  #resume(from: "pausing" | "reading"): void {
    if (this.#state !== from) return;
    this.#state = "idle";
    this.#moved();
  }

  #apply(bytes: Uint8Array): void {
    for (const { start, end } of splitBatches({ bytes, start: 0, end: bytes.length })) {
      const batch = this.#view.moveTo(bytes, start);
      const { baseOffset, leaderEpoch, lastOffsetDelta } = batch;
      // What was read may reach beyond what is known to be committed, or begin before what is wanted.
      if (baseOffset >= this.#partition.highWatermark) return;
      if (baseOffset < this.#next) continue;
      this.#next = (baseOffset + lastOffsetDelta + 1) as Offset;
      this.#follower?.applied(indexOf(baseOffset), leaderEpoch as Term, bytes, start, end);
    }
  }

  #lead(): void {
    const { replica, term } = this.#partition;
    if (this.#term !== null || !replica.serves) return;
    this.#term = term;
    this.#follower?.leading(term);
  }
}

function indexOf(offset: Offset): LogIndex {
  return (offset + 1) as LogIndex;
}
