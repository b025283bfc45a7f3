// The records of __consumer_offsets, in Kafka's own schemas (S1), so that monitoring tools can read them. A key begins
// with the number of its kind and version (0 and 1: an offset, 2: a classic group), a value with its version. What is
// written are the newest versions that are not flexible, as Kafka does; flexible values are read too.
import { Message } from "../message.ts";

export const OFFSET_KEY_VERSION = 1;
export const GROUP_KEY_VERSION = 2;
export const OFFSET_VALUE_VERSION = 3;
/** The one version whose values carry an expiry of their own. */
export const OFFSET_VALUE_WITH_EXPIRY = 1;
export const OFFSET_VALUE_VERSION_MAX = 4;
export const GROUP_VALUE_VERSION = 3;
export const GROUP_VALUE_VERSION_MAX = 4;

export interface OffsetCommitKey {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
}

export const offsetCommitKey = new Message<OffsetCommitKey>({
  name: "OffsetCommitKey",
  flexibleFrom: null,
  fields: `group str, topic str, partition i32`,
});

export interface OffsetCommitValue {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly metadata: string;
  readonly commitTimestamp: number;
  readonly expireTimestamp: number;
}

export const offsetCommitValue = new Message<OffsetCommitValue>({
  name: "OffsetCommitValue",
  flexibleFrom: 4,
  fields: `
    offset i64, leaderEpoch i32=-1@3+, metadata str, commitTimestamp i64,
    expireTimestamp i64=-1@1
  `,
});

export const groupMetadataKey = new Message<{ readonly group: string }>({
  name: "GroupMetadataKey",
  flexibleFrom: null,
  fields: `group str`,
});

export interface GroupMetadataValue {
  readonly protocolType: string;
  readonly generation: number;
  readonly protocol: string | null;
  readonly leader: string | null;
  readonly currentStateTimestamp: number;
  readonly members: readonly GroupMetadataMember[];
}

export interface GroupMetadataMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeout: number;
  readonly sessionTimeout: number;
  readonly subscription: Uint8Array;
  readonly assignment: Uint8Array;
}

export const groupMetadataValue = new Message<GroupMetadataValue>({
  name: "GroupMetadataValue",
  flexibleFrom: 4,
  fields: `
    protocolType str, generation i32, protocol str?, leader str?, currentStateTimestamp i64=-1@2+,
    members[]{
      memberId str, groupInstanceId str?=null@3+, clientId str, clientHost str,
      rebalanceTimeout i32=-1@1+, sessionTimeout i32, subscription bytes, assignment bytes
    }
  `,
});
