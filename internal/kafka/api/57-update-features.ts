// UpdateFeatures (key 57) changes the levels of features.
import { defineApi } from "./api.ts";

export const updateFeatures = defineApi<UpdateFeaturesRequest, UpdateFeaturesResponse>({
  key: 57,
  name: "UpdateFeatures",
  versions: [0, 2],
  flexibleFrom: 0,
  request: `
    timeoutMs i32=60000,
    featureUpdates[]{
      feature str, maxVersionLevel i16, allowDowngrade bool@≤0, upgradeType i8=1@1+
    },
    validateOnly bool@1+
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16, errorMessage str?=null,
    results[]@≤1{feature str, errorCode i16, errorMessage str?=null}
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface UpdateFeaturesRequest {
  readonly timeoutMs: number;
  readonly featureUpdates: readonly UpdateFeaturesRequestFeatureUpdates[];
  readonly validateOnly: boolean;
}

export interface UpdateFeaturesRequestFeatureUpdates {
  readonly feature: string;
  readonly maxVersionLevel: number;
  readonly allowDowngrade: boolean;
  readonly upgradeType: number;
}

export interface UpdateFeaturesResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly results: readonly UpdateFeaturesResponseResults[];
}

export interface UpdateFeaturesResponseResults {
  readonly feature: string;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
}
