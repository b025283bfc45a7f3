// `flotilla start`: one broker, in the foreground, with its log on standard output.
import type { Command } from "../command.ts";
import { readSettings } from "../broker/load-settings.ts";
import { runBroker } from "../broker/run-broker.ts";
import { usageFailure } from "../exit-code.ts";
import { VERSION } from "../version.ts";

export const start: Command = {
  name: "start",
  positionals: "",
  summary: "Start one broker.",
  about: [
    "The broker runs in the foreground and logs JSON lines to standard output. SIGTERM or Ctrl-C stops it in order: " +
      "clients finish, leaderships move to other brokers; a second signal ends it at once.",
    "Without initial.brokers the broker is a cluster of its own. broker.pid beside the settings file, or in the data " +
      "directory without one, holds the id of its process.",
  ],
  options: {
    config: { type: "string", value: "FILE", doc: "A JSON file with settings." },
  },
  examples: [
    {
      line: "flotilla start",
      does: "A broker on the default ports, with its data in .flotilla/data",
    },
    {
      line: "flotilla start --config .flotilla/cluster/2/flotilla.json",
      does: "A broker of the local cluster again, after it was killed",
    },
    {
      line: "flotilla start --broker.id 4 --kafka.listen 0.0.0.0:9092 --kafka.advertised log4.example:9092",
      does: "Settings as options",
    },
  ],
  takesSettings: true,
  async run({ options, positionals, settingFlags, terminal }) {
    if (positionals.length > 0) throw usageFailure(`flotilla start takes no ${positionals[0]}`);
    const loaded = readSettings(options.text("config"), settingFlags, terminal.environment);
    const level = loaded.settings.get("log.level");
    return runBroker({ ...loaded, log: { level }, version: VERSION });
  },
};
