// The uniform assignment of members with different subscriptions. What is free is dealt to whoever has least; then
// partitions move from whoever has most to whoever has least of those that he can help, until nobody can help anybody who
// has at least two less. Help may go along a path: he gives a partition to one who gives another partition to a third, and
// only the ends of the path change their loads. When no path is left the loads are as even as the subscriptions allow: no
// other assignment has a smaller sum of their squares.
//
// Members with the same subscription form a class, and paths are looked for between classes, of which there are few.
import { assert } from "../../base/assert.ts";
import { FREE } from "./ownership.ts";
import type { Ownership } from "./ownership.ts";
import { loadsOf } from "./share.ts";

/**
 * Bound of the work for one assignment, in looks at one class. A group needs as many only if hundreds of members who each
 * subscribe to something else come at once; the loads then stay less even than they could be until the next assignment.
 */
const LOOKS_MAX = 40_000_000;
/** A look that is remembered takes as long as so many others. */
const REMEMBERED_LOOKS = 8;

interface Class {
  readonly members: number[];
  /** What its members have together, by topic: never 0. */
  readonly counts: Map<number, number>;
  /** The one of them with the least load, and the first of those. */
  least: number;
  /** All that its members have must stay with them, or with others of whom that is true. */
  settled: boolean;
}

/** One hop of a path: a partition of `topic` goes from class `from` to another one. */
interface Hop {
  readonly from: Class | null;
  readonly topic: number;
}

/** Returns how many looks at classes it took. */
export function level(ownership: Ownership): number {
  return new Levelling(ownership).run();
}

class Levelling {
  readonly #topics: Ownership["topics"];
  readonly #loads: Int32Array;
  /** How many of a topic's partitions each member has, and how many he had: by topic. */
  readonly #held: Map<number, number>[];
  readonly #had: readonly ReadonlyMap<number, number>[];
  readonly #classOf: readonly Class[];
  /** Of each topic, those who subscribe to it. */
  readonly #subscribers: readonly Class[][];
  #looks = 0;

