// AddOffsetsToTxn (key 25) adds a group's offsets to a transaction.
import { defineApi } from "./api.ts";

export const addOffsetsToTxn = defineApi<AddOffsetsToTxnRequest, AddOffsetsToTxnResponse>({
  key: 25,
  name: "AddOffsetsToTxn",
  versions: [0, 4],
  flexibleFrom: 3,
  request: `
    transactionalId str, producerId i64, producerEpoch i16, groupId str
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface AddOffsetsToTxnRequest {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly groupId: string;
}

export interface AddOffsetsToTxnResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
}
