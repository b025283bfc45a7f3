// A terminal for tests: it keeps what a command writes, and feeds it what a test wants it to read.
import { Readable } from "node:stream";
import type { Terminal } from "../../cmd/flotilla/terminal.ts";

export class FakeTerminal implements Terminal {
  readonly input: Readable;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly isWatched = false;
  readonly printsToScreen = false;
  readonly #interruption = new AbortController();
  readonly #written: Uint8Array[] = [];
  readonly #complaints: string[] = [];

  constructor(input = "", environment: Readonly<Record<string, string>> = {}) {
    this.input = Readable.from([Buffer.from(input)]);
    this.environment = environment;
  }

  /** What went to standard output. */
  get output(): string {
    return Buffer.concat(this.#written).toString();
  }

  /** What went to standard error. */
  get complaints(): string {
    return this.#complaints.join("\n");
  }

  write(bytes: string | Uint8Array): Promise<void> {
    this.#written.push(Buffer.from(bytes));
    return Promise.resolve();
  }

  print(line: string): void {
    this.#written.push(Buffer.from(`${line}\n`));
  }

  complain(line: string): void {
    this.#complaints.push(line);
  }

  redraw(): void {}

  interruption(): AbortSignal {
    return this.#interruption.signal;
  }

  /** Ctrl-C. */
  interrupt(): void {
    this.#interruption.abort();
  }
}
