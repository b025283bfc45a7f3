// DeleteTopics (key 20) deletes topics by name, from version 6 on by name or id.
import type { TopicId } from "../../model/ids.ts";
import { defineApi } from "./api.ts";

export const deleteTopics = defineApi<DeleteTopicsRequest, DeleteTopicsResponse>({
  key: 20,
  name: "DeleteTopics",
  versions: [1, 6],
  flexibleFrom: 4,
  request: `
    topics[]@6+{name str?, topicId uuid}, topicNames[] str@≤5, timeoutMs i32
  `,
  response: `
    throttleTimeMs i32=0,
    responses[]{
      name str?(6+), topicId uuid@6+, errorCode i16, errorMessage str?=null@5+
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface DeleteTopicsRequest {
  readonly topics: readonly DeleteTopicsRequestTopics[];
  readonly topicNames: readonly string[];
  readonly timeoutMs: number;
}

export interface DeleteTopicsRequestTopics {
  readonly name: string | null;
  readonly topicId: TopicId;
}

export interface DeleteTopicsResponse {
  readonly throttleTimeMs?: number;
  readonly responses: readonly DeleteTopicsResponseResponses[];
}

export interface DeleteTopicsResponseResponses {
  readonly name: string | null;
  readonly topicId: TopicId;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
}
