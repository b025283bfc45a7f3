// SaslHandshake (key 17) chooses a SASL mechanism. With version 1 the tokens follow in
// SaslAuthenticate, with 0 as bare frames.
import { defineApi } from "./api.ts";

export const saslHandshake = defineApi<SaslHandshakeRequest, SaslHandshakeResponse>({
  key: 17,
  name: "SaslHandshake",
  versions: [0, 1],
  flexibleFrom: null,
  request: `
    mechanism str
  `,
  response: `
    errorCode i16, mechanisms[] str
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface SaslHandshakeRequest {
  readonly mechanism: string;
}

export interface SaslHandshakeResponse {
  readonly errorCode: number;
  readonly mechanisms: readonly string[];
}
