// ApiVersions (key 18) lists what the broker serves. The response header is the oldest one in
// every version. A request of an unknown version is answered in version 0 with UNSUPPORTED_VERSION
// and this key alone (KIP-511).
import { defineApi } from "./api.ts";

export const apiVersions = defineApi<ApiVersionsRequest, ApiVersionsResponse>({
  key: 18,
  name: "ApiVersions",
  versions: [0, 4],
  flexibleFrom: 3,
  request: `
    clientSoftwareName str@3+, clientSoftwareVersion str@3+
  `,
  response: `
    errorCode i16, apiKeys[]{apiKey i16, minVersion i16, maxVersion i16},
    throttleTimeMs i32=0@1+, supportedFeatures[]@3+#0{name str, minVersion i16, maxVersion i16},
    finalizedFeaturesEpoch i64=-1@3+#1,
    finalizedFeatures[]@3+#2{name str, maxVersionLevel i16, minVersionLevel i16},
    zkMigrationReady bool@3+#3
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface ApiVersionsRequest {
  readonly clientSoftwareName: string;
  readonly clientSoftwareVersion: string;
}

export interface ApiVersionsResponse {
  readonly errorCode: number;
  readonly apiKeys: readonly ApiVersionsResponseApiKeys[];
  readonly throttleTimeMs?: number;
  readonly supportedFeatures?: readonly ApiVersionsResponseSupportedFeatures[];
  readonly finalizedFeaturesEpoch?: number;
  readonly finalizedFeatures?: readonly ApiVersionsResponseFinalizedFeatures[];
  readonly zkMigrationReady?: boolean;
}

export interface ApiVersionsResponseApiKeys {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

export interface ApiVersionsResponseSupportedFeatures {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
}

export interface ApiVersionsResponseFinalizedFeatures {
  readonly name: string;
  readonly maxVersionLevel: number;
  readonly minVersionLevel: number;
}
