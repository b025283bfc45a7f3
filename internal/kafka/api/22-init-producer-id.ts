// InitProducerId (key 22) gives a producer its id and epoch.
import { defineApi } from "./api.ts";

export const initProducerId = defineApi<InitProducerIdRequest, InitProducerIdResponse>({
  key: 22,
  name: "InitProducerId",
  versions: [0, 5],
  flexibleFrom: 2,
  request: `
    transactionalId str?, transactionTimeoutMs i32, producerId i64=-1@3+,
    producerEpoch i16=-1@3+
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16, producerId i64=-1, producerEpoch i16
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface InitProducerIdRequest {
  readonly transactionalId: string | null;
  readonly transactionTimeoutMs: number;
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface InitProducerIdResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly producerId?: number;
  readonly producerEpoch: number;
}
