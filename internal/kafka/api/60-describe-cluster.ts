// DescribeCluster (key 60) describes the cluster. Endpoint type 1 is a broker, 2 a controller.
import { defineApi } from "./api.ts";

export const describeCluster = defineApi<DescribeClusterRequest, DescribeClusterResponse>({
  key: 60,
  name: "DescribeCluster",
  versions: [0, 2],
  flexibleFrom: 0,
  request: `
    includeClusterAuthorizedOperations bool, endpointType i8=1@1+, includeFencedBrokers bool@2+
  `,
  response: `
    throttleTimeMs i32=0, errorCode i16, errorMessage str?=null, endpointType i8=1@1+,
    clusterId str, controllerId i32=-1,
    brokers[]{brokerId i32, host str, port i32, rack str?, isFenced bool=false@2+},
    clusterAuthorizedOperations i32=-2147483648
  `,
});

// Rendered from the two texts above; types.test.ts compares, and renews them if run with UPDATE=1.
export interface DescribeClusterRequest {
  readonly includeClusterAuthorizedOperations: boolean;
  readonly endpointType: number;
  readonly includeFencedBrokers: boolean;
}

export interface DescribeClusterResponse {
  readonly throttleTimeMs?: number;
  readonly errorCode: number;
  readonly errorMessage?: string | null;
  readonly endpointType?: number;
  readonly clusterId: string;
  readonly controllerId?: number;
  readonly brokers: readonly DescribeClusterResponseBrokers[];
  readonly clusterAuthorizedOperations?: number;
}

export interface DescribeClusterResponseBrokers {
  readonly brokerId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  readonly isFenced?: boolean;
}
