// A broker inside another program: for tests, for development, and for programs that want a durable log without a server
// beside them. It is the same broker that the command line starts, with the same promises.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { showAddress } from "../../internal/config/addresses.ts";
import type { Address } from "../../internal/config/addresses.ts";
import { describeSettingFault, settingsOf } from "../../internal/config/settings.ts";
import type { SettingValues } from "../../internal/config/settings.ts";
import { openHostWorld } from "../../internal/host/host-world.ts";
import type { LogLevel } from "../../internal/host/log.ts";
import { startBroker as startServer } from "../../internal/server/start-broker.ts";
import type { StartFault } from "../../internal/server/broker.ts";

export interface EmbeddedBrokerOptions {
  /** Where the data lives. Left out: in a temporary directory, which is removed when the broker stops. */
  readonly directory?: string;
  /** Settings by their names, as in docs/settings.md. Listeners are on free ports of 127.0.0.1 unless they are given. */
  readonly settings?: SettingValues;
  /** Least level that is logged to standard output: `silent`. */
  readonly logLevel?: LogLevel;
}

export interface EmbeddedBroker extends AsyncDisposable {
  /** Where each protocol is served. */
  readonly kafka: Address;
  readonly grpc: Address;
  readonly http: Address;
  readonly directory: string;
  /** Lets clients finish and closes. Idempotent. */
  stop(): Promise<void>;
}

const ANY_PORT: Address = { host: "127.0.0.1", port: 0 };

/**
 * Starts one broker that is a cluster of its own, and resolves when it serves clients.
 *
 * A broker that finds its disk or itself broken ends the whole process with exit code 70: nothing it could still say would
 * be trustworthy.
 *
 * @throws Error when a setting is wrong, the directory is in use, or a port is.
 */
export async function startBroker(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), "flotilla-")));
  const removeTemporary = async (): Promise<void> => {
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
  };
  const settings = settingsOf({
    "kafka.listen": ANY_PORT,
    "grpc.listen": ANY_PORT,
    "http.listen": ANY_PORT,
    "link.listen": ANY_PORT,
    ...options.settings,
    "data.directory": directory,
  });
  if (!settings.ok) {
    await removeTemporary();
    throw new Error(settings.fault.map((fault) => describeSettingFault(fault)).join("\n"));
  }
  const level = options.logLevel ?? "silent";
  const world = openHostWorld({ log: { level }, processMetrics: false });
  const fail = async (fault: StartFault): Promise<never> => {
    await world.close();
    await removeTemporary();
    throw new Error(`the broker cannot start: ${describeStartFault(fault)}`);
  };
  const started = await startServer(world, settings.value);
  if (!started.ok) return fail(started.fault);
  const broker = started.value;
  const serving = await broker.serving;
  if (!serving.ok) {
    await broker.stop();
    return fail(serving.fault);
  }
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> =>
    (stopping ??= (async () => {
      await broker.stop();
      await world.close();
      await removeTemporary();
    })());
  return {
    kafka: broker.address("kafka.listen"),
    grpc: broker.address("grpc.listen"),
    http: broker.address("http.listen"),
    directory,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function describeStartFault(fault: StartFault): string {
  switch (fault.kind) {
    case "listen":
      return `cannot listen on ${showAddress(fault.at)} (${fault.code})`;
    case "held":
      return "another broker uses the directory";
    case "foreign":
      return `the directory belongs to broker ${fault.broker}`;
    case "identity":
      return `the identity of the directory is ${fault.reason}`;
    case "founding-file":
      return "the founding file of the directory cannot be read";
    case "disk":
      return `cannot ${fault.operation} ${fault.path} (${fault.code})`;
  }
}
