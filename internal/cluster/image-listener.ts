// Who wants to hear of changes of the metadata image.
import type { BrokerId, LogIndex } from "../model/ids.ts";
import type { Broker, Topic } from "./cluster-state.ts";
import type { ControllerRecord, EntrySpace, PartitionPlacement } from "./records.ts";

/** All methods are optional. They may read the image, which holds everything up to the change told, never change it. */
export interface ImageListener {
  topicAdded?(topic: Topic): void;
  topicRemoved?(topic: Topic): void;
  /** Partitions from `first` on are new. */
  partitionsAdded?(topic: Topic, first: number): void;
  placementChanged?(topic: Topic, before: PartitionPlacement, after: PartitionPlacement): void;
  topicConfigsChanged?(topic: Topic): void;
  /** `broker` null: the default of all brokers. */
  brokerConfigsChanged?(broker: BrokerId | null): void;
  groupConfigsChanged?(group: string): void;
  /** Registered, fenced, unfenced, or (after is null) removed. */
  brokerChanged?(before: Broker | null, after: Broker | null): void;
  entryChanged?(space: EntrySpace, key: string, value: Uint8Array | null): void;
  featureChanged?(feature: string, level: number): void;
  /** An entry went in whole, or (`records` null) a snapshot; `before` is the version that it followed. */
  took?(before: LogIndex, version: LogIndex, records: readonly ControllerRecord[] | null): void;
  /** Last of all: the image is now at `version`. */
  advanced?(version: LogIndex): void;
}
