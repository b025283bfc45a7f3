// The gRPC front end: flotilla.v1.Log and Admin over the use cases, the standard health service and reflection. Decodes,
// calls, translates refusals, and gives everything that a client can start a limit and an end. Plain text, so it listens on
// loopback unless told otherwise.
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { Address, Listener } from "../ports/wire.ts";
import type { World } from "../ports/world.ts";
import type { ClusterService } from "../service/cluster-service.ts";
import type { LogService } from "../service/log-service.ts";
import { AdminCluster } from "./admin-cluster.ts";
import { AdminTopics } from "./admin-topics.ts";
import { Admission } from "./admission.ts";
import { Appends } from "./appends.ts";
import { AppendStream } from "./append-stream.ts";
import type { AppendStreamCall } from "./append-stream.ts";
import { handlerFailed, refuseDecoding, unary } from "./calls.ts";
import type { Admin } from "./generated/admin.ts";
import type { Health as HealthMethods } from "./generated/health.ts";
import type { Log } from "./generated/log.ts";
import type { ServerReflection } from "./generated/reflection.ts";
import { Health } from "./health.ts";
import { hostPort, Leaders } from "./leaders.ts";
import { GRPC_LIMITS } from "./limits.ts";
import type { GrpcLimits } from "./limits.ts";
import { methodsOf } from "./methods.ts";
import { GrpcProbe } from "./probe.ts";
import { Reflection } from "./reflection.ts";
import { INTERNAL, statusOf, STOPPING } from "./refusal.ts";
import { Tail } from "./tail.ts";
import type { TailCall } from "./tail.ts";
import { Places } from "./tail-place.ts";

export interface GrpcServices {
  readonly log: LogService;
  readonly cluster: ClusterService;
}

export interface GrpcOptions {
  /** Whether this broker should get calls: what the health service answers. */
  readonly ready: () => boolean;
  readonly limits?: Partial<GrpcLimits>;
}

export interface GrpcListenFault {
  readonly kind: "listen";
  /** The system's word, for example EADDRINUSE; else what the gRPC library said. */
  readonly code: string;
  readonly at: Address;
}

/** What the library needs to know of a method. */
interface DecodingMethod {
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
  readonly request: { decode(bytes: Uint8Array): unknown };
}

/** Where a broker listens when nothing else is said. */
const GRPC_ADDRESS: Address = { host: "127.0.0.1", port: 7092 };

const LOG = "flotilla.v1.Log";
const ADMIN = "flotilla.v1.Admin";
const HEALTH = "grpc.health.v1.Health";
const REFLECTION = "grpc.reflection.v1.ServerReflection";
const REFLECTION_ALPHA = "grpc.reflection.v1alpha.ServerReflection";

export class GrpcServer {
  readonly #world: World;
  readonly #services: GrpcServices;
  readonly #limits: GrpcLimits;
  readonly #server: Server;
  readonly #admission: Admission;
  readonly #probe: GrpcProbe;
  readonly #health: Health;
  readonly #reflection: Reflection;
  readonly #tails = new Set<Tail>();
  readonly #appendStreams = new Set<AppendStream>();
  #phase: "new" | "listening" | "draining" | "closed" = "new";

