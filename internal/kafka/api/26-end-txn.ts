// EndTxn (key 26) commits or aborts a transaction. Version 5 returns the id and epoch for the next
// one.
import { defineApi } from "./api.ts";

export const endTxn = defineApi<EndTxnRequest, EndTxnResponse>({
  key: 26,
  name: "EndTxn",
  versions: [0, 5],
  flexibleFrom: 3,
  request: `
    transactionalId str, producerId i64, producerEpoch i16, committed bool
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16, producerId i64=-1@5+, producerEpoch i16=-1@5+
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface EndTxnRequest {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly committed: boolean;
}

export interface EndTxnResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
}
