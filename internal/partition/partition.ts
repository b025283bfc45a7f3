// The Kafka log of one replica: offsets over a Raft log, the high watermark, idempotent producers, appends that wait and
// readers that watch. All of it follows from the entries that the replica reports, on leaders and followers alike.
import { assert } from "../base/assert.ts";
import type { BrokerId, GroupId, LogIndex, Offset, Term } from "../model/ids.ts";
import {
  RecordBatchView,
  setBaseOffset,
  setLeaderEpoch,
  setLogAppendTime,
} from "../model/record-batch.ts";
import { validateBatch } from "../model/validate-batch.ts";
import type { Clock } from "../ports/clock.ts";
import type { Role } from "../raft/effect.ts";
import { ENTRY_BATCH } from "../raft/entry.ts";
import type { AppendedEntry, LogClient, Proposal } from "../replica/log-client.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import { payloadSum } from "../replica/payload.ts";
import type { Replica } from "../replica/replica.ts";
import type {
  AppendCommand,
  AppendOutcome,
  PartitionAppendFault,
  PartitionFaults,
  PartitionRules,
} from "./append.ts";
import { AdmissionQueue } from "./admission.ts";
import type { AdmissionDesk } from "./admission.ts";
import { AppendWaiters } from "./append-waiters.ts";
import type { AppendWaiter, LogProgress } from "./append-waiters.ts";
import { EpochHistory } from "./epoch-history.ts";
import { ProducerTable } from "./producer-table.ts";
import type { ProducerBatch } from "./producer-table.ts";
import type { PartitionProbe } from "./probe.ts";

const NO_FAULTS: PartitionFaults = { waiterAcrossLeaders: false, tailForgotten: false };
const NOT_LEADER = { ok: false, fault: { kind: "not-leader" } } as const;

export class Partition implements LogClient, LogProgress {
  readonly group: GroupId;
  readonly producers = new ProducerTable();
  readonly epochs = new EpochHistory();
  readonly #clock: Clock;
  readonly #faults: PartitionFaults;
  readonly #probe: PartitionProbe | null;
  readonly #waiters = new AppendWaiters();
  readonly #admission: AdmissionQueue | null;
  readonly #watchers = new Set<() => void>();
  readonly #header = new RecordBatchView(new Uint8Array(61), 0);
  /** Batches whose bytes were damaged when they joined the log (D1): the producer table misses them. */
  readonly #unread = new Set<LogIndex>();
  #replica: Replica | null = null;
  #raft: MultiRaft | null = null;
  #rules: PartitionRules | null = null;
  #highWatermark = 0 as Offset;
  #logStart = 0 as Offset;
  #nextOffset = 0 as Offset;

