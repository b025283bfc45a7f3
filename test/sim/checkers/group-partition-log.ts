// What is committed in one partition of __consumer_offsets, as the first replica that applied it said. Every other
// replica, and each of them after a restart, must have applied the same at the same place and then hold the same state.
// What the log itself may never show is judged here: offsets that go back, commits of earlier generations, a partition
// with two owners in one generation.
import type { GroupCoordinator } from "../../../internal/coordinator/group-coordinator.ts";
import type { GroupRecord } from "../../../internal/coordinator/group-records.ts";
import { GroupState } from "../../../internal/coordinator/group-state.ts";
import type { GroupRow } from "../../../internal/coordinator/group-state.ts";
import type { LogIndex } from "../../../internal/model/ids.ts";
import { decodeAssignment } from "../../../internal/schema/consumer-protocol.ts";
import { NO_UNDO } from "../../../internal/statelog/machine.ts";
import { canonicalText } from "./canonical-text.ts";
import type { SentCommits } from "./sent-commits.ts";
import type { Verdict } from "./verdict.ts";

type OffsetSet = Extract<GroupRecord, { kind: "offset-set" }>;

/** `place` counts the entries before it. */
interface Placed<T> {
  readonly place: number;
  readonly value: T;
}

/** What a replica has, and up to where. */
export type Held = Pick<GroupCoordinator, "state" | "appliedIndex" | "isSpeculative">;

/** What an OffsetFetch may find of one partition. */
export interface CommittedAt {
  readonly offset: number;
  readonly tag: string;
}

export class GroupPartitionLog {
  readonly #name: string;
  readonly #verdict: Verdict;
  readonly #sent: SentCommits;
  readonly #state = new GroupState();
  readonly #places = new Map<LogIndex, number>();
  readonly #texts: string[] = [];
  #last = 0 as LogIndex;
  /** Of each group, how it looked since when. */
  readonly #rows = new Map<string, Placed<string>[]>();
  readonly #offsets = new Map<string, Placed<CommittedAt>[]>();
  readonly #owners = new Map<string, string>();
  /** How often a group went and came back, as a group of the other protocol too: its generations may begin anew. */
  readonly #lives = new Map<string, number>();
  generations = 0;

  constructor(index: number, verdict: Verdict, sent: SentCommits) {
    this.#name = `__consumer_offsets/${index}`;
    this.#verdict = verdict;
    this.#sent = sent;
  }

  /** How many entries are known to be committed. */
  get length(): number {
    return this.#texts.length;
  }

  get last(): LogIndex {
    return this.#last;
  }

  get groups(): IterableIterator<string> {
    return this.#rows.keys();
  }

