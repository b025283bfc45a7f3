// The part of the Admin service that is about configs and the cluster, and the identities of producers.
import { failed, ok } from "../base/result.ts";
import type { Result } from "../base/result.ts";
import type { BrokerId } from "../model/ids.ts";
import type { World } from "../ports/world.ts";
import type {
  ClusterService,
  ConfigTarget as Target,
  ConfigView,
} from "../service/cluster-service.ts";
import { waitMs } from "./calls.ts";
import type { AnyCall, ServeUnary } from "./calls.ts";
import type {
  AlterConfigsRequest,
  AlterConfigsResponse,
  ClusterStatusRequest,
  ClusterStatusResponse,
  ConfigDescription,
  ConfigOperation,
  ConfigSource,
  ConfigTarget,
  ConfigType,
  DescribeConfigsRequest,
  DescribeConfigsResponse,
} from "./generated/admin.ts";
import type { InitProducerRequest, InitProducerResponse } from "./generated/log.ts";
import { GRPC_LISTENER } from "./leaders.ts";
import type { GrpcLimits } from "./limits.ts";
import { invalid, shown } from "./refusal.ts";
import type { Refusal } from "./refusal.ts";
import { onlyOutcome } from "./admin-topics.ts";
import { refuseAdmin } from "./status-table.ts";

const SOURCES = {
  topic: "CONFIG_SOURCE_TOPIC",
  "dynamic-broker": "CONFIG_SOURCE_DYNAMIC_BROKER",
  "dynamic-default": "CONFIG_SOURCE_DYNAMIC_DEFAULT",
  "static-broker": "CONFIG_SOURCE_STATIC_BROKER",
  default: "CONFIG_SOURCE_DEFAULT",
  // Groups cannot be asked for here.
  group: "CONFIG_SOURCE_UNSPECIFIED",
} as const satisfies Record<ConfigView["source"], ConfigSource>;

const TYPES = {
  boolean: "CONFIG_TYPE_BOOLEAN",
  string: "CONFIG_TYPE_STRING",
  int: "CONFIG_TYPE_INT",
  short: "CONFIG_TYPE_SHORT",
  long: "CONFIG_TYPE_LONG",
  double: "CONFIG_TYPE_DOUBLE",
  list: "CONFIG_TYPE_LIST",
  password: "CONFIG_TYPE_PASSWORD",
} as const satisfies Record<ConfigView["type"], ConfigType>;

const OPERATIONS: Readonly<
  Partial<Record<ConfigOperation, "set" | "delete" | "append" | "subtract">>
> = {
  CONFIG_OPERATION_SET: "set",
  CONFIG_OPERATION_DELETE: "delete",
  CONFIG_OPERATION_APPEND: "append",
  CONFIG_OPERATION_SUBTRACT: "subtract",
};

export class AdminCluster {
  readonly #world: World;
  readonly #cluster: ClusterService;
  readonly #limits: GrpcLimits;

  constructor(world: World, cluster: ClusterService, limits: GrpcLimits) {
    this.#world = world;
    this.#cluster = cluster;
    this.#limits = limits;
  }

  readonly describeConfigs: ServeUnary<DescribeConfigsRequest, DescribeConfigsResponse> = async (
    request,
  ) => {
    const target = targetOf(request.of);
    if (!target.ok) return target;
    const names = request.names.length === 0 ? null : request.names;
    const views = this.#cluster.describeConfigs(target.value, names);
    if (!views.ok) return failed(refuseAdmin(views.fault));
    return ok({ configs: views.value.map(description) });
  };

  readonly alterConfigs: ServeUnary<AlterConfigsRequest, AlterConfigsResponse> = async (
    request,
    call,
  ) => {
    const target = targetOf(request.of);
    if (!target.ok) return target;
    const changes = [];
    for (const { name, operation: sent, value } of request.changes) {
      const operation = OPERATIONS[sent];
      if (operation === undefined) {
        return failed(invalid(`Say what to do with ${shown(name)}: its operation is missing.`));
      }
      changes.push({ name, operation, value: value ?? null });
    }
    const resources = [{ of: target.value, changes }];
    const { validateOnly } = request;
    const withinMs = this.#withinMs(call);
    const outcomes = await this.#cluster.alterConfigs(
      resources,
      "incremental",
      validateOnly,
      withinMs,
    );
    const altered = onlyOutcome(outcomes.map((outcome) => ({ outcome })));
    return altered.ok ? ok({}) : altered;
  };

  readonly clusterStatus: ServeUnary<ClusterStatusRequest, ClusterStatusResponse> = async () => {
    const brokers = this.#cluster.brokers(GRPC_LISTENER, true).map((view) => {
      const { broker, host, port, fenced } = view;
      return { broker, host, port, rack: view.rack ?? "", fenced };
    });
    const quorum = this.#cluster.controllerQuorum();
    const { leader, leaderEpoch: term, highWatermark, voters } = quorum;
    return ok({
      clusterId: this.#cluster.clusterId ?? "",
      broker: this.#cluster.broker,
      brokers,
      topicCount: this.#cluster.topicCount(),
      controller: { term, highWatermark, voters, ...(leader === null ? {} : { leader }) },
    });
  };

  /** Log.InitProducer. */
  readonly initProducer: ServeUnary<InitProducerRequest, InitProducerResponse> = async (
    _request,
    call,
  ) => {
    const allocated = await this.#cluster.allocateProducerId(this.#withinMs(call));
    return allocated.ok
      ? ok({ id: allocated.value, epoch: 0 })
      : failed(refuseAdmin(allocated.fault));
  };

  #withinMs(call: AnyCall): number {
    return waitMs(call, this.#world.clock.nowMs(), this.#limits.adminWaitMsMax);
  }
}

function targetOf(target: ConfigTarget | null | undefined): Result<Target, Refusal> {
  if (target?.topic !== undefined) return ok({ resource: "topic", name: target.topic });
  if (target?.broker !== undefined) {
    return ok({ resource: "broker", broker: target.broker as BrokerId });
  }
  if (target?.allBrokers === true) return ok({ resource: "broker", broker: null });
  return failed(invalid("Say whose configs: those of a topic, of a broker, or of all brokers."));
}

function description(view: ConfigView): ConfigDescription {
  const { name, readOnly, isSensitive, doc: documentation } = view;
  const shape = { name, readOnly, isSensitive, documentation };
  const described = { ...shape, source: SOURCES[view.source], type: TYPES[view.type] };
  // A secret is never told, whatever the service says.
  return view.value === null || isSensitive ? described : { ...described, value: view.value };
}
