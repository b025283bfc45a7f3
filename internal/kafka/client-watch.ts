// Tells clients that are slow from clients that are gone or hostile: one that sends nothing, one whose frame never ends, and
// one that takes nothing of what it asked for. Looked at every second or so; nothing happens per request.
import { FRAME_PROGRESS_BYTES_MIN, FRAME_STALL_MS, SEND_STALL_MS } from "./limits.ts";

/** A connection as it is now. */
export interface ClientState {
  readonly nowMs: number;
  /** Whether it holds the beginning of a frame. */
  readonly isMidFrame: boolean;
  /** Whether we read what it sends. */
  readonly isReading: boolean;
  /** Whether nothing of it is under way. */
  readonly isAnswered: boolean;
  readonly receivedBytes: number;
  /** Handed over and not taken by the system. */
  readonly inFlightBytes: number;
  readonly takenBytes: number;
  readonly bufferedBytes: number;
}

export class ClientWatch {
  readonly #idleMsMax: number;
  #activeMs: number;
  /** Since when the present frame is incomplete, and how much had arrived then; null when none is. */
  #frameMarkMs: number | null = null;
  #frameMarkBytes = 0;
  /** When the system was last seen to take bytes, or had taken all. */
  #takenMarkMs: number;
  #takenMarkBytes = 0;
  #bufferedMarkBytes = 0;

  constructor(nowMs: number, idleMsMax: number) {
    this.#idleMsMax = idleMsMax;
    this.#activeMs = nowMs;
    this.#takenMarkMs = nowMs;
  }

  /** A request arrived. */
  requested(nowMs: number): void {
    this.#activeMs = nowMs;
    this.#frameMarkMs = null;
  }

  /** Why the client should be given up, or null. */
  verdict(state: ClientState): "slow-reader" | "incomplete-frame" | "idle" | null {
    if (this.#isSlowReader(state)) return "slow-reader";
    if (this.#isStuckFrame(state)) return "incomplete-frame";
    return this.#isIdle(state) ? "idle" : null;
  }

  /** How long, as far as the last look tells, nothing of the answers under way was taken. */
  stalledMs(nowMs: number): number {
    return nowMs - this.#takenMarkMs;
  }

  #isSlowReader({ nowMs, inFlightBytes, takenBytes, bufferedBytes }: ClientState): boolean {
    const moved = takenBytes !== this.#takenMarkBytes || bufferedBytes < this.#bufferedMarkBytes;
    this.#bufferedMarkBytes = bufferedBytes;
    if (inFlightBytes === 0 || moved) {
      this.#takenMarkMs = nowMs;
      this.#takenMarkBytes = takenBytes;
      return false;
    }
    return nowMs - this.#takenMarkMs > SEND_STALL_MS;
  }

  #isStuckFrame({ nowMs, isMidFrame, isReading, receivedBytes }: ClientState): boolean {
    if (!isMidFrame || !isReading) {
      this.#frameMarkMs = null;
      return false;
    }
    if (this.#frameMarkMs !== null) {
      if (nowMs - this.#frameMarkMs <= FRAME_STALL_MS) return false;
      if (receivedBytes - this.#frameMarkBytes < FRAME_PROGRESS_BYTES_MIN) return true;
    }
    this.#frameMarkMs = nowMs;
    this.#frameMarkBytes = receivedBytes;
    return false;
  }

  #isIdle({ nowMs, isAnswered, isMidFrame }: ClientState): boolean {
    if (!isAnswered || isMidFrame) {
      this.#activeMs = nowMs;
      return false;
    }
    return nowMs - this.#activeMs > this.#idleMsMax;
  }
}