  constructor(
    group: GroupId,
    clock: Clock,
    probe: PartitionProbe | null = null,
    faults: PartitionFaults = NO_FAULTS,
    admission: AdmissionDesk | null = null,
  ) {
    this.group = group;
    this.#clock = clock;
    this.#probe = probe;
    this.#faults = faults;
    this.#admission =
      admission === null
        ? null
        : new AdmissionQueue(admission, (command, done) => this.#admitted(command, done));
  }

  /** Joins the partition to its replica. */
  bind(replica: Replica, raft: MultiRaft): void {
    assert(this.#replica === null, "a partition has one replica");
    this.#replica = replica;
    this.#raft = raft;
    this.#nextOffset = replica.nextOffset;
    replica.attach(this);
  }

  get replica(): Replica {
    assert(this.#replica !== null, "the partition is joined to its replica");
    return this.#replica;
  }

  /** What its topic's configs ask for; appends are refused until the image has told. */
  setRules(rules: PartitionRules): void {
    this.#rules = rules;
  }

  /** First offset not yet known to be committed (P1). */
  get highWatermark(): Offset {
    return this.#highWatermark;
  }

  get logStart(): Offset {
    return this.#logStart;
  }

  get logEnd(): Offset {
    return this.#nextOffset;
  }

  /** Payload bytes of the log on this broker. */
  get bytes(): number {
    return this.#replica?.entries.bytes ?? 0;
  }

  get term(): Term {
    return this.replica.machine.term;
  }

  get leads(): boolean {
    return this.replica.leads;
  }

  /** This replica leads, knows its high watermark (F7), and heard a quorum lately (L5). */
  get mayServe(): boolean {
    return this.#raft?.mayServe(this.replica) ?? false;
  }

  get leaderBroker(): BrokerId | null {
    return this.replica.leaderBroker;
  }

  get waitingAppends(): number {
    return this.#waiters.count;
  }

  /**
   * Appends a batch as the leader. `done` runs once: inside this call for refusals, later for what was appended.
   * "busy": nothing happened. The batch's base offset and epoch are patched in place.
   */
  append(command: AppendCommand, done: (outcome: AppendOutcome) => void): "taken" | "busy" {
    const fault = this.#batchFault(command);
    if (fault !== null) {
      done({ ok: false, fault });
      return "taken";
    }
    const needsKeys = this.#rules?.needsKeys === true;
    const queue = this.#admission;
    if (queue === null || (!needsKeys && queue.isEmpty)) return this.#admitted(command, done);
    return queue.offer(command, needsKeys, done); // P5
  }

  /** The batch is one that the topic takes. */
  #admitted(command: AppendCommand, done: (outcome: AppendOutcome) => void): "taken" | "busy" {
    const fault = this.#refusal(command);
    if (fault !== null) {
      done({ ok: false, fault });
      return "taken";
    }
    const { bytes, start } = command;
    const header = this.#header.moveTo(bytes, start);
    if (header.producerId >= 0) {
      const duplicate = this.#judge(header, command, done);
      if (duplicate) return "taken";
    }
    return this.#propose(header, command, done);
  }

  #batchFault(command: AppendCommand): PartitionAppendFault | null {
    const rules = this.#rules;
    if (rules === null || !this.replica.leads) return { kind: "not-leader" };
    const nowMs = this.#clock.nowMs();
    const fault = validateBatch(command, {
      batchBytesMax: rules.batchBytesMax,
      allowsZstd: command.allowsZstd,
      timestampMsMin: rules.logAppendTime ? -Infinity : nowMs - rules.timestampBeforeMsMax,
      timestampMsMax: rules.logAppendTime ? Infinity : nowMs + rules.timestampAfterMsMax,
    });
    return fault === null ? null : { kind: "batch", fault };
  }

  #refusal(command: AppendCommand): PartitionAppendFault | null {
    if (!this.replica.leads) return { kind: "not-leader" };
    if (command.expectedEnd !== null && command.expectedEnd !== this.#nextOffset) {
      return { kind: "unexpected-end", end: this.#nextOffset };
    }
    const required = this.#requiredInSync(command.acks);
    if (required > 0 && this.inSyncCount < required) return { kind: "not-enough-replicas" };
    return null;
  }

  /** Sequence rules. True: answered, or waiting for its original; false: to be appended. */
  #judge(
    header: RecordBatchView,
    command: AppendCommand,
    done: (outcome: AppendOutcome) => void,
  ): boolean {
    const { producerId, producerEpoch, baseSequence, lastSequence } = header;
    const verdict = this.producers.judge(producerId, producerEpoch, baseSequence, lastSequence);
    switch (verdict.verdict) {
      case "accept":
        return false;
      case "old-epoch":
        done({ ok: false, fault: { kind: "invalid-producer-epoch" } });
        return true;
      case "out-of-order":
        done({
          ok: false,
          fault: { kind: "out-of-order-sequence", expected: verdict.expected },
        });
        return true;
      case "duplicate":
        this.#await(verdict.original.index, verdict.original.baseOffset, -1, command, done);
        this.#waiters.settle(this);
        return true;
    }
  }

