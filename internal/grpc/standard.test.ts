import { Root } from "protobufjs";
import "protobufjs/ext/descriptor.js";
import { expect, it } from "vitest";
import {
  callUnary,
  GrpcStage,
  HEALTH,
  Incoming,
  openBidiStream,
  openServerStream,
  REFLECTION,
  REFLECTION_ALPHA,
  refusalOf,
  refused,
} from "../../test/wire/grpc-stage.ts";
import type { HealthCheckResponse } from "./generated/health.ts";
import type { ServerReflectionResponse } from "./generated/reflection.ts";
import { MessageCodec } from "./message-codec.ts";
import { PROTO_FILES } from "./proto-files.ts";

it("health Check answers for the broker and for each service", async () => {
  await using stage = await GrpcStage.open();
  const check = (service: string) => stage.call(HEALTH.Check, { service });
  for (const service of ["", "flotilla.v1.Log", "flotilla.v1.Admin"]) {
    expect(await check(service)).toEqual({ status: "SERVING" });
  }
  stage.health.isReady = false;
  expect(await check("")).toEqual({ status: "NOT_SERVING" });
  expect(await refused(check("nonsense"))).toEqual({
    code: "NOT_FOUND",
    fault: "unknown-service",
  });
});

it("health Watch tells the status, then its changes, then that the broker stops", async () => {
  await using stage = await GrpcStage.open({ limits: { healthIntervalMs: 5 } });
  const watch = (service: string) =>
    new Incoming<HealthCheckResponse>(openServerStream(stage.client, HEALTH.Watch, { service }));
  const statuses = (incoming: Incoming<HealthCheckResponse>) =>
    incoming.responses.map(({ status }) => status);
  const whole = watch("");
  const unknown = watch("nonsense");
  await unknown.received(1);
  await whole.received(1);
  stage.health.isReady = false;
  await whole.received(2);
  stage.health.isReady = true;
  stage.server.readinessChanged();
  await whole.received(3);
  await stage.roundTrips();
  expect(statuses(whole)).toEqual(["SERVING", "NOT_SERVING", "SERVING"]);
  expect(statuses(unknown)).toEqual(["SERVICE_UNKNOWN"]);
  unknown.stream.cancel();
  await stage.until(() => stage.server.calls === 1);
  const drained = stage.server.drain(1_000);
  expect(refusalOf(await whole.end())).toEqual({ code: "UNAVAILABLE", fault: "stopping" });
  expect(statuses(whole).at(-1)).toBe("NOT_SERVING");
  await drained;
});

interface DescribedFile {
  readonly name: string;
  readonly package: string;
  readonly syntax: string;
}

it.each([
  ["v1", REFLECTION],
  ["v1alpha", REFLECTION_ALPHA],
])("reflection %s lists services and describes their files", async (version, methods) => {
  await using stage = await GrpcStage.open();
  const call = openBidiStream(stage.client, methods.ServerReflectionInfo);
  const answers = new Incoming<ServerReflectionResponse>(call);
  call.write({ host: "h", listServices: "" });
  call.write({ host: "", fileContainingSymbol: "flotilla.v1.Admin" });
  call.write({ host: "", fileContainingSymbol: "flotilla.v1.Log.Append" });
  call.write({ host: "", fileByFilename: "flotilla/v1/log.proto" });
  call.write({ host: "", fileContainingSymbol: "flotilla.v1.Nothing" });
  call.write({ host: "", allExtensionNumbersOfType: "flotilla.v1.AppendRequest" });
  call.write({ host: "" });
  call.end();
  expect((await answers.end()).code).toBe(0);
  const [services, admin, append, log, nothing, extensions, empty] = answers.responses;
  expect(services).toMatchObject({ validHost: "h", originalRequest: { host: "h" } });
  expect(services?.listServicesResponse?.service.map(({ name }) => name)).toEqual([
    "flotilla.v1.Admin",
    "flotilla.v1.Log",
    "grpc.health.v1.Health",
    "grpc.reflection.v1.ServerReflection",
    "grpc.reflection.v1alpha.ServerReflection",
  ]);
  const bytesOf = (answer: ServerReflectionResponse | undefined) =>
    answer?.fileDescriptorResponse?.fileDescriptorProto ?? [];
  expect(bytesOf(append)).toEqual(bytesOf(log));
  expect(nothing?.errorResponse?.errorCode).toBe(5);
  expect(extensions?.allExtensionNumbersResponse?.extensionNumber).toEqual([]);
  expect(empty?.errorResponse?.errorCode).toBe(3);
  const file = describe(bytesOf(admin)[0]);
  expect(file).toMatchObject({
    name: "flotilla/v1/admin.proto",
    package: "flotilla.v1",
    syntax: "proto3",
  });
  // What was described is enough to speak to the server.
  const root = Root.fromDescriptor({ file: [file] } as Parameters<typeof Root.fromDescriptor>[0]);
  const method = root.lookupService("flotilla.v1.Admin").methods["ClusterStatus"];
  if (!method?.resolvedRequestType || !method.resolvedResponseType) throw new Error(version);
  const status = await callUnary(
    stage.client,
    {
      path: "/flotilla.v1.Admin/ClusterStatus",
      requestStream: false,
      responseStream: false,
      request: new MessageCodec<object>(method.resolvedRequestType),
      response: new MessageCodec<{ readonly broker: number }>(method.resolvedResponseType),
    },
    {},
  );
  expect(status.broker).toBe(1);
});

function describe(bytes: Uint8Array | undefined): DescribedFile {
  const codec = Root.prototype.toDescriptor.call(new Root(), "proto3").$type.root;
  const type = codec.lookupType("google.protobuf.FileDescriptorProto");
  return type.decode(bytes ?? new Uint8Array()) as unknown as DescribedFile;
}

interface Shape {
  readonly name: string;
  readonly field: readonly { readonly name: string; readonly typeName?: string }[];
  readonly oneofDecl: readonly { readonly name: string }[];
}

it("descriptors name types absolutely, and every file can be asked for", async () => {
  await using stage = await GrpcStage.open();
  const call = openBidiStream(stage.client, REFLECTION.ServerReflectionInfo);
  const answers = new Incoming<ServerReflectionResponse>(call);
  for (const fileByFilename of PROTO_FILES) call.write({ host: "", fileByFilename });
  call.end();
  await answers.end();
  const files = answers.responses.map(
    (answer) =>
      describe(answer.fileDescriptorResponse?.fileDescriptorProto[0]) as DescribedFile & {
        readonly messageType: readonly Shape[];
        readonly service: readonly { readonly method: readonly { readonly inputType: string }[] }[];
      },
  );
  expect(files.map(({ name }) => name)).toEqual([...PROTO_FILES]);
  const log = files[0];
  const request = log?.messageType.find(({ name }) => name === "AppendRequest");
  expect(request?.field.map(({ name, typeName }) => typeName || name)).toEqual([
    "topic",
    "partition",
    ".flotilla.v1.NewRecord",
    "expected_end_offset",
    ".flotilla.v1.Producer",
  ]);
  expect(request?.oneofDecl.map(({ name }) => name)).toEqual(["_expected_end_offset"]);
  const types = files.flatMap(({ messageType }) => messageType).flatMap(({ field }) => field);
  for (const { typeName } of types) expect(typeName || ".").toMatch(/^\./);
  for (const { inputType } of log?.service[0]?.method ?? []) expect(inputType).toMatch(/^\.flot/);
});
