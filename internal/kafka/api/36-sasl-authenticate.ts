// SaslAuthenticate (key 36) carries one SASL token in each direction.
import { defineApi } from "./api.ts";

export const saslAuthenticate = defineApi<SaslAuthenticateRequest, SaslAuthenticateResponse>({
  key: 36,
  name: "SaslAuthenticate",
  versions: [0, 2],
  flexibleFrom: 2,
  request: `
    authBytes bytes
  `,
  response: `
    errorCode i16, errorMessage str?=null, authBytes bytes, sessionLifetimeMs i64=0@1+
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface SaslAuthenticateRequest {
  readonly authBytes: Uint8Array;
}

export interface SaslAuthenticateResponse {
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly authBytes: Uint8Array;
  readonly sessionLifetimeMs?: number;
}
