// JoinGroup (key 11) joins a group of the classic protocol. On errors the generation is -1 and the
// names are empty; only the leader is told the members. A null protocolName is written as the
// empty name before version 7.
import { defineApi } from "./api.ts";

export const joinGroup = defineApi<JoinGroupRequest, JoinGroupResponse>({
  key: 11,
  name: "JoinGroup",
  versions: [0, 9],
  flexibleFrom: 6,
  request: `
    groupId str, sessionTimeoutMs i32, rebalanceTimeoutMs i32=-1@1+, memberId str,
    groupInstanceId str?@5+, protocolType str, protocols[]{name str, metadata bytes},
    reason str?@8+
  `,
  response: `
    throttleTimeMs i32=0@2+, errorCode i16, generationId i32=-1, protocolType str?=null@7+,
    protocolName str?(7+), leader str, skipAssignment bool=false@9+, memberId str,
    members[]{memberId str, groupInstanceId str?@5+, metadata bytes}
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface JoinGroupRequest {
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly protocolType: string;
  readonly protocols: readonly JoinGroupRequestProtocols[];
  readonly reason: string | null;
}

export interface JoinGroupRequestProtocols {
  readonly name: string;
  readonly metadata: Uint8Array;
}

export interface JoinGroupResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly generationId?: number;
  readonly protocolType?: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly skipAssignment?: boolean;
  readonly memberId: string;
  readonly members: readonly JoinGroupResponseMembers[];
}

export interface JoinGroupResponseMembers {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly metadata: Uint8Array;
}
