// What tests ask about consumer groups: who coordinates one, and what it has committed. Each in one fixed flexible version,
// written by hand from Kafka's published protocol like the requests next to it.
import type { Api } from "./requests.ts";

export interface FoundCoordinator {
  readonly code: number;
  /** -1 when there is none. */
  readonly broker: number;
}

export const FIND_COORDINATOR: Api<string, FoundCoordinator> = {
  key: 10,
  version: 3,
  write: (into, group) => into.string(group).int8(0).tags(),
  read: (from) => {
    from.int32();
    const code = from.int16();
    from.string();
    const broker = from.int32();
    from.string();
    from.int32();
    from.tags();
    return { code, broker };
  },
};

export interface CommittedOffset {
  readonly partition: number;
  /** -1 when nothing is committed. */
  readonly offset: number;
}

/** What a group has committed in one topic; only its coordinator answers. */
export const OFFSET_FETCH: Api<
  { group: string; topic: string; partitions: readonly number[] },
  { code: number; offsets: readonly CommittedOffset[] }
> = {
  key: 9,
  version: 7,
  write: (into, { group, topic, partitions }) => {
    into.string(group);
    into.array([topic], (name) => {
      into.string(name);
      into.array(partitions, (partition) => into.int32(partition));
      into.tags();
    });
    into.bool(true).tags();
  },
  read: (from) => {
    from.int32();
    let fault = 0;
    const offsets = from.array(() => {
      from.string();
      const partitions = from.array(() => {
        const partition = from.int32();
        const offset = from.int64();
        from.int32();
        from.string();
        const code = from.int16();
        if (code !== 0) fault = code;
        from.tags();
        return { partition, offset };
      });
      from.tags();
      return partitions;
    });
    const code = from.int16();
    from.tags();
    return { code: code === 0 ? fault : code, offsets: offsets.flat() };
  },
};
