// The identity of a data directory: its id, the broker and the cluster it belongs to, its starts, and whether it can be
// trusted. Kept in one small file that is only ever replaced whole. A wiped directory gets a new id and is thereby a
// stranger (F5).
import { crc32c } from "../bytes/crc32c.ts";
import { readUuid } from "../bytes/uuid.ts";
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type {
  BrokerId,
  ClusterId,
  DirectoryId,
  Incarnation,
  StartId,
  Ticket,
} from "../model/ids.ts";
import type { DiskFault } from "../ports/disk.ts";
import type { Entropy } from "../ports/entropy.ts";
import type { World } from "../ports/world.ts";
import type { JournalFault } from "./owner.ts";
import { STARTS_MAX } from "./starts.ts";
import type { BegunStart } from "./starts.ts";

export interface Identity {
  readonly directory: DirectoryId;
  readonly broker: BrokerId;
  readonly cluster: ClusterId | null;
  /** How often the directory was started. */
  readonly incarnation: Incarnation;
  /** The run of the machine in which it was last certain to have lost nothing; null when it cannot be told (D3). */
  readonly machineRun: string | null;
  /** A peer has proven that it went back in time: it is never trusted again (D3). */
  readonly distrusted: boolean;
  /** The longest time for which its processes may have promised to be loyal to a leader, in milliseconds (L5). */
  readonly promisedMs: number;
  /** The newest ones, oldest first. */
  readonly starts: readonly BegunStart[];
}

const FORMAT_VERSION = 3;

function identityPath(directory: string): string {
  return `${directory}/directory.json`;
}

/** A directory id from the system's randomness; the all-zero one means "none" elsewhere and is never drawn. */
export function drawDirectoryId(entropy: Entropy): DirectoryId {
  const bytes = new Uint8Array(16);
  do entropy.fill(bytes);
  while (bytes.every((byte) => byte === 0));
  return readUuid(new DataView(bytes.buffer), 0) as DirectoryId;
}

/** The identity of a directory, null when it has none yet. */
export async function readIdentity(
  world: World,
  directory: string,
): Promise<Result<Identity | null, JournalFault>> {
  const read = await world.disk.bulk.readWhole(identityPath(directory));
  if (!read.ok) return read.fault.code === "ENOENT" ? ok(null) : read;
  const identity = parseIdentity(read.value);
  return identity === null ? failed({ kind: "identity", reason: "unreadable" }) : ok(identity);
}

export function writeIdentity(
  world: World,
  directory: string,
  identity: Identity,
): Promise<Result<void, DiskFault>> {
  return world.disk.bulk.replaceWhole(identityPath(directory), renderIdentity(identity));
}

/** Readable JSON with a sum over the rest, so that a damaged number is not believed. */
function renderIdentity(identity: Identity): Uint8Array {
  const { directory, broker, cluster, incarnation, machineRun, distrusted } = identity;
  const { promisedMs, starts } = identity;
  const known = { version: FORMAT_VERSION, directory, broker, cluster, incarnation };
  const body = { ...known, machineRun, distrusted, promisedMs, starts };
  const sum = sumOf(body);
  return new TextEncoder().encode(`${JSON.stringify({ ...body, sum }, null, 2)}\n`);
}

function parseIdentity(bytes: Uint8Array): Identity | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
  if (typeof parsed !== "object" || parsed === null) return null;
  const fields = parsed as Record<string, unknown>;
  const { version, directory, broker, cluster, incarnation, machineRun, distrusted, sum } = fields;
  const { promisedMs } = fields;
  if (version !== FORMAT_VERSION || typeof directory !== "string") return null;
  if (!Number.isSafeInteger(broker) || !Number.isSafeInteger(incarnation)) return null;
  if (cluster !== null && typeof cluster !== "string") return null;
  if (machineRun !== null && typeof machineRun !== "string") return null;
  if (typeof promisedMs !== "number" || !Number.isSafeInteger(promisedMs)) return null;
  const starts = parseStarts(fields["starts"]);
  if (starts === null || typeof distrusted !== "boolean") return null;
  const known = { version, directory, broker, cluster, incarnation };
  const body = { ...known, machineRun, distrusted, promisedMs, starts };
  if (sum !== sumOf(body)) return null;
  return {
    directory: directory as DirectoryId,
    broker: broker as BrokerId,
    cluster: cluster as ClusterId | null,
    incarnation: incarnation as Incarnation,
    machineRun,
    distrusted,
    promisedMs,
    starts,
  };
}

function parseStarts(value: unknown): readonly BegunStart[] | null {
  if (!Array.isArray(value) || value.length > STARTS_MAX) return null;
  const starts: BegunStart[] = [];
  for (const each of value as readonly Record<string, unknown>[]) {
    const { start, after } = each;
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(after)) return null;
    starts.push({ start: start as StartId, after: after as Ticket });
  }
  return starts;
}

function sumOf(body: object): number {
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  return crc32c(bytes, 0, bytes.length);
}
