// DescribeAcls (key 29) lists access rules that match a filter.
import { defineApi } from "./api.ts";

export const describeAcls = defineApi<DescribeAclsRequest, DescribeAclsResponse>({
  key: 29,
  name: "DescribeAcls",
  versions: [1, 3],
  flexibleFrom: 2,
  request: `
    resourceTypeFilter i8, resourceNameFilter str?, patternTypeFilter i8=3,
    principalFilter str?, hostFilter str?, operation i8, permissionType i8
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16, errorMessage str?=null,
    resources[]{
      resourceType i8, resourceName str, patternType i8=3,
      acls[]{principal str, host str, operation i8, permissionType i8}
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface DescribeAclsRequest {
  readonly resourceTypeFilter: number;
  readonly resourceNameFilter: string | null;
  readonly patternTypeFilter: number;
  readonly principalFilter: string | null;
  readonly hostFilter: string | null;
  readonly operation: number;
  readonly permissionType: number;
}

export interface DescribeAclsResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly resources: readonly DescribeAclsResponseResources[];
}

export interface DescribeAclsResponseResources {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly patternType?: number;
  readonly acls: readonly DescribeAclsResponseAcls[];
}

export interface DescribeAclsResponseAcls {
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permissionType: number;
}
