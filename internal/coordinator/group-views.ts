// What is stored of groups and what runs of them, as it is told to those who ask.
import type { NamedCommitted, NamedPartition } from "./group-offsets.ts";
import type { ClassicGroup } from "./classic-group.ts";
import type { GroupRecord } from "./group-records.ts";
import type { GroupDescription, GroupListing } from "./group-requests.ts";
import type { GroupRow } from "./group-state.ts";
import type { TopicCatalog } from "./topic-catalog.ts";

/** Of a group that nobody runs, or that runs on its stored state alone. */
export function listingOf(group: string, { stored, consumer }: GroupRow): GroupListing {
  if (consumer !== null) {
    return { group, type: "consumer", protocolType: "consumer", phase: consumer.phase };
  }
  const phase = stored !== null && stored.members.length > 0 ? "Stable" : "Empty";
  return { group, type: "classic", protocolType: stored?.protocolType ?? "", phase };
}

/** Without offsets of logs that are gone: they are about to be removed. */
export function committedOf(
  row: GroupRow | null,
  wanted: readonly NamedPartition[] | null,
  catalog: TopicCatalog,
): readonly NamedCommitted[] {
  if (wanted !== null) {
    return wanted.map(({ topic, partition }) => {
      const committed = row?.offset(topic, partition) ?? null;
      const stands = committed !== null && !catalog.isGone(committed.log);
      return { topic, partition, committed: stands ? committed : null };
    });
  }
  const all: NamedCommitted[] = [];
  for (const [topic, offsets] of row?.offsets ?? []) {
    for (const [partition, committed] of offsets) {
      if (!catalog.isGone(committed.log)) all.push({ topic, partition, committed });
    }
  }
  return all;
}

/** Records that remove the offsets of logs that are gone: of one topic, or (null) of all. */
export function goneOffsets(
  group: string,
  row: GroupRow,
  topic: string | null,
  catalog: TopicCatalog,
  atMs: number,
): GroupRecord[] {
  const records: GroupRecord[] = [];
  const names = topic === null ? row.offsets.keys() : [topic];
  for (const name of names) {
    for (const [partition, { log }] of row.offsets.get(name) ?? []) {
      if (!catalog.isGone(log)) continue;
      records.push({ kind: "offset-gone", group, topic: name, partition, atMs });
    }
  }
  return records;
}

export function descriptionOf(group: ClassicGroup): GroupDescription {
  const { id, phase, protocol } = group;
  const isStable = phase === "Stable";
  const nothing = new Uint8Array(0);
  const members = [...group.members.all()].map((member) => {
    const { memberId, instanceId, clientId, clientHost } = member.facts;
    return {
      ...{ memberId, instanceId, clientId, clientHost },
      metadata: isStable ? member.metadata(protocol) : nothing,
      assignment: isStable ? member.assignment : nothing,
    };
  });
  const protocolType = group.protocolType ?? "";
  return { group: id, protocolType, phase, protocol: isStable ? (protocol ?? "") : "", members };
}
