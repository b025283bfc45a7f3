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

/** The listeners that open only when the broker is ready, which may take its peers. */
const LATE: readonly ListenerSetting[] = ["kafka.listen", "grpc.listen"];

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
  for (const listener of LATE) {
    const at = asked.get(listener);
    if (await answers(world, at)) return failed({ kind: "listen", code: "EADDRINUSE", at });
  }
  const settings = new BoundSettings(asked);
  const opened = await Broker.open(world, settings, faults);
  if (!opened.ok) return opened;
  const broker = opened.value;
  const frontEnds = new FrontEnds(world, broker, settings);
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      await frontEnds.drain(broker.settings.get("drain.ms.max") / 2);
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

/** Whether somebody listens at an address already: better told at once than when the broker is ready. */
function answers(world: World, at: Address): Promise<boolean> {
  if (at.port === 0) return Promise.resolve(false);
  return new Promise((resolve) => {
    const connection = world.wire.connect(at, {
      opened: () => {
        resolve(true);
        connection.destroy();
      },
      received: () => {},
      closed: () => resolve(false),
    });
  });
}
