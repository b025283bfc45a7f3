// A client of the native gRPC API: appends, tails and administration with plain TypeScript types. It finds the leaders by
// following redirects and goes on there when they change; a call that may not be repeated safely is not repeated.
import type { ServiceError } from "@grpc/grpc-js";
import type {
  Admin,
  AlterConfigsRequest,
  ClusterStatusResponse,
  ConfigDescription,
  ConfigTarget,
  CreateTopicRequest,
  CreateTopicResponse,
  DescribeTopicResponse,
  TopicSummary,
} from "../../internal/grpc/generated/admin.ts";
import type {
  AppendResponse,
  Log,
  OffsetsResponse,
  Producer,
  StoredRecord,
  TailRequest,
} from "../../internal/grpc/generated/log.ts";
import { methodsOf } from "../../internal/grpc/methods.ts";
import type { Clock } from "../../internal/ports/clock.ts";
import { NativeCalls } from "./native-calls.ts";
import type { NativeCallsOptions } from "./native-calls.ts";
import { NativeError } from "./native-error.ts";

export interface RecordToAppend {
  /** Left out: no key. */
  readonly key?: Uint8Array;
  /** Left out: null, which in a compacted topic deletes the key. */
  readonly value?: Uint8Array;
  readonly headers?: readonly { readonly key: string; readonly value?: Uint8Array }[];
  /** Left out: the broker's time. */
  readonly timestampMs?: number;
}

export interface AppendChoices {
  /** Append only if the partition ends here; else the call fails with kind `unexpected-end`. */
  readonly expectedEndOffset?: number;
  /** Makes the append idempotent, and so safe to repeat when a connection breaks. */
  readonly producer?: Producer;
}

export interface TailChoices {
  /** Where to begin. Default: `end`. */
  readonly from?:
    "earliest" | "end" | { readonly offset: number } | { readonly timestampMs: number };
  /** End when everything was sent that was committed at the beginning, instead of following. Default: false. */
  readonly stopAtEnd?: boolean;
  /** Ends the tail. */
  readonly signal?: AbortSignal;
}

export type TopicChoices = Partial<Omit<CreateTopicRequest, "name">>;

const TAIL_DEFAULTS = { responseBytesMax: 0, stopAtEnd: false } as const;

export class NativeClient implements Disposable {
  readonly #calls: NativeCalls;
  readonly #log = methodsOf<Log>("flotilla/v1/log.proto", "flotilla.v1.Log");
  readonly #admin = methodsOf<Admin>("flotilla/v1/admin.proto", "flotilla.v1.Admin");

  constructor(clock: Clock, options: NativeCallsOptions) {
    this.#calls = new NativeCalls(clock, options);
  }

