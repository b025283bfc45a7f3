// ApiVersions, versions 0-4: the first request of most connections.
//
// Behaviour: exactly the APIs that have a handler, with their advertised ranges, and the features that are finished (3+). A version that we do not know is answered in version 0 with
// UNSUPPORTED_VERSION and this API alone (KIP-511); that answer is made here and sent by the connection.
//
// Errors: 35; 42 when the client's software name or version (3+) is not well-formed.
import type { Complete } from "../../schema/message.ts";
import { apiVersions } from "../api/18-api-versions.ts";
import type { ApiVersionsRequest, ApiVersionsResponse } from "../api/18-api-versions.ts";
import type { ApiIdentity } from "../api/api.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { FEATURES, FEATURES_EPOCH } from "../features.ts";
import { responder } from "../handler.ts";
import type { Handler } from "../handler.ts";

const SOFTWARE_FROM = 3;
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

const features = {
  supportedFeatures: FEATURES.map(({ name, minVersion, maxVersion }) => {
    return { name, minVersion, maxVersion };
  }),
  finalizedFeaturesEpoch: FEATURES_EPOCH,
  finalizedFeatures: FEATURES.map(({ name, level }) => {
    return { name, maxVersionLevel: level, minVersionLevel: level };
  }),
};

/** `served`: the APIs of all handlers, which are known only when this one is among them. */
export function apiVersionsHandler(served: () => readonly ApiIdentity[]): Handler {
  let keys: ApiVersionsResponse["apiKeys"] | null = null;
  const respond = (
    request: Complete<ApiVersionsRequest>,
    call: CallOf<ApiVersionsResponse>,
  ): ApiVersionsResponse => {
    if (call.version >= SOFTWARE_FROM && !isWellFormed(request)) {
      return { errorCode: call.refused(ErrorCode.INVALID_REQUEST), apiKeys: [] };
    }
    keys ??= served().map(rangeOf);
    return { errorCode: ErrorCode.NONE, apiKeys: keys, throttleTimeMs: 0, ...features };
  };
  return responder(apiVersions, respond);
}

export function unknownVersionAnswer(): ApiVersionsResponse {
  return { errorCode: ErrorCode.UNSUPPORTED_VERSION, apiKeys: [rangeOf(apiVersions)] };
}

function rangeOf({ key, advertisedMin, versionMax }: ApiIdentity) {
  return { apiKey: key, minVersion: advertisedMin, maxVersion: versionMax };
}

function isWellFormed(request: Complete<ApiVersionsRequest>): boolean {
  const { clientSoftwareName, clientSoftwareVersion } = request;
  return SOFTWARE.test(clientSoftwareName) && SOFTWARE.test(clientSoftwareVersion);
}
