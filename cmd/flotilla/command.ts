// One command of the command line: what it is called, what it accepts, how its help reads, and what it does.
import type { ExitCode } from "./exit-code.ts";
import type { Terminal } from "./terminal.ts";

export interface Option {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** May be given several times. */
  readonly multiple?: boolean;
  /** The word for the value in the help, e.g. `N` or `HOST:PORT`. */
  readonly value?: string;
  readonly doc: string;
}

export interface Example {
  readonly line: string;
  readonly does: string;
}

export interface Command {
  /** As it is typed, e.g. `topic create`. */
  readonly name: string;
  /** What follows the name, e.g. `TOPIC [TOPIC…]`. */
  readonly positionals: string;
  readonly summary: string;
  /** Paragraphs of the help, below the usage. */
  readonly about: readonly string[];
  readonly options: Readonly<Record<string, Option>>;
  readonly examples: readonly Example[];
  /** Every setting of a broker is an option too. */
  readonly takesSettings?: boolean;
  run(call: Invocation): Promise<ExitCode>;
}

export type OptionValue = string | boolean | readonly string[];

/** A command line that was read. */
export interface Invocation {
  readonly options: OptionReader;
  readonly positionals: readonly string[];
  /** The options that name settings, as they were written. */
  readonly settingFlags: readonly string[];
  readonly terminal: Terminal;
}

export class OptionReader {
  readonly #values: ReadonlyMap<string, OptionValue>;

  constructor(values: ReadonlyMap<string, OptionValue>) {
    this.#values = values;
  }

  text(name: string): string | null {
    const value = this.#values.get(name);
    return typeof value === "string" ? value : null;
  }

  isSet(name: string): boolean {
    return this.#values.get(name) === true;
  }

  list(name: string): readonly string[] {
    const value = this.#values.get(name);
    return typeof value === "object" ? value : [];
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }
}
