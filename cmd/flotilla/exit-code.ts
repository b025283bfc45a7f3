// What the exit codes of every command mean. Scripts may rely on them.

export const EXIT_CODE = {
  ok: 0,
  /** The operation failed: the cluster refused it, or a broker could not start. */
  failed: 1,
  /** The command line or a setting is wrong; nothing was done. */
  usage: 2,
  /** No broker of the cluster could be reached. */
  unreachable: 3,
  /** A broker stopped because it could not trust itself; its log says why. */
  fatal: 70,
} as const;

export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE];

/** Ends a command with a message on standard error. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly exitCode: ExitCode;
  /** What the user may do about it; printed on a line of its own. */
  readonly hint: string | null;

  constructor(exitCode: ExitCode, message: string, hint: string | null = null) {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

export function usageFailure(message: string, hint: string | null = null): CommandFailure {
  return new CommandFailure(EXIT_CODE.usage, message, hint);
}

/** Whoever read standard output has seen enough. Ends a command in order, and is no failure. */
export class OutputClosed extends Error {
  override readonly name = "OutputClosed";
}

/** Why nothing more can be printed: `flotilla consume … | head -1`, or a full disk. */
export function outputFailure(error: NodeJS.ErrnoException): CommandFailure | OutputClosed {
  if (error.code === "EPIPE") return new OutputClosed();
  const why = error.code ?? error.message;
  return new CommandFailure(EXIT_CODE.failed, `cannot write to standard output: ${why}`);
}
