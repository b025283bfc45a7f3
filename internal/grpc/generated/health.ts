// Written by `make gen` from proto/grpc/health/v1/health.proto; edit that.

export interface Health {
  readonly Check: { readonly request: HealthCheckRequest; readonly response: HealthCheckResponse };
  readonly Watch: { readonly request: HealthCheckRequest; readonly response: HealthCheckResponse };
}

export interface HealthCheckRequest {
  readonly service: string;
}

export interface HealthCheckResponse {
  readonly status: ServingStatus;
}

export type ServingStatus = "UNKNOWN" | "SERVING" | "NOT_SERVING" | "SERVICE_UNKNOWN";
