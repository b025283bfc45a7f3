// DeleteGroups (key 42) deletes empty groups.
import { defineApi } from "./api.ts";

export const deleteGroups = defineApi<DeleteGroupsRequest, DeleteGroupsResponse>({
  key: 42,
  name: "DeleteGroups",
  versions: [0, 2],
  flexibleFrom: 2,
  request: `
    groupsNames[] str
  `,
  response: `
    throttleTimeMs i32=0, results[]{groupId str, errorCode i16}
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface DeleteGroupsRequest {
  readonly groupsNames: readonly string[];
}

export interface DeleteGroupsResponse {
  readonly throttleTimeMs?: number;
  readonly results: readonly DeleteGroupsResponseResults[];
}

export interface DeleteGroupsResponseResults {
  readonly groupId: string;
  readonly errorCode: number;
}
