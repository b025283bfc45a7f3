// WriteTxnMarkers (key 27) writes transaction markers; administrators send it to end a hanging
// transaction.
import { defineApi } from "./api.ts";

export const writeTxnMarkers = defineApi<WriteTxnMarkersRequest, WriteTxnMarkersResponse>({
  key: 27,
  name: "WriteTxnMarkers",
  versions: [1, 2],
  flexibleFrom: 1,
  request: `
    markers[]{
      producerId i64, producerEpoch i16, transactionResult bool,
      topics[]{name str, partitionIndexes[] i32}, coordinatorEpoch i32, transactionVersion i8@2+
    }
  `,
  response: `
    markers[]{
      producerId i64,
      topics[]{
        name str, partitions[]{partitionIndex i32, errorCode i16}
      }
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface WriteTxnMarkersRequest {
  readonly markers: readonly WriteTxnMarkersRequestMarkers[];
}

export interface WriteTxnMarkersRequestMarkers {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly transactionResult: boolean;
  readonly topics: readonly WriteTxnMarkersRequestTopics[];
  readonly coordinatorEpoch: number;
  readonly transactionVersion: number;
}

export interface WriteTxnMarkersRequestTopics {
  readonly name: string;
  readonly partitionIndexes: readonly number[];
}

export interface WriteTxnMarkersResponse {
  readonly markers: readonly WriteTxnMarkersResponseMarkers[];
}

export interface WriteTxnMarkersResponseMarkers {
  readonly producerId: number;
  readonly topics: readonly WriteTxnMarkersResponseTopics[];
}

export interface WriteTxnMarkersResponseTopics {
  readonly name: string;
  readonly partitions: readonly WriteTxnMarkersResponsePartitions[];
}

export interface WriteTxnMarkersResponsePartitions {
  readonly partitionIndex: number;
  readonly errorCode: number;
}