  #propose(
    header: RecordBatchView,
    command: AppendCommand,
    done: (outcome: AppendOutcome) => void,
  ): "taken" | "busy" {
    const { bytes, start, end } = command;
    const nowMs = this.#clock.nowMs();
    const baseOffset = this.#nextOffset;
    setBaseOffset(bytes, start, baseOffset);
    setLeaderEpoch(bytes, start, this.term);
    const isStamped = this.#rules?.logAppendTime === true;
    if (isStamped) setLogAppendTime(bytes, start, nowMs);
    const { checksum, headSum } = payloadSum(ENTRY_BATCH, bytes, start, end);
    const proposal: Proposal = {
      kind: ENTRY_BATCH,
      bytes,
      start,
      end,
      baseOffset,
      recordCount: header.lastOffsetDelta + 1,
      timestampMax: header.maxTimestampMs,
      checksum,
      headSum,
    };
    const index = this.replica.propose(proposal);
    if (index === "busy") {
      // As the client sent it, so that the same bytes can be offered again.
      setBaseOffset(bytes, start, 0 as Offset);
      return "busy";
    }
    if (index === "not-leader" || index === "storage-full") {
      done({ ok: false, fault: { kind: index } });
      return "taken";
    }
    this.#probe?.appended(proposal.recordCount, end - start);
    this.#await(index, baseOffset, isStamped ? nowMs : -1, command, done);
    return "taken";
  }

  #await(
    index: LogIndex,
    baseOffset: Offset,
    appendTimeMs: number,
    command: AppendCommand,
    done: (outcome: AppendOutcome) => void,
  ): void {
    const isOwn = command.acks === 1 && this.#rules?.acksOneLeader === true;
    const sinceMs = this.#clock.upMs();
    this.#waiters.add({
      term: this.term,
      index,
      until: isOwn ? "own" : "commit",
      durableOn: this.#requiredInSync(command.acks),
      sinceMs,
      deadlineMs: sinceMs + command.timeoutMs,
      baseOffset,
      appendTimeMs,
      done,
    });
  }

  /** Replicas beyond the majority that an acks=all append must reach; 0 when the commit is enough (P3). */
  #requiredInSync(acks: number): number {
    const minInSync = this.#rules?.minInSync ?? 0;
    const voters = this.replica.machine.configuration.voters.length;
    const majority = Math.floor(voters / 2) + 1;
    return acks === -1 && minInSync > majority ? minInSync : 0;
  }

  /** Answers appends whose deadline passed. */
  expireAppends(nowMs: number): void {
    this.#waiters.expire(nowMs);
  }

  /** Calls `changed` when the high watermark, the role or the readiness changes, until the returned function is called. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => void this.#watchers.delete(changed);
  }

  /** The partition is no longer here: nobody waits any more. */
  retire(): void {
    this.#waiters.failAll(NOT_LEADER);
    this.#wake();
  }

  #wake(): void {
    for (const watcher of this.#watchers) watcher();
  }

  // LogProgress

  answered(waiter: AppendWaiter): void {
    this.#probe?.answered(this.#clock.upMs() - waiter.sinceMs);
  }

  get commit(): LogIndex {
    return this.replica.machine.commit;
  }

  get ownDurable(): LogIndex {
    return this.replica.machine.durableIndex;
  }

  durableCount(index: LogIndex): number {
    return this.#raft?.durableCount(this.replica, index) ?? 0;
  }

  get inSyncCount(): number {
    return this.#raft?.inSync(this.replica).length ?? 0;
  }

  // LogClient

  appended(entry: AppendedEntry): void {
    const { kind, bytes, start, baseOffset, recordCount, index } = entry;
    this.#nextOffset = (baseOffset + recordCount) as Offset;
    if (kind !== ENTRY_BATCH) return;
    this.epochs.appended(entry.term, baseOffset, index);
    if (bytes === null) this.#unread.add(index);
    else {
      const batch = this.#producerBatch(index, baseOffset, bytes, start);
      if (batch !== null) this.producers.appended(batch);
    }
  }

  repaired(entry: AppendedEntry): void {
    const { index, baseOffset, bytes, start } = entry;
    // What was read when it joined the log is known, however its bytes fared later.
    if (!this.#unread.delete(index) || bytes === null) return;
    const batch = this.#producerBatch(index, baseOffset, bytes, start);
    if (batch === null) return;
    const isCommitted = this.#replica !== null && index <= this.#replica.machine.commit;
    this.producers.repaired(batch, isCommitted);
  }

  /** What an idempotent producer's batch says of its producer; null for others. */
  #producerBatch(
    index: LogIndex,
    baseOffset: Offset,
    bytes: Uint8Array,
    start: number,
  ): ProducerBatch | null {
    const header = this.#header.moveTo(bytes, start);
    if (header.producerId < 0) return null;
    return {
      producerId: header.producerId,
      epoch: header.producerEpoch,
      firstSequence: header.baseSequence,
      lastSequence: header.lastSequence,
      baseOffset,
      index,
      // This broker's time, not the batch's: a client's clock must not make its sequences forgotten.
      timestampMs: this.#clock.nowMs(),
    };
  }

  truncated(from: LogIndex): void {
    for (const index of this.#unread) if (index >= from) this.#unread.delete(index);
    this.producers.truncated(from);
    this.epochs.truncated(from);
    if (this.#replica !== null) this.#nextOffset = this.#replica.nextOffset;
  }

  committed(index: LogIndex): void {
    this.producers.committed(index);
    const { entries } = this.replica;
    if (index >= entries.first) {
      const highWatermark = entries.offsetAfter(index);
      assert(highWatermark >= this.#highWatermark, "the high watermark never goes back");
      this.#highWatermark = highWatermark;
    }
    this.#waiters.settle(this);
    this.#wake();
  }

  roleChanged(_role: Role, _term: Term, _leader: BrokerId | null): void {
    // F4: whoever waited for an entry of the old term fails before the log changes.
    if (!this.#faults.waiterAcrossLeaders) this.#waiters.failAll(NOT_LEADER);
    if (this.#faults.tailForgotten) this.producers.forgetTail();
    this.#wake();
  }

  ready(_term: Term): void {
    this.#wake();
  }

  progressed(): void {
    this.#waiters.settle(this);
  }
}
