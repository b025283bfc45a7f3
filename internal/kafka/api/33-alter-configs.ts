// AlterConfigs (key 33) replaces the whole set of a resource's configuration overrides.
import { defineApi } from "./api.ts";

export const alterConfigs = defineApi<AlterConfigsRequest, AlterConfigsResponse>({
  key: 33,
  name: "AlterConfigs",
  versions: [0, 2],
  flexibleFrom: 2,
  request: `
    resources[]{
      resourceType i8, resourceName str, configs[]{name str, value str?}
    },
    validateOnly bool
  `,
  response: `
    throttleTimeMs i32=0,
    responses[]{
      errorCode i16, errorMessage str?=null, resourceType i8, resourceName str
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface AlterConfigsRequest {
  readonly resources: readonly AlterConfigsRequestResources[];
  readonly validateOnly: boolean;
}

export interface AlterConfigsRequestResources {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly AlterConfigsRequestConfigs[];
}

export interface AlterConfigsRequestConfigs {
  readonly name: string;
  readonly value: string | null;
}

export interface AlterConfigsResponse {
  readonly throttleTimeMs?: number;
  readonly responses: readonly AlterConfigsResponseResponses[];
}

export interface AlterConfigsResponseResponses {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
}
