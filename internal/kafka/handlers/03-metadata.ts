// Metadata, versions 0-13.
//
// Behaviour: brokers with their endpoints of the listener on which the client came in; topics by name or (10+) by id; a
// null list, and in version 0 an empty one, means all topics. A named topic that does not exist is created when the
// broker and the client (4+; before, every client) allow it: the answer waits until the topic can be used, a few seconds
// at most. Operations (8+) are a mask of everything, because this front end does not authorise yet.
//
// Errors per topic: 3 5 (being created) 17 38 100; per partition: 5 (no leader, or its broker is fenced).
//
// Deliberate differences: before the cluster is founded there is nothing to tell, so the connection is closed, as if the
// broker had not been started yet. LISTENER_NOT_FOUND does not occur: a broker without the listener is not shown, and a
// partition that it leads has no leader for this client.
import type { Complete } from "../../schema/message.ts";
import type { BrokerId, TopicId } from "../../model/ids.ts";
import type {
  AdminFault,
  BrokerView,
  PartitionView,
  TopicView,
} from "../../service/cluster-service.ts";
import { metadata } from "../api/03-metadata.ts";
import type {
  MetadataRequest,
  MetadataRequestTopics,
  MetadataResponse,
  MetadataResponsePartitions,
  MetadataResponseTopics,
} from "../api/03-metadata.ts";
import { CLUSTER_OPERATIONS, NOT_ASKED, TOPIC_OPERATIONS } from "../authorized-operations.ts";
import { Breather } from "../breather.ts";
import type { CallOf } from "../call.ts";
import { ErrorCode } from "../codec/errors.ts";
import { handler } from "../handler.ts";
import type { Handler, HandlerContext } from "../handler.ts";
import { AUTO_CREATE_MS_MAX } from "../limits.ts";

const NO_ID = "" as TopicId;

export function metadataHandler(context: HandlerContext): Handler {
  return handler(metadata, (call, request) => {
    const { clusterId } = context.cluster;
    if (clusterId === null) {
      call.closeConnection("not-ready");
      return;
    }
    new MetadataCall(context, call, request, clusterId)
      .body()
      .then((body) => call.answer(body))
      .catch((error: unknown) => call.fatal(error));
  });
}

class MetadataCall {
  readonly #context: HandlerContext;
  readonly #call: CallOf<MetadataResponse>;
  readonly #request: Complete<MetadataRequest>;
  readonly #clusterId: string;
  readonly #breather: Breather;
  /** What became of the topics that this request had to create. */
  readonly #faults = new Map<string, AdminFault>();

  constructor(
    context: HandlerContext,
    call: CallOf<MetadataResponse>,
    request: Complete<MetadataRequest>,
    clusterId: string,
  ) {
    this.#context = context;
    this.#call = call;
    this.#request = request;
    this.#clusterId = clusterId;
    this.#breather = new Breather(context.clock);
  }

