// The texts of `flotilla help`: the list of commands, and the page of each, from the same table that reads the command
// line.
import { SETTING_GROUPS, SETTINGS } from "../../internal/config/settings-table.ts";
import type { Setting } from "../../internal/config/setting.ts";
import type { Command, Option } from "./command.ts";
import { HELP } from "./read-arguments.ts";

const WIDTH = 100;

const EXIT_CODES = `Exit codes
  0   done
  1   the operation failed
  2   the command line or a setting is wrong; nothing was done
  3   no broker could be reached
  70  a broker stopped because it could not trust itself; its log says why`;

export function overview(commands: readonly Command[], version: string): string {
  const rows = commands.map(({ name, summary }): [string, string] => [name, summary]);
  return [
    `flotilla ${version}: a replicated, durable log service that Kafka clients talk to`,
    "",
    "Usage",
    "  flotilla COMMAND [options]",
    "",
    "Commands",
    table(rows),
    "",
    "  flotilla help COMMAND shows its options and examples, flotilla help settings the settings of a",
    "  broker, flotilla --version the version.",
    "",
    EXIT_CODES,
  ].join("\n");
}

export function page(command: Command): string {
  const usage = ["flotilla", command.name, command.positionals, "[options]"];
  const parts = [
    command.summary,
    "",
    "Usage",
    `  ${usage.filter((word) => word !== "").join(" ")}`,
  ];
  for (const paragraph of command.about) parts.push("", wrap(paragraph, 0));
  const options = Object.entries({ ...command.options, help: HELP }).map(optionRow);
  parts.push("", "Options", table(options));
  if (command.takesSettings === true) {
    parts.push("", "  Every setting is an option too; flotilla help settings lists them.");
  }
  if (command.examples.length > 0) parts.push("", "Examples");
  for (const { line, does } of command.examples) parts.push(`  # ${does}`, `  ${line}`);
  return parts.join("\n");
}

/** The settings of a broker, as options. */
export function settingsPage(): string {
  const parts = [
    wrap(
      "The settings of a broker. Each is an option (--link.silence.ms 500ms), an environment variable " +
        "(FLOTILLA_LINK_SILENCE_MS=500ms) and a key of the JSON file that --config or FLOTILLA_CONFIG names; " +
        "where several say something, the first of these wins.",
      0,
    ),
  ];
  for (const [title, names] of SETTING_GROUPS) {
    parts.push("", title);
    for (const name of names) {
      const setting = SETTINGS[name] as Setting<unknown>;
      const fallback = setting.show(setting.fallback);
      parts.push(`  --${name} ${setting.form}${fallback === "" ? "" : `  (${fallback})`}`);
      parts.push(wrap(setting.doc, 6));
    }
  }
  return parts.join("\n");
}

function optionRow([name, option]: readonly [string, Option]): [string, string] {
  const short = option.short === undefined ? "    " : `-${option.short}, `;
  const value = option.type === "string" ? ` ${option.value ?? "VALUE"}` : "";
  return [`${short}--${name}${value}`, option.doc];
}

function table(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows
    .map(([name, doc]) => `  ${name.padEnd(width)}  ${wrap(doc, width + 4).trimStart()}`)
    .join("\n");
}

/** Breaks a text at spaces, every line behind `indent` spaces. */
function wrap(text: string, indent: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines.map((one) => " ".repeat(indent) + one).join("\n");
}
