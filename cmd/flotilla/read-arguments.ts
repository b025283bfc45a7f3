// From the words of a command line to an invocation of a command. Unknown words are refused with the nearest known one.
import { parseArgs } from "node:util";
import { nearestName } from "../../internal/config/nearest.ts";
import { isSettingName, SETTING_NAMES } from "../../internal/config/settings-table.ts";
import { OptionReader } from "./command.ts";
import type { Command, Option, OptionValue } from "./command.ts";
import { usageFailure } from "./exit-code.ts";

export interface Arguments {
  readonly options: OptionReader;
  readonly positionals: readonly string[];
  readonly settingFlags: readonly string[];
}

export const HELP: Option = { type: "boolean", short: "h", doc: "Show this help." };

/** The command that the first words name, and the words that follow. */
export function findCommand(
  commands: readonly Command[],
  words: readonly string[],
): { readonly command: Command; readonly rest: readonly string[] } {
  const longest = commands
    .filter(({ name }) => name.split(" ").every((word, at) => words[at] === word))
    .toSorted((one, other) => other.name.length - one.name.length)[0];
  if (longest !== undefined) {
    return { command: longest, rest: words.slice(longest.name.split(" ").length) };
  }
  const [first = "", second] = words;
  const family = commands.filter(({ name }) => name.startsWith(`${first} `));
  const known = family.length > 0 ? family : commands;
  const written = family.length > 0 && second !== undefined ? `${first} ${second}` : first;
  if (family.length > 0 && (second === undefined || second.startsWith("-"))) {
    throw usageFailure(
      `flotilla ${first} needs one of ${family.map(({ name }) => name.slice(first.length + 1)).join(", ")}`,
      `flotilla help ${first}`,
    );
  }
  const nearest = nearestName(written, [...known.map(({ name }) => name), "help"]);
  throw usageFailure(
    `there is no command ${written}${nearest === null ? "" : `; did you mean ${nearest}?`}`,
    "flotilla help",
  );
}

/** Reads the words behind a command's name. */
export function readArguments(command: Command, words: readonly string[]): Arguments {
  const known: Record<string, Option> = { ...command.options, help: HELP };
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      Object.entries(known).map(([name, { type, short }]) => [
        name,
        short === undefined ? { type } : { type, short },
      ]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const values = new Map<string, OptionValue>();
  const positionals: string[] = [];
  const settingFlags: string[] = [];
  let taken = -1;
  for (const token of tokens) {
    if (token.index <= taken) continue;
    if (token.kind === "positional") positionals.push(token.value);
    if (token.kind !== "option") continue;
    const option = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
    if (option !== undefined) {
      takeOption(values, token.name, option, token.value, command);
      continue;
    }
    if (command.takesSettings !== true || !namesSetting(token.name)) {
      throw unknownOption(command, known, token.rawName);
    }
    // A setting's value is the next word when it does not follow an equals sign.
    settingFlags.push(words[token.index] ?? "");
    if (token.value === undefined) {
      const next = words[token.index + 1];
      if (next !== undefined) settingFlags.push(next);
      taken = token.index + 1;
    }
  }
  return { options: new OptionReader(values), positionals, settingFlags };
}

function namesSetting(name: string): boolean {
  return name === "set" || isSettingName(name);
}

function takeOption(
  values: Map<string, OptionValue>,
  name: string,
  option: Option,
  value: string | undefined,
  command: Command,
): void {
  if (option.type === "boolean") {
    if (value !== undefined) throw usageFailure(`--${name} takes no value`, helpFor(command));
    values.set(name, true);
    return;
  }
  if (value === undefined) throw usageFailure(`--${name} needs a value`, helpFor(command));
  const held = values.get(name);
  if (option.multiple === true) values.set(name, [...(Array.isArray(held) ? held : []), value]);
  else values.set(name, value);
}

function unknownOption(
  command: Command,
  known: Readonly<Record<string, Option>>,
  written: string,
): Error {
  const names = [...Object.keys(known), ...(command.takesSettings === true ? SETTING_NAMES : [])];
  const nearest = nearestName(written.replace(/^-+/, ""), names);
  return usageFailure(
    `flotilla ${command.name} has no option ${written}` +
      (nearest === null ? "" : `; did you mean --${nearest}?`),
    helpFor(command),
  );
}

function helpFor(command: Command): string {
  return `flotilla help ${command.name}`;
}
