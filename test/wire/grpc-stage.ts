// Where the tests of the gRPC front end play: a server on a real loopback socket over services in memory, and a client
// that speaks to it through the methods' own table, with every way in which a call can end laid open.
import { connect as connectHttp2 } from "node:http2";
import type { ClientHttp2Session, ClientHttp2Stream } from "node:http2";
import { Client, credentials, Metadata, status } from "@grpc/grpc-js";
import type { CallOptions, ClientDuplexStream, ClientReadableStream } from "@grpc/grpc-js";
import type { ServiceError, StatusObject } from "@grpc/grpc-js";
import { failed } from "../../internal/base/result.ts";
import type { Result } from "../../internal/base/result.ts";
import type { Admin } from "../../internal/grpc/generated/admin.ts";
import type { Health } from "../../internal/grpc/generated/health.ts";
import type { Log } from "../../internal/grpc/generated/log.ts";
import type { ServerReflection } from "../../internal/grpc/generated/reflection.ts";
import type { GrpcLimits } from "../../internal/grpc/limits.ts";
import { methodsOf } from "../../internal/grpc/methods.ts";
import type { Method } from "../../internal/grpc/methods.ts";
import { GrpcServer } from "../../internal/grpc/server.ts";
import { openHostWorld } from "../../internal/host/host-world.ts";
import type { HostWorld } from "../../internal/host/host-world.ts";
import type { Address } from "../../internal/ports/wire.ts";
import type { AppendFault } from "../../internal/service/faults.ts";
import type { Appended, AppendRequest } from "../../internal/service/log-service.ts";
import { MemoryCluster } from "./memory-cluster.ts";
import { MemoryLog } from "./memory-log.ts";
import type { MemoryLogOptions } from "./memory-log.ts";

export const LOG = methodsOf<Log>("flotilla/v1/log.proto", "flotilla.v1.Log");
export const ADMIN = methodsOf<Admin>("flotilla/v1/admin.proto", "flotilla.v1.Admin");
export const HEALTH = methodsOf<Health>("grpc/health/v1/health.proto", "grpc.health.v1.Health");
export const REFLECTION = methodsOf<ServerReflection>(
  "grpc/reflection/v1/reflection.proto",
  "grpc.reflection.v1.ServerReflection",
);
export const REFLECTION_ALPHA = methodsOf<ServerReflection>(
  "grpc/reflection/v1alpha/reflection.proto",
  "grpc.reflection.v1alpha.ServerReflection",
);

/** The log in memory, with refusals that the test decides on. */
export class StageLog extends MemoryLog {
  /** What the append of this number, counted from 0, is refused with; it then appends nothing. */
  readonly refusals = new Map<number, AppendFault>();
  /** The numbers of appends that find no room when they are tried for the first time. */
  readonly roomless = new Set<number>();
  /** The appends that reached the log, with the time they were given. */
  readonly timeoutsMs: number[] = [];

  override append(
    request: AppendRequest,
    done: (outcome: Result<Appended, AppendFault>) => void,
  ): "taken" | "busy" {
    const number = this.timeoutsMs.length;
    if (this.roomless.delete(number)) return "busy";
    const fault = this.refusals.get(number);
    if (fault !== undefined) done(failed(fault));
    const answer = fault === undefined ? super.append(request, done) : "taken";
    if (answer === "taken") this.timeoutsMs.push(request.timeoutMs);
    return answer;
  }
}

export interface GrpcStageOptions {
  readonly limits?: Partial<GrpcLimits>;
  readonly log?: Partial<MemoryLogOptions>;
}

export class GrpcStage implements AsyncDisposable {
  readonly world: HostWorld;
  readonly log: StageLog;
  readonly cluster: MemoryCluster;
  readonly server: GrpcServer;
  readonly at: Address;
  readonly client: Client;
  /** What the server's readiness function answers. */
  readonly health: { isReady: boolean };
  readonly fatal: unknown[];

  private constructor(
    world: HostWorld,
    fatal: unknown[],
    log: StageLog,
    cluster: MemoryCluster,
    server: GrpcServer,
    at: Address,
    health: { isReady: boolean },
  ) {
    this.world = world;
    this.fatal = fatal;
    this.log = log;
    this.cluster = cluster;
    this.server = server;
    this.at = at;
    this.client = connect(at);
    this.health = health;
  }

  static async open(options: GrpcStageOptions = {}): Promise<GrpcStage> {
    const fatal: unknown[] = [];
    const host = openHostWorld({ log: { level: "silent" }, processMetrics: false });
    const world = { ...host, fatal: (_reason: string, fault: unknown) => void fatal.push(fault) };
    const log = new StageLog(world.clock, options.log);
    const cluster = new MemoryCluster(world.clock, log);
    const health = { isReady: true };
    const server = new GrpcServer(
      world,
      { log, cluster },
      { ready: () => health.isReady, ...(options.limits ? { limits: options.limits } : {}) },
    );
    const listening = await server.listen({ host: "127.0.0.1", port: 0 });
    if (!listening.ok) throw new Error(`cannot listen: ${listening.fault.code}`);
    return new GrpcStage(world, fatal, log, cluster, server, listening.value.address, health);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client.close();
    await this.server.close();
    await this.world.close();
    if (this.fatal.length > 0) throw this.fatal[0];
  }

  /** The response of a unary call, or its error. */
  call<Q, A>(method: Method<Q, A>, request: Q, options: CallOptions = {}): Promise<A> {
    return callUnary(this.client, method, request, options);
  }

  tail(request: Partial<Parameters<typeof LOG.Tail.request.encode>[0]>, options?: CallOptions) {
    const full = { topic: "t", partition: 0, responseBytesMax: 0, stopAtEnd: false, ...request };
    return new Incoming(openServerStream(this.client, LOG.Tail, full, options));
  }

