// DescribeClientQuotas (key 48) describes client quotas.
import { defineApi } from "./api.ts";

export const describeClientQuotas = defineApi<
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse
>({
  key: 48,
  name: "DescribeClientQuotas",
  versions: [0, 1],
  flexibleFrom: 1,
  request: `
    components[]{entityType str, matchType i8, match str?}, strict bool
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16, errorMessage str?=null,
    entries[]?{
      entity[]{entityType str, entityName str?}, values[]{key str, value f64}
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface DescribeClientQuotasRequest {
  readonly components: readonly DescribeClientQuotasRequestComponents[];
  readonly strict: boolean;
}

export interface DescribeClientQuotasRequestComponents {
  readonly entityType: string;
  readonly matchType: number;
  readonly match: string | null;
}

export interface DescribeClientQuotasResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly entries: readonly DescribeClientQuotasResponseEntries[] | null;
}

export interface DescribeClientQuotasResponseEntries {
  readonly entity: readonly DescribeClientQuotasResponseEntity[];
  readonly values: readonly DescribeClientQuotasResponseValues[];
}

export interface DescribeClientQuotasResponseEntity {
  readonly entityType: string;
  readonly entityName: string | null;
}

export interface DescribeClientQuotasResponseValues {
  readonly key: string;
  readonly value: number;
}
