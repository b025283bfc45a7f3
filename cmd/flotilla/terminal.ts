// What a command sees of the process that it runs in: three streams, the environment and the signals. Tests pass one
// that keeps what was written. What goes to a screen is made printable here, for all commands; a pipe gets it as it is.
import { writeSync } from "node:fs";
import type { Readable } from "node:stream";
import { EXIT_CODE, OutputClosed, outputFailure } from "./exit-code.ts";
import { printable, printableBytes } from "./printable.ts";

export interface Terminal {
  readonly input: Readable;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * Standard output: results. On a screen, control characters are shown as escapes. Resolves when the system has them, so that
   * a slow reader slows the command; rejects with what `outputFailure` makes of it when nobody takes them.
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

/** What this needs of `process.stdout` and `process.stderr`. */
export interface OutputStream {
  readonly isTTY?: boolean;
  write(bytes: string | Uint8Array, taken?: (error?: Error | null) => void): boolean;
  on(event: "error", listener: (error: NodeJS.ErrnoException) => void): unknown;
}

export class ProcessTerminal implements Terminal {
  readonly input = process.stdin;
  readonly environment = process.env;
  readonly isWatched: boolean;
  readonly printsToScreen: boolean;
  readonly #output: OutputStream;
  readonly #errors: OutputStream;
  #interruption: AbortSignal | null = null;
  #isToldOfFailure = false;

  constructor(output: OutputStream = process.stdout, errors: OutputStream = process.stderr) {
    this.#output = output;
    this.#errors = errors;
    this.printsToScreen = output.isTTY === true;
    this.isWatched = errors.isTTY === true;
    output.on("error", (error: NodeJS.ErrnoException) => {
      // Whoever waits for a write was told, and ends in order.
      if (this.#isToldOfFailure) return;
      const failure = outputFailure(error);
      if (failure instanceof OutputClosed) process.exit(EXIT_CODE.ok);
      writeSync(process.stderr.fd, `flotilla: ${failure.message}\n`);
      process.exit(failure.exitCode);
    });
    // Who reads the messages is gone; the results may still be wanted.
    errors.on("error", () => {});
  }

  async write(bytes: string | Uint8Array): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#output.write(this.#shown(bytes), (error) => {
        if (error === null || error === undefined) return resolve();
        this.#isToldOfFailure = true;
        reject(outputFailure(error));
      });
    });
  }

  print(line: string): void {
    this.#output.write(this.#shown(`${line}\n`));
  }

  complain(line: string): void {
    this.redraw(null);
    this.#errors.write(`${this.isWatched ? printable(line) : line}\n`);
  }

  redraw(line: string | null): void {
    if (this.isWatched) this.#errors.write(`\r\u001b[2K${line ?? ""}`);
  }

  /** Resolves when everything is with the system. */
  async flush(): Promise<void> {
    for (const stream of [this.#output, this.#errors]) {
      await new Promise<void>((resolve) => stream.write("", () => resolve()));
    }
  }

  #shown(bytes: string | Uint8Array): string | Uint8Array {
    if (!this.printsToScreen) return bytes;
    return typeof bytes === "string" ? printable(bytes) : printableBytes(bytes);
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
