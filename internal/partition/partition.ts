// The Kafka log of one replica: offsets over a Raft log, the high watermark, idempotent producers, appends that wait and
// readers that watch. All of it follows from the entries that the replica reports, on leaders and followers alike.
import { assert } from "../base/assert.ts";
import type { BrokerId, GroupId, LogIndex, Offset, Term } from "../model/ids.ts";
import type { RecordRules } from "../model/inspect-records.ts";
import {
  RecordBatchView,
  clearLogAppendTime,
  setBaseOffset,
  setLeaderEpoch,
  setLogAppendTime,
  setMaxTimestamp,
} from "../model/record-batch.ts";
import { validateBatch } from "../model/validate-batch.ts";
import type { BatchFault } from "../model/validate-batch.ts";
import type { Clock } from "../ports/clock.ts";
import type { Role } from "../raft/effect.ts";
import { ENTRY_BATCH, ENTRY_COMMAND } from "../raft/entry.ts";
import type { AppendedEntry, LogClient, Proposal } from "../replica/log-client.ts";
import type { MultiRaft } from "../replica/multi-raft.ts";
import { payloadSum } from "../replica/payload.ts";
import type { Replica } from "../replica/replica.ts";
import type {
  AppendCommand,
  AppendOutcome,
  DeleteFault,
  DeleteOutcome,
  PartitionAppendFault,
  PartitionFaults,
  PartitionRules,
} from "./append.ts";
import { AdmissionQueue } from "./admission.ts";
import type { AdmissionDesk } from "./admission.ts";
import { AppendWaiters } from "./append-waiters.ts";
import type { AppendWaiter, LogProgress } from "./append-waiters.ts";
import { decodeLogStart, encodeLogStart, LogStart } from "./log-start.ts";
import { EpochHistory } from "./epoch-history.ts";
import { ProducerTable } from "./producer-table.ts";
import type { ProducerBatch } from "./producer-table.ts";
import type { PartitionProbe } from "./probe.ts";

const NO_FAULTS: PartitionFaults = { waiterAcrossLeaders: false, tailForgotten: false };
const NOT_LEADER = { ok: false, fault: { kind: "not-leader" } } as const;

/** What all partitions of a broker share. */
export interface PartitionHome {
  readonly admission: AdmissionDesk;
  /** A newer version wrote this entry: nothing that follows from it can be known here. */
  undecodable(group: GroupId, index: LogIndex): void;
}

export class Partition implements LogClient, LogProgress {
  readonly group: GroupId;
  readonly producers = new ProducerTable();
  readonly epochs = new EpochHistory();
  readonly #clock: Clock;
  readonly #faults: PartitionFaults;
  readonly #probe: PartitionProbe | null;
  readonly #waiters = new AppendWaiters();
  readonly #home: PartitionHome | null;
  readonly #admission: AdmissionQueue | null;
  readonly #watchers = new Set<() => void>();
  readonly #header = new RecordBatchView(new Uint8Array(61), 0);
  /** Batches whose bytes were damaged when they joined the log (D1): the producer table misses them. */
  readonly #unread = new Set<LogIndex>();
  #replica: Replica | null = null;
  #raft: MultiRaft | null = null;
  #rules: PartitionRules | null = null;
  #highWatermark = 0 as Offset;
  readonly #logStart = new LogStart();
  #nextOffset = 0 as Offset;

  constructor(
    group: GroupId,
    clock: Clock,
    probe: PartitionProbe | null = null,
    faults: PartitionFaults = NO_FAULTS,
    home: PartitionHome | null = null,
  ) {
    this.group = group;
    this.#clock = clock;
    this.#probe = probe;
    this.#faults = faults;
    this.#home = home;
    this.#admission =
      home === null
        ? null
        : new AdmissionQueue(home.admission, (command, maxTimestampMs, done) =>
            this.#admitted(command, maxTimestampMs, done),
          );
  }

