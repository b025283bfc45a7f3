// `flotilla completion`: a script that teaches a shell to complete commands and options. It is written from the table of
// commands that reads the command line, so the two cannot differ.
import type { Command } from "../command.ts";
import { EXIT_CODE, usageFailure } from "../exit-code.ts";
import { HELP } from "../read-arguments.ts";

type Shell = (commands: readonly Command[]) => string;

/** `commands` is asked for when it runs: this command is one of them. */
export function completion(commands: () => readonly Command[]): Command {
  return {
    name: "completion",
    positionals: "bash|zsh|fish",
    summary: "Print a script that completes commands in a shell.",
    about: ["Commands and options are completed; names of topics and groups are not."],
    options: {},
    examples: [
      { line: "source <(flotilla completion bash)", does: "In ~/.bashrc; zsh in ~/.zshrc" },
      {
        line: "flotilla completion fish > ~/.config/fish/completions/flotilla.fish",
        does: "For fish",
      },
    ],
    run({ positionals, terminal }) {
      const [name, ...more] = positionals;
      const shell = name !== undefined && Object.hasOwn(SHELLS, name) ? SHELLS[name] : undefined;
      if (shell === undefined || more.length > 0) {
        throw usageFailure(`which shell? one of ${Object.keys(SHELLS).join(", ")}`);
      }
      terminal.print(shell(commands()));
      return Promise.resolve(EXIT_CODE.ok);
    },
  };
}

const SHELLS: Readonly<Record<string, Shell>> = {
  bash: (commands) => bash(commands).join("\n"),
  zsh: (commands) => ["autoload -U +X bashcompinit && bashcompinit", ...bash(commands)].join("\n"),
  fish: (commands) => fish(commands).join("\n"),
};

/** The words that may follow the words typed so far: `""` is the beginning of the line. */
function nextWords(commands: readonly Command[]): ReadonlyMap<string, readonly string[]> {
  const next = new Map<string, Set<string>>();
  const add = (before: string, word: string): void => {
    const words = next.get(before) ?? new Set<string>();
    next.set(before, words.add(word));
  };
  for (const { name } of commands) {
    name.split(" ").forEach((word, at, words) => {
      add(words.slice(0, at).join(" "), word);
      add(["help", ...words.slice(0, at)].join(" "), word);
    });
  }
  add("", "help");
  add("help", "settings");
  for (const { name, options } of commands) {
    for (const option of Object.keys({ ...options, help: HELP })) add(name, `--${option}`);
  }
  return new Map([...next].map(([before, words]) => [before, [...words].toSorted()]));
}

function bash(commands: readonly Command[]): readonly string[] {
  const cases = [...nextWords(commands)].map(
    ([before, words]) => `    "${before}") words="${words.join(" ")}" ;;`,
  );
  return [
    "_flotilla() {",
    '  local typed="" word words=""',
    '  for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    // The longest known beginning counts: names and values of options may stand between.
    '    case "$word" in -*) continue ;; esac',
    '    case "${typed:+$typed }$word" in',
    `      ${[...nextWords(commands).keys()]
      .filter((before) => before !== "")
      .map((before) => `"${before}"`)
      .join("|")}) typed="\${typed:+$typed }$word" ;;`,
    "    esac",
    "  done",
    '  case "$typed" in',
    ...cases,
    "  esac",
    '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
    "}",
    "complete -o default -F _flotilla flotilla",
  ];
}

function fish(commands: readonly Command[]): readonly string[] {
  const lines: string[] = ["complete -c flotilla -f"];
  for (const [before, words] of nextWords(commands)) {
    const condition =
      before === ""
        ? "__fish_use_subcommand"
        : before
            .split(" ")
            .map((word) => `__fish_seen_subcommand_from ${word}`)
            .join("; and ");
    for (const word of words) {
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
      lines.push(`complete -c flotilla -n '${condition}' ${what}`);
    }
  }
  return lines;
}
