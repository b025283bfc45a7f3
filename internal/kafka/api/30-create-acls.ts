// CreateAcls (key 30) adds access rules.
import { defineApi } from "./api.ts";

export const createAcls = defineApi<CreateAclsRequest, CreateAclsResponse>({
  key: 30,
  name: "CreateAcls",
  versions: [1, 3],
  flexibleFrom: 2,
  request: `
    creations[]{
      resourceType i8, resourceName str, resourcePatternType i8=3, principal str, host str,
      operation i8, permissionType i8
    }
  `,
  response: `
    throttleTimeMs i32=0, results[]{errorCode i16, errorMessage str?=null}
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface CreateAclsRequest {
  readonly creations: readonly CreateAclsRequestCreations[];
}

export interface CreateAclsRequestCreations {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly resourcePatternType: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}

export interface CreateAclsResponse {
  readonly throttleTimeMs?: number;
  readonly results: readonly CreateAclsResponseResults[];
}

export interface CreateAclsResponseResults {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
}
