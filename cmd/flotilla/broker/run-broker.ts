// One broker as a process: its world, its files and its signals. It ends by a signal, by the end of its supervisor, or
// because it cannot start.
//
// The first SIGTERM or SIGINT drains clients, hands leaderships over and closes; a second one, or `drain.ms.max`, ends
// the process at once, which is safe for the data: a broker may always be killed.
import { dirname, join } from "node:path";
import type { Settings } from "../../../internal/config/settings.ts";
import { showAddress } from "../../../internal/config/addresses.ts";
import { endOnEscape, openHostWorld } from "../../../internal/host/host-world.ts";
import type { LogOptions } from "../../../internal/host/log.ts";
import { startBroker } from "../../../internal/server/start-broker.ts";
import type { RunningBroker } from "../../../internal/server/start-broker.ts";
import { CommandFailure, EXIT_CODE } from "../exit-code.ts";
import type { ExitCode } from "../exit-code.ts";
import { PID_FILE, removePidFile, writePidFile } from "./pid-file.ts";
import { startFailure } from "./start-fault.ts";
import { report, watchSupervisor } from "./supervision.ts";

export interface BrokerProcess {
  readonly settings: Settings;
  /** The settings file, absolute; the pid file lies beside it. */
  readonly file: string | null;
  readonly log: LogOptions;
  readonly version: string;
  /** Runs once, when clients are served. */
  readonly serving?: (broker: RunningBroker) => void;
}

/** Resolves when the broker has stopped in order. */
export async function runBroker(options: BrokerProcess): Promise<ExitCode> {
  const { settings, file } = options;
  const directory = file === null ? settings.get("data.directory") : dirname(file);
  const pidFile = join(directory, PID_FILE);
  const world = openHostWorld({ log: options.log, processMetrics: true });
  endOnEscape(world);
  const stopped = whenAskedToStop(settings.get("drain.ms.max"), (why) => {
    world.log.info({ why }, "broker-stopping");
    report({ is: "stopping", why });
  });
  world.log.info({ broker: settings.get("broker.id"), version: options.version }, "broker-starts");
  const started = await startBroker(world, settings);
  if (!started.ok) {
    world.log.error({ fault: started.fault }, "broker-start-failed");
    await world.close();
    throw startFailure(started.fault, settings);
  }
  try {
    writePidFile(pidFile);
  } catch (fault) {
    // Settings often lie where a service may only read. The file serves scripts; the broker has no need of it.
    world.log.warn({ fault, pidFile }, "pid-file-not-written");
  }
  report({ is: "started" });
  const running = started.value;
  const failed = await Promise.race([stopped, whenServing(running, options)]);
  if (!(failed instanceof CommandFailure)) await stopped;
  await running.stop();
  world.log.info({}, "broker-stopped");
  await world.close();
  removePidFile(pidFile);
  if (failed instanceof CommandFailure) throw failed;
  return EXIT_CODE.ok;
}

async function whenServing(
  running: RunningBroker,
  options: BrokerProcess,
): Promise<CommandFailure | null> {
  const serving = await running.serving;
  const { log } = running.broker.world;
  if (!serving.ok) {
    log.error({ fault: serving.fault }, "listen-failed");
    return startFailure(serving.fault, options.settings);
  }
  const shown = (listener: Parameters<RunningBroker["address"]>[0]): string =>
    showAddress(running.address(listener));
  log.info(
    {
      kafka: shown("kafka.listen"),
      grpc: shown("grpc.listen"),
      http: shown("http.listen"),
      link: shown("link.listen"),
    },
    "broker-serves",
  );
  report({ is: "serving" });
  options.serving?.(running);
  return null;
}

/** Resolves at the first reason to stop; ends the process when that takes too long or is asked for again. */
function whenAskedToStop(drainMsMax: number, began: (why: string) => void): Promise<void> {
  return new Promise((resolve) => {
    let isStopping = false;
    const ask = (why: string): void => {
      if (isStopping) return;
      isStopping = true;
      setTimeout(() => process.exit(EXIT_CODE.failed), drainMsMax).unref();
      began(why);
      resolve();
    };
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      process.on(signal, () => {
        if (isStopping) process.exit(EXIT_CODE.failed);
        ask(signal);
      });
    }
    watchSupervisor(() => ask("the supervisor is gone"));
  });
}
