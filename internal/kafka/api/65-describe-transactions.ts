// DescribeTransactions (key 65) describes transactions.
import { defineApi } from "./api.ts";

export const describeTransactions = defineApi<
  DescribeTransactionsRequest,
  DescribeTransactionsResponse
>({
  key: 65,
  name: "DescribeTransactions",
  versions: [0, 0],
  flexibleFrom: 0,
  request: `
    transactionalIds[] str
  `,
  response: `
    throttleTimeMs i32=0,
    transactionStates[]{
      errorCode i16, transactionalId str, transactionState str, transactionTimeoutMs i32,
      transactionStartTimeMs i64, producerId i64, producerEpoch i16,
      topics[]{topic str, partitions[] i32}
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface DescribeTransactionsRequest {
  readonly transactionalIds: readonly string[];
}

export interface DescribeTransactionsResponse {
  readonly throttleTimeMs?: number;
  readonly transactionStates: readonly DescribeTransactionsResponseTransactionStates[];
}

export interface DescribeTransactionsResponseTransactionStates {
  readonly errorCode: number;
  readonly transactionalId: string;
  readonly transactionState: string;
  readonly transactionTimeoutMs: number;
  readonly transactionStartTimeMs: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly topics: readonly DescribeTransactionsResponseTopics[];
}

export interface DescribeTransactionsResponseTopics {
  readonly topic: string;
  readonly partitions: readonly number[];
}
