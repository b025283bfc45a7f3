// What classic members tell each other through the coordinator, which does not look into it: the topics that one
// subscribes, and the partitions that it is given. Kafka's consumer protocol, version 0; big-endian, never compact.
import { ByteReader, ByteWriter } from "./bytes.ts";

const VERSION = 0;

export function encodeSubscription(topic: string): Buffer {
  const into = new ByteWriter(64);
  return into.int16(VERSION).int32(1).string16(topic).int32(-1).view;
}

export function encodeAssignment(topic: string, partitions: readonly number[]): Buffer {
  const into = new ByteWriter(64);
  into.int16(VERSION).int32(1).string16(topic).int32(partitions.length);
  for (const partition of partitions) into.int32(partition);
  return into.int32(-1).view;
}

/** Who was left out by the leader gets no bytes at all, and so no partitions. */
export function decodeAssignment(bytes: Buffer, topic: string): number[] {
  if (bytes.length === 0) return [];
  const from = new ByteReader(bytes);
  from.int16();
  const partitions: number[] = [];
  for (let topics = from.int32(); topics > 0; topics--) {
    const name = from.raw(from.int16()).toString();
    for (let count = from.int32(); count > 0; count--) {
      const partition = from.int32();
      if (name === topic) partitions.push(partition);
    }
  }
  return partitions;
}
