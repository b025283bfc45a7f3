// DeleteAcls (key 31) deletes the access rules that match filters.
import { defineApi } from "./api.ts";

export const deleteAcls = defineApi<DeleteAclsRequest, DeleteAclsResponse>({
  key: 31,
  name: "DeleteAcls",
  versions: [1, 3],
  flexibleFrom: 2,
  request: `
    filters[]{
      resourceTypeFilter i8, resourceNameFilter str?, patternTypeFilter i8=3,
      principalFilter str?, hostFilter str?, operation i8, permissionType i8
    }
  `,
  response: `
    throttleTimeMs i32=0,
    filterResults[]{
      errorCode i16, errorMessage str?=null,
      matchingAcls[]{
        errorCode i16, errorMessage str?=null, resourceType i8, resourceName str,
        patternType i8=3, principal str, host str, operation i8, permissionType i8
      }
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface DeleteAclsRequest {
  readonly filters: readonly DeleteAclsRequestFilters[];
}

export interface DeleteAclsRequestFilters {
  readonly resourceTypeFilter: number;
  readonly resourceNameFilter: string | null;
  readonly patternTypeFilter: number;
  readonly principalFilter: string | null;
  readonly hostFilter: string | null;
  readonly operation: number;
  readonly permissionType: number;
}

export interface DeleteAclsResponse {
  readonly throttleTimeMs?: number;
  readonly filterResults: readonly DeleteAclsResponseFilterResults[];
}

export interface DeleteAclsResponseFilterResults {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly matchingAcls: readonly DeleteAclsResponseMatchingAcls[];
}

export interface DeleteAclsResponseMatchingAcls {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
  readonly patternType?: number;
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}
