// The requests of group members, each in one fixed flexible version, written by hand from Kafka's published protocol: the
// classic protocol (join, synchronise, live, leave), the one of KIP-848 (one heartbeat for everything), and offsets.
import type { ByteReader } from "./bytes.ts";
import type { Api } from "./requests.ts";

export interface JoinQuestion {
  readonly group: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  /** Empty: a new member. */
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly protocol: string;
  readonly metadata: Uint8Array;
}

export interface JoinedMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly metadata: Buffer;
}

export interface JoinAnswer {
  readonly code: number;
  readonly generation: number;
  readonly leader: string;
  readonly skipAssignment: boolean;
  readonly memberId: string;
  /** For the leader alone. */
  readonly members: readonly JoinedMember[];
}

const PROTOCOL_TYPE = "consumer";
const NO_BYTES = Buffer.alloc(0);

export const JOIN_GROUP: Api<JoinQuestion, JoinAnswer> = {
  key: 11,
  version: 9,
  write: (into, question) => {
    into.string(question.group).int32(question.sessionTimeoutMs);
    into.int32(question.rebalanceTimeoutMs).string(question.memberId);
    into.string(question.instanceId).string(PROTOCOL_TYPE);
    into.array([question.protocol], (name) => into.string(name).bytes(question.metadata).tags());
    into.string(null).tags();
  },
  read: (from) => {
    from.int32();
    const code = from.int16();
    const generation = from.int32();
    from.string();
    from.string();
    const leader = from.string() ?? "";
    const skipAssignment = from.bool();
    const memberId = from.string() ?? "";
    const members = from.array(() => {
      const member = {
        memberId: from.string() ?? "",
        instanceId: from.string(),
        metadata: from.bytes() ?? NO_BYTES,
      };
      from.tags();
      return member;
    });
    from.tags();
    return { code, generation, leader, skipAssignment, memberId, members };
  },
};

/** How a member says who it is; the generation is the member epoch in the new protocol. */
export interface Claim {
  readonly group: string;
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly generation: number;
}

export interface SyncQuestion extends Claim {
  readonly protocol: string;
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Uint8Array }[];
}

export const SYNC_GROUP: Api<SyncQuestion, { code: number; assignment: Buffer }> = {
  key: 14,
  version: 5,
  write: (into, question) => {
    into.string(question.group).int32(question.generation).string(question.memberId);
    into.string(question.instanceId).string(PROTOCOL_TYPE).string(question.protocol);
    into.array(question.assignments, ({ memberId, assignment }) => {
      into.string(memberId).bytes(assignment).tags();
    });
    into.tags();
  },
  read: (from) => {
    from.int32();
    const code = from.int16();
    from.string();
    from.string();
    const assignment = from.bytes() ?? NO_BYTES;
    from.tags();
    return { code, assignment };
  },
};

export const HEARTBEAT: Api<Claim, { code: number }> = {
  key: 12,
  version: 4,
  write: (into, { group, generation, memberId, instanceId }) => {
    into.string(group).int32(generation).string(memberId).string(instanceId).tags();
  },
  read: (from) => {
    from.int32();
    const code = from.int16();
    from.tags();
    return { code };
  },
};

export const LEAVE_GROUP: Api<Omit<Claim, "generation">, { code: number }> = {
  key: 13,
  version: 5,
  write: (into, { group, memberId, instanceId }) => {
    into.string(group);
    into.array([memberId], () => into.string(memberId).string(instanceId).string(null).tags());
    into.tags();
  },
  read: (from) => {
    from.int32();
    const code = from.int16();
    const members = from.array(() => {
      from.string();
      from.string();
      const own = from.int16();
      from.tags();
      return own;
    });
    from.tags();
    return { code: code === 0 ? (members[0] ?? -1) : code };
  },
};

export interface OffsetToCommit {
  readonly partition: number;
  readonly offset: number;
}

export interface CommitQuestion extends Claim {
  readonly topic: string;
  readonly offsets: readonly OffsetToCommit[];
}

export interface PartitionCode {
  readonly partition: number;
  readonly code: number;
}

export const OFFSET_COMMIT: Api<CommitQuestion, readonly PartitionCode[]> = {
  key: 8,
  version: 9,
  write: (into, question) => {
    into.string(question.group).int32(question.generation).string(question.memberId);
    into.string(question.instanceId);
    into.array([question.topic], (topic) => {
      into.string(topic);
      into.array(question.offsets, ({ partition, offset }) => {
        into.int32(partition).int64(offset).int32(-1).string("").tags();
      });
      into.tags();
    });
    into.tags();
  },
  read: (from) => {
    from.int32();
    const topics = from.array(() => {
      from.string();
      const partitions = from.array(() => {
        const one = { partition: from.int32(), code: from.int16() };
        from.tags();
        return one;
      });
      from.tags();
      return partitions;
    });
    from.tags();
    return topics.flat();
  },
};

