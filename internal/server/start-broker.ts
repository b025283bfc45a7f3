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
      await drain(world, broker, frontEnds);
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

/** Parts of `drain.ms.max`; the rest is for closing what remains. */
const HAND_OVER_PART = 0.5;
const CLIENTS_PART = 0.9;
/** Longer than members of groups are silent, so that all learn of the new coordinator in words and not by a dead connection. */
const LINGER_MS_MAX = 3_500;

/**
 * Nobody is to notice: the broker is not ready any more, what it leads moves on, clients are told so for a while, and only
 * then, when their answers are out, their connections close.
 */
async function drain(world: World, broker: Broker, frontEnds: FrontEnds): Promise<void> {
  const withinMs = broker.settings.get("drain.ms.max");
  const untilMs = world.clock.upMs() + withinMs * CLIENTS_PART;
  const leftMs = (): number => Math.max(0, untilMs - world.clock.upMs());
  const handedOver = broker.drain(withinMs * HAND_OVER_PART);
  frontEnds.readinessChanged();
  if ((await handedOver) > 0) await frontEnds.linger(Math.min(LINGER_MS_MAX, leftMs() * 0.7));
  broker.endWaits();
  await frontEnds.drain(leftMs());
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
