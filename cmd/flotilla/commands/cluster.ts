// `flotilla cluster`: three brokers on this machine, each a process of its own, under one supervisor.
import type { Command, OptionReader } from "../command.ts";
import { CLUSTER_DIRECTORY, clusterLayout, FIRST_PORTS, HOST } from "../cluster/layout.ts";
import { SETTINGS_OF_EACH, writeConfigFiles } from "../cluster/layout.ts";
import type { ClusterLayout, ExtraSettings, LocalPorts } from "../cluster/layout.ts";
import { stopRunning, Supervisor } from "../cluster/supervisor.ts";
import { readSettings } from "../broker/load-settings.ts";
import { EXIT_CODE, usageFailure } from "../exit-code.ts";
import { pair, wholeNumber } from "../option-values.ts";
import type { Terminal } from "../terminal.ts";

const BROKERS_MAX = 9;

export const cluster: Command = {
  name: "cluster",
  positionals: "",
  summary: "Start three brokers on this machine.",
  about: [
    "Broker N listens on 127.0.0.1, for Kafka clients on port 9091 + N, for gRPC on 7091 + N, for HTTP on 8091 + N and " +
      "for other brokers on 6091 + N. Its folder .flotilla/cluster/N holds flotilla.json, broker.pid, broker.log and its " +
      "data, which a later start finds again.",
    "Ctrl-C or SIGTERM stops the brokers in order. Nothing is restarted: a broker that ended can be started by itself " +
      "with flotilla start --config .flotilla/cluster/N/flotilla.json, and then lives on by itself.",
  ],
  options: {
    brokers: { type: "string", value: "N", doc: "How many brokers (3)." },
    directory: { type: "string", value: "PATH", doc: `Where they live (${CLUSTER_DIRECTORY}).` },
    "kafka-port": {
      type: "string",
      value: "PORT",
      doc: "Broker 1's port for Kafka clients (9092).",
    },
    "grpc-port": { type: "string", value: "PORT", doc: "Broker 1's port for gRPC (7092)." },
    "http-port": { type: "string", value: "PORT", doc: "Broker 1's port for HTTP (8092)." },
    "link-port": {
      type: "string",
      value: "PORT",
      doc: "Broker 1's port for other brokers (6092).",
    },
    set: {
      type: "string",
      multiple: true,
      value: "NAME=VALUE",
      doc: "A setting for all brokers; may be repeated.",
    },
    detach: { type: "boolean", doc: "Return when all brokers serve, and leave them running." },
    stop: { type: "boolean", doc: "Stop the brokers that run, however they were started." },
  },
  examples: [
    { line: "flotilla cluster", does: "Three brokers; Ctrl-C stops them" },
    { line: "flotilla cluster --detach", does: "The same in the background" },
    { line: "flotilla cluster --stop", does: "Stop them" },
    {
      line: "flotilla cluster --set auto.create.topics.enable=false",
      does: "With a setting for all three",
    },
  ],
  async run({ options, positionals, terminal }) {
    if (positionals.length > 0) throw usageFailure(`flotilla cluster takes no ${positionals[0]}`);
    const directory = options.text("directory") ?? CLUSTER_DIRECTORY;
    const brokers = wholeNumber(options, "brokers", { fallback: 3, min: 1, max: BROKERS_MAX });
    const ports = firstPorts(options);
    if (options.isSet("stop")) {
      // However many it was started with: those that were never there do not run.
      const layout = clusterLayout(directory, BROKERS_MAX, ports);
      if ((await stopRunning(layout, terminal)) === 0) terminal.print("no broker runs");
      return EXIT_CODE.ok;
    }
    const layout = clusterLayout(directory, brokers, ports);
    writeConfigFiles(layout, settingsForAll(options));
    // The brokers read the same files; what is wrong is better said once, before anything starts.
    for (const { configFile } of layout.brokers) readSettings(configFile, [], terminal.environment);
    const supervisor = new Supervisor(layout, terminal);
    const interruption = terminal.interruption();
    await supervisor.start(interruption);
    if (!interruption.aborted) printAddresses(layout, terminal);
    if (options.isSet("detach") && !interruption.aborted) {
      await supervisor.leaveAlone();
      return EXIT_CODE.ok;
    }
    if (!interruption.aborted) {
      terminal.print("Ctrl-C stops the cluster.");
      await new Promise<void>((resolve) => {
        // A pending promise alone would let node end once every broker is dead.
        const alive = setInterval(() => {}, 2 ** 30);
        interruption.addEventListener("abort", () => {
          clearInterval(alive);
          resolve();
        });
      });
    }
    await supervisor.stop();
    return EXIT_CODE.ok;
  },
};

function settingsForAll(options: OptionReader): ExtraSettings {
  const settings = options.list("set").map((written) => {
    const [name, value] = pair(written, "set");
    if (!SETTINGS_OF_EACH.includes(name)) return [name, value];
    throw usageFailure(
      `--set ${written}: every broker of the cluster has its own ${name}`,
      "flotilla help cluster lists the options for ports and places",
    );
  });
  return Object.fromEntries(settings) as ExtraSettings;
}

function firstPorts(options: OptionReader): LocalPorts {
  const port = (use: keyof LocalPorts): number =>
    wholeNumber(options, `${use}-port`, {
      fallback: FIRST_PORTS[use],
      min: 1,
      max: 65_535 - BROKERS_MAX,
    });
  return { kafka: port("kafka"), grpc: port("grpc"), http: port("http"), link: port("link") };
}

function printAddresses({ directory, brokers }: ClusterLayout, terminal: Terminal): void {
  const list = (use: keyof LocalPorts): string =>
    brokers.map(({ ports }) => `${HOST}:${ports[use]}`).join(",");
  terminal.print("");
  terminal.print(`Kafka  ${list("kafka")}`);
  terminal.print(`gRPC   ${list("grpc")}`);
  terminal.print(`HTTP   ${list("http")}  (/metrics, /healthz, /readyz)`);
  terminal.print(`files  ${directory}`);
  terminal.print("");
}