  /** Joins the partition to its replica. */
  bind(replica: Replica, raft: MultiRaft): void {
    assert(this.#replica === null, "a partition has one replica");
    this.#replica = replica;
    this.#raft = raft;
    this.#nextOffset = replica.nextOffset;
    this.#logStart.begin(replica.logStart);
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
    return this.#logStart.offset;
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
    return this.#waiters.count + (this.#admission?.count ?? 0);
  }

  /**
   * Appends a batch as the leader. `done` runs once: inside this call for refusals, later for what was appended.
   * "busy": nothing happened. The batch's base offset, epoch and latest time are patched in place.
   */
  append(command: AppendCommand, done: (outcome: AppendOutcome) => void): "taken" | "busy" {
    const rules = this.#rules;
    const queue = this.#admission;
    if (rules === null || queue === null || !this.replica.leads) {
      done(NOT_LEADER);
      return "taken";
    }
    const { batchBytesMax } = rules;
    const fault =
      validateBatch(command, { batchBytesMax, allowsZstd: command.allowsZstd }) ??
      this.#tooLongForMembers(command.end - command.start);
    if (fault !== null) {
      done({ ok: false, fault: { kind: "batch", fault } });
      return "taken";
    }
    return queue.offer(command, recordRules(rules, this.#clock.nowMs()), done); // P5
  }

  #tooLongForMembers(sizeBytes: number): BatchFault | null {
    const canStore = this.#raft?.links.canStore(this.replica, sizeBytes) !== false;
    return canStore ? null : { kind: "too-large", sizeBytes };
  }

  /** The batch is one that the topic takes. */
  #admitted(
    command: AppendCommand,
    maxTimestampMs: number,
    done: (outcome: AppendOutcome) => void,
  ): "taken" | "busy" {
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
    return this.#propose(header, command, maxTimestampMs, done);
  }

  #refusal(command: AppendCommand): PartitionAppendFault | null {
    if (!this.replica.leads) return { kind: "not-leader" };
    if (command.expectedEnd !== null && command.expectedEnd !== this.#nextOffset) {
      return this.#asNewest({ kind: "unexpected-end", end: this.#nextOffset });
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
        done({ ok: false, fault: this.#asNewest({ kind: "invalid-producer-epoch" }) });
        return true;
      case "out-of-order": {
        const { expected } = verdict;
        const fault = this.#asNewest({ kind: "out-of-order-sequence", expected });
        done({ ok: false, fault });
        return true;
      }
      case "duplicate":
        this.#awaitOriginal(verdict.original, command, done);
        return true;
    }
  }

  /** Clients give up for good what the log speaks against: a leader that may have a successor does not know it. // L5 */
  #asNewest(fault: PartitionAppendFault): PartitionAppendFault {
    return this.#raft?.isNewest(this.replica) === true ? fault : NOT_LEADER.fault;
  }

  #propose(
    header: RecordBatchView,
    command: AppendCommand,
    maxTimestampMs: number,
    done: (outcome: AppendOutcome) => void,
  ): "taken" | "busy" {
    const { bytes, start, end } = command;
    const nowMs = this.#clock.nowMs();
    const baseOffset = this.#nextOffset;
    setBaseOffset(bytes, start, baseOffset);
    setLeaderEpoch(bytes, start, this.term);
    const isStamped = this.#rules?.logAppendTime === true;
    if (isStamped) setLogAppendTime(bytes, start, nowMs);
    // What the client says of its latest time is not believed: searches and expiry go by it. // P10
    else if (header.maxTimestampMs !== maxTimestampMs) {
      setMaxTimestamp(bytes, start, maxTimestampMs);
    }
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
      if (isStamped) clearLogAppendTime(bytes, start);
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

  /**
   * Moves the log start up to `offset` (P7); null: up to the high watermark. `done` runs once, when the command is committed
   * and so holds for ever, or at once for refusals. "busy": nothing happened.
   */
  deleteRecords(
    offset: Offset | null,
    timeoutMs: number,
    done: (outcome: DeleteOutcome) => void,
  ): "taken" | "busy" {
    // A new leader's high watermark may be behind what an earlier one has shown (F7).
    if (!this.mayServe) {
      done(NOT_LEADER);
      return "taken";
    }
    const upTo = offset ?? this.#highWatermark;
    if (upTo < 0 || upTo > this.#highWatermark) {
      done({ ok: false, fault: { kind: "offset-out-of-range" } });
      return "taken";
    }
    if (upTo <= this.logStart) {
      done({ ok: true, value: this.logStart });
      return "taken";
    }
    return this.#proposeLogStart(upTo, timeoutMs, done);
  }

  #proposeLogStart(
    upTo: Offset,
    timeoutMs: number,
    done: (outcome: DeleteOutcome) => void,
  ): "taken" | "busy" {
    const bytes = encodeLogStart(upTo);
    const end = bytes.length;
    const baseOffset = this.#nextOffset;
    const sums = payloadSum(ENTRY_COMMAND, bytes, 0, end);
    const place = {
      kind: ENTRY_COMMAND,
      bytes,
      start: 0,
      end,
      baseOffset,
      recordCount: 0,
    } as const;
    const index = this.replica.propose({ ...place, timestampMax: -1, ...sums });
    if (index === "busy") return "busy";
    if (index === "not-leader" || index === "storage-full") {
      done({ ok: false, fault: { kind: index } });
      return "taken";
    }
    this.#awaitCommit(index, baseOffset, timeoutMs, (outcome) => {
      if (outcome.ok) done({ ok: true, value: outcome.value.logStart });
      else done({ ok: false, fault: deleteFault(outcome.fault) });
    });
    return "taken";
  }

  #awaitCommit(
    index: LogIndex,
    baseOffset: Offset,
    timeoutMs: number,
    done: (outcome: AppendOutcome) => void,
  ): void {
    const sinceMs = this.#clock.upMs();
    this.#waiters.add({
      term: this.term,
      index,
      until: "commit",
      durableOn: 0,
      sinceMs,
      deadlineMs: sinceMs + timeoutMs,
      baseOffset,
      appendTimeMs: -1,
      done,
    });
  }

  #await(
    index: LogIndex,
    baseOffset: Offset,
    appendTimeMs: number,
    command: AppendCommand,
    done: (outcome: AppendOutcome) => void,
  ): void {
    this.#waiters.add(this.#waiter(index, baseOffset, appendTimeMs, command, done));
  }

  /**
   * A duplicate is answered under the original's own condition (F8). It takes no room in the journal, so without acks it
   * must not wait: nothing would limit how many do.
   */
  #awaitOriginal(
    { index, baseOffset }: ProducerBatch,
    command: AppendCommand,
    done: (outcome: AppendOutcome) => void,
  ): void {
    if (command.acks === 0) {
      done({ ok: true, value: { baseOffset, appendTimeMs: -1, logStart: this.logStart } });
      return;
    }
    this.#waiters.addOrAnswer(this.#waiter(index, baseOffset, -1, command, done), this);
  }

  #waiter(
    index: LogIndex,
    baseOffset: Offset,
    appendTimeMs: number,
    command: AppendCommand,
    done: (outcome: AppendOutcome) => void,
  ): AppendWaiter {
    const isOwn = command.acks === 1 && this.#rules?.acksOneLeader === true;
    const sinceMs = this.#clock.upMs();
    return {
      term: this.term,
      index,
      until: isOwn ? "own" : "commit",
      durableOn: this.#requiredInSync(command.acks),
      sinceMs,
      deadlineMs: sinceMs + command.timeoutMs,
      baseOffset,
      appendTimeMs,
      done,
    };
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
    this.#admission?.expire(nowMs);
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
    return this.replica.durableCount(index);
  }

  get inSyncCount(): number {
    return this.#raft?.inSync(this.replica).length ?? 0;
  }

  // LogClient

  appended(entry: AppendedEntry): void {
    const { kind, bytes, start, baseOffset, recordCount, index } = entry;
    this.#nextOffset = (baseOffset + recordCount) as Offset;
    if (kind === ENTRY_COMMAND) {
      if (bytes === null) this.#unread.add(index);
      else this.#logStart.appended(index, this.#logStartIn(entry, bytes), baseOffset);
    }
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
    if (entry.kind === ENTRY_COMMAND) {
      const commit = this.#replica?.machine.commit ?? (0 as LogIndex);
      this.#logStart.repaired(index, this.#logStartIn(entry, bytes), baseOffset, commit);
      this.#startMoved();
      return;
    }
    const batch = this.#producerBatch(index, baseOffset, bytes, start);
    if (batch === null) return;
    const isCommitted = this.#replica !== null && index <= this.#replica.machine.commit;
    this.producers.repaired(batch, isCommitted);
  }

  #logStartIn({ index, start, end }: AppendedEntry, bytes: Uint8Array): Offset {
    const offset = decodeLogStart(bytes, start, end);
    if (offset === null) this.#home?.undecodable(this.group, index);
    return offset ?? (0 as Offset);
  }

  #startMoved(): void {
    const replica = this.#replica;
    if (replica !== null && this.logStart > replica.logStart) replica.logStart = this.logStart;
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
    this.#logStart.truncated(from);
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
    this.#logStart.committed(index);
    this.#startMoved();
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

function recordRules(rules: PartitionRules, nowMs: number): RecordRules {
  return {
    needsKeys: rules.needsKeys,
    isStamped: rules.logAppendTime,
    timestampMsMin: nowMs - rules.timestampBeforeMsMax,
    timestampMsMax: nowMs + rules.timestampAfterMsMax,
  };
}

function deleteFault(fault: PartitionAppendFault): DeleteFault {
  return { kind: fault.kind === "timed-out" ? "timed-out" : "not-leader" };
}
