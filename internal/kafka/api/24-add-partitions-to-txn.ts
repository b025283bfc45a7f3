// AddPartitionsToTxn (key 24) adds partitions to a transaction: one transaction up to version 3,
// several from 4 on.
import { defineApi } from "./api.ts";

export const addPartitionsToTxn = defineApi<AddPartitionsToTxnRequest, AddPartitionsToTxnResponse>({
  key: 24,
  name: "AddPartitionsToTxn",
  versions: [0, 5],
  flexibleFrom: 3,
  request: `
    transactions[]@4+{
      transactionalId str, producerId i64, producerEpoch i16, verifyOnly bool,
      topics[]{name str, partitions[] i32}
    },
    transactionalId str@≤3, producerId i64@≤3, producerEpoch i16@≤3,
    topics[]@≤3{name str, partitions[] i32}
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16=0@4+,
    resultsByTransaction[]=[]@4+{
      transactionalId str,
      topicResults[]{
        name str, resultsByPartition[]{partitionIndex i32, partitionErrorCode i16}
      }
    },
    resultsByTopic[]=[]@≤3{
      name str, resultsByPartition[]{partitionIndex i32, partitionErrorCode i16}
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface AddPartitionsToTxnRequest {
  readonly transactions: readonly AddPartitionsToTxnRequestTransactions[];
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly topics: readonly AddPartitionsToTxnRequestTopics[];
}

export interface AddPartitionsToTxnRequestTransactions {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly verifyOnly: boolean;
  readonly topics: readonly AddPartitionsToTxnRequestTransactionsTopics[];
}

export interface AddPartitionsToTxnRequestTransactionsTopics {
  readonly name: string;
  readonly partitions: readonly number[];
}

export interface AddPartitionsToTxnRequestTopics {
  readonly name: string;
  readonly partitions: readonly number[];
}

export interface AddPartitionsToTxnResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode?: number;
  readonly resultsByTransaction?: readonly AddPartitionsToTxnResponseResultsByTransaction[];
  readonly resultsByTopic?: readonly AddPartitionsToTxnResponseResultsByTopic[];
}

export interface AddPartitionsToTxnResponseResultsByTransaction {
  readonly transactionalId: string;
  readonly topicResults: readonly AddPartitionsToTxnResponseTopicResults[];
}

export interface AddPartitionsToTxnResponseTopicResults {
  readonly name: string;
  readonly resultsByPartition: readonly AddPartitionsToTxnResponseResultsByPartition[];
}

export interface AddPartitionsToTxnResponseResultsByPartition {
  readonly partitionIndex: number;
  readonly partitionErrorCode: number;
}

export interface AddPartitionsToTxnResponseResultsByTopic {
  readonly name: string;
  readonly resultsByPartition: readonly AddPartitionsToTxnResponseResultsByTopicResultsByPartition[];
}

export interface AddPartitionsToTxnResponseResultsByTopicResultsByPartition {
  readonly partitionIndex: number;
  readonly partitionErrorCode: number;
}
