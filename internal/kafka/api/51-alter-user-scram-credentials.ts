// AlterUserScramCredentials (key 51) changes SCRAM credentials. saltedPassword is the derived key,
// never the password.
import { defineApi } from "./api.ts";

export const alterUserScramCredentials = defineApi<
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse
>({
  key: 51,
  name: "AlterUserScramCredentials",
  versions: [0, 0],
  flexibleFrom: 0,
  request: `
    deletions[]{name str, mechanism i8},
    upsertions[]{
      name str, mechanism i8, iterations i32, salt bytes, saltedPassword bytes
    }
  `,
  response: `
    throttleTimeMs i32=0, results[]{user str, errorCode i16, errorMessage str?=null}
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface AlterUserScramCredentialsRequest {
  readonly deletions: readonly AlterUserScramCredentialsRequestDeletions[];
  readonly upsertions: readonly AlterUserScramCredentialsRequestUpsertions[];
}

export interface AlterUserScramCredentialsRequestDeletions {
  readonly name: string;
  readonly mechanism: number;
}

export interface AlterUserScramCredentialsRequestUpsertions {
  readonly name: string;
  readonly mechanism: number;
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly saltedPassword: Uint8Array;
}

export interface AlterUserScramCredentialsResponse {
  readonly throttleTimeMs?: number;
  readonly results: readonly AlterUserScramCredentialsResponseResults[];
}

export interface AlterUserScramCredentialsResponseResults {
  readonly user: string;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
}
