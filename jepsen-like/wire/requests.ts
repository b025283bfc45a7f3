// The requests that this program makes of topics, each in one fixed flexible version, written by hand from Kafka's published
// protocol. It shares no code with the broker: an error in one codec cannot hide in the other.
import type { ByteReader } from "./bytes.ts";
import { ByteWriter } from "./bytes.ts";

/** One kind of request: how it is written and how its answer is read. */
export interface Api<Q, A> {
  readonly key: number;
  readonly version: number;
  write(into: ByteWriter, question: Q): void;
  read(from: ByteReader): A;
}

export interface ApiRange {
  readonly key: number;
  readonly versionMin: number;
  readonly versionMax: number;
}

export const API_VERSIONS: Api<null, { code: number; ranges: ApiRange[] }> = {
  key: 18,
  version: 3,
  write: (into) => into.string("flotilla-chaos").string("1").tags(),
  read: (from) => {
    const code = from.int16();
    const ranges = from.array(() => {
      const range = { key: from.int16(), versionMin: from.int16(), versionMax: from.int16() };
      from.tags();
      return range;
    });
    from.int32();
    from.tags();
    return { code, ranges };
  },
};

export interface PartitionMetadata {
  readonly code: number;
  readonly partition: number;
  /** -1 when none is known. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly replicas: readonly number[];
  readonly isr: readonly number[];
}

export interface Metadata {
  readonly brokers: readonly {
    readonly id: number;
    readonly host: string;
    readonly port: number;
  }[];
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly topics: readonly {
    readonly code: number;
    readonly name: string;
    readonly partitions: readonly PartitionMetadata[];
  }[];
}

/** Asks for the named topics and never creates one. */
export const METADATA: Api<readonly string[], Metadata> = {
  key: 3,
  version: 9,
  write: (into, topics) => {
    into.array(topics, (topic) => into.string(topic).tags());
    into.bool(false).bool(false).bool(false).tags();
  },
  read: (from) => {
    from.int32();
    const brokers = from.array(() => {
      const broker = { id: from.int32(), host: from.string() ?? "", port: from.int32() };
      from.string();
      from.tags();
      return broker;
    });
    const clusterId = from.string();
    const controllerId = from.int32();
    const topics = from.array(() => {
      const code = from.int16();
      const name = from.string() ?? "";
      from.bool();
      const partitions = from.array(() => readPartitionMetadata(from));
      from.int32();
      from.tags();
      return { code, name, partitions };
    });
    from.int32();
    from.tags();
    return { brokers, clusterId, controllerId, topics };
  },
};

function readPartitionMetadata(from: ByteReader): PartitionMetadata {
  const code = from.int16();
  const partition = from.int32();
  const leader = from.int32();
  const leaderEpoch = from.int32();
  const replicas = from.array(() => from.int32());
  const isr = from.array(() => from.int32());
  from.array(() => from.int32());
  from.tags();
  return { code, partition, leader, leaderEpoch, replicas, isr };
}

export interface ProduceQuestion {
  readonly topic: string;
  readonly timeoutMs: number;
  readonly batches: readonly { readonly partition: number; readonly batch: Uint8Array }[];
}

export interface ProduceAnswer {
  readonly partition: number;
  readonly code: number;
  readonly baseOffset: number;
}

/** Always with acks=all. */
export const PRODUCE: Api<ProduceQuestion, readonly ProduceAnswer[]> = {
  key: 0,
  version: 9,
  write: (into, { topic, timeoutMs, batches }) => {
    into.string(null).int16(-1).int32(timeoutMs);
    into.array([topic], () => {
      into.string(topic);
      into.array(batches, ({ partition, batch }) => into.int32(partition).bytes(batch).tags());
      into.tags();
    });
    into.tags();
  },
  read: (from) => {
    const answers = from.array(() => {
      from.string();
      const partitions = from.array(() => {
        const partition = from.int32();
        const code = from.int16();
        const baseOffset = from.int64();
        from.int64();
        from.int64();
        from.array(() => {
          from.int32();
          from.string();
          from.tags();
        });
        from.string();
        from.tags();
        return { partition, code, baseOffset };
      });
      from.tags();
      return partitions;
    });
    from.int32();
    from.tags();
    return answers.flat();
  },
};

export interface FetchQuestion {
  readonly topic: string;
  readonly waitMs: number;
  readonly bytesMin: number;
  readonly bytesMax: number;
  readonly partitions: readonly { readonly partition: number; readonly offset: number }[];
}

export interface FetchedPartition {
  readonly partition: number;
  readonly code: number;
  readonly highWatermark: number;
  readonly logStart: number;
  readonly records: Buffer;
}

const NO_RECORDS = Buffer.alloc(0);

/** Version 12 is one that a follower answers too (KIP-392). No fetch session. */
export const FETCH: Api<FetchQuestion, readonly FetchedPartition[]> = {
  key: 1,
  version: 12,
  write: (into, question) => {
    into.int32(-1).int32(question.waitMs).int32(question.bytesMin).int32(question.bytesMax);
    into.int8(0).int32(0).int32(-1);
    into.array([question.topic], (topic) => {
      into.string(topic);
      into.array(question.partitions, ({ partition, offset }) => {
        into.int32(partition).int32(-1).int64(offset).int32(-1).int64(-1);
        into.int32(question.bytesMax).tags();
      });
      into.tags();
    });
    into.array([], () => {});
    into.string("").tags();
  },
  read: (from) => {
    from.int32();
    const code = from.int16();
    from.int32();
    const fetched = from.array(() => {
      from.string();
      const partitions = from.array(() => readFetchedPartition(from));
      from.tags();
      return partitions;
    });
    from.tags();
    return fetched.flat().map((one) => (code === 0 ? one : { ...one, code }));
  },
};

function readFetchedPartition(from: ByteReader): FetchedPartition {
  const partition = from.int32();
  const code = from.int16();
  const highWatermark = from.int64();
  from.int64();
  const logStart = from.int64();
  from.array(() => {
    from.int64();
    from.int64();
    from.tags();
  });
  from.int32();
  const records = from.bytes() ?? NO_RECORDS;
  from.tags();
  return { partition, code, highWatermark, logStart, records };
}

export interface EndOffset {
  readonly partition: number;
  readonly code: number;
  /** The high watermark, as the leader knows it. */
  readonly offset: number;
  readonly leaderEpoch: number;
}

/** The latest offset of each partition; only a leader answers. */
export const LIST_OFFSETS: Api<{ topic: string; partitions: readonly number[] }, EndOffset[]> = {
  key: 2,
  version: 6,
  write: (into, question) => {
    into.int32(-1).int8(0);
    into.array([question.topic], (topic) => {
      into.string(topic);
      into.array(question.partitions, (partition) =>
        into.int32(partition).int32(-1).int64(-1).tags(),
      );
      into.tags();
    });
    into.tags();
  },
  read: (from) => {
    from.int32();
    const ends = from.array(() => {
      from.string();
      const partitions = from.array(() => {
        const partition = from.int32();
        const code = from.int16();
        from.int64();
        const offset = from.int64();
        const leaderEpoch = from.int32();
        from.tags();
        return { partition, code, offset, leaderEpoch };
      });
      from.tags();
      return partitions;
    });
    from.tags();
    return ends.flat();
  },
};

export interface ProducerIdentity {
  readonly code: number;
  readonly producerId: number;
  readonly producerEpoch: number;
}

export const INIT_PRODUCER_ID: Api<null, ProducerIdentity> = {
  key: 22,
  version: 4,
  write: (into) => into.string(null).int32(60_000).int64(-1).int16(-1).tags(),
  read: (from) => {
    from.int32();
    const identity = {
      code: from.int16(),
      producerId: from.int64(),
      producerEpoch: from.int16(),
    };
    from.tags();
    return identity;
  },
};

export interface NewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly configs?: Readonly<Record<string, string>>;
}

