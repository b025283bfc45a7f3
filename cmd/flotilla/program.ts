// Runs one command line and answers with the exit code; every failure becomes a message on standard error.
import type { Command } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { CommandFailure, EXIT_CODE, OutputClosed } from "./exit-code.ts";
import type { ExitCode } from "./exit-code.ts";
import { overview, page, settingsPage } from "./help.ts";
import { findCommand, readArguments } from "./read-arguments.ts";
import { report } from "./broker/supervision.ts";
import type { Terminal } from "./terminal.ts";
import { VERSION } from "./version.ts";

export async function runProgram(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  try {
    return await run(words, terminal);
  } catch (error) {
    if (error instanceof OutputClosed) return EXIT_CODE.ok;
    if (!(error instanceof CommandFailure)) throw error;
    terminal.complain(`flotilla: ${error.message}`);
    if (error.hint !== null) terminal.complain(`  ${error.hint}`);
    report({ is: "failed", message: error.message, hint: error.hint });
    return error.exitCode;
  }
}

async function run(words: readonly string[], terminal: Terminal): Promise<ExitCode> {
  const [first] = words;
  if (first === "--version" || first === "-V") {
    terminal.print(VERSION);
    return EXIT_CODE.ok;
  }
  if (first === undefined || first === "help" || first === "--help" || first === "-h") {
    terminal.print(helpOn(words.slice(1)));
    return first === undefined ? EXIT_CODE.usage : EXIT_CODE.ok;
  }
  const [, second, ...more] = words;
  const isFamily = COMMANDS.some(({ name }) => name.startsWith(`${first} `));
  if (isFamily && more.length === 0 && (second === "--help" || second === "-h")) {
    terminal.print(helpOn([first]));
    return EXIT_CODE.ok;
  }
  const { command, rest } = findCommand(COMMANDS, words);
  const read = readArguments(command, rest);
  if (read.options.isSet("help")) {
    terminal.print(page(command));
    return EXIT_CODE.ok;
  }
  return command.run({ ...read, terminal });
}

function helpOn(words: readonly string[]): string {
  if (words.length === 0) return overview(COMMANDS, VERSION);
  if (words[0] === "settings") return settingsPage();
  const family: Command[] = COMMANDS.filter(({ name }) => name.startsWith(`${words.join(" ")} `));
  if (family.length > 0) return family.map((command) => page(command)).join("\n\n\n");
  return page(findCommand(COMMANDS, words).command);
}
