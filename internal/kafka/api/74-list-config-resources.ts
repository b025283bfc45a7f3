// ListConfigResources (key 74) lists resources that have configurations; version 0 asks for client
// metrics only.
import { defineApi } from "./api.ts";

export const listConfigResources = defineApi<
  ListConfigResourcesRequest,
  ListConfigResourcesResponse
>({
  key: 74,
  name: "ListConfigResources",
  versions: [0, 1],
  flexibleFrom: 0,
  request: `
    resourceTypes[] i8@1+
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16,
    configResources[]{resourceName str, resourceType i8=16@1+}
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface ListConfigResourcesRequest {
  readonly resourceTypes: readonly number[];
}

export interface ListConfigResourcesResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly configResources: readonly ListConfigResourcesResponseConfigResources[];
}

export interface ListConfigResourcesResponseConfigResources {
  readonly resourceName: string;
  readonly resourceType?: number;
}