  constructor(world: World, services: GrpcServices, options: GrpcOptions) {
    this.#world = world;
    this.#services = services;
    this.#limits = { ...GRPC_LIMITS, ...options.limits };
    this.#probe = new GrpcProbe(world.meter);
    this.#admission = new Admission(world.clock, this.#probe, this.#limits.callsMax);
    this.#probe.observe({ calls: () => this.#admission.calls, tailBytes: () => this.unsentBytes });
    this.#health = new Health(
      world.clock,
      methodsOf<HealthMethods>("grpc/health/v1/health.proto", HEALTH),
      [LOG, ADMIN],
      () => this.#phase === "listening" && options.ready(),
      this.#limits.healthIntervalMs,
    );
    this.#reflection = new Reflection(world, this.#limits.streamBytesMax);
    this.#server = new Server({
      "grpc.max_receive_message_length": this.#limits.messageBytesMax,
      // What is sent is limited by what is read; a single record may be bigger than any fixed number.
      "grpc.max_send_message_length": -1,
      "grpc.max_concurrent_streams": this.#limits.connectionCallsMax,
      "grpc.keepalive_time_ms": this.#limits.keepaliveMs,
      "grpc.keepalive_timeout_ms": this.#limits.keepaliveAnswerMsMax,
      interceptors: [this.#admission.intercept],
    });
    this.#addLog();
    this.#addAdmin();
    this.#addStandard();
  }

  /** Bytes of Tail responses that the connections have not taken yet. */
  get unsentBytes(): number {
    let bytes = 0;
    for (const tail of this.#tails) bytes += tail.unsentBytes;
    return bytes;
  }

  /** Calls under way. */
  get calls(): number {
    return this.#admission.calls;
  }

  /** Accepts calls at `at`; port 0 is any free one. At most once. */
  async listen(at: Address = GRPC_ADDRESS): Promise<Result<Listener, GrpcListenFault>> {
    const bound = await this.#bind(at);
    if (!bound.ok) return bound;
    if (this.#phase === "new") this.#phase = "listening";
    const address = { host: at.host, port: bound.value };
    this.#world.log.info({ ...address }, "grpc-listening");
    const close = async (): Promise<void> => this.#server.unbind(hostPort(at.host, bound.value));
    return ok({ address, close });
  }

  #bind(at: Address): Promise<Result<number, GrpcListenFault>> {
    return new Promise((resolve) => {
      const credentials = ServerCredentials.createInsecure();
      this.#server.bindAsync(hostPort(at.host, at.port), credentials, (fault, port) => {
        if (fault === null) resolve(ok(port));
        else resolve(failed({ kind: "listen", code: listenCode(fault), at }));
      });
    });
  }

  /** Tells watchers of the health service at once that readiness changed. */
  readinessChanged(): void {
    this.#health.readinessChanged();
  }

  /**
   * Stops in order: not healthy any more, no new calls; streams end with UNAVAILABLE and go on elsewhere; calls under way
   * get their answer. Resolves when all are over; after `graceMs` the rest is cut off.
   */
  async drain(graceMs: number): Promise<void> {
    if (this.#phase !== "listening") return this.close();
    this.#phase = "draining";
    this.#health.readinessChanged();
    this.#health.stop(STOPPING);
    this.#reflection.stop();
    for (const tail of this.#tails) tail.stop();
    for (const stream of this.#appendStreams) stream.stop();
    await new Promise<void>((resolve) => {
      const cancel = this.#world.clock.after(graceMs, resolve);
      this.#server.tryShutdown(() => {
        cancel();
        resolve();
      });
    });
    return this.close();
  }

  /** Cuts everything off. Idempotent. */
  async close(): Promise<void> {
    if (this.#phase === "closed") return;
    this.#phase = "closed";
    this.#server.forceShutdown();
  }

  #addLog(): void {
    const { log, cluster } = this.#services;
    const world = this.#world;
    const limits = this.#limits;
    const methods = methodsOf<Log>("flotilla/v1/log.proto", LOG);
    const leaders = new Leaders(cluster);
    const appends = new Appends(world, log, leaders, limits);
    const places = new Places(log, cluster, leaders);
    const admin = new AdminCluster(world, cluster, limits);
    const shared = { world, log, leaders, limits, probe: this.#probe, method: methods.Tail };
    this.#add(methods, {
      Append: unary(world, methods.Append, appends.serve),
      AppendStream: (call: AppendStreamCall) => {
        const stream = new AppendStream(world, appends, limits, methods.AppendStream, call);
        this.#appendStreams.add(stream);
        stream.start(() => this.#appendStreams.delete(stream));
        if (this.#phase !== "listening") stream.stop();
      },
      Tail: (call: TailCall) => {
        this.#tail(call, shared, places).catch((fault: unknown) => {
          handlerFailed(world, methods.Tail.path, fault);
          call.emit("error", statusOf(INTERNAL));
        });
      },
      Offsets: unary(world, methods.Offsets, places.serveOffsets),
      InitProducer: unary(world, methods.InitProducer, admin.initProducer),
    });
  }

  async #tail(
    call: TailCall,
    shared: ConstructorParameters<typeof Tail>[0],
    places: Places,
  ): Promise<void> {
    if (!call.request.ok) {
      call.emit("error", statusOf(refuseDecoding(call.request.fault)));
      return;
    }
    const request = call.request.value.message;
    const place = await places.tailPlace(request, call);
    if (call.cancelled) return;
    if (!place.ok || this.#phase !== "listening") {
      call.emit("error", statusOf(place.ok ? STOPPING : place.fault));
      return;
    }
    const tail = new Tail(shared, call, request, place.value);
    this.#tails.add(tail);
    tail.start(() => this.#tails.delete(tail));
  }

  #addAdmin(): void {
    const { cluster } = this.#services;
    const world = this.#world;
    const methods = methodsOf<Admin>("flotilla/v1/admin.proto", ADMIN);
    const topics = new AdminTopics(world, cluster, this.#limits);
    const admin = new AdminCluster(world, cluster, this.#limits);
    this.#add(methods, {
      CreateTopic: unary(world, methods.CreateTopic, topics.createTopic),
      DeleteTopic: unary(world, methods.DeleteTopic, topics.deleteTopic),
      ListTopics: unary(world, methods.ListTopics, topics.listTopics),
      DescribeTopic: unary(world, methods.DescribeTopic, topics.describeTopic),
      CreatePartitions: unary(world, methods.CreatePartitions, topics.createPartitions),
      DescribeConfigs: unary(world, methods.DescribeConfigs, admin.describeConfigs),
      AlterConfigs: unary(world, methods.AlterConfigs, admin.alterConfigs),
      ClusterStatus: unary(world, methods.ClusterStatus, admin.clusterStatus),
    });
  }

  #addStandard(): void {
    const health = methodsOf<HealthMethods>("grpc/health/v1/health.proto", HEALTH);
    this.#add(health, {
      Check: unary(this.#world, health.Check, this.#health.check),
      Watch: this.#health.watch,
    });
    const reflection = methodsOf<ServerReflection>(
      "grpc/reflection/v1/reflection.proto",
      REFLECTION,
    );
    const alpha = methodsOf<ServerReflection>(
      "grpc/reflection/v1alpha/reflection.proto",
      REFLECTION_ALPHA,
    );
    for (const methods of [reflection, alpha]) {
      this.#add(methods, { ServerReflectionInfo: this.#reflection.serve(methods) });
    }
  }

  #add<Name extends string>(
    methods: Readonly<Record<Name, DecodingMethod>>,
    handlers: Readonly<Record<Name, UntypedServiceImplementation[string]>>,
  ): void {
    const definition: Record<string, ServiceDefinition[string]> = {};
    for (const [name, method] of Object.entries<DecodingMethod>(methods)) {
      definition[name] = {
        path: method.path,
        requestStream: method.requestStream,
        responseStream: method.responseStream,
        requestDeserialize: (bytes: Buffer) => method.request.decode(bytes),
        // Handlers encode, because they count the bytes that they have under way.
        responseSerialize: (bytes: Buffer) => bytes,
        requestSerialize: (bytes: Buffer) => bytes,
        responseDeserialize: (bytes: Buffer) => bytes,
      };
    }
    this.#server.addService(definition, handlers);
  }
}

function listenCode(fault: Error): string {
  return /\bE[A-Z]{3,}\b/.exec(fault.message)?.[0] ?? fault.message;
}
