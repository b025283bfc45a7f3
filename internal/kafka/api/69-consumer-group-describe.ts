// ConsumerGroupDescribe (key 69) describes groups of the newer protocol.
import type { TopicId } from "../../model/ids.ts";
import { defineApi } from "./api.ts";

export const consumerGroupDescribe = defineApi<
  ConsumerGroupDescribeRequest,
  ConsumerGroupDescribeResponse
>({
  key: 69,
  name: "ConsumerGroupDescribe",
  versions: [0, 1],
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
        memberId str, instanceId str?, rackId str?, memberEpoch i32, clientId str,
        clientHost str, subscribedTopicNames[] str, subscribedTopicRegex str?,
        assignment{
          topicPartitions[]{topicId uuid, topicName str, partitions[] i32}
        },
        targetAssignment{
          topicPartitions[]{topicId uuid, topicName str, partitions[] i32}
        },
        memberType i8=-1@1+
      },
      authorizedOperations i32=-2147483648
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface ConsumerGroupDescribeRequest {
  readonly groupIds: readonly string[];
  readonly includeAuthorizedOperations: boolean;
}

export interface ConsumerGroupDescribeResponse {
  readonly throttleTimeMs?: number;
  readonly groups: readonly ConsumerGroupDescribeResponseGroups[];
}

export interface ConsumerGroupDescribeResponseGroups {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly groupId: string;
  readonly groupState: string;
  readonly groupEpoch: number;
  readonly assignmentEpoch: number;
  readonly assignorName: string;
  readonly members: readonly ConsumerGroupDescribeResponseMembers[];
  readonly authorizedOperations?: number;
}

export interface ConsumerGroupDescribeResponseMembers {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly memberEpoch: number;
  readonly clientId: string;
  readonly clientHost: string;
  readonly subscribedTopicNames: readonly string[];
  readonly subscribedTopicRegex: string | null;
  readonly assignment: ConsumerGroupDescribeResponseAssignment;
  readonly targetAssignment: ConsumerGroupDescribeResponseTargetAssignment;
  readonly memberType?: number;
}

export interface ConsumerGroupDescribeResponseAssignment {
  readonly topicPartitions: readonly ConsumerGroupDescribeResponseTopicPartitions[];
}

export interface ConsumerGroupDescribeResponseTopicPartitions {
  readonly topicId: TopicId;
  readonly topicName: string;
  readonly partitions: readonly number[];
}

export interface ConsumerGroupDescribeResponseTargetAssignment {
  readonly topicPartitions: readonly ConsumerGroupDescribeResponseTargetAssignmentTopicPartitions[];
}

export interface ConsumerGroupDescribeResponseTargetAssignmentTopicPartitions {
  readonly topicId: TopicId;
  readonly topicName: string;
  readonly partitions: readonly number[];
}