  constructor(ownership: Ownership) {
    const { memberIds, subscriptions, topics } = ownership;
    this.#topics = topics;
    this.#loads = loadsOf(ownership);
    this.#held = memberIds.map(() => new Map());
    const classes = new Map<readonly number[], Class>();
    this.#subscribers = topics.map(() => []);
    this.#classOf = subscriptions.map((list, member) => {
      const known = classes.get(list);
      known?.members.push(member);
      if (known !== undefined) return known;
      const made = { members: [member], counts: new Map(), least: member, settled: false };
      classes.set(list, made);
      for (const topic of list) this.#subscribers[topic]?.push(made);
      return made;
    });
    for (const [topic, { owners }] of topics.entries()) {
      for (const owner of owners) if (owner !== FREE) this.#count(owner, topic, 1);
    }
    this.#had = this.#held.map((counts) => new Map(counts));
    for (const each of classes.values()) this.#findLeast(each);
  }

  run(): number {
    this.#deal();
    for (;;) {
      const top = this.#top();
      if (top === null || this.#looks > LOOKS_MAX) break;
      this.#relieve(top);
    }
    this.#settle();
    return this.#looks;
  }

  /** Topics with few subscribers first: the others can make up for what those have to take. */
  #deal(): void {
    const sizes = this.#subscribers.map((classes) =>
      classes.reduce((sum, { members }) => sum + members.length, 0),
    );
    const order = [...sizes.keys()].sort((a, b) => (sizes[a] ?? 0) - (sizes[b] ?? 0) || a - b);
    for (const topic of order) {
      for (const owner of this.#topics[topic]?.owners ?? []) {
        if (owner === FREE) this.#give(this.#leastOf(this.#subscribers[topic] ?? []), topic);
      }
    }
  }

  /** Who has most, of those for whom something may still be done. */
  #top(): number | null {
    let top: number | null = null;
    let most = 1;
    for (const [member, load] of this.#loads.entries()) {
      if (load <= most || this.#classOf[member]?.settled === true) continue;
      [top, most] = [member, load];
    }
    return top;
  }

  /** Moves one partition away from a member, or finds that nobody whom he can reach has two less. */
  #relieve(member: number): void {
    if (!this.#help(member)) this.#helpOnPath(member);
  }

  /** Gives one of his partitions to who has least of all that subscribe to its topic. */
  #help(member: number): boolean {
    let [target, topic, least] = [FREE, FREE, this.#load(member) - 1];
    for (const candidate of this.#held[member]?.keys() ?? []) {
      const classes = this.#subscribers[candidate] ?? [];
      this.#looks += classes.length;
      const other = this.#leastOf(classes);
      if (this.#load(other) < least) [target, topic, least] = [other, candidate, this.#load(other)];
    }
    if (topic === FREE) return false;
    this.#take(member, topic);
    this.#give(target, topic);
    return true;
  }

  #helpOnPath(member: number): void {
    const hops = this.#search(member);
    const reached = [...hops.keys()];
    let target = this.#leastOf(reached);
    const most = this.#load(member);
    if (this.#load(target) > most - 2) {
      // Nobody else has more than he, and so none of these can be helped, or will ever be able to help.
      for (const each of reached) each.settled = true;
      return;
    }
    // From the end: everybody on the way gives what he gets away again, in another topic.
    for (let at = this.#classAt(target); ; at = this.#classAt(target)) {
      const hop = hops.get(at);
      assert(hop !== undefined, "a path leads through classes that were reached");
      const giver = hop.from === null ? member : this.#holder(hop.from, hop.topic);
      this.#take(giver, hop.topic);
      this.#give(target, hop.topic);
      if (hop.from === null) return;
      target = giver;
    }
  }

  /** The classes that a partition of the member's, or one for one along a path, can get to; nearest first. */
  #search(member: number): Map<Class, Hop> {
    const hops = new Map<Class, Hop>();
    const topics = new Set<number>();
    const expand = (from: Class | null, counts: ReadonlyMap<number, number>): void => {
      for (const topic of counts.keys()) {
        this.#looks += REMEMBERED_LOOKS;
        if (topics.has(topic)) continue;
        topics.add(topic);
        for (const each of this.#subscribers[topic] ?? []) {
          this.#looks += REMEMBERED_LOOKS;
          if (!hops.has(each)) hops.set(each, { from, topic });
        }
      }
    };
    expand(null, this.#held[member] ?? new Map());
    // A map hands out what is added while it is walked.
    for (const each of hops.keys()) if (!each.settled) expand(each, each.counts);
    return hops;
  }

  /** One of a class who has something of a topic: if there is one, one who gives what he did not have before. */
  #holder({ members }: Class, topic: number): number {
    let holder: number | null = null;
    for (const member of members) {
      const held = this.#held[member]?.get(topic) ?? 0;
      if (held > (this.#had[member]?.get(topic) ?? 0)) return member;
      if (held > 0) holder ??= member;
    }
    assert(holder !== null, "a class that has something has a member who has it");
    return holder;
  }

  #give(member: number, topic: number): void {
    this.#count(member, topic, 1);
    this.#change(member, 1);
  }

  #take(member: number, topic: number): void {
    this.#count(member, topic, -1);
    this.#change(member, -1);
  }

  #change(member: number, by: number): void {
    this.#loads[member] = this.#load(member) + by;
    this.#findLeast(this.#classAt(member));
  }

  #count(member: number, topic: number, by: number): void {
    for (const counts of [this.#held[member], this.#classOf[member]?.counts]) {
      const count = (counts?.get(topic) ?? 0) + by;
      if (count === 0) counts?.delete(topic);
      else counts?.set(topic, count);
    }
  }

  #findLeast(each: Class): void {
    let least = each.members[0] ?? FREE;
    for (const member of each.members) if (this.#load(member) < this.#load(least)) least = member;
    each.least = least;
  }

  #leastOf(classes: readonly Class[]): number {
    let least = classes[0]?.least ?? FREE;
    for (const each of classes) {
      if (this.#load(each.least) < this.#load(least)) least = each.least;
    }
    return least;
  }

  #load(member: number): number {
    return this.#loads[member] ?? 0;
  }

  #classAt(member: number): Class {
    const found = this.#classOf[member];
    assert(found !== undefined, "every member is of a class");
    return found;
  }

  /** From counts to partitions: everybody keeps as many of his own as he may, and what is left goes to who lacks some. */
  #settle(): void {
    for (const [topic, { owners }] of this.#topics.entries()) {
      const lacking = new Map<number, number>();
      for (const { members } of this.#subscribers[topic] ?? []) {
        for (const member of members) {
          const held = this.#held[member]?.get(topic) ?? 0;
          if (held > 0) lacking.set(member, held);
        }
      }
      for (const [partition, owner] of owners.entries()) {
        if (owner === FREE || !takeOne(lacking, owner)) owners[partition] = FREE;
      }
      const open = lacking.keys();
      let next = open.next();
      for (const [partition, owner] of owners.entries()) {
        if (owner !== FREE) continue;
        while (next.value !== undefined && !takeOne(lacking, next.value)) next = open.next();
        // A member who lacks another one keeps his turn.
        owners[partition] = next.value ?? FREE;
      }
    }
  }
}

/** False: there is none left. */
function takeOne(counts: Map<number, number>, member: number): boolean {
  const count = counts.get(member) ?? 0;
  if (count > 0) counts.set(member, count - 1);
  return count > 0;
}
