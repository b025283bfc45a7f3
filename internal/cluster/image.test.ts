import { expect, test } from "vitest";
import type {
  BrokerId,
  ClusterId,
  DirectoryId,
  GroupId,
  Incarnation,
  LogIndex,
  ReplicaId,
  Term,
  TopicId,
} from "../model/ids.ts";
import { CONTROLLER_GROUP } from "../model/ids.ts";
import { MetadataImage } from "./image.ts";
import { LeaderTable } from "./leaders.ts";
import { controllerShown, partitionView } from "./metadata-view.ts";
import { followOwnReplicas } from "./own-replicas.ts";
import type { ControllerRecord, PartitionPlacement } from "./records.ts";
import { snapshotRecords } from "./snapshot.ts";

const topicId = "t1" as TopicId;
const [one, two, three] = [1, 2, 3] as [BrokerId, BrokerId, BrokerId];
const incarnation = 1 as Incarnation;

function directoryOf(broker: number): DirectoryId {
  return `d${broker}` as DirectoryId;
}

/** Replica ids are 1,000,000 + 10 × group + broker, plus 100 for each `generation`. */
function placement(
  group: number,
  brokers: number[],
  revision = 1,
  generation = 0,
): PartitionPlacement {
  const replicas = brokers.map((broker) => ({
    replica: (1_000_000 + group * 10 + broker + generation * 100) as ReplicaId,
    broker: broker as BrokerId,
    directory: directoryOf(broker),
  }));
  return {
    partition: group - 1,
    group: group as GroupId,
    firstTerm: 0 as Term,
    revision,
    replicas,
    leaving: [],
    founders: [],
  };
}

function registered(broker: BrokerId): ControllerRecord[] {
  const of = { broker, directory: directoryOf(broker), incarnation };
  return [
    { kind: "broker-registered", ...of, rack: null, host: null, endpoints: [] },
    { kind: "broker-unfenced", broker, incarnation },
  ];
}

function created(...partitions: PartitionPlacement[]) {
  return { kind: "topic-created", topicId, name: "orders", configs: [], partitions } as const;
}

const left = placement(1, [2]).replicas;
const moved = { ...placement(1, [1, 3], 2), leaving: left };
const HISTORY: readonly (readonly ControllerRecord[])[] = [
  [{ kind: "cluster-founded", clusterId: "c" as ClusterId }],
  [...registered(one), ...registered(two), ...registered(three)],
  [created(placement(1, [1, 2]))],
  [{ kind: "partitions-added", topicId, partitions: [placement(2, [2, 1])] }],
  [{ kind: "placement-set", topicId, placement: moved }],
  [{ kind: "topic-configs-set", topicId, configs: [{ name: "a", value: "1" }] }],
  [{ kind: "broker-configs-set", broker: null, configs: [{ name: "b", value: "2" }] }],
  [{ kind: "entry-set", space: "acl", key: "k", value: new Uint8Array([1]) }],
  [{ kind: "broker-fenced", broker: two, incarnation }],
  [{ kind: "feature-level-set", feature: "f", level: 3 }],
  [{ kind: "placement-settled", topicId, partition: 0, revision: 2 }],
  [{ kind: "topic-deleted", topicId, highestTerm: 4 as Term }],
];

/** Everything that a listener hears, as text. */
function heardBy(image: MetadataImage): string[] {
  const heard: string[] = [];
  image.listen({
    topicAdded: (topic) => heard.push(`added ${topic.name} ${topic.partitions.length}`),
    topicRemoved: (topic) => heard.push(`removed ${topic.name}`),
    partitionsAdded: (topic, first) => heard.push(`${topic.name} grew from ${first}`),
    placementChanged: (_, before, after) =>
      heard.push(`placement ${before.revision} to ${after.revision}`),
    topicConfigsChanged: (topic) => heard.push(`configs of ${topic.name}`),
    brokerConfigsChanged: (broker) => heard.push(`configs of broker ${broker}`),
    brokerChanged: (before, after) =>
      heard.push(`broker ${after?.broker} fenced ${before?.fenced} to ${after?.fenced}`),
    entryChanged: (space, key, value) => heard.push(`${space} ${key} ${value?.join()}`),
    featureChanged: (feature, level) => heard.push(`${feature} ${level}`),
    advanced: (version) => heard.push(`at ${version}`),
  });
  return heard;
}

function imageAt(count: number): MetadataImage {
  const image = new MetadataImage();
  HISTORY.slice(0, count).forEach((records, at) => image.advance((at + 1) as LogIndex, records));
  return image;
}

test("MetadataImage tells listeners each change, then the version", () => {
  const image = new MetadataImage();
  const heard = heardBy(image);
  HISTORY.forEach((records, at) => image.advance((at + 1) as LogIndex, records));
  expect(
    heard.filter((text) => !text.startsWith("broker 2") && !text.startsWith("broker 3")),
  ).toEqual([
    "at 1",
    "broker 1 fenced undefined to true",
    "broker 1 fenced true to false",
    "at 2",
    "added orders 1",
    "at 3",
    "orders grew from 1",
    "at 4",
    "placement 1 to 2",
    "at 5",
    "configs of orders",
    "at 6",
    "configs of broker null",
    "at 7",
    "acl k 1",
    "at 8",
    "at 9",
    "f 3",
    "at 10",
    "placement 2 to 2",
    "at 11",
    "removed orders",
    "at 12",
  ]);
  expect(heard).toContain("broker 2 fenced false to true");
});

