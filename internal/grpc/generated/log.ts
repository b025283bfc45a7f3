// Written by `make gen` from proto/flotilla/v1/log.proto; edit that.

export interface Log {
  readonly Append: { readonly request: AppendRequest; readonly response: AppendResponse };
  readonly AppendStream: {
    readonly request: AppendRequest;
    readonly response: AppendStreamResponse;
  };
  readonly Tail: { readonly request: TailRequest; readonly response: TailResponse };
  readonly Offsets: { readonly request: OffsetsRequest; readonly response: OffsetsResponse };
  readonly InitProducer: {
    readonly request: InitProducerRequest;
    readonly response: InitProducerResponse;
  };
}

export interface Header {
  readonly key: string;
  readonly value?: Uint8Array;
}

export interface NewRecord {
  readonly key?: Uint8Array;
  readonly value?: Uint8Array;
  readonly headers: readonly Header[];
  readonly timestampMs?: number;
}

export interface Producer {
  readonly id: number;
  readonly epoch: number;
  readonly baseSequence: number;
}

export interface AppendRequest {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly NewRecord[];
  readonly expectedEndOffset?: number;
  readonly producer?: Producer | null;
}

export interface AppendResponse {
  readonly baseOffset: number;
  readonly endOffset: number;
  readonly appendTimeMs?: number;
  readonly logStartOffset: number;
}

export interface Fault {
  readonly kind: string;
  readonly code: number;
  readonly message: string;
  readonly endOffset?: number;
  readonly leader?: string;
}

export interface AppendStreamResponse {
  readonly appended?: AppendResponse;
  readonly refused?: Fault;
  /** Which of them is there. */
  readonly outcome?: "appended" | "refused";
}

export interface TailRequest {
  readonly topic: string;
  readonly partition: number;
  readonly offset?: number;
  readonly timestampMs?: number;
  readonly earliest?: boolean;
  readonly end?: boolean;
  readonly responseBytesMax: number;
  readonly stopAtEnd: boolean;
  /** Which of them is there. */
  readonly start?: "offset" | "timestampMs" | "earliest" | "end";
}

export interface StoredRecord {
  readonly offset: number;
  readonly timestampMs: number;
  readonly key?: Uint8Array;
  readonly value?: Uint8Array;
  readonly headers: readonly Header[];
  readonly leaderEpoch: number;
}

export interface TailResponse {
  readonly records: readonly StoredRecord[];
  readonly nextOffset: number;
  readonly highWatermark: number;
}

export interface OffsetsRequest {
  readonly topic: string;
  readonly partition: number;
  readonly timestampMs?: number;
}

export interface OffsetsResponse {
  readonly logStartOffset: number;
  readonly highWatermark: number;
  readonly leaderEpoch: number;
  readonly found?: RecordPlace | null;
}

export interface RecordPlace {
  readonly offset: number;
  readonly timestampMs: number;
}

export type InitProducerRequest = Readonly<Record<string, never>>;

export interface InitProducerResponse {
  readonly id: number;
  readonly epoch: number;
}
