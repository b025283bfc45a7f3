// What requests may hold, judged before a group looks at them: bounds of the broker's settings, and of what the records
// of a group can hold.
import type { GroupFault, JoinRequest } from "./group-requests.ts";
import { MEMBER_BYTES_MAX, NAME_CHARS_MAX, PROTOCOLS_MAX } from "./limits.ts";

export interface GroupLimits {
  readonly sessionMsMin: number;
  readonly sessionMsMax: number;
  readonly offsetMetadataBytesMax: number;
}

export function nameFault(group: string): GroupFault | null {
  return group.length > NAME_CHARS_MAX ? "invalid-group-id" : null;
}

export function joinFault(request: JoinRequest, limits: GroupLimits): GroupFault | null {
  const { sessionTimeoutMs, memberId, instanceId, clientId, protocolType, protocols } = request;
  if (sessionTimeoutMs < limits.sessionMsMin || sessionTimeoutMs > limits.sessionMsMax) {
    return "invalid-session-timeout";
  }
  if (memberId.length > NAME_CHARS_MAX) return "unknown-member";
  if ((instanceId?.length ?? 0) > NAME_CHARS_MAX) return "unknown-member";
  if (clientId.length > NAME_CHARS_MAX) return "invalid-request";
  if (protocolType.length > NAME_CHARS_MAX || protocols.length > PROTOCOLS_MAX) {
    return "inconsistent-protocol";
  }
  let bytes = 0;
  for (const { name, metadata } of protocols) {
    if (name.length > NAME_CHARS_MAX) return "inconsistent-protocol";
    bytes += name.length + metadata.length;
  }
  return bytes > MEMBER_BYTES_MAX ? "inconsistent-protocol" : null;
}

/** Of the text that goes with a committed offset. */
export function metadataFault(metadata: string, limits: GroupLimits): GroupFault | null {
  const isLong =
    metadata.length > NAME_CHARS_MAX || metadata.length > limits.offsetMetadataBytesMax;
  return isLong ? "metadata-too-large" : null;
}
