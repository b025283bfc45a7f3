// Where log lines leave the process. Lines are gathered and written in the background, one write at a time, so that a
// slow terminal or pipe does not stop the event loop. A log is never a reason to wait or to end: what cannot be
// written (a full disk, a reader that stands still or is gone) is dropped, and counted where that can be told later.
import { mkdirSync, openSync, write, writeSync } from "node:fs";
import { dirname } from "node:path";

const WAITING_BYTES_MAX = 4 << 20;
/** A pipe that is full: how long until the next attempt, and how often a flush tries. */
const FULL_PIPE_MS = 20;
const FLUSH_ATTEMPTS_MAX = 50;

/** Opens the file at `path` for more lines; its directory is made. */
export function openLogFile(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, "a");
}

export class LogSink {
  readonly #descriptor: number;
  readonly #bytesMax: number;
  #lines: Buffer[] = [];
  #waitingBytes = 0;
  #lostLines = 0;
  #isWriting = false;
  /** Whoever read the lines is gone. */
  #isUnread = false;

  constructor(descriptor: number, bytesMax = WAITING_BYTES_MAX) {
    this.#descriptor = descriptor;
    this.#bytesMax = bytesMax;
  }

  /** Bytes that are not with the system yet. */
  get waitingBytes(): number {
    return this.#waitingBytes;
  }

  /** Takes one line, with its line feed. */
  write(line: string): void {
    if (this.#isUnread) return;
    const bytes = Buffer.from(line);
    if (this.#waitingBytes + bytes.length > this.#bytesMax) {
      this.#lostLines++;
      return;
    }
    if (this.#lostLines > 0 && this.#lines.length === 0) this.#queue(this.#lossLine());
    this.#queue(bytes);
    this.#writeSoon();
  }

  /** Writes what waits and is not being written at this moment, or gives up after a second. */
  flush(): void {
    let rest = this.#take();
    const taken = rest.length;
    for (let attempts = 0; rest.length > 0 && attempts < FLUSH_ATTEMPTS_MAX;) {
      try {
        rest = rest.subarray(writeSync(this.#descriptor, rest));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "EAGAIN") break;
        attempts++;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_MS);
      }
    }
    this.#lost(rest);
    this.#waitingBytes -= taken;
  }

  #queue(bytes: Buffer): void {
    this.#lines.push(bytes);
    this.#waitingBytes += bytes.length;
  }

  #lossLine(): Buffer {
    const time = new Date().toISOString();
    const loss = { level: "warn", time, lines: this.#lostLines, event: "log-lines-lost" };
    this.#lostLines = 0;
    return Buffer.from(`${JSON.stringify(loss)}\n`);
  }

  #take(): Buffer {
    const lines = this.#lines;
    this.#lines = [];
    return lines.length === 1 ? (lines[0] as Buffer) : Buffer.concat(lines);
  }

  #writeSoon(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    // The lines of one turn leave in one write.
    setImmediate(() => this.#writeOn(this.#take()));
  }

  #writeOn(bytes: Buffer): void {
    if (bytes.length === 0) {
      this.#isWriting = false;
      return;
    }
    write(this.#descriptor, bytes, (error, written) => {
      if (error?.code === "EAGAIN") {
        setTimeout(() => this.#writeOn(bytes), FULL_PIPE_MS).unref();
        return;
      }
      if (error !== null) {
        this.#isUnread = error.code === "EPIPE";
        this.#lost(bytes);
        this.#waitingBytes -= bytes.length;
        this.#writeOn(this.#take());
        return;
      }
      this.#waitingBytes -= written;
      this.#writeOn(written < bytes.length ? bytes.subarray(written) : this.#take());
    });
  }

  #lost(bytes: Buffer): void {
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) this.#lostLines++;
  }
}
