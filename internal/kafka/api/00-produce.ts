// Produce (key 0) appends one record batch to each named partition. acks is -1, 0 or 1; with 0
// there is no answer. Topics are named up to version 12 and identified from 13 on, and the answer
// mirrors that. The tags of version 10 are sent only with NOT_LEADER_OR_FOLLOWER. Versions 0-2
// carry older record formats and are refused, yet 0 must be offered: old librdkafka compresses
// only where it sees it.
import type { ByteRange } from "../../bytes/byte-range.ts";
import type { TopicId } from "../../model/ids.ts";
import { defineApi } from "./api.ts";

export const produce = defineApi<ProduceRequest, ProduceResponse>({
  key: 0,
  name: "Produce",
  versions: [3, 13],
  advertisedMin: 0,
  flexibleFrom: 9,
  request: `
    transactionalId str?, acks i16, timeoutMs i32,
    topicData[]{
      name str@≤12, topicId uuid@13+, partitionData[]{index i32, records records?}
    }
  `,
  response: `
    responses[]{
      name str@≤12, topicId uuid@13+,
      partitionResponses[]{
        index i32, errorCode i16, baseOffset i64, logAppendTimeMs i64=-1,
        logStartOffset i64=-1@5+,
        recordErrors[]=[]@8+{batchIndex i32, batchIndexErrorMessage str?=null},
        errorMessage str?=null@8+, currentLeader@10+#0{leaderId i32=-1, leaderEpoch i32=-1}
      }
    },
    throttleTimeMs i32=0, nodeEndpoints[]@10+#0{nodeId i32, host str, port i32, rack str?}
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface ProduceRequest {
  readonly transactionalId: string | null;
  readonly acks: number;
  readonly timeoutMs: number;
  readonly topicData: readonly ProduceRequestTopicData[];
}

export interface ProduceRequestTopicData {
  readonly name: string;
  readonly topicId: TopicId;
  readonly partitionData: readonly ProduceRequestPartitionData[];
}

export interface ProduceRequestPartitionData {
  readonly index: number;
  readonly records: ByteRange | null;
}

export interface ProduceResponse {
  readonly responses: readonly ProduceResponseResponses[];
  readonly throttleTimeMs?: number;
  readonly nodeEndpoints?: readonly ProduceResponseNodeEndpoints[];
}

export interface ProduceResponseResponses {
  readonly name: string;
  readonly topicId: TopicId;
  readonly partitionResponses: readonly ProduceResponsePartitionResponses[];
}

export interface ProduceResponsePartitionResponses {
  readonly index: number;
  readonly errorCode: number;
  readonly baseOffset: number;
  readonly logAppendTimeMs?: number;
  readonly logStartOffset?: number;
  readonly recordErrors?: readonly ProduceResponseRecordErrors[];
  readonly errorMessage?: string | null;
  readonly currentLeader?: ProduceResponseCurrentLeader;
}

export interface ProduceResponseRecordErrors {
  readonly batchIndex: number;
  readonly batchIndexErrorMessage?: string | null;
}

export interface ProduceResponseCurrentLeader {
  readonly leaderId?: number;
  readonly leaderEpoch?: number;
}

export interface ProduceResponseNodeEndpoints {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}