export const CREATE_TOPICS: Api<NewTopic, { code: number; message: string | null }> = {
  key: 19,
  version: 5,
  write: (into, topic) => {
    into.array([topic], ({ name, partitions, replicationFactor, configs }) => {
      into.string(name).int32(partitions).int16(replicationFactor);
      into.array([], () => {});
      into.array(Object.entries(configs ?? {}), ([key, value]) => {
        into.string(key).string(value).tags();
      });
      into.tags();
    });
    into.int32(10_000).bool(false).tags();
  },
  read: (from) => {
    from.int32();
    const created = from.array(() => {
      from.string();
      const code = from.int16();
      const message = from.string();
      from.int32();
      from.int16();
      from.array(() => {
        from.string();
        from.string();
        from.bool();
        from.int8();
        from.bool();
        from.tags();
      });
      from.tags();
      return { code, message };
    });
    from.tags();
    return created[0] ?? { code: -1, message: "the answer names no topic" };
  },
};

export const DELETE_TOPICS: Api<string, { code: number }> = {
  key: 20,
  version: 4,
  write: (into, name) => {
    into.array([name], (topic) => void into.string(topic));
    into.int32(10_000).tags();
  },
  read: (from) => {
    from.int32();
    const deleted = from.array(() => {
      from.string();
      const code = from.int16();
      from.tags();
      return { code };
    });
    from.tags();
    return deleted[0] ?? { code: -1 };
  },
};

/** A request with its size and header; flexible versions only. */
export function encodeRequest<Q>(
  api: Api<Q, unknown>,
  correlation: number,
  clientId: string,
  question: Q,
): Buffer {
  const into = new ByteWriter(1024);
  into.uint32(0).int16(api.key).int16(api.version).int32(correlation);
  into.string16(clientId).tags();
  api.write(into, question);
  into.patchUint32(0, into.length - 4);
  return into.view;
}
