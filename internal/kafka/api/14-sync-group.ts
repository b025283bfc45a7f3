// SyncGroup (key 14) distributes the leader's assignments in a classic group. Followers send none.
import { defineApi } from "./api.ts";

export const syncGroup = defineApi<SyncGroupRequest, SyncGroupResponse>({
  key: 14,
  name: "SyncGroup",
  versions: [0, 5],
  flexibleFrom: 4,
  request: `
    groupId str, generationId i32, memberId str, groupInstanceId str?@3+, protocolType str?@5+,
    protocolName str?@5+, assignments[]{memberId str, assignment bytes}
  `,
  response: `
    throttleTimeMs i32=0@1+, errorCode i16, protocolType str?=null@5+,
    protocolName str?=null@5+, assignment bytes
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface SyncGroupRequest {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignments: readonly SyncGroupRequestAssignments[];
}

export interface SyncGroupRequestAssignments {
  readonly memberId: string;
  readonly assignment: Uint8Array;
}

export interface SyncGroupResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly protocolType?: string | null;
  readonly protocolName?: string | null;
  readonly assignment: Uint8Array;
}
