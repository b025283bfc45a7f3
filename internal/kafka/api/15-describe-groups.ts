// DescribeGroups (key 15) describes groups of the classic protocol. An unknown group is "Dead"
// without an error up to version 5, GROUP_ID_NOT_FOUND in 6. Metadata and assignments are shown
// only while the group is stable.
import { defineApi } from "./api.ts";

export const describeGroups = defineApi<DescribeGroupsRequest, DescribeGroupsResponse>({
  key: 15,
  name: "DescribeGroups",
  versions: [0, 6],
  flexibleFrom: 5,
  request: `
    groups[] str, includeAuthorizedOperations bool@3+
  `,
  response: `
    throttleTimeMs i32=0@1+,
    groups[]{
      errorCode i16, errorMessage str?=null@6+, groupId str, groupState str, protocolType str,
      protocolData str,
      members[]{
        memberId str, groupInstanceId str?@4+, clientId str, clientHost str,
        memberMetadata bytes, memberAssignment bytes
      },
      authorizedOperations i32=-2147483648@3+
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface DescribeGroupsRequest {
  readonly groups: readonly string[];
  readonly includeAuthorizedOperations: boolean;
}

export interface DescribeGroupsResponse {
  readonly throttleTimeMs?: number;
  readonly groups: readonly DescribeGroupsResponseGroups[];
}

export interface DescribeGroupsResponseGroups {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly groupId: string;
  readonly groupState: string;
  readonly protocolType: string;
  readonly protocolData: string;
  readonly members: readonly DescribeGroupsResponseMembers[];
  readonly authorizedOperations?: number;
}

export interface DescribeGroupsResponseMembers {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly memberMetadata: Uint8Array;
  readonly memberAssignment: Uint8Array;
}
