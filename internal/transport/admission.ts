// Who may have a session with this broker. Both sides judge the other by the same rules; a refusal
// always says why.
import type { BrokerId } from "../model/ids.ts";
import type { LinkFault, LinkIdentity } from "./contract.ts";
import type { PeerState } from "./peer-state.ts";

/**
 * Judges an identity that claims to be `identity.broker`. `expected` is who was dialled (null on
 * the accepting side); `known` is what the links know of that broker id.
 */
export function judge(
  own: LinkIdentity,
  identity: LinkIdentity,
  expected: BrokerId | null,
  known: PeerState | null,
): LinkFault["kind"] | null {
  if (own.cluster !== null && identity.cluster !== null && own.cluster !== identity.cluster) {
    return "other-cluster"; // C1
  }
  if (identity.broker === own.broker) return "own-broker-id";
  if (expected !== null && identity.broker !== expected) return "unexpected-broker";
  const session = known?.session ?? null;
  if (session !== null && session.peer.directory !== identity.directory) {
    return "second-directory"; // C1
  }
  const accepted = known?.accepted ?? null;
  if (
    accepted !== null &&
    accepted.directory === identity.directory &&
    identity.incarnation < accepted.incarnation
  ) {
    return "old-incarnation"; // F5
  }
  return null;
}
