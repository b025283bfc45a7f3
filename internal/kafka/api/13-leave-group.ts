// LeaveGroup (key 13) takes members out of a classic group: one up to version 2, several from 3
// on, where group problems are answered at the top and member problems per member.
import { defineApi } from "./api.ts";

export const leaveGroup = defineApi<LeaveGroupRequest, LeaveGroupResponse>({
  key: 13,
  name: "LeaveGroup",
  versions: [0, 5],
  flexibleFrom: 4,
  request: `
    groupId str, memberId str@≤2,
    members[]@3+{memberId str, groupInstanceId str?, reason str?@5+}
  `,
  response: `
    throttleTimeMs i32=0@1+, errorCode i16,
    members[]=[]@3+{memberId str, groupInstanceId str?, errorCode i16}
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface LeaveGroupRequest {
  readonly groupId: string;
  readonly memberId: string;
  readonly members: readonly LeaveGroupRequestMembers[];
}

export interface LeaveGroupRequestMembers {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly reason: string | null;
}

export interface LeaveGroupResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly members?: readonly LeaveGroupResponseMembers[];
}

export interface LeaveGroupResponseMembers {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly errorCode: number;
}
