// DescribeUserScramCredentials (key 50) lists SCRAM credentials without their secrets.
import { defineApi } from "./api.ts";

export const describeUserScramCredentials = defineApi<
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse
>({
  key: 50,
  name: "DescribeUserScramCredentials",
  versions: [0, 0],
  flexibleFrom: 0,
  request: `
    users[]?{name str}
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16, errorMessage str?=null,
    results[]{
      user str, errorCode i16, errorMessage str?=null,
      credentialInfos[]{mechanism i8, iterations i32}
    }
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface DescribeUserScramCredentialsRequest {
  readonly users: readonly DescribeUserScramCredentialsRequestUsers[] | null;
}

export interface DescribeUserScramCredentialsRequestUsers {
  readonly name: string;
}

export interface DescribeUserScramCredentialsResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly results: readonly DescribeUserScramCredentialsResponseResults[];
}

export interface DescribeUserScramCredentialsResponseResults {
  readonly user: string;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly credentialInfos: readonly DescribeUserScramCredentialsResponseCredentialInfos[];
}

export interface DescribeUserScramCredentialsResponseCredentialInfos {
  readonly mechanism: number;
  readonly iterations: number;
}
