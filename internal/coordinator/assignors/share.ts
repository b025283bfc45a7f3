// The uniform assignment of members who all subscribe to the same topics. Shares are known at once: the partitions divided
// by the members, and one more for as many as there are left over. Nobody gives away more than what is above his share,
// and those left over are for members who have that much already, so no assignment with these shares moves less.
import { FREE } from "./ownership.ts";
import type { Ownership } from "./ownership.ts";

export function share(ownership: Ownership): void {
  const loads = loadsOf(ownership);
  if (loads.length === 0) return;
  const shares = sharesOf(loads, partitionCount(ownership));
  trim(ownership, loads, shares);
  deal(ownership, loads, shares);
}

export function loadsOf({ memberIds, topics }: Ownership): Int32Array {
  const loads = new Int32Array(memberIds.length);
  for (const { owners } of topics) {
    for (const owner of owners) if (owner !== FREE) loads[owner] = (loads[owner] ?? 0) + 1;
  }
  return loads;
}

function partitionCount({ topics }: Ownership): number {
  let count = 0;
  for (const { owners } of topics) count += owners.length;
  return count;
}

function sharesOf(loads: Int32Array, partitions: number): Int32Array {
  const least = Math.floor(partitions / loads.length);
  let over = partitions - least * loads.length;
  const shares = new Int32Array(loads.length).fill(least);
  const giveOver = (isMeant: (load: number) => boolean): void => {
    for (const [member, load] of loads.entries()) {
      if (over === 0 || shares[member] !== least || !isMeant(load)) continue;
      shares[member] = least + 1;
      over--;
    }
  };
  giveOver((load) => load > least);
  giveOver(() => true);
  return shares;
}

/**
 * Frees what members have above their shares. Of all that a member has, in the order of topics, he keeps pieces at even
 * distances: so he gives of each topic in proportion, and no topic gathers at few members.
 */
function trim({ topics }: Ownership, loads: Int32Array, shares: Int32Array): void {
  const seen = new Int32Array(loads.length);
  for (const { owners } of topics) {
    for (const [partition, owner] of owners.entries()) {
      if (owner === FREE) continue;
      const [load, kept, at] = [loads[owner] ?? 0, shares[owner] ?? 0, seen[owner] ?? 0];
      seen[owner] = at + 1;
      if (load <= kept) continue;
      const isKept = Math.floor(((at + 1) * kept) / load) > Math.floor((at * kept) / load);
      if (!isKept) owners[partition] = FREE;
    }
  }
  for (const [member, share] of shares.entries()) {
    loads[member] = Math.min(loads[member] ?? 0, share);
  }
}

/** Deals what is free, one by one in turn, so that the partitions of a topic are spread over many members. */
function deal({ topics }: Ownership, loads: Int32Array, shares: Int32Array): void {
  let open = [...loads.keys()].filter((member) => (loads[member] ?? 0) < (shares[member] ?? 0));
  let turn = 0;
  for (const { owners } of topics) {
    for (const [partition, owner] of owners.entries()) {
      if (owner !== FREE) continue;
      if (turn === open.length) {
        open = open.filter((member) => (loads[member] ?? 0) < (shares[member] ?? 0));
        turn = 0;
      }
      const member = open[turn++] ?? FREE;
      owners[partition] = member;
      loads[member] = (loads[member] ?? 0) + 1;
    }
  }
}