  async body(): Promise<MetadataResponse> {
    const { cluster, options } = this.#context;
    const { topics: asked } = this.#request;
    const wantsAll = asked === null || (this.#call.version === 0 && asked.length === 0);
    if (!wantsAll) await this.#create(asked);
    const brokers = cluster.brokers(options.listener, false);
    const shown = new Set(brokers.map(({ broker }) => broker));
    const topics = wantsAll ? await this.#allTopics(shown) : await this.#named(asked, shown);
    const wantsOperations = this.#request.includeClusterAuthorizedOperations;
    return {
      throttleTimeMs: 0,
      brokers: brokers.map(nodeOf),
      clusterId: this.#clusterId,
      controllerId: cluster.controller(),
      topics,
      clusterAuthorizedOperations: wantsOperations ? CLUSTER_OPERATIONS : NOT_ASKED,
      errorCode: ErrorCode.NONE,
    };
  }

  async #create(asked: readonly MetadataRequestTopics[]): Promise<void> {
    const { cluster } = this.#context;
    if (!cluster.autoCreateTopics || !this.#request.allowAutoTopicCreation) return;
    const missing = new Set<string>();
    for (const { name, topicId } of asked) {
      if (name === null || topicId !== NO_ID || !cluster.isLegalTopicName(name)) continue;
      if (cluster.topicNamed(name) === null) missing.add(name);
    }
    if (missing.size === 0) return;
    const outcomes = await cluster.autoCreate([...missing], AUTO_CREATE_MS_MAX);
    for (const { name, outcome } of outcomes)
      if (!outcome.ok) this.#faults.set(name, outcome.fault);
  }

  async #allTopics(shown: ReadonlySet<BrokerId>): Promise<MetadataResponseTopics[]> {
    const { cluster } = this.#context;
    const topics: MetadataResponseTopics[] = [];
    for (const name of [...cluster.topicNames()]) {
      const topic = cluster.topicNamed(name);
      if (topic !== null) topics.push(await this.#topic(topic, shown)); // it may be gone meanwhile
    }
    return topics;
  }

  async #named(
    asked: readonly MetadataRequestTopics[],
    shown: ReadonlySet<BrokerId>,
  ): Promise<MetadataResponseTopics[]> {
    const { cluster } = this.#context;
    const topics: MetadataResponseTopics[] = [];
    const seen = new Set<string>();
    for (const { name, topicId } of asked) {
      const pause = this.#breather.tick();
      if (pause !== null) await pause;
      const byId = topicId !== NO_ID || name === null;
      // A topic may have ten thousand partitions: it is told once, however often it is named.
      const key = byId ? topicId : `name ${name}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const topic = byId ? cluster.topicWithId(topicId) : cluster.topicNamed(name);
      if (topic !== null) topics.push(await this.#topic(topic, shown));
      else if (byId) topics.push(this.#missing(null, topicId, ErrorCode.UNKNOWN_TOPIC_ID));
      else topics.push(this.#missing(name, NO_ID, this.#missingCode(name)));
    }
    return topics;
  }

  #missingCode(name: string): ErrorCode {
    if (!this.#context.cluster.isLegalTopicName(name)) return ErrorCode.INVALID_TOPIC_EXCEPTION;
    const fault = this.#faults.get(name);
    return fault === undefined ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : creationCode(fault);
  }

  #missing(name: string | null, topicId: TopicId, code: ErrorCode): MetadataResponseTopics {
    const errorCode = this.#call.refused(code);
    return { errorCode, name, topicId, isInternal: false, partitions: [] };
  }

  async #topic(topic: TopicView, shown: ReadonlySet<BrokerId>): Promise<MetadataResponseTopics> {
    const partitions: MetadataResponsePartitions[] = [];
    for (const partition of topic.partitions) {
      const pause = this.#breather.tick();
      if (pause !== null) await pause;
      partitions.push(partitionOf(partition, shown));
    }
    const wantsOperations = this.#request.includeTopicAuthorizedOperations;
    return {
      errorCode: ErrorCode.NONE,
      name: topic.name,
      topicId: topic.topicId,
      isInternal: topic.isInternal,
      partitions,
      topicAuthorizedOperations: wantsOperations ? TOPIC_OPERATIONS : NOT_ASKED,
    };
  }
}

function partitionOf(
  partition: PartitionView,
  shown: ReadonlySet<BrokerId>,
): MetadataResponsePartitions {
  const { leader } = partition;
  const hasLeader = leader !== null && shown.has(leader);
  return {
    errorCode: hasLeader ? ErrorCode.NONE : ErrorCode.LEADER_NOT_AVAILABLE,
    partitionIndex: partition.partition,
    leaderId: hasLeader ? leader : -1,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas,
    isrNodes: partition.isr,
    offlineReplicas: partition.offline,
  };
}

function nodeOf({ broker, host, port, rack }: BrokerView): MetadataResponse["brokers"][number] {
  return { nodeId: broker, host, port, rack };
}

/** Why a topic that had to be created is not there. What may still come is worth asking for again. */
function creationCode(fault: AdminFault): ErrorCode {
  switch (fault.kind) {
    case "invalid-topic-name":
    case "name-collision":
      return ErrorCode.INVALID_TOPIC_EXCEPTION;
    case "invalid-replication-factor":
      return ErrorCode.INVALID_REPLICATION_FACTOR;
    case "timed-out":
    case "outcome-unknown":
    case "topic-exists":
    case "busy":
      return ErrorCode.LEADER_NOT_AVAILABLE;
    default:
      return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  }
}