export interface OffsetsQuestion {
  readonly group: string;
  /** Null and -1: not as a member of the new protocol. */
  readonly memberId: string | null;
  readonly memberEpoch: number;
  readonly topic: string;
  readonly partitions: readonly number[];
}

export interface FetchedOffset {
  readonly partition: number;
  readonly code: number;
  /** -1: nothing is committed. */
  readonly offset: number;
}

export interface OffsetsAnswer {
  readonly code: number;
  readonly offsets: readonly FetchedOffset[];
}

export const OFFSET_FETCH: Api<OffsetsQuestion, OffsetsAnswer> = {
  key: 9,
  version: 9,
  write: (into, { group, memberId, memberEpoch, topic, partitions }) => {
    into.array([group], () => {
      into.string(group).string(memberId).int32(memberEpoch);
      into.array([topic], () => {
        into.string(topic).array(partitions, (partition) => into.int32(partition));
        into.tags();
      });
      into.tags();
    });
    into.bool(true).tags();
  },
  read: (from) => {
    from.int32();
    const groups = from.array(() => {
      from.string();
      const topics = from.array(() => {
        from.string();
        const partitions = from.array(() => readFetchedOffset(from));
        from.tags();
        return partitions;
      });
      const code = from.int16();
      from.tags();
      return { code, offsets: topics.flat() };
    });
    from.tags();
    return groups[0] ?? { code: -1, offsets: [] };
  },
};

function readFetchedOffset(from: ByteReader): FetchedOffset {
  const partition = from.int32();
  const offset = from.int64();
  from.int32();
  from.string();
  const code = from.int16();
  from.tags();
  return { partition, code, offset };
}

export interface TopicPartitions {
  /** Sixteen bytes in hexadecimal. */
  readonly topicId: string;
  readonly partitions: readonly number[];
}

/** Null: unchanged since the last heartbeat. */
export interface MemberHeartbeat extends Claim {
  readonly rebalanceTimeoutMs: number | null;
  readonly topics: readonly string[] | null;
  readonly owned: readonly TopicPartitions[] | null;
}

export interface MemberAnswer {
  readonly code: number;
  readonly memberId: string | null;
  readonly epoch: number;
  readonly intervalMs: number;
  /** Null: unchanged. */
  readonly assignment: readonly TopicPartitions[] | null;
}

/** KIP-848: the generation of the claim is the member's epoch; 0 joins, -1 leaves, -2 leaves for a while. */
export const CONSUMER_GROUP_HEARTBEAT: Api<MemberHeartbeat, MemberAnswer> = {
  key: 68,
  version: 1,
  write: (into, question) => {
    into.string(question.group).string(question.memberId).int32(question.generation);
    into
      .string(question.instanceId)
      .string(null)
      .int32(question.rebalanceTimeoutMs ?? -1);
    if (question.topics === null) into.nullArray();
    else into.array(question.topics, (topic) => into.string(topic));
    into.string(null).string(null);
    if (question.owned === null) into.nullArray();
    else {
      into.array(question.owned, ({ topicId, partitions }) => {
        into.raw(Buffer.from(topicId, "hex"));
        into.array(partitions, (partition) => into.int32(partition)).tags();
      });
    }
    into.tags();
  },
  read: (from) => {
    from.int32();
    const code = from.int16();
    from.string();
    const memberId = from.string();
    const epoch = from.int32();
    const intervalMs = from.int32();
    const assignment = from.int8() < 0 ? null : readAssignment(from);
    from.tags();
    return { code, memberId, epoch, intervalMs, assignment };
  },
};

function readAssignment(from: ByteReader): readonly TopicPartitions[] {
  const topics = from.array(() => {
    const topicId = from.raw(16).toString("hex");
    const partitions = from.array(() => from.int32());
    from.tags();
    return { topicId, partitions };
  });
  from.tags();
  return topics;
}

/** The id of one topic, in hexadecimal; null when the broker does not know it. */
export const TOPIC_ID: Api<string, string | null> = {
  key: 3,
  version: 12,
  write: (into, topic) => {
    into.array([topic], () => into.raw(Buffer.alloc(16)).string(topic).tags());
    into.bool(false).bool(false).tags();
  },
  read: (from) => {
    from.int32();
    from.array(() => {
      from.int32();
      from.string();
      from.int32();
      from.string();
      from.tags();
    });
    from.string();
    from.int32();
    const ids = from.array(() => {
      const code = from.int16();
      from.string();
      const id = from.raw(16).toString("hex");
      from.bool();
      from.array(() => skipPartition(from));
      from.int32();
      from.tags();
      return code === 0 ? id : null;
    });
    from.tags();
    return ids[0] ?? null;
  },
};

function skipPartition(from: ByteReader): void {
  from.int16();
  for (let k = 0; k < 3; k++) from.int32();
  for (let k = 0; k < 3; k++) from.array(() => from.int32());
  from.tags();
}
