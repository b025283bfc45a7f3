// Heartbeat (key 12) keeps a member of a classic group alive.
import { defineApi } from "./api.ts";

export const heartbeat = defineApi<HeartbeatRequest, HeartbeatResponse>({
  key: 12,
  name: "Heartbeat",
  versions: [0, 4],
  flexibleFrom: 4,
  request: `
    groupId str, generationId i32, memberId str, groupInstanceId str?@3+
  `,
  response: `
    throttleTimeMs i32=0@1+, errorCode i16
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface HeartbeatRequest {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

export interface HeartbeatResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
}
