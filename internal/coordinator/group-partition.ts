// Which partition of __consumer_offsets keeps a group: Kafka's own rule, which tools rely on.

/** `hash` as Java computes it over UTF-16 units, in 32 bits. */
export function groupPartition(group: string, partitions: number): number {
  let hash = 0;
  for (let at = 0; at < group.length; at++) hash = (Math.imul(31, hash) + group.charCodeAt(at)) | 0;
  return (hash & 0x7fff_ffff) % partitions;
}
