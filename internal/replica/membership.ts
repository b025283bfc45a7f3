// Who the members of a group are, and the bytes of a configuration entry. Raft counts replica ids; this file knows on
// which broker and in which data directory each of them lives (F5). The committed configuration of the group is the
// truth (C4), so the members travel inside its configuration entries.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { BrokerId, DirectoryId, ReplicaId } from "../model/ids.ts";
import type { Configuration } from "../raft/configuration.ts";
import { readSafeInteger, writeSafeInteger } from "../record/record.ts";

export interface Member {
  readonly replica: ReplicaId;
  readonly broker: BrokerId;
  readonly directory: DirectoryId;
}

export interface Membership {
  readonly configuration: Configuration;
  /** Every replica that the configuration names. */
  readonly members: readonly Member[];
}

/** A configuration with those that it names, of `known`. */
export function membershipOf(configuration: Configuration, known: Iterable<Member>): Membership {
  const { voters, votersOutgoing, learners } = configuration;
  const named = new Set([...voters, ...votersOutgoing, ...learners]);
  return { configuration, members: [...known].filter((member) => named.has(member.replica)) };
}

const FORMAT = 1;
const HEAD_BYTES = 12;
const DIRECTORY_BYTES = 22;
const MEMBER_BYTES = 8 + 4 + 1 + DIRECTORY_BYTES;
const MEMBERS_MAX = 64;
const VOTER = 1;
const OUTGOING = 2;
const LEARNER = 4;

export function membershipBytes({ members }: Membership): number {
  return HEAD_BYTES + members.length * MEMBER_BYTES;
}

/** format u8, zero u8, member count u16, revision u64; then per member replica u64, broker u32, parts u8, directory. */
export function encodeMembership(membership: Membership): Uint8Array {
  const { configuration, members } = membership;
  const bytes = new Uint8Array(membershipBytes(membership));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, FORMAT);
  view.setUint16(2, members.length);
  writeSafeInteger(view, 4, configuration.revision);
  let at = HEAD_BYTES;
  for (const member of members) {
    writeSafeInteger(view, at, member.replica);
    view.setUint32(at + 8, member.broker);
    view.setUint8(at + 12, partsOf(configuration, member.replica));
    for (let k = 0; k < DIRECTORY_BYTES; k++) {
      bytes[at + 13 + k] = member.directory.charCodeAt(k);
    }
    at += MEMBER_BYTES;
  }
  return bytes;
}

export function decodeMembership(
  bytes: Uint8Array,
  start: number,
  end: number,
): Result<Membership, "membership"> {
  if (end - start < HEAD_BYTES) return failed("membership");
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, end - start);
  const count = view.getUint16(2);
  if (view.getUint8(0) !== FORMAT || count > MEMBERS_MAX) return failed("membership");
  if (end - start !== HEAD_BYTES + count * MEMBER_BYTES) return failed("membership");
  const members: Member[] = [];
  const voters: ReplicaId[] = [];
  const votersOutgoing: ReplicaId[] = [];
  const learners: ReplicaId[] = [];
  for (let k = 0; k < count; k++) {
    const at = HEAD_BYTES + k * MEMBER_BYTES;
    const replica = readSafeInteger(view, at) as ReplicaId;
    const text = bytes.subarray(start + at + 13, start + at + MEMBER_BYTES);
    const directory = String.fromCharCode(...text) as DirectoryId;
    members.push({ replica, broker: view.getUint32(at + 8) as BrokerId, directory });
    const parts = view.getUint8(at + 12);
    if ((parts & VOTER) !== 0) voters.push(replica);
    if ((parts & OUTGOING) !== 0) votersOutgoing.push(replica);
    if ((parts & LEARNER) !== 0) learners.push(replica);
  }
  for (const ids of [voters, votersOutgoing, learners]) ids.sort((a, b) => a - b);
  const revision = readSafeInteger(view, 4);
  return ok({ configuration: { voters, votersOutgoing, learners, revision }, members });
}

function partsOf(configuration: Configuration, replica: ReplicaId): number {
  return (
    (configuration.voters.includes(replica) ? VOTER : 0) |
    (configuration.votersOutgoing.includes(replica) ? OUTGOING : 0) |
    (configuration.learners.includes(replica) ? LEARNER : 0)
  );
}