test("MetadataImage.install tells only the differences", () => {
  const image = imageAt(3);
  const heard = heardBy(image);
  image.install(10 as LogIndex, [...snapshotRecords(imageAt(10).state)]);
  expect(heard).toEqual([
    "placement 1 to 2",
    "orders grew from 1",
    "configs of orders",
    "broker 2 fenced false to true",
    "configs of broker null",
    "acl k 1",
    "f 3",
    "at 10",
  ]);
  heard.length = 0;
  image.install(11 as LogIndex, [...snapshotRecords(imageAt(11).state)]);
  image.install(12 as LogIndex, [...snapshotRecords(imageAt(12).state)]);
  expect(heard).toEqual(["placement 2 to 2", "at 11", "removed orders", "at 12"]);
});

test("MetadataImage.install tells a topic that was made again from the one that was deleted (C6)", () => {
  const image = imageAt(3);
  const heard: string[] = [];
  image.listen({
    topicAdded: (topic) => heard.push(`added ${topic.topicId}`),
    topicRemoved: (topic) => heard.push(`removed ${topic.topicId}`),
    placementChanged: () => heard.push("a placement changed"),
  });
  const later = imageAt(HISTORY.length);
  const partitions = [{ ...placement(3, [1, 2]), partition: 0 }];
  later.advance(20 as LogIndex, [{ ...created(...partitions), topicId: "t2" as TopicId }]);
  image.install(20 as LogIndex, [...snapshotRecords(later.state)]);
  expect(heard).toEqual(["removed t1", "added t2"]);
});

test("MetadataImage.standing needs an image that is later than the replica (C5)", () => {
  const old = placement(1, [1, 2]).replicas[1]!.replica;
  const [group, later] = [1 as GroupId, 9 as GroupId];
  expect(imageAt(2).standing(group, old)).toBe("unknown");
  expect(imageAt(3).standing(group, old)).toBe("assigned");
  expect(imageAt(10).standing(group, old)).toBe("leaving");
  expect(imageAt(10).standing(group, 2_000_000 as ReplicaId)).toBe("unknown");
  expect(imageAt(11).standing(group, old)).toBe("gone");
  const stays = placement(1, [1]).replicas[0]!.replica;
  expect(imageAt(11).standing(group, stays)).toBe("assigned");
  expect(imageAt(12).standing(group, stays)).toBe("gone");
  expect(imageAt(12).standing(later, stays)).toBe("unknown");
});

test("followOwnReplicas tells one directory what it has to host", () => {
  const told = (broker: BrokerId, from: number): string[] => {
    const image = imageAt(from);
    const lines: string[] = [];
    const end = followOwnReplicas(image, broker, directoryOf(broker), {
      assigned: (own) => lines.push(`assigned ${own.placement.group} ${own.replica}`),
      retargeted: (own, before) => lines.push(`retargeted ${own.replica} after ${before.revision}`),
      leaving: (group, replica) => lines.push(`leaving ${group} ${replica}`),
      gone: (group, replica) => lines.push(`gone ${group} ${replica}`),
    });
    HISTORY.slice(from).forEach((records, at) =>
      image.advance((from + at + 1) as LogIndex, records),
    );
    end();
    image.advance(
      99 as LogIndex,
      [created(placement(7, [1, 2, 3]))].map((record) => {
        return { ...record, partitions: [{ ...placement(7, [1, 2, 3]), partition: 0 }] };
      }) as ControllerRecord[],
    );
    return lines;
  };
  const ofOne = [
    "assigned 2 1000021",
    "retargeted 1000011 after 1",
    "retargeted 1000011 after 2",
    "gone 1 1000011",
    "gone 2 1000021",
  ];
  expect(told(one, 0)).toEqual(["assigned 1 1000011", ...ofOne]);
  expect(told(one, 3)).toEqual(["assigned 1 1000011", ...ofOne]);
  expect(told(two, 0)).toEqual([
    "assigned 1 1000012",
    "assigned 2 1000022",
    "leaving 1 1000012",
    "gone 1 1000012",
    "gone 2 1000022",
  ]);
  const ofThree = ["assigned 1 1000013", "retargeted 1000013 after 2", "gone 1 1000013"];
  expect(told(three, 0)).toEqual(ofThree);
});

test("partitionView shows a leader only if its broker is unfenced (C2)", () => {
  const leaders = new LeaderTable();
  const of = placement(2, [2, 1]);
  const row = { group: of.group, term: 6 as Term, version: 1, leader: two, isr: [one, two] };
  expect(partitionView(imageAt(4), leaders, of)).toMatchObject({ leader: null, leaderEpoch: 0 });
  leaders.accept(row);
  const view = { leader: 2, leaderEpoch: 6, replicas: [2, 1], isr: [1, 2], offline: [] };
  expect(partitionView(imageAt(4), leaders, of)).toMatchObject(view);
  const fenced = { leader: null, leaderEpoch: 6, replicas: [2, 1], isr: [1], offline: [2] };
  expect(partitionView(imageAt(9), leaders, of)).toMatchObject(fenced);
});

test("controllerShown is group 0's leader, else the broker that answers (C3)", () => {
  const leaders = new LeaderTable();
  const shown = (count: number): BrokerId =>
    controllerShown(imageAt(count), leaders, CONTROLLER_GROUP, three);
  expect(shown(2)).toBe(3);
  leaders.accept({ group: CONTROLLER_GROUP, term: 1 as Term, version: 1, leader: two, isr: [] });
  expect(shown(2)).toBe(2);
  expect(shown(9)).toBe(3);
});