  /** A replica has applied an entry, and its state holds it. */
  applied(who: string, index: LogIndex, records: readonly GroupRecord[], by: Held): void {
    const text = canonicalText(records);
    const place = this.#places.get(index);
    if (place !== undefined) {
      if (this.#texts[place] !== text) {
        this.#differs(who, `index ${index}: ${text} and not ${this.#texts[place]}`);
      }
    } else if (index <= this.#last) this.#differs(who, `index ${index}, where nothing is`);
    else this.#append(index, records, text);
    this.compare(who, by, new Set(records.map(({ group }) => group)));
  }

  /** Holds what a replica has of some groups against what it should have at its place; null: of all. */
  compare(who: string, by: Held, groups: ReadonlySet<string> | null = null): void {
    // What its leader has not committed yet is in the state as well.
    if (by.isSpeculative) return;
    const place = this.#places.get(by.appliedIndex) ?? -1;
    for (const group of groups ?? new Set([...this.#rows.keys(), ...by.state.rows.keys()])) {
      const wanted = lastUpTo(this.#rows.get(group), place) ?? "null";
      const found = canonicalText(by.state.row(group));
      if (found === wanted) continue;
      this.#differs(who, `index ${by.appliedIndex} group ${group} is ${found} and not ${wanted}`);
    }
  }

  /** What one partition's committed offset was at some time from `from` entries on until now; null: nothing yet. */
  *committedSince(key: string, from: number): Iterable<CommittedAt | null> {
    const history = this.#offsets.get(key);
    yield lastUpTo(history, from - 1) ?? null;
    for (const { place, value } of history ?? []) if (place >= from) yield value;
  }

  #append(index: LogIndex, records: readonly GroupRecord[], text: string): void {
    const place = this.#texts.length;
    this.#places.set(index, place);
    this.#texts.push(text);
    this.#last = index;
    for (const record of records) {
      const row = this.#state.row(record.group);
      if (record.kind === "offset-set") this.#offsetSet(place, record, row);
      if (record.kind === "group-set") {
        const { group, stored } = record;
        // A consumer group that becomes a classic one goes on from what its members have reached.
        this.#rises(group, row?.stored?.generation ?? 0, stored.generation);
        for (const { clientId, assignment } of stored.members) {
          this.owns(group, stored.generation, clientId, partitionsOf(assignment));
        }
      }
      if (record.kind === "consumer-epoch" && record.value !== null) {
        this.#rises(record.group, row?.consumer?.epoch ?? 0, record.value.epoch);
      } else if (record.kind === "group-gone" || record.kind === "consumer-epoch") {
        this.#lives.set(record.group, (this.#lives.get(record.group) ?? 0) + 1);
      }
      this.#state.apply(record, NO_UNDO);
    }
    for (const group of new Set(records.map((record) => record.group))) {
      this.#oneOwnerEach(group);
      const value = canonicalText(this.#state.row(group));
      listed(this.#rows, group).push({ place, value });
    }
  }

  #offsetSet(place: number, record: OffsetSet, row: GroupRow | null): void {
    const { group, topic, partition } = record;
    const { offset, metadata: tag } = record.committed;
    const key = offsetKey(group, topic, partition);
    const history = listed(this.#offsets, key);
    const before = history.at(-1)?.value ?? null;
    if (before !== null && before.offset > offset) {
      const detail = `${key} goes back from ${before.offset} (${before.tag}) to ${offset} (${tag})`;
      this.#verdict.report("committed offsets never go back", detail);
    }
    history.push({ place, value: { offset, tag } });
    this.#sent.committed(tag, row);
  }

  /** Of generations, and of the epochs of consumer groups. */
  #rises(group: string, before: number, generation: number): void {
    if (generation > before) this.generations++;
    if (generation >= before) return;
    const detail = `${group} goes back from generation ${before} to ${generation}`;
    this.#verdict.report("generations never go back", detail);
  }

  /** In a consumer group a partition is a member's until it has said that it gave it up. */
  #oneOwnerEach(group: string): void {
    const owners = new Map<string, string>();
    for (const [member, position] of this.#state.row(group)?.consumer?.positions ?? []) {
      for (const assignment of [position.assigned, position.revoking]) {
        for (const [topicId, partitions] of assignment) {
          for (const partition of partitions) {
            const key = `${topicId}/${partition}`;
            const other = owners.get(key) ?? member;
            owners.set(key, member);
            if (other === member) continue;
            const detail = `${group} ${key} belongs to ${other} and to ${member}`;
            this.#verdict.report("one owner per partition and generation", detail);
          }
        }
      }
    }
  }

  /** By client and not by member id: a static member that came back under a new id is the same owner. */
  owns(group: string, generation: number, client: string, partitions: Iterable<number>): void {
    for (const partition of partitions) {
      const life = this.#lives.get(group) ?? 0;
      const key = `${group} life ${life} generation ${generation} partition ${partition}`;
      const owner = this.#owners.get(key);
      if (owner === undefined) this.#owners.set(key, client);
      else if (owner !== client) {
        const detail = `${key} belongs to ${owner} and to ${client}`;
        this.#verdict.report("one owner per partition and generation", detail);
      }
    }
  }

  #differs(who: string, what: string): void {
    this.#verdict.report("coordinators hold what is committed", `${who} ${this.#name} ${what}`);
  }
}

/** Of the workload's only topic, as a member is told them. */
export function partitionsOf(assignment: Uint8Array): readonly number[] {
  if (assignment.length === 0) return [];
  const decoded = decodeAssignment(assignment);
  if (!decoded.ok) return [];
  return decoded.value.assignedPartitions.flatMap(({ partitions }) => partitions);
}

export function offsetKey(group: string, topic: string, partition: number): string {
  return `${group} ${topic}/${partition}`;
}

function listed<T>(lists: Map<string, T[]>, key: string): T[] {
  let list = lists.get(key);
  if (list === undefined) lists.set(key, (list = []));
  return list;
}

/** What was the case after the entry at `place`. */
function lastUpTo<T>(history: readonly Placed<T>[] | undefined, place: number): T | undefined {
  return history?.findLast((one) => one.place <= place)?.value;
}
