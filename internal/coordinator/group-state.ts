// The state of one partition of __consumer_offsets: what its records say of groups and their offsets. It is the same on
// every replica; what only the coordinator knows (who waits, whose session runs) is not in it.
import type { Machine, UndoList } from "../statelog/machine.ts";
import type { Result } from "../base/result.ts";
import { ok } from "../base/result.ts";
import { ConsumerState } from "./consumer-state.ts";
import { groupCodec } from "./group-codec.ts";
import type { ConsumerGroupRecord, GroupRecord, StoredGroup } from "./group-records.ts";
import type { CommittedOffset, GroupFault } from "./group-requests.ts";

type Offsets = Map<number, CommittedOffset>;

/** What is stored of one group: its metadata, as a classic or a consumer group, its offsets, or both. */
export class GroupRow {
  /** Null in a consumer group, and in a simple one, which has offsets and never had members. */
  stored: StoredGroup | null = null;
  /** Null unless it is a consumer group. */
  consumer: ConsumerState | null = null;
  readonly offsets = new Map<string, Offsets>();

  get isGone(): boolean {
    return this.stored === null && this.consumer === null && this.offsets.size === 0;
  }

  offset(topic: string, partition: number): CommittedOffset | null {
    return this.offsets.get(topic)?.get(partition) ?? null;
  }
}

export class GroupState {
  readonly rows = new Map<string, GroupRow>();

  row(group: string): GroupRow | null {
    return this.rows.get(group) ?? null;
  }

  apply(record: GroupRecord, undo: UndoList): void {
    const { group } = record;
    switch (record.kind) {
      case "group-set":
        return this.#setStored(group, record.stored, undo);
      case "group-gone":
        return this.#setStored(group, null, undo);
      case "offset-set":
        return this.#setOffset(group, record.topic, record.partition, record.committed, undo);
      case "offset-gone":
        return this.#setOffset(group, record.topic, record.partition, null, undo);
      default:
        return this.#applyConsumer(record, undo);
    }
  }

  #applyConsumer(record: ConsumerGroupRecord, undo: UndoList): void {
    const { group } = record;
    const state = this.row(group)?.consumer ?? null;
    switch (record.kind) {
      case "consumer-epoch": {
        const before = state?.epochRow ?? null;
        const { value, atMs: sinceMs } = record;
        const row = value === null ? null : { ...value, sinceMs };
        this.#changeConsumer(group, (consumer) => (consumer.epochRow = row));
        return undo.add(() =>
          this.#changeConsumer(group, (consumer) => (consumer.epochRow = before)),
        );
      }
      case "target-epoch": {
        const before = state?.targetEpoch ?? 0;
        const epoch = record.value ?? 0;
        this.#changeConsumer(group, (consumer) => (consumer.targetEpoch = epoch));
        return undo.add(() =>
          this.#changeConsumer(group, (consumer) => (consumer.targetEpoch = before)),
        );
      }
      case "consumer-member": {
        const { memberId, value } = record;
        const before = state?.members.get(memberId) ?? null;
        this.#changeConsumer(group, (consumer) => consumer.setMember(memberId, value));
        return undo.add(() =>
          this.#changeConsumer(group, (consumer) => consumer.setMember(memberId, before)),
        );
      }
      case "target": {
        const { memberId, value } = record;
        const before = state?.targets.get(memberId) ?? null;
        this.#changeConsumer(group, (consumer) => consumer.setTarget(memberId, value));
        return undo.add(() =>
          this.#changeConsumer(group, (consumer) => consumer.setTarget(memberId, before)),
        );
      }
      case "position": {
        const { memberId, value } = record;
        const before = state?.positions.get(memberId) ?? null;
        this.#changeConsumer(group, (consumer) => consumer.setPosition(memberId, value));
        return undo.add(() =>
          this.#changeConsumer(group, (consumer) => consumer.setPosition(memberId, before)),
        );
      }
    }
  }

  #changeConsumer(group: string, change: (consumer: ConsumerState) => void): void {
    this.#change(group, (row) => {
      row.consumer ??= new ConsumerState();
      change(row.consumer);
      if (row.consumer.isGone) row.consumer = null;
    });
  }

  #setStored(group: string, stored: StoredGroup | null, undo: UndoList): void {
    const before = this.row(group)?.stored ?? null;
    this.#change(group, (row) => (row.stored = stored));
    undo.add(() => this.#change(group, (row) => (row.stored = before)));
  }

  #setOffset(
    group: string,
    topic: string,
    partition: number,
    committed: CommittedOffset | null,
    undo: UndoList,
  ): void {
    const before = this.row(group)?.offset(topic, partition) ?? null;
    this.#change(group, (row) => putOffset(row, topic, partition, committed));
    undo.add(() => this.#change(group, (row) => putOffset(row, topic, partition, before)));
  }

  /** Rows come with their first record and go with their last. */
  #change(group: string, change: (row: GroupRow) => void): void {
    const row = this.rows.get(group) ?? new GroupRow();
    change(row);
    if (row.isGone) this.rows.delete(group);
    else this.rows.set(group, row);
  }
}

function putOffset(
  row: GroupRow,
  topic: string,
  partition: number,
  committed: CommittedOffset | null,
): void {
  const offsets: Offsets = row.offsets.get(topic) ?? new Map<number, CommittedOffset>();
  if (committed !== null) offsets.set(partition, committed);
  else offsets.delete(partition);
  if (offsets.size === 0) row.offsets.delete(topic);
  else row.offsets.set(topic, offsets);
}

/**
 * The decision is the coordinator's, made on the state that the records will be applied to; the machine stores what was
 * decided. It may be asked twice.
 */
export type GroupWrite = () => Result<readonly GroupRecord[], GroupFault>;

/** `state` is the one that the machine's runtime changes in place: whoever leads reads it synchronously. */
export function groupMachine(
  state: GroupState,
): Machine<GroupState, GroupWrite, null, GroupFault, GroupRecord> {
  return {
    empty: () => state,
    handle: (_state, decide) => {
      const decided = decide();
      return decided.ok ? ok({ records: decided.value, reply: null }) : decided;
    },
    apply: (into, record, undo) => into.apply(record, undo),
    codec: groupCodec,
  };
}
