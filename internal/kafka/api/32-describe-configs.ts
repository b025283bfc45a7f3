// DescribeConfigs (key 32) describes the configuration of topics and brokers. Null
// configurationKeys ask for all of them.
import { defineApi } from "./api.ts";

export const describeConfigs = defineApi<DescribeConfigsRequest, DescribeConfigsResponse>({
  key: 32,
  name: "DescribeConfigs",
  versions: [1, 4],
  flexibleFrom: 4,
  request: `
    resources[]{resourceType i8, resourceName str, configurationKeys[]? str},
    includeSynonyms bool, includeDocumentation bool@3+
  `,
  response: `
    throttleTimeMs i32=0,
    results[]{
      errorCode i16, errorMessage str?=null, resourceType i8, resourceName str,
      configs[]{
        name str, value str?, readOnly bool, configSource i8=-1, isSensitive bool,
        synonyms[]=[]{name str, value str?, source i8}, configType i8=0@3+,
        documentation str?=null@3+
      }
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface DescribeConfigsRequest {
  readonly resources: readonly DescribeConfigsRequestResources[];
  readonly includeSynonyms: boolean;
  readonly includeDocumentation: boolean;
}

export interface DescribeConfigsRequestResources {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configurationKeys: readonly string[] | null;
}

export interface DescribeConfigsResponse {
  readonly throttleTimeMs?: number;
  readonly results: readonly DescribeConfigsResponseResults[];
}

export interface DescribeConfigsResponseResults {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly DescribeConfigsResponseConfigs[];
}

export interface DescribeConfigsResponseConfigs {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly configSource?: number;
  readonly isSensitive: boolean;
  readonly synonyms?: readonly DescribeConfigsResponseSynonyms[];
  readonly configType?: number;
  readonly documentation?: string | null;
}

export interface DescribeConfigsResponseSynonyms {
  readonly name: string;
  readonly value: string | null;
  readonly source: number;
}
