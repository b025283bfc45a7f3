// Keeps the metadata image of a broker that is no voter of group 0 up to date: it asks a voter for what follows its
// version, and asks again when answered, when the source went away, or when no answer came for a while (then the next
// source). A broker that becomes a voter stops it; the image goes on from there.
//
//   idle --start--> asking --piece--> asking (the next piece, or what follows) ... --stop--> idle
import type { BrokerId, LogIndex } from "../model/ids.ts";
import type { Cancel, Clock } from "../ports/clock.ts";
import type { ImagePiece } from "./image-messages.ts";
import { decodeImagePiece, encodeImageFetch } from "./image-messages.ts";
import type { MetadataImage } from "./image.ts";
import { decodeRecords } from "./record-codec.ts";
import type { ControllerRecord } from "./records.ts";

export interface ImageFollowerPorts {
  readonly clock: Clock;
  /** Voters of group 0 with an open session, best first (its leader). */
  sources(): readonly BrokerId[];
  /** False: nothing was sent. */
  send(to: BrokerId, fetch: Uint8Array): boolean;
  /** A source said something that this version cannot understand: this broker cannot go on. */
  undecodable(detail: string): void;
}

/** A source with no news answers only when it has some; asking again meanwhile is cheap. */
const ANSWER_MS_MAX = 2_000;
const NO_SOURCE_MS = 100;

interface Snapshot {
  readonly version: LogIndex;
  readonly pieceCount: number;
  readonly records: ControllerRecord[];
  pieces: number;
}

export class ImageFollower {
  readonly #image: MetadataImage;
  readonly #ports: ImageFollowerPorts;
  #isOn = false;
  #question = 0;
  #source: BrokerId | null = null;
  /** How many questions in a row had no answer: the next source is tried. */
  #misses = 0;
  #snapshot: Snapshot | null = null;
  #cancelTimer: Cancel | null = null;

  constructor(image: MetadataImage, ports: ImageFollowerPorts) {
    this.#image = image;
    this.#ports = ports;
  }

  start(): void {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#ask();
  }

  stop(): void {
    this.#isOn = false;
    this.#snapshot = null;
    this.#source = null;
    this.#cancelTimer?.();
  }

  /** `bytes` are lent. Answers to earlier questions are ignored. */
  received(from: BrokerId, bytes: Uint8Array): void {
    const piece = decodeImagePiece(bytes);
    if (piece === null || !this.#isOn) return;
    if (from !== this.#source || piece.question !== this.#question) return;
    this.#misses = 0;
    if (piece.snapshot === 0) this.#takeEntries(piece);
    else this.#takePiece(piece);
    if (this.#isOn) this.#ask();
  }

  sessionBegan(): void {
    if (this.#isOn && this.#source === null) this.#ask();
  }

  sessionEnded(broker: BrokerId): void {
    if (broker !== this.#source) return;
    this.#snapshot = null;
    this.#ask();
  }

  #ask(): void {
    const sources = this.#ports.sources();
    this.#source = sources[this.#misses % Math.max(1, sources.length)] ?? null;
    this.#question++;
    const snapshot = this.#snapshot;
    const message = encodeImageFetch({
      question: this.#question,
      version: this.#image.version,
      snapshot: snapshot?.version ?? 0,
      piece: snapshot?.pieces ?? 0,
    });
    const isSent = this.#source !== null && this.#ports.send(this.#source, message);
    this.#cancelTimer?.();
    this.#cancelTimer = this.#ports.clock.after(isSent ? ANSWER_MS_MAX : NO_SOURCE_MS, () => {
      this.#misses++;
      this.#snapshot = null;
      this.#ask();
    });
  }

  #takeEntries(piece: ImagePiece): void {
    this.#snapshot = null;
    for (const { index, records } of piece.entries) {
      const decoded = this.#decode(records);
      if (decoded === null) return;
      this.#image.advance(index as LogIndex, decoded);
    }
  }

  #takePiece(piece: ImagePiece): void {
    const held = this.#snapshot;
    const goesOn = held?.version === piece.snapshot && held.pieces === piece.piece;
    if (!goesOn && piece.piece !== 0) {
      this.#snapshot = null; // Another snapshot than the one begun: from its start.
      return;
    }
    const version = piece.snapshot as LogIndex;
    const snapshot: Snapshot =
      goesOn && held !== null
        ? held
        : { version, pieceCount: piece.pieceCount, records: [], pieces: 0 };
    for (const { records } of piece.entries) {
      const decoded = this.#decode(records);
      if (decoded === null) return;
      for (const record of decoded) snapshot.records.push(record);
    }
    snapshot.pieces++;
    this.#snapshot = snapshot;
    if (snapshot.pieces < snapshot.pieceCount) return;
    this.#snapshot = null;
    this.#image.install(snapshot.version, snapshot.records);
  }

  #decode(bytes: Uint8Array): readonly ControllerRecord[] | null {
    const decoded = decodeRecords(bytes, 0, bytes.length);
    if (decoded.ok) return decoded.value;
    this.stop();
    this.#ports.undecodable(decoded.fault.detail);
    return null;
  }
}
