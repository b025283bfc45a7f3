// ListGroups (key 16) lists the groups that this broker coordinates, filtered by state (4+) and
// type (5+).
import { defineApi } from "./api.ts";

export const listGroups = defineApi<ListGroupsRequest, ListGroupsResponse>({
  key: 16,
  name: "ListGroups",
  versions: [0, 5],
  flexibleFrom: 3,
  request: `
    statesFilter[] str@4+, typesFilter[] str@5+
  `,
  response: `
    throttleTimeMs i32=0@1+, errorCode i16,
    groups[]{groupId str, protocolType str, groupState str@4+, groupType str@5+}
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface ListGroupsRequest {
  readonly statesFilter: readonly string[];
  readonly typesFilter: readonly string[];
}

export interface ListGroupsResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly groups: readonly ListGroupsResponseGroups[];
}

export interface ListGroupsResponseGroups {
  readonly groupId: string;
  readonly protocolType: string;
  readonly groupState: string;
  readonly groupType: string;
}
