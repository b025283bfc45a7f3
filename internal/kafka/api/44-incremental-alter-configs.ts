// IncrementalAlterConfigs (key 44) changes single configuration keys: 0 set, 1 delete, 2 append, 3
// subtract.
import { defineApi } from "./api.ts";

export const incrementalAlterConfigs = defineApi<
  IncrementalAlterConfigsRequest,
  IncrementalAlterConfigsResponse
>({
  key: 44,
  name: "IncrementalAlterConfigs",
  versions: [0, 1],
  flexibleFrom: 1,
  request: `
    resources[]{
      resourceType i8, resourceName str, configs[]{name str, configOperation i8, value str?}
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
export interface IncrementalAlterConfigsRequest {
  readonly resources: readonly IncrementalAlterConfigsRequestResources[];
  readonly validateOnly: boolean;
}

export interface IncrementalAlterConfigsRequestResources {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly IncrementalAlterConfigsRequestConfigs[];
}

export interface IncrementalAlterConfigsRequestConfigs {
  readonly name: string;
  readonly configOperation: number;
  readonly value: string | null;
}

export interface IncrementalAlterConfigsResponse {
  readonly throttleTimeMs?: number;
  readonly responses: readonly IncrementalAlterConfigsResponseResponses[];
}

export interface IncrementalAlterConfigsResponseResponses {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
}
