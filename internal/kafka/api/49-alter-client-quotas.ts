// AlterClientQuotas (key 49) changes client quotas.
import { defineApi } from "./api.ts";

export const alterClientQuotas = defineApi<AlterClientQuotasRequest, AlterClientQuotasResponse>({
  key: 49,
  name: "AlterClientQuotas",
  versions: [0, 1],
  flexibleFrom: 1,
  request: `
    entries[]{
      entity[]{entityType str, entityName str?}, ops[]{key str, value f64, remove bool}
    },
    validateOnly bool
  `,
  response: `
    throttleTimeMs i32=0,
    entries[]{
      errorCode i16, errorMessage str?=null, entity[]{entityType str, entityName str?}
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface AlterClientQuotasRequest {
  readonly entries: readonly AlterClientQuotasRequestEntries[];
  readonly validateOnly: boolean;
}

export interface AlterClientQuotasRequestEntries {
  readonly entity: readonly AlterClientQuotasRequestEntity[];
  readonly ops: readonly AlterClientQuotasRequestOps[];
}

export interface AlterClientQuotasRequestEntity {
  readonly entityType: string;
  readonly entityName: string | null;
}

export interface AlterClientQuotasRequestOps {
  readonly key: string;
  readonly value: number;
  readonly remove: boolean;
}

export interface AlterClientQuotasResponse {
  readonly throttleTimeMs?: number;
  readonly entries: readonly AlterClientQuotasResponseEntries[];
}

export interface AlterClientQuotasResponseEntries {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly entity: readonly AlterClientQuotasResponseEntity[];
}

export interface AlterClientQuotasResponseEntity {
  readonly entityType: string;
  readonly entityName: string | null;
}