  /** Some records with these values, as one append to partition 0 of `t`. */
  append(values: readonly string[], more: object = {}, options: CallOptions = {}) {
    return this.call(LOG.Append, { ...appendOf(values), ...more }, options);
  }

  /** Resolves when `holds` does; fails the test by its time-out when it never does. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.world.clock.after(2, resolve));
  }

  /** What the server does by itself, without a timer, is done when it has answered some calls. */
  async roundTrips(): Promise<void> {
    for (let count = 0; count < 10; count++) await this.call(ADMIN.ClusterStatus, {});
  }
}

export function connect(at: Address): Client {
  return new Client(`${at.host}:${at.port}`, credentials.createInsecure(), {
    // A client of its own connection: what one test does to a connection is no other test's concern.
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_receive_message_length": -1,
    "grpc.enable_retries": 0,
  });
}

export function appendOf(values: readonly string[]) {
  const records = values.map((value) => ({ value: Buffer.from(value), headers: [] }));
  return { topic: "t", partition: 0, records };
}

export function callUnary<Q, A>(
  client: Client,
  method: Method<Q, A>,
  request: Q,
  options: CallOptions = {},
): Promise<A> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      (message: Q) => method.request.encode(message),
      (bytes: Buffer) => bytes,
      request,
      new Metadata(),
      options,
      (fault: ServiceError | null, bytes?: Buffer) => {
        if (fault !== null) reject(fault);
        else resolve(decoded(method, bytes as Buffer));
      },
    );
  });
}

export function openServerStream<Q, A>(
  client: Client,
  method: Method<Q, A>,
  request: Q,
  options: CallOptions = {},
): ClientReadableStream<A> {
  return client.makeServerStreamRequest(
    method.path,
    (message: Q) => method.request.encode(message),
    (bytes: Buffer) => decoded(method, bytes),
    request,
    new Metadata(),
    options,
  );
}

export function openBidiStream<Q, A>(
  client: Client,
  method: Method<Q, A>,
  options: CallOptions = {},
): ClientDuplexStream<Q, A> {
  return client.makeBidiStreamRequest(
    method.path,
    (message: Q) => method.request.encode(message),
    (bytes: Buffer) => decoded(method, bytes),
    new Metadata(),
    options,
  );
}

function decoded<Q, A>(method: Method<Q, A>, bytes: Buffer): A {
  const received = method.response.decode(bytes);
  if (!received.ok) throw new Error(received.fault.kind);
  return received.value.message;
}

/** The responses of a stream, as they come, and how it ended. */
export class Incoming<A> {
  readonly stream: ClientReadableStream<A> | ClientDuplexStream<never, A>;
  readonly responses: A[] = [];
  ended: StatusObject | null = null;
  readonly #wakers: (() => void)[] = [];

  constructor(stream: ClientReadableStream<A> | ClientDuplexStream<never, A>) {
    this.stream = stream;
    stream.on("data", (response: A) => {
      this.responses.push(response);
      this.#wake();
    });
    stream.on("error", () => {});
    stream.on("status", (ended: StatusObject) => {
      this.ended = ended;
      this.#wake();
    });
  }

  #wake(): void {
    for (const wake of this.#wakers.splice(0)) wake();
  }

  /** Resolves when there are that many responses, or when the stream ended. */
  async received(count: number): Promise<readonly A[]> {
    while (this.responses.length < count && this.ended === null) {
      await new Promise<void>((resolve) => this.#wakers.push(resolve));
    }
    return this.responses;
  }

  /** How the stream ended. */
  async end(): Promise<StatusObject> {
    while (this.ended === null) await new Promise<void>((wake) => this.#wakers.push(wake));
    return this.ended;
  }
}

/** A server-streaming call over plain HTTP/2. Nothing is read, and HTTP/2's windows stay shut, until `readAll`. */
export class RawCall<Q, A> implements AsyncDisposable {
  readonly #method: Method<Q, A>;
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;

  constructor(at: Address, method: Method<Q, A>, request: Q) {
    this.#method = method;
    this.#session = connectHttp2(`http://${at.host}:${at.port}`);
    this.#session.on("error", () => {});
    this.#stream = this.#session.request({
      ":method": "POST",
      ":path": method.path,
      "content-type": "application/grpc",
      te: "trailers",
    });
    this.#stream.on("error", () => {});
    const message = method.request.encode(request);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    this.#stream.end(Buffer.concat([prefix, message]));
  }

  /** All responses, to the end of the call. */
  async readAll(): Promise<A[]> {
    const parts: Buffer[] = [];
    for await (const part of this.#stream) parts.push(part as Buffer);
    const bytes = Buffer.concat(parts);
    const responses: A[] = [];
    for (let at = 0; at < bytes.length;) {
      const end = at + 5 + bytes.readUInt32BE(at + 1);
      responses.push(decoded(this.#method, bytes.subarray(at + 5, end)));
      at = end;
    }
    return responses;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#session.destroy();
  }
}

/** An error's code by name, its kind and its metadata. */
export function refusalOf(fault: unknown): Readonly<Record<string, string>> {
  const { code, metadata } = fault as StatusObject;
  const told: Record<string, string> = { code: status[code] };
  for (const key of ["flotilla-fault", "flotilla-leader", "flotilla-end-offset"]) {
    const value = metadata.get(key)[0];
    if (value !== undefined) told[key.slice("flotilla-".length)] = String(value);
  }
  return told;
}

export async function refused(call: Promise<unknown>): Promise<Readonly<Record<string, string>>> {
  try {
    await call;
  } catch (fault) {
    return refusalOf(fault);
  }
  throw new Error("the call was not refused");
}
