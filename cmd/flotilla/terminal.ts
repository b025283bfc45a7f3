// What a command sees of the process that it runs in: three streams, the environment and the signals. Tests pass one
// that keeps what was written.
import { writeSync } from "node:fs";
import type { Readable } from "node:stream";
import { EXIT_CODE, OutputClosed, outputFailure } from "./exit-code.ts";

export interface Terminal {
  readonly input: Readable;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * Standard output: results. Resolves when the system has them, so that a slow reader slows the command; rejects with
   * what `outputFailure` makes of it when nobody takes them.
   */
  write(bytes: string | Uint8Array): Promise<void>;
  /** A line of standard output. */
  print(line: string): void;
  /** A line of standard error: what went wrong, and what is going on. */
  complain(line: string): void;
  /** Draws over the last such line of standard error; null wipes it. Does nothing where nobody watches. */
  redraw(line: string | null): void;
  /** Whether somebody watches standard error, so that a progress bar makes sense. */
  readonly isWatched: boolean;
  /** Whether standard output is a screen too. */
  readonly printsToScreen: boolean;
  /** Aborted by the first Ctrl-C or SIGTERM, once somebody asks for it. */
  interruption(): AbortSignal;
}

export class ProcessTerminal implements Terminal {
  readonly input = process.stdin;
  readonly environment = process.env;
  readonly isWatched = process.stderr.isTTY === true;
  readonly printsToScreen = process.stdout.isTTY === true;
  #interruption: AbortSignal | null = null;
  #isToldOfFailure = false;

  constructor() {
    process.stdout.on("error", (error: NodeJS.ErrnoException) => {
      // Whoever waits for a write was told, and ends in order.
      if (this.#isToldOfFailure) return;
      const failure = outputFailure(error);
      if (failure instanceof OutputClosed) process.exit(EXIT_CODE.ok);
      writeSync(process.stderr.fd, `flotilla: ${failure.message}\n`);
      process.exit(failure.exitCode);
    });
    // Who reads the messages is gone; the results may still be wanted.
    process.stderr.on("error", () => {});
  }

  async write(bytes: string | Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(bytes, (error) => {
        if (error === null || error === undefined) return resolve();
        this.#isToldOfFailure = true;
        reject(outputFailure(error));
      });
    });
  }

  print(line: string): void {
    process.stdout.write(`${line}\n`);
  }

  complain(line: string): void {
    this.redraw(null);
    process.stderr.write(`${line}\n`);
  }

  redraw(line: string | null): void {
    if (this.isWatched) process.stderr.write(`\r\u001b[2K${line ?? ""}`);
  }

  /** Resolves when everything is with the system. */
  async flush(): Promise<void> {
    for (const stream of [process.stdout, process.stderr]) {
      await new Promise<void>((resolve) => stream.write("", () => resolve()));
    }
  }

  interruption(): AbortSignal {
    if (this.#interruption !== null) return this.#interruption;
    const controller = new AbortController();
    this.#interruption = controller.signal;
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      process.once(signal, () => controller.abort(signal));
    }
    return controller.signal;
  }
}
