// ListTransactions (key 66) lists the transactions that this broker coordinates.
import { defineApi } from "./api.ts";

export const listTransactions = defineApi<ListTransactionsRequest, ListTransactionsResponse>({
  key: 66,
  name: "ListTransactions",
  versions: [0, 2],
  flexibleFrom: 0,
  request: `
    stateFilters[] str, producerIdFilters[] i64, durationFilter i64=-1@1+,
    transactionalIdPattern str?@2+
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16, unknownStateFilters[] str,
    transactionStates[]{transactionalId str, producerId i64, transactionState str}
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface ListTransactionsRequest {
  readonly stateFilters: readonly string[];
  readonly producerIdFilters: readonly number[];
  readonly durationFilter: number;
  readonly transactionalIdPattern: string | null;
}

export interface ListTransactionsResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly unknownStateFilters: readonly string[];
  readonly transactionStates: readonly ListTransactionsResponseTransactionStates[];
}

export interface ListTransactionsResponseTransactionStates {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly transactionState: string;
}
