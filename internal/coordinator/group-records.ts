// The records of one partition of __consumer_offsets, as the group machine speaks of them.
import type { Assignment } from "./assignment.ts";
import type { ConsumerMember, MemberPosition } from "./consumer-member.ts";
import type { CommittedOffset } from "./group-requests.ts";

export interface StoredMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly sessionTimeoutMs: number;
  /** Its metadata under the chosen protocol. */
  readonly subscription: Uint8Array;
  readonly assignment: Uint8Array;
}

/** A classic group as its members could last see it. */
export interface StoredGroup {
  readonly protocolType: string;
  readonly generation: number;
  readonly protocol: string | null;
  readonly leader: string | null;
  /** When it became what it is; -1 when unknown. */
  readonly sinceMs: number;
  readonly members: readonly StoredMember[];
}

/** One record of a consumer group. Without a value it removes what it names. */
type ConsumerRecord<Kind extends string, Value> = {
  readonly kind: Kind;
  readonly group: string;
  readonly atMs: number;
  readonly value: Value | null;
};

type ConsumerMemberRecord<Kind extends string, Value> = ConsumerRecord<Kind, Value> & {
  readonly memberId: string;
};

export type ConsumerGroupRecord =
  | ConsumerRecord<"consumer-epoch", { readonly epoch: number; readonly metadataHash: number }>
  | ConsumerMemberRecord<"consumer-member", ConsumerMember>
  | ConsumerRecord<"target-epoch", number>
  | ConsumerMemberRecord<"target", Assignment>
  | ConsumerMemberRecord<"position", MemberPosition>;

/** `atMs` is the time of the record itself. */
export type GroupRecord =
  | ConsumerGroupRecord
  | {
      readonly kind: "group-set";
      readonly group: string;
      readonly atMs: number;
      readonly stored: StoredGroup;
    }
  | { readonly kind: "group-gone"; readonly group: string; readonly atMs: number }
  | {
      readonly kind: "offset-set";
      readonly group: string;
      readonly topic: string;
      readonly partition: number;
      readonly committed: CommittedOffset;
    }
  | {
      readonly kind: "offset-gone";
      readonly group: string;
      readonly topic: string;
      readonly partition: number;
      readonly atMs: number;
    };
