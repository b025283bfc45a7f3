// FindCoordinator (key 10) finds the broker that coordinates a group (key type 0), a transactional
// id (1) or a share group (2, version 6). Up to version 3 one key, from 4 on several. On error the
// node is -1, the host empty, the port -1.
import { defineApi } from "./api.ts";

export const findCoordinator = defineApi<FindCoordinatorRequest, FindCoordinatorResponse>({
  key: 10,
  name: "FindCoordinator",
  versions: [0, 6],
  flexibleFrom: 3,
  request: `
    key str@≤3, keyType i8@1+, coordinatorKeys[] str@4+
  `,
  response: `
    throttleTimeMs i32=0@1+, errorCode i16=0@≤3, errorMessage str?=null@1-3, nodeId i32=-1@≤3,
    host str=""@≤3, port i32=-1@≤3,
    coordinators[]=[]@4+{
      key str, nodeId i32, host str, port i32, errorCode i16, errorMessage str?=null
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface FindCoordinatorRequest {
  readonly key: string;
  readonly keyType: number;
  readonly coordinatorKeys: readonly string[];
}

export interface FindCoordinatorResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode?: number;
  readonly errorMessage?: string | null;
  readonly nodeId?: number;
  readonly host?: string;
  readonly port?: number;
  readonly coordinators?: readonly FindCoordinatorResponseCoordinators[];
}

export interface FindCoordinatorResponseCoordinators {
  readonly key: string;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
}
