// ShareGroupDescribe (key 77) describes share groups.
import type { TopicId } from "../../model/ids.ts";
import { defineApi } from "./api.ts";

export const shareGroupDescribe = defineApi<ShareGroupDescribeRequest, ShareGroupDescribeResponse>({
  key: 77,
  name: "ShareGroupDescribe",
  versions: [1, 1],
  flexibleFrom: 0,
  request: `
    groupIds[] str, includeAuthorizedOperations bool
  `,
  response: `
    throttleTimeMs i32=0,
    groups[]{
      errorCode i16, errorMessage str?=null, groupId str, groupState str, groupEpoch i32,
      assignmentEpoch i32, assignorName str,
      members[]{
        memberId str, rackId str?, memberEpoch i32, clientId str, clientHost str,
        subscribedTopicNames[] str,
        assignment{
          topicPartitions[]{topicId uuid, topicName str, partitions[] i32}
        }
      },
      authorizedOperations i32=-2147483648
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface ShareGroupDescribeRequest {
  readonly groupIds: readonly string[];
  readonly includeAuthorizedOperations: boolean;
}

export interface ShareGroupDescribeResponse {
  readonly throttleTimeMs?: number;
  readonly groups: readonly ShareGroupDescribeResponseGroups[];
}

export interface ShareGroupDescribeResponseGroups {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly groupId: string;
  readonly groupState: string;
  readonly groupEpoch: number;
  readonly assignmentEpoch: number;
  readonly assignorName: string;
  readonly members: readonly ShareGroupDescribeResponseMembers[];
  readonly authorizedOperations?: number;
}

export interface ShareGroupDescribeResponseMembers {
  readonly memberId: string;
  readonly rackId: string | null;
  readonly memberEpoch: number;
  readonly clientId: string;
  readonly clientHost: string;
  readonly subscribedTopicNames: readonly string[];
  readonly assignment: ShareGroupDescribeResponseAssignment;
}

export interface ShareGroupDescribeResponseAssignment {
  readonly topicPartitions: readonly ShareGroupDescribeResponseTopicPartitions[];
}

export interface ShareGroupDescribeResponseTopicPartitions {
  readonly topicId: TopicId;
  readonly topicName: string;
  readonly partitions: readonly number[];
}
