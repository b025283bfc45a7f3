// `flotilla dev`: one broker for trying things out, which leaves nothing behind.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { showAddress } from "../../../internal/config/addresses.ts";
import { readSettings } from "../broker/load-settings.ts";
import { runBroker } from "../broker/run-broker.ts";
import type { Command } from "../command.ts";
import { usageFailure } from "../exit-code.ts";
import { VERSION } from "../version.ts";

export const dev: Command = {
  name: "dev",
  positionals: "",
  summary: "Start one broker with temporary data.",
  about: [
    "The broker is a cluster of its own, on the default ports. Its data and its log live in a temporary directory, which " +
      "is removed when it stops.",
  ],
  options: {
    config: { type: "string", value: "FILE", doc: "A JSON file with settings." },
  },
  examples: [
    { line: "flotilla dev", does: "Until Ctrl-C" },
    { line: "flotilla dev --kafka.listen 127.0.0.1:0", does: "On any free port for Kafka clients" },
  ],
  takesSettings: true,
  async run({ options, positionals, settingFlags, terminal }) {
    if (positionals.length > 0) throw usageFailure(`flotilla dev takes no ${positionals[0]}`);
    const directory = mkdtempSync(join(tmpdir(), "flotilla-dev-"));
    const log = join(directory, "broker.log");
    try {
      const own = `--data.directory=${join(directory, "data")}`;
      const flags = [...settingFlags, own];
      const { settings } = readSettings(options.text("config"), flags, terminal.environment);
      return await runBroker({
        settings,
        file: null,
        log: { level: settings.get("log.level"), to: log },
        version: VERSION,
        serving: ({ address }) => {
          terminal.print(`Kafka  ${showAddress(address("kafka.listen"))}`);
          terminal.print(`gRPC   ${showAddress(address("grpc.listen"))}`);
          terminal.print(`HTTP   ${showAddress(address("http.listen"))}`);
          terminal.print(`log    ${log}`);
          terminal.print("Ctrl-C stops the broker and removes its data.");
        },
      });
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  },
};
