// One direction of one connection: takes what one socket receives and writes it to the other, as the weather allows, in
// order. The end of the sender waits in the same line, so that a cut hides it too.
import type { Socket } from "node:net";
import type { Sky, Weather } from "./weather.ts";

interface Piece {
  /** Null: the end, in order or not. */
  readonly bytes: Buffer | null;
  readonly dueMs: number;
}

/** What a direction holds before its sender is not read any more. */
const HELD_BYTES_MAX = 4 << 20;
/** How long a sender waits before it repeats what was lost. */
const REPEAT_MS_MIN = 200;
const REPEAT_MS_MAX = 800;

export class Flow {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #sky: Sky;
  readonly #weather: () => Weather;
  readonly #line: Piece[] = [];
  #heldBytes = 0;
  #lastDueMs = 0;
  #timer: NodeJS.Timeout | null = null;
  #isSwallowed = false;
  readonly #unwatch: () => void;

  constructor(from: Socket, to: Socket, sky: Sky, ends: readonly [from: number, to: number]) {
    this.#from = from;
    this.#to = to;
    this.#sky = sky;
    this.#weather = () => sky.over(...ends);
    this.#unwatch = sky.watch(() => this.#deliver());
    from.on("data", (bytes) => this.push(bytes as Buffer));
    from.on("close", () => this.push(null));
    to.on("drain", () => this.#breathe());
    to.on("close", () => this.#unwatch());
  }

  push(bytes: Buffer | null): void {
    const { effects } = this.#sky;
    const weather = this.#weather();
    if (bytes !== null) {
      if (this.#isSwallowed) return;
      if (weather.isCut) effects.cutBytes += bytes.length;
      if (chance(weather.resetPermille)) {
        effects.resetConnections++;
        this.#from.resetAndDestroy();
        this.#to.resetAndDestroy();
        return;
      }
      if (chance(weather.swallowedPermille)) {
        effects.swallowedDirections++;
        this.#isSwallowed = true;
        return;
      }
      this.#heldBytes += bytes.length;
      if (this.#heldBytes > HELD_BYTES_MAX) this.#from.pause();
    }
    this.#line.push({ bytes, dueMs: this.#dueMs(weather, bytes?.length ?? 0) });
    this.#deliver();
  }

  /** When a piece may come out: never before the one ahead of it. */
  #dueMs(weather: Weather, bytes: number): number {
    const nowMs = performance.now();
    let dueMs = nowMs;
    if (weather.delayMs > 0) {
      this.#sky.effects.delayedPieces++;
      dueMs += weather.delayMs * (1 + Math.random());
    }
    if (chance(weather.lostPermille)) {
      this.#sky.effects.lostPieces++;
      dueMs += REPEAT_MS_MIN + Math.random() * (REPEAT_MS_MAX - REPEAT_MS_MIN);
    }
    const takesMs = weather.bytesPerS > 0 ? (1_000 * bytes) / weather.bytesPerS : 0;
    this.#lastDueMs = Math.max(dueMs, this.#lastDueMs + takesMs);
    return this.#lastDueMs;
  }

  #deliver(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#weather().isCut || this.#to.destroyed) return;
    const nowMs = performance.now();
    for (let piece = this.#line[0]; piece !== undefined; piece = this.#line[0]) {
      if (piece.dueMs > nowMs) {
        this.#timer = setTimeout(() => this.#deliver(), piece.dueMs - nowMs);
        return;
      }
      this.#line.shift();
      if (piece.bytes === null) return this.#to.destroySoon();
      this.#heldBytes -= piece.bytes.length;
      this.#to.write(piece.bytes);
    }
    this.#breathe();
  }

  /** The sender is read on once what it sent has left. */
  #breathe(): void {
    const isFull = this.#heldBytes > HELD_BYTES_MAX || this.#to.writableNeedDrain;
    if (isFull && !this.#to.destroyed) this.#from.pause();
    else if (this.#from.isPaused()) this.#from.resume();
  }
}

function chance(permille: number): boolean {
  return permille > 0 && Math.random() * 1_000 < permille;
}
