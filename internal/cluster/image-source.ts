// Serves the metadata image to brokers that are no voters of group 0: entries since a version while they are still
// held, else a snapshot in pieces. Any broker with an image can be a source; voters hear of changes first. A question that has no answer yet waits for the next entry, so followers learn of a
// change as soon as this voter applied it.
import type { BrokerId, LogIndex } from "../model/ids.ts";
import type { Clock } from "../ports/clock.ts";
import type { ImageFetch, ImagePiece } from "./image-messages.ts";
import { decodeImageFetch, encodeImagePiece } from "./image-messages.ts";
import type { MetadataImage } from "./image.ts";
import { encodeRecords } from "./record-codec.ts";
import type { ControllerRecord } from "./records.ts";
import { snapshotRecords } from "./snapshot.ts";

/** Answers questions about the image; whatever carries them. */
export interface MetadataSource {
  /** `bytes` are lent. `send` may run inside this call, or later, and only for the last question of a broker. */
  asked(from: BrokerId, bytes: Uint8Array, send: SendPiece): void;
}

export type SendPiece = (to: BrokerId, piece: Uint8Array) => void;

export interface ImageSourceLimits {
  /** Of entries held for followers that are a little behind. */
  readonly heldBytesMax: number;
  /** Of one answer; one record may exceed it. */
  readonly pieceBytesMax: number;
}

const IMAGE_SOURCE_LIMITS: ImageSourceLimits = {
  heldBytesMax: 4 << 20,
  pieceBytesMax: 256 << 10,
};

interface HeldEntry {
  readonly index: LogIndex;
  readonly records: readonly ControllerRecord[];
  readonly weight: number;
}

interface Snapshot {
  readonly version: LogIndex;
  /** Records of each piece; encoded when asked for, so that no turn encodes a whole big cluster. */
  readonly pieces: readonly (readonly ControllerRecord[])[];
}

interface Question {
  readonly fetch: ImageFetch;
  readonly send: SendPiece;
}

export class ImageSource implements MetadataSource {
  readonly #image: MetadataImage;
  readonly #clock: Clock;
  readonly #limits: ImageSourceLimits;
  /** The newest entries, oldest first. Invariant: they follow `#heldAfter` without a gap. */
  readonly #held: HeldEntry[] = [];
  #heldWeight = 0;
  #heldAfter = 0 as LogIndex;
  #snapshot: Snapshot | null = null;
  readonly #waiting = new Map<BrokerId, Question>();
  #answerAsked = false;

  constructor(image: MetadataImage, clock: Clock, limits = IMAGE_SOURCE_LIMITS) {
    this.#image = image;
    this.#clock = clock;
    this.#limits = limits;
    this.#heldAfter = image.version;
    image.listen({ took: (before, version, records) => this.#hold(before, version, records) });
  }

  #hold(before: LogIndex, index: LogIndex, records: readonly ControllerRecord[] | null): void {
    if (records === null || before !== (this.#held.at(-1)?.index ?? this.#heldAfter)) {
      this.#held.length = 0;
      this.#heldWeight = 0;
      this.#heldAfter = records === null ? index : before;
    }
    if (records !== null) this.#holdEntry(index, records);
    if (this.#answerAsked || this.#waiting.size === 0) return;
    this.#answerAsked = true;
    this.#clock.turnEnd(() => this.#answerWaiting());
  }

  #holdEntry(index: LogIndex, records: readonly ControllerRecord[]): void {
    let weight = 0;
    for (const record of records) weight += weightOf(record);
    this.#held.push({ index, records, weight });
    this.#heldWeight += weight;
    while (this.#heldWeight > this.#limits.heldBytesMax) {
      const oldest = this.#held.shift()!;
      this.#heldWeight -= oldest.weight;
      this.#heldAfter = oldest.index;
    }
  }

  asked(from: BrokerId, bytes: Uint8Array, send: SendPiece): void {
    const fetch = decodeImageFetch(bytes);
    if (fetch === null) return;
    this.#waiting.delete(from);
    if (fetch.version < this.#image.version) send(from, encodeImagePiece(this.#answer(fetch)));
    else this.#waiting.set(from, { fetch, send });
  }

  /** The session with a broker ended: nobody waits for this answer any more. */
  sessionEnded(broker: BrokerId): void {
    this.#waiting.delete(broker);
  }

  #answerWaiting(): void {
    this.#answerAsked = false;
    for (const [broker, { fetch, send }] of [...this.#waiting]) {
      if (fetch.version >= this.#image.version) continue;
      this.#waiting.delete(broker);
      send(broker, encodeImagePiece(this.#answer(fetch)));
    }
  }

  #answer(fetch: ImageFetch): ImagePiece {
    if (fetch.snapshot === 0 && fetch.version >= this.#heldAfter) return this.#entriesSince(fetch);
    return this.#pieceOf(fetch);
  }

  #entriesSince({ question, version }: ImageFetch): ImagePiece {
    const entries: { index: LogIndex; records: Uint8Array }[] = [];
    let bytes = 0;
    for (const { index, records, weight } of this.#held) {
      if (index <= version) continue;
      bytes += weight;
      if (bytes > this.#limits.pieceBytesMax && entries.length > 0) break;
      entries.push({ index, records: encodeRecords(records) });
    }
    return { question, snapshot: 0, piece: 0, pieceCount: 0, entries };
  }

  #pieceOf({ question, snapshot, piece }: ImageFetch): ImagePiece {
    const held = this.#snapshot;
    const goesOn = held !== null && held.version === snapshot && piece < held.pieces.length;
    const source = goesOn ? held : this.#snapshotNow();
    const number = goesOn ? piece : 0;
    const records = encodeRecords(source.pieces[number]!);
    return {
      question,
      snapshot: source.version,
      piece: number,
      pieceCount: source.pieces.length,
      entries: [{ index: source.version, records }],
    };
  }

  /** One snapshot is kept for all who fetch one, until it is too old for what is held since. */
  #snapshotNow(): Snapshot {
    if (this.#snapshot !== null && this.#snapshot.version >= this.#heldAfter) return this.#snapshot;
    const pieces: ControllerRecord[][] = [[]];
    let bytes = 0;
    for (const record of snapshotRecords(this.#image.state)) {
      const weight = weightOf(record);
      if (bytes + weight > this.#limits.pieceBytesMax && bytes > 0) {
        pieces.push([]);
        bytes = 0;
      }
      pieces.at(-1)!.push(record);
      bytes += weight;
    }
    this.#snapshot = { version: this.#image.version, pieces };
    return this.#snapshot;
  }
}

/** About the bytes of a record, found without walking through its partitions. */
function weightOf(record: ControllerRecord): number {
  if (record.kind === "topic-created") {
    const factor = record.partitions[0]?.replicas.length ?? 0;
    return 300 + record.partitions.length * (24 + 28 * factor) + record.configs.length * 64;
  }
  return record.kind === "entry-set" ? 100 + (record.value?.length ?? 0) : 300;
}
