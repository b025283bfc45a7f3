// Rows of the journal's group table (J5): what must be remembered of each group when old journal files are recycled.
import type { GroupRow, GroupTableSource } from "../journal/owner.ts";
import type { GroupId } from "../model/ids.ts";
import { encodeMembership } from "./membership.ts";
import type { Replica } from "./replica.ts";

export interface GroupsOfBroker {
  replicas(): Iterable<Replica>;
  replica(group: GroupId): Replica | null;
}

export function groupTableOf(
  groups: GroupsOfBroker,
  isSuspect: (replica: Replica) => boolean,
): GroupTableSource {
  return {
    *groups() {
      for (const replica of groups.replicas()) yield replica.group;
    },
    row(group) {
      const replica = groups.replica(group);
      return replica === null ? null : rowOf(replica, isSuspect(replica));
    },
  };
}

function rowOf(replica: Replica, suspect: boolean): GroupRow {
  const { machine, group, partition, self } = replica;
  const membership = replica.baseMembership();
  return {
    group,
    partition,
    replica: self,
    term: machine.term,
    vote: (machine.vote === 0 ? 0 : machine.vote) as never,
    base: { ...machine.base, nextOffset: replica.baseOffset },
    logStart: replica.logStart,
    configurationRevision: membership.configuration.revision,
    configuration: encodeMembership(membership),
    dropped: false,
    suspect,
  };
}
