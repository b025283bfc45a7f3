// Reads an entry's payload back from the journal. What comes is what was written, or nothing: a corrupted byte is never
// handed on (D2), and the replica is told that it has to fetch the entry again (D1).
import type { SharedJournal } from "../journal/owner.ts";
import type { RecordHeader } from "../record/record.ts";
import { payloadIntact } from "./payload.ts";
import type { Replica } from "./replica.ts";

/** What a disk answers for a sector that it cannot read any more. */
const UNREADABLE = "EIO";

/** The payload of the entry that `header` describes; null when it cannot be read whole at the moment. */
export async function readVerified(
  replica: Replica,
  journal: SharedJournal,
  header: RecordHeader,
): Promise<Uint8Array | null> {
  const position = replica.entries.position(header.index);
  const ahead = await journal.read(position, header.length);
  if (ahead.ok && payloadIntact(header, ahead.value, 0)) return ahead.value;
  const read = ahead.ok ? await journal.read(position, header.length, true) : ahead;
  if (read.ok && payloadIntact(header, read.value, 0)) return read.value;
  const isDamaged = read.ok || (read.fault.kind === "disk" && read.fault.code === UNREADABLE);
  if (isDamaged) replica.foundDamage(header.index, position);
  return null;
}
