// Starts a broker together with its front ends, and stops both in order. What a process does around a broker (signals,
// files, exit codes) belongs to the command line; this is the same for it and for a broker inside another program.
import type { Result } from "../base/result.ts";
import { failed, ok } from "../base/result.ts";
import type { Address } from "../config/addresses.ts";
import type { Settings } from "../config/settings.ts";
import type { World } from "../ports/world.ts";
import type { ListenerSetting } from "./bound-settings.ts";
import { BoundSettings } from "./bound-settings.ts";
import { Broker } from "./broker.ts";
import type { BrokerFaults, StartFault } from "./broker.ts";
import { FrontEnds } from "./front-ends.ts";
import type { ListenFault } from "./front-ends.ts";

const LISTENERS: readonly ListenerSetting[] = [
  "kafka.listen",
  "grpc.listen",
  "http.listen",
  "link.listen",
];

export interface RunningBroker {
  readonly broker: Broker;
  /** Resolves when clients are served, or with the reason why they never will be. */
  readonly serving: Promise<Result<null, ListenFault>>;
  /** Where a listener listens; with its real port once it is bound. */
  address(listener: ListenerSetting): Address;
  /** Lets clients finish, hands leaderships over and closes. Idempotent. */
  stop(): Promise<void>;
}

/** Resolves when the broker takes part in its cluster; `serving` tells when clients may come. */
export async function startBroker(
  world: World,
  asked: Settings,
  faults: BrokerFaults = {},
): Promise<Result<RunningBroker, StartFault>> {
  for (const listener of LISTENERS) {
    const taken = await findTaken(world, asked.get(listener));
    if (taken !== null) return failed(taken);
  }
  const settings = new BoundSettings(asked);
  const opened = await Broker.open(world, settings, faults);
  if (!opened.ok) return opened;
  const broker = opened.value;
  const frontEnds = new FrontEnds(world, broker, settings);
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      await frontEnds.drain(settings.get("drain.ms.max") / 2);
      await broker.stop();
      await frontEnds.close();
    })();
    return stopping;
  };
  const early = await frontEnds.openEarly();
  const started = early.ok ? await broker.start() : early;
  if (!started.ok) {
    await stop();
    return started;
  }
  const serving = new Promise<void>((resolve) => broker.whenReady(resolve)).then(() =>
    stopping === null ? frontEnds.openRest() : ok(null),
  );
  return ok({ broker, serving, address: (listener) => settings.get(listener), stop });
}

/**
 * Whether someone else listens at an address. Clients are accepted only when the broker is ready, which may take its
 * peers; a port that is in use is told at once.
 */
async function findTaken(world: World, at: Address): Promise<ListenFault | null> {
  if (at.port === 0) return null;
  const listening = await world.wire.listen(at, (connection) => {
    world.clock.turnEnd(() => connection.destroy());
    return { received: () => {}, closed: () => {} };
  });
  if (!listening.ok) return listening.fault;
  await listening.value.close();
  return null;
}
