// Written by `make gen` from proto/grpc/reflection/v1/reflection.proto; edit that.

export interface ServerReflection {
  readonly ServerReflectionInfo: {
    readonly request: ServerReflectionRequest;
    readonly response: ServerReflectionResponse;
  };
}

export interface ServerReflectionRequest {
  readonly host: string;
  readonly fileByFilename?: string;
  readonly fileContainingSymbol?: string;
  readonly fileContainingExtension?: ExtensionRequest;
  readonly allExtensionNumbersOfType?: string;
  readonly listServices?: string;
  /** Which of them is there. */
  readonly messageRequest?:
    | "fileByFilename"
    | "fileContainingSymbol"
    | "fileContainingExtension"
    | "allExtensionNumbersOfType"
    | "listServices";
}

export interface ExtensionRequest {
  readonly containingType: string;
  readonly extensionNumber: number;
}

export interface ServerReflectionResponse {
  readonly validHost: string;
  readonly originalRequest?: ServerReflectionRequest | null;
  readonly fileDescriptorResponse?: FileDescriptorResponse;
  readonly allExtensionNumbersResponse?: ExtensionNumberResponse;
  readonly listServicesResponse?: ListServiceResponse;
  readonly errorResponse?: ErrorResponse;
  /** Which of them is there. */
  readonly messageResponse?:
    | "fileDescriptorResponse"
    | "allExtensionNumbersResponse"
    | "listServicesResponse"
    | "errorResponse";
}

export interface FileDescriptorResponse {
  readonly fileDescriptorProto: readonly Uint8Array[];
}

export interface ExtensionNumberResponse {
  readonly baseTypeName: string;
  readonly extensionNumber: readonly number[];
}

export interface ListServiceResponse {
  readonly service: readonly ServiceResponse[];
}

export interface ServiceResponse {
  readonly name: string;
}

export interface ErrorResponse {
  readonly errorCode: number;
  readonly errorMessage: string;
}
