// DescribeCluster, versions 0-2.
//
// Behaviour: as Metadata without topics; fenced brokers (2+) only when asked for. Before the cluster is founded the
// connection is closed.
//
// Errors: 114 for the endpoints of controllers, which have none of their own here; 115 for any other type.
import type { Complete } from "../../schema/message.ts";
import { describeCluster } from "../api/60-describe-cluster.ts";
import type {
  DescribeClusterRequest,
  DescribeClusterResponse,
} from "../api/60-describe-cluster.ts";
import { CLUSTER_OPERATIONS, NOT_ASKED } from "../authorized-operations.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { handler } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";

const BROKER_ENDPOINTS = 1;
const CONTROLLER_ENDPOINTS = 2;

export function describeClusterHandler(context: HandlerContext): Handler {
  return handler(describeCluster, (call, request) => {
    const { clusterId } = context.cluster;
    if (clusterId === null) call.closeConnection("not-ready");
    else call.answer(respond(context, request, call, clusterId));
  });
}

function respond(
  { cluster, options }: HandlerContext,
  request: Complete<DescribeClusterRequest>,
  call: CallOf<DescribeClusterResponse>,
  clusterId: string,
): DescribeClusterResponse {
  const { endpointType } = request;
  if (endpointType !== BROKER_ENDPOINTS) {
    const isController = endpointType === CONTROLLER_ENDPOINTS;
    const code = isController
      ? ErrorCode.MISMATCHED_ENDPOINT_TYPE
      : ErrorCode.UNSUPPORTED_ENDPOINT_TYPE;
    const errorMessage = "This listener is for the endpoints of brokers.";
    return {
      errorCode: call.refused(code),
      errorMessage,
      clusterId,
      brokers: [],
      clusterAuthorizedOperations: NOT_ASKED,
    };
  }
  const brokers = cluster.brokers(options.listener, request.includeFencedBrokers);
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    errorMessage: null,
    endpointType: BROKER_ENDPOINTS,
    clusterId,
    controllerId: cluster.controller(),
    brokers: brokers.map(({ broker, host, port, rack, fenced }) => {
      return { brokerId: broker, host, port, rack, isFenced: fenced };
    }),
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations
      ? CLUSTER_OPERATIONS
      : NOT_ASKED,
  };
}