  close(): void {
    this.#calls.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Appends records as one batch. Fails with a NativeError. */
  append(
    topic: string,
    partition: number,
    records: readonly RecordToAppend[],
    choices: AppendChoices = {},
  ): Promise<AppendResponse> {
    const sent = records.map((record) => ({ ...record, headers: record.headers ?? [] }));
    const request = { topic, partition, records: sent, ...choices };
    const isRepeatable = choices.producer !== undefined;
    return this.#calls.unary(this.#log.Append, request, { topic, partition }, isRepeatable);
  }

  /** The records of a partition in order, each once, also across changes of the leader. Fails with a NativeError. */
  async *tail(
    topic: string,
    partition: number,
    choices: TailChoices = {},
  ): AsyncGenerator<StoredRecord, void, undefined> {
    const place = { topic, partition };
    let start = await this.#tailStart(topic, partition, choices);
    let deadlineMs = 0;
    const isEnded = (): boolean => choices.signal?.aborted === true;
    for (let tries = 0; !isEnded(); tries++) {
      const address = this.#calls.addressOf(place);
      const request = { topic, partition, ...TAIL_DEFAULTS, ...start };
      const stopAtEnd = choices.stopAtEnd ?? false;
      const call = this.#calls.serverStream(this.#log.Tail, { ...request, stopAtEnd }, address);
      const cancel = (): void => call.cancel();
      choices.signal?.addEventListener("abort", cancel, { once: true });
      try {
        for await (const response of call as AsyncIterable<{
          readonly records: readonly StoredRecord[];
          readonly nextOffset: number;
        }>) {
          tries = 0;
          // Before the records are given out: whoever leaves this generator there does not come back.
          start = { offset: response.nextOffset };
          yield* response.records;
        }
        return;
      } catch (error) {
        if (isEnded()) return;
        if (!isServiceError(error)) throw error;
        const fault = new NativeError(error);
        if (!fault.isPassing && !fault.isBroken) throw fault;
        if (tries === 0) deadlineMs = this.#calls.nowMs() + this.#calls.callMsMax;
        const goesOn = await this.#calls.turnedElsewhere(fault, place, address, tries, deadlineMs);
        if (!goesOn) throw fault;
      } finally {
        choices.signal?.removeEventListener("abort", cancel);
        call.cancel();
      }
    }
  }

  /** The end is looked up first: a tail that is cut off before its first record would not know where to go on. */
  async #tailStart(
    topic: string,
    partition: number,
    { from = "end" }: TailChoices,
  ): Promise<Partial<TailRequest>> {
    if (from === "earliest") return { earliest: true };
    if (from !== "end") return from;
    return { offset: (await this.offsets(topic, partition)).highWatermark };
  }

  /** Where a partition begins and ends, and the first record not before a time. */
  offsets(topic: string, partition: number, timestampMs?: number): Promise<OffsetsResponse> {
    const request = { topic, partition, ...(timestampMs === undefined ? {} : { timestampMs }) };
    return this.#calls.unary(this.#log.Offsets, request, { topic, partition }, true);
  }

  /** A new identity for idempotent appends. */
  initProducer(): Promise<{ readonly id: number; readonly epoch: number }> {
    return this.#calls.unary(this.#log.InitProducer, {}, null, true);
  }

  createTopic(name: string, choices: TopicChoices = {}): Promise<CreateTopicResponse> {
    const request = { name, assignments: [], configs: [], validateOnly: false, ...choices };
    return this.#calls.unary(this.#admin.CreateTopic, request, null, false);
  }

  async deleteTopic(name: string): Promise<void> {
    await this.#calls.unary(this.#admin.DeleteTopic, { name, topicId: "" }, null, false);
  }

  /** All topics whose names begin with `prefix`, in order. */
  async *topics(prefix = "", includeInternal = false): AsyncGenerator<TopicSummary, void> {
    let pageToken = "";
    do {
      const request = { prefix, includeInternal, pageSize: 0, pageToken };
      const page = await this.#calls.unary(this.#admin.ListTopics, request, null, true);
      yield* page.topics;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  describeTopic(name: string): Promise<DescribeTopicResponse> {
    return this.#calls.unary(this.#admin.DescribeTopic, { name, topicId: "" }, null, true);
  }

  /** Raises the number of partitions to `partitions`. */
  async createPartitions(topic: string, partitions: number): Promise<void> {
    const request = { topic, partitions, assignments: [], validateOnly: false };
    await this.#calls.unary(this.#admin.CreatePartitions, request, null, false);
  }

  async describeConfigs(
    of: ConfigTarget,
    names: readonly string[] = [],
  ): Promise<readonly ConfigDescription[]> {
    const method = this.#admin.DescribeConfigs;
    return (await this.#calls.unary(method, { of, names }, null, true)).configs;
  }

  async alterConfigs(of: ConfigTarget, changes: AlterConfigsRequest["changes"]): Promise<void> {
    const request = { of, changes, validateOnly: false };
    await this.#calls.unary(this.#admin.AlterConfigs, request, null, false);
  }

  clusterStatus(): Promise<ClusterStatusResponse> {
    return this.#calls.unary(this.#admin.ClusterStatus, {}, null, true);
  }
}

function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "metadata" in error && "code" in error;
}
